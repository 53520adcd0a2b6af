"""We and a peer in turn, A-B-A-B, in one run, so that both meet the same machine."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.provenance import usable_cores
from roarm_lab.envs.config import EnvConfig
from roarm_lab.workflows.evaluation.bench_machine import machine
from roarm_lab.workflows.evaluation.bench_request import BenchRequest
from roarm_lab.workflows.evaluation.bench_sim import rows_of, task_of
from roarm_lab.workflows.evaluation.peers import Peer, PeerProcess, check_python, peers_named, pythons_given

TURNS = 2
SECONDS = {"sim": 5.0, "train": 20.0}
"""Of one turn, unless the user says."""
SAME = 1e-9  # physics steps are a few milliseconds; two that differ by less are the same number


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one of two did. A control step is `substeps` physics steps of `physics_dt_s`."""

    task: str
    device: str
    worlds: int
    physics_dt_s: float
    substeps: int
    turns_env_steps_per_s: tuple[float, ...]
    """Control steps of one world per second, turn by turn."""
    packages: dict[str, str | None]

    @property
    def env_steps_per_s(self) -> float:
        """Of all turns together: they are equally long."""
        return sum(self.turns_env_steps_per_s) / len(self.turns_env_steps_per_s)

    @property
    def physics_steps_per_s(self) -> float:
        """The same in physics steps of one world."""
        return self.env_steps_per_s * self.substeps


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """We beside one peer, at one number of worlds."""

    peer: str
    ours: Side
    theirs: Side

    @property
    def env_ratio(self) -> float:
        """Our control steps per second over theirs."""
        return self.ours.env_steps_per_s / self.theirs.env_steps_per_s

    @property
    def physics_ratio(self) -> float:
        """Our physics steps per second over theirs."""
        return self.ours.physics_steps_per_s / self.theirs.physics_steps_per_s

    @property
    def turn_ratios(self) -> tuple[float, ...]:
        """The ratio of control steps turn by turn: how far apart they are says how calm the machine was."""
        pairs = zip(self.ours.turns_env_steps_per_s, self.theirs.turns_env_steps_per_s, strict=True)
        return tuple(ours / theirs for ours, theirs in pairs)


def compare(request: BenchRequest) -> Iterator[Comparison]:
    """Measure us and each peer in turn; yield a comparison for each peer and number of worlds.

    Raises:
        BadInputError: The request does not fit the peers; nothing has been measured then, as with the next.
        MissingError: A peer has no interpreter, or its interpreter does not have it.
        RoarmLabError: A peer failed while it was measured.
    """
    config = task_of(request)
    peers = peers_named(request.against, request.what)
    _refuse_crowds(request.worlds, peers)
    pythons = pythons_given(request.peer_python, peers)
    for peer in peers:
        check_python(peer, pythons[peer.name])
    yield from _comparisons(request, config, peers, pythons)


def _refuse_crowds(worlds: tuple[int, ...], peers: tuple[Peer, ...]) -> None:
    most, asked = {peer.name: peer.most_worlds for peer in peers}, max(worlds, default=0)
    for name, limit in most.items():
        if limit is not None and asked > limit:
            raise BadInputError(
                f"{name} takes a process for each world: `worlds=` must be at most {limit}, got {asked}."
            )


def _comparisons(
    request: BenchRequest, config: EnvConfig, peers: tuple[Peer, ...], pythons: dict[str, str]
) -> Iterator[Comparison]:
    seconds = request.seconds or SECONDS[request.what]
    for peer in peers:
        for worlds in request.worlds or (peer.worlds,):
            process = PeerProcess(peer, pythons[peer.name], request.what, worlds, request.peer_device)
            with closing(process):
                turns = [(_our_turn(request, worlds, seconds), process.measure(seconds)) for _ in range(TURNS)]
            ours, theirs = zip(*turns, strict=True)
            yield Comparison(
                peer=peer.name,
                ours=_our_side(request, config, worlds, ours),
                theirs=Side(**process.facts, turns_env_steps_per_s=theirs),
            )


def _our_turn(request: BenchRequest, worlds: int, seconds: float) -> float:
    """Return our steps of one world per second; the yardstick that belongs to it has its time besides."""
    threads = request.threads or (usable_cores(),)
    (row,) = rows_of(replace(request, worlds=(worlds,), threads=threads, seconds=seconds))
    value: Any = asdict(row)
    return value["steps_per_s"] if request.what == "train" else value["env_steps_per_s"]


def _our_side(request: BenchRequest, config: EnvConfig, worlds: int, turns: tuple[float, ...]) -> Side:
    packages: dict[str, str | None] = machine()["packages"]
    return Side(
        task=config.name,
        device=_our_device(config, (request.threads or (usable_cores(),))[0]),
        worlds=worlds,
        physics_dt_s=config.sim.physics_dt_s,
        substeps=config.substeps,
        turns_env_steps_per_s=turns,
        packages={name: packages[name] for name in ("mujoco", "numpy", "torch")},
    )


def _our_device(config: EnvConfig, threads: int) -> str:
    """Return where we simulate as peers say it: a GPU, Warp's CPU device, or the CPU with its threads."""
    return config.sim.device if config.sim.backend == "mujoco_warp" else f"cpu, threads: {threads}"


def comparable(comparison: Comparison) -> str:
    """Return in words what the two numbers have in common and what not."""
    ours, theirs = comparison.ours, comparison.theirs
    if _kind(ours.device) != _kind(theirs.device):
        return f"not the same device ({ours.device} and {theirs.device}): the ratio compares machines, not libraries"
    if comparison.peer == "mjlab" and _kind(theirs.device) == "cpu":
        return "Warp's CPU device is made for tests, mjlab for GPUs: this says nothing about its speed"
    if abs(ours.physics_dt_s - theirs.physics_dt_s) > SAME:
        return (
            "the same device and number of worlds; other physics steps, robots and tasks: compare orders of magnitude"
        )
    if ours.substeps != theirs.substeps:
        return "the same device, worlds and physics step: compare physics steps/s; robots and tasks differ"
    return "the same device, worlds, physics step and substeps: compare both; robots and tasks differ"


def _kind(device: str) -> str:
    return "cuda" if device.startswith("cuda") else "cpu"


def data_of(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison with its ratios as plain JSON values."""
    return {
        "peer": comparison.peer,
        "ours": _data_of_side(comparison.ours),
        "theirs": _data_of_side(comparison.theirs),
        "env_ratio": comparison.env_ratio,
        "physics_ratio": comparison.physics_ratio,
        "turn_ratios": comparison.turn_ratios,
        "comparable": comparable(comparison),
    }


def _data_of_side(side: Side) -> dict[str, Any]:
    rates = {"env_steps_per_s": side.env_steps_per_s, "physics_steps_per_s": side.physics_steps_per_s}
    return asdict(side) | rates


def table_of(comparison: Comparison) -> str:
    """Return a comparison as lines of text: ours, theirs, their ratio, and what may be compared."""
    ours, theirs = comparison.ours, comparison.theirs
    versions = ", ".join(f"{name} {version}" for name, version in theirs.packages.items() if version)
    turns = " ".join(f"{ratio:.2f}" for ratio in comparison.turn_ratios)
    lines = [
        f"{'':24}  worlds  physics step  substeps  env steps/s  physics steps/s  on",
        _line(f"ours, {ours.task}", ours),
        _line(f"{comparison.peer}", theirs),
        f"{'ratio':24}  {'':6}  {'':12}  {'':8}  {comparison.env_ratio:11,.2f}  {comparison.physics_ratio:15,.2f}",
        f"theirs: {theirs.task}; {versions}",
        f"turn by turn, A-B-A-B: {turns}",
        f"comparable: {comparable(comparison)}",
    ]
    return "\n".join(lines) + "\n"


def _line(name: str, side: Side) -> str:
    return (
        f"{name:24}  {side.worlds:6}  {side.physics_dt_s * 1000:9.3g} ms  {side.substeps:8}  "
        f"{side.env_steps_per_s:11,.0f}  {side.physics_steps_per_s:15,.0f}  {side.device}"
    )

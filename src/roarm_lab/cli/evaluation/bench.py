"""`roarm bench`: how fast it is on this machine, beside a yardstick measured in the same process."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.core.errors import BadInputError

if TYPE_CHECKING:
    from roarm_lab.rl.speed import TrainingSpeed

DESCRIPTION = """\
  sim:      environment steps per second (actions, observations, rewards,
            resets) beside bare physics on the same states and controls,
            measured in turn in one process. A fraction of 1 would mean that it
            costs nothing.
  train:    steps per second of the whole training loop beside the environment
            alone, and where the time goes.
  loop:     how punctually an arm is driven at 20 Hz, and what a cycle costs.
            It moves a real arm, by 0.2 rad.
  latency:  the time from a command to the first motion that is measured. It
            moves a real arm, by 0.1 rad.

examples:
  roarm bench sim                                           1 thread and all, 64 to 2048 worlds
  roarm bench sim --task lift-cube --demo                   a policy grips and carries the cubes meanwhile
  roarm bench sim --task lift-cube --backend mujoco_warp    on an NVIDIA GPU, beside the bare steps of MuJoCo Warp
  roarm bench sim --worlds 512 --threads 4 --seconds 10     one row, measured longer
  roarm bench train --task lift-cube                        needs the extra `train`
  roarm bench train --trainer skrl                          the same with another library's PPO
  roarm bench sim --task lift-cube --against mjlab --peer-python mjlab=mjlab-env/bin/python
                                                            beside another library, in turn (train too)
  roarm bench loop --arm emulator --seconds 60              in a process of its own, at the speed of its cable
  roarm bench loop --arm emulator --busy                    while one process per core does nothing but compute
  roarm bench latency --arm emulator --firmware 250108      50 commands
  roarm bench sim --json                                    for programs

exit codes: 0 done, 1 a real arm was not to be moved or was held, 2 bad input, 3 something is missing,
            130 ended with Ctrl-C"""


HEADS = {
    "sim": "worlds  threads  env steps/s  raw physics (same unit)  fraction  boxes gripped",
    "train": "worlds  threads  steps/s  environment alone  fraction  simulation  policy  learning",
}


@dataclass(frozen=True)
class BenchArguments:
    """What to measure."""

    what: Annotated[Literal["sim", "train", "loop", "latency"], tyro.conf.Positional]
    """sim: environment stepping. train: the whole loop, with the task's tuned settings. loop, latency: an arm."""
    task: str = "reach"
    """The task."""
    worlds: tuple[int, ...] = ()
    """Numbers of worlds; by default 64 to 2048 for sim (1024 to 16384 on a GPU), and the tuned number for train."""
    backend: Literal["mujoco_cpu", "mujoco_warp"] = "mujoco_cpu"
    """sim, train: the simulator; mujoco_warp needs an NVIDIA GPU."""
    device: str = "cuda"
    """sim, train: where mujoco_warp simulates: cuda, cuda:1, ..."""
    threads: tuple[int, ...] = ()
    """Numbers of threads; by default 1 and all for sim, all for train."""
    seconds: float | None = None
    """Time per row, that of the yardstick not counted; by default 2 for sim, 20 for train and loop."""
    substeps: int | None = None
    """sim, train: physics steps per control step; by default the task's. For comparing with a peer that has others."""
    trainer: Literal["sb3", "rsl_rl", "skrl"] | None = None
    """train: whose PPO; by default Stable-Baselines3, with mujoco_warp RSL-RL."""
    hyperparameters: Path | None = None
    """train: YAML with changes to the tuned settings, as for `roarm train`."""
    bundle: Path | None = None
    """sim: the policy whose actions are carried out; by default they are random."""
    demo: bool = False
    """sim: carry out the actions of the policy that comes with the package."""
    arm: str = "emulator"
    """loop, latency: which arm, as for `roarm run`."""
    firmware: Literal["250108", "20260701"] = "20260701"
    """loop, latency: which firmware --arm emulator pretends."""
    busy: bool = False
    """loop, latency: let one process per core compute meanwhile."""
    commands: int = 50
    """latency: how many."""
    against: tuple[str, ...] = ()
    """sim, train: measure other libraries in turn with us: mjlab, gymnasium-robotics; several separated by commas."""
    peer_python: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """--against: NAME=PATH, the Python of an environment in which a peer is installed; once for each peer."""
    peer_device: Literal["auto", "cpu", "cuda"] = "auto"
    """--against: where a peer simulates that has the choice; by default on a GPU if it finds one."""
    yes: bool = False
    """loop, latency: do not ask before a real arm moves."""
    json: bool = False
    """Print the result as JSON."""


@dataclass(frozen=True)
class Row:
    """One measurement. A control step is `substeps` physics steps of one world."""

    worlds: int
    threads: int
    env_steps_per_s: float
    raw_steps_per_s: float
    """Bare mj_step on as many simultaneous threads, or the bare steps of MuJoCo Warp, in control steps per second."""
    fraction: float
    gripped: float | None
    """Share of the steps in which a box was held by all jaws, there as here; None without boxes."""


def run(argv: list[str]) -> int:
    """Measure and print a table."""
    arguments = parse(BenchArguments, argv, prog="roarm bench", description=DESCRIPTION)
    _refuse_misfits(arguments)
    if arguments.what in {"loop", "latency"} and not arguments.against:
        from roarm_lab.workflows.evaluation.bench_arm import measure_and_say

        return measure_and_say(arguments)
    if arguments.against or arguments.peer_python:
        from roarm_lab.workflows.evaluation.bench_against import compare_and_say

        return compare_and_say(arguments)
    from roarm_lab.workflows.evaluation.bench import machine, rows_of

    about, rows = machine(), list["Row | TrainingSpeed"]()
    for line in rows_of(arguments):
        if not rows and not arguments.json:
            sys.stdout.write(f"{about['cpu']}, {about['cores']} cores, load {about['load']}, {about['time_utc']}\n")
            sys.stdout.write(HEADS[arguments.what] + "\n")
        rows.append(line)
        if not arguments.json:
            _say(line)
    if arguments.json:
        data = {"task": arguments.task, **_trainer(arguments), "machine": about, "rows": [asdict(row) for row in rows]}
        sys.stdout.write(json.dumps(data, indent=2, allow_nan=False) + "\n")
    return 0


def _trainer(arguments: BenchArguments) -> dict[str, str]:
    if arguments.what != "train":
        return {}
    from roarm_lab.rl.trainer import trainer_for

    return {"trainer": trainer_for(arguments.trainer, arguments.backend)}


def _refuse_misfits(arguments: BenchArguments) -> None:
    _refuse_numbers(arguments)
    if arguments.device not in {"cuda", "cpu"} and arguments.backend == "mujoco_cpu":
        raise BadInputError("--device says where mujoco_warp simulates: it goes with --backend mujoco_warp.")
    if arguments.substeps is not None and arguments.what not in {"sim", "train"}:
        raise BadInputError("--substeps goes with `roarm bench sim` and `roarm bench train`.")
    if arguments.what != "train" and arguments.trainer is not None:
        raise BadInputError("--trainer goes with `roarm bench train`: nothing else learns.")
    if arguments.what != "train" and arguments.hyperparameters is not None:
        raise BadInputError("--hyperparameters goes with `roarm bench train`: nothing else learns.")
    if arguments.demo or arguments.bundle is not None:
        _refuse_policies(arguments)


def _refuse_numbers(arguments: BenchArguments) -> None:
    if min((*arguments.worlds, *arguments.threads, 1)) < 1:
        raise BadInputError("--worlds and --threads must be 1 or more.")
    if arguments.seconds is not None and not 0.0 < arguments.seconds <= 600.0:
        raise BadInputError(f"--seconds must be above 0 and at most 600, got {arguments.seconds}.")
    if arguments.commands < 1:
        raise BadInputError(f"--commands must be 1 or more, got {arguments.commands}.")


def _refuse_policies(arguments: BenchArguments) -> None:
    if arguments.what != "sim":
        raise BadInputError("--bundle and --demo go with `roarm bench sim`.")
    if arguments.substeps is not None:
        raise BadInputError("A policy acts as often as it was trained to: leave out --substeps.")
    if arguments.demo and arguments.bundle is not None:
        raise BadInputError("Give either --bundle or --demo.")


def _say(row: "Row | TrainingSpeed") -> None:
    if isinstance(row, Row):
        gripped = "-" if row.gripped is None else f"{row.gripped:.0%}"
        line = f"{row.env_steps_per_s:11,.0f}  {row.raw_steps_per_s:23,.0f}  {row.fraction:8.2f}  {gripped:>13}"
    else:
        line = (
            f"{row.steps_per_s:7,.0f}  {row.alone_steps_per_s:17,.0f}  {row.fraction:8.2f}  "
            f"{row.simulation_share:10.0%}  {row.policy_share:6.0%}  {row.learning_share:8.0%}"
        )
    sys.stdout.write(f"{row.worlds:6}  {row.threads:7}  {line}\n")
    sys.stdout.flush()

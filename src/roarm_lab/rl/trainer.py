"""What training asks of a trainer, and the table of them: each is an adapter to a library that brings the algorithm."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from roarm_lab.core.arrays import Array
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.envs.env import Env, StepResult

if TYPE_CHECKING:
    from roarm_lab.rl.onnx_export import Mlp  # needs packages that a look at the table of trainers does not

UNKNOWN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Update:
    """What the latest update of the networks was like; not a number before the first one."""

    learning_rate: float
    """With which the next update begins."""
    kl: float = UNKNOWN
    """Of the last epoch, policy before against after, as the library measures it [nat]."""
    value_loss: float = UNKNOWN
    """Mean squared error, not weighted."""
    std: float = UNKNOWN
    """Of the exploration noise, mean over the actions."""


class Log(Protocol):
    """Is told by a trainer what happens while it learns."""

    def begin(self, steps: int) -> None:
        """Learning begins, or goes on, at so many steps of all worlds together."""
        ...

    def before_rollout(self, steps: int) -> None:
        """Nothing is under way: the moment to save or to look at the policy."""
        ...

    def after_step(self, result: StepResult | None) -> None:
        """All worlds have done a step."""
        ...

    def after_rollout(self, steps: int, update: Update, actions: Array) -> Mapping[str, float]:
        """Return the curve's row: actions [step, env, action] were carried out, nothing was learned from them yet."""
        ...


class Trainer(Protocol):
    """Networks that learn on the worlds of an `Env`, which is not theirs to close."""

    @property
    def steps(self) -> int:
        """Steps done so far, all worlds together."""
        ...

    def resume(self, folder: Path) -> None:
        """Go on from the checkpoint in `folder`, with other episodes than those at the beginning.

        Raises:
            BadInputError: A file is missing or damaged.
        """
        ...

    def learn(self, until: int, log: Log) -> None:
        """Collect and learn in turn until so many steps are done."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything that `resume` needs into `folder`.

        Raises:
            OSError: It can not be written.
        """
        ...

    def network_of(self) -> "Mlp":
        """Return the actor as it is now, with its normaliser, as plain arrays."""
        ...


class TrainerFactory(Protocol):
    """The class of a trainer: makes untrained networks."""

    def __call__(self, env: Env, settings: Any, *, seed: int, device: str, events: Path | None) -> Trainer:
        """Return a trainer that logs for TensorBoard below `events`, or nowhere; `settings` are its algorithm's."""
        ...


@dataclass(frozen=True)
class Kind:
    """Where a trainer lives, and what it is called in contracts and run folders."""

    module: str
    label: str
    on_tensors: bool = True
    """Whether it learns from tensors where they are; otherwise all arrays must be NumPy's, so no GPU simulates."""
    together: bool = False
    """Whether several processes can train one policy with it."""


TRAINERS: dict[str, Kind] = {
    "sb3": Kind("roarm_lab.rl.sb3_trainer", "sb3-ppo", on_tensors=False),
    "rsl_rl": Kind("roarm_lab.rl.rsl_rl_ppo", "rsl-rl-ppo", together=True),
    "skrl": Kind("roarm_lab.rl.skrl_ppo", "skrl-ppo"),
}
"""Trainer with PPO by the name that a request names."""
SAC_TRAINERS: dict[str, Kind] = {
    "sb3": Kind("roarm_lab.rl.sb3_sac", "sb3-sac", on_tensors=False),
    "skrl": Kind("roarm_lab.rl.skrl_sac", "skrl-sac"),
}
"""Those of them that have SAC as well."""
BY_ALGORITHM = {"ppo": TRAINERS, "sac": SAC_TRAINERS}
"""Trainers by the name that a request has."""


def trainer_for(name: str | None, backend: str, algorithm: str = "ppo") -> str:
    """Return the trainer of that name, or where there is no name the usual one with a simulator and an algorithm.

    Raises:
        BadInputError: It can not learn from this simulator's arrays, or does not have the algorithm.
        UnknownNameError: There is none of that name.
    """
    known, numpy_only = BY_ALGORITHM[algorithm], backend == "mujoco_cpu"
    fitting = [other for other, kind in known.items() if numpy_only or kind.on_tensors]
    if name is None:
        return fitting[0]
    kind_of(name, algorithm)
    if name not in fitting:
        raise BadInputError(
            f"`trainer={name!r}` learns from NumPy arrays, and `backend={backend!r}` keeps its own on the GPU. "
            f"Take {_trainers(fitting)}, or `backend='mujoco_cpu'`."
        )
    return name


def kind_of(name: str, algorithm: str = "ppo") -> Kind:
    """Return where a trainer lives.

    Raises:
        UnknownNameError: There is none of that name, or no such algorithm.
        BadInputError: Its library does not have that algorithm.
    """
    if name not in TRAINERS:
        raise UnknownNameError("trainer", name, TRAINERS)
    if algorithm not in BY_ALGORITHM:
        raise UnknownNameError("algorithm", algorithm, BY_ALGORITHM)
    having = BY_ALGORITHM[algorithm]
    if name not in having:
        raise BadInputError(
            f"`trainer={name!r}` has no {algorithm.upper()}. With `algorithm={algorithm!r}` take {_trainers(having)}; "
            f"with `trainer={name!r}` leave `algorithm=` out."
        )
    return having[name]


def check_together(name: str, algorithm: str, processes: int) -> None:
    """Refuse several processes where the trainer can not let them learn together.

    Raises:
        BadInputError: It can not; names those that can.
    """
    if processes == 1 or kind_of(name, algorithm).together:
        return
    able = [other for other, kind in TRAINERS.items() if kind.together]
    raise BadInputError(
        f"{processes} processes can not train one policy with `trainer={name!r}` `algorithm={algorithm!r}`. Take "
        f"{_trainers(able)} with `algorithm='ppo'`, or one process: `gpus=1`."
    )


def _trainers(names: Iterable[str]) -> str:
    return " or ".join(f"`trainer={name!r}`" for name in names)


def name_of(label: str) -> str:
    """Return the name of the trainer that a run folder calls `label`.

    Raises:
        UnknownNameError: There is none of that label.
    """
    return _named(label)[0]


def algorithm_of(label: str) -> str:
    """Return the algorithm of the trainer that a run folder calls `label`.

    Raises:
        UnknownNameError: There is none of that label.
    """
    return _named(label)[1]


def _named(label: str) -> tuple[str, str]:
    """Return name and algorithm of the trainer with that label."""
    table = {kind.label: (name, algorithm) for algorithm, kinds in BY_ALGORITHM.items() for name, kind in kinds.items()}
    if label not in table:
        raise UnknownNameError("trainer", label, table)
    return table[label]


def trainer_class(name: str, algorithm: str = "ppo") -> TrainerFactory:
    """Return the class of a trainer; its library is imported now.

    Raises:
        UnknownNameError: There is none of that name, or no such algorithm.
        BadInputError: Its library does not have that algorithm.
        ImportError: Its library is not installed; the command line says which extra brings it.
    """
    return import_module(kind_of(name, algorithm).module).TRAINER

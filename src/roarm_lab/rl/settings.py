"""Settings of PPO, and how a user changes settings. What was tuned for a task, and why, is in the files of `tuned/`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar, TypeVar

from roarm_lab.core.configs import load_yaml, override
from roarm_lab.core.errors import BadInputError, InvalidValueError, UnknownNameError
from roarm_lab.rl.sac_settings import SacSettings, sac_settings
from roarm_lab.rl.tuned_files import tuned_settings

POSITIVE = (
    "learning_rate",
    "desired_kl",
    "clip",
    "value_weight",
    "entropy_weight",
    "max_grad_norm",
    "start_std",
    "observation_clip",
)


@dataclass(frozen=True, kw_only=True)
class PpoSettings:
    """Proximal policy optimisation with a learning rate that follows the KL divergence."""

    algorithm: ClassVar[str] = "ppo"

    num_envs: int = 512
    total_timesteps: int = 750_000
    rollout_steps: int = 16
    epochs: int = 4
    minibatches: int = 4
    gamma: float = 0.95
    """How much a reward counts that comes one step later."""
    gae_lambda: float = 0.95
    learning_rate: float = 1e-3
    desired_kl: float = 0.025
    """The learning rate follows it; trainers measure it in ways of their own."""
    learning_rate_range: tuple[float, float] = (1e-5, 3e-3)
    clip: float = 0.2
    value_weight: float = 1.0
    entropy_weight: float = 0.002
    mean_bound_weight: float = 0.05
    """Penalty on action means outside -1 to 1."""
    max_grad_norm: float = 1.0
    hidden: tuple[int, ...] = (128, 128)
    start_std: float = 0.7
    observation_clip: float = 8.0

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together and numbers that make no sense."""
        for name in ("num_envs", "total_timesteps", "rollout_steps", "epochs", "minibatches"):
            if not getattr(self, name) >= 1:
                raise InvalidValueError(name, getattr(self, name), "must be 1 or more")
        self._check_numbers()
        low, high = self.learning_rate_range
        if not 0.0 < low <= self.learning_rate <= high <= 1.0:
            raise BadInputError(
                f"PpoSettings.learning_rate ({self.learning_rate}) must be in learning_rate_range ({low} to {high}), "
                "and that above 0 and at most 1."
            )
        if self.num_envs * self.rollout_steps < 2 * self.minibatches:
            raise BadInputError(
                f"num_envs x rollout_steps ({self.num_envs} x {self.rollout_steps}) is too small for "
                f"{self.minibatches} minibatches; use more environments."
            )

    def _check_numbers(self) -> None:
        for name in POSITIVE:
            if not 0.0 < getattr(self, name) < math.inf:
                raise BadInputError(f"PpoSettings.{name} must be positive and finite, got {getattr(self, name)}.")
        for name in ("gamma", "gae_lambda"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise BadInputError(f"PpoSettings.{name} must be 0 to 1, got {getattr(self, name)}.")
        if not 0.0 <= self.mean_bound_weight < math.inf:
            raise BadInputError(f"PpoSettings.mean_bound_weight must be 0 or more, got {self.mean_bound_weight}.")
        if not self.hidden or min(self.hidden) < 1:
            raise BadInputError(f"PpoSettings.hidden must be layer widths of 1 or more, got {self.hidden}.")


FIXED: dict[str, dict[str, str]] = {
    "rsl_rl": {"learning_rate_range": "RSL-RL itself keeps the learning rate between 1e-5 and 1e-2"}
}
"""Settings that a trainer can not follow, and why."""


def ppo_settings(
    task: str | None, *, randomized: bool = False, trainer: str = "sb3", device: str = "cpu"
) -> PpoSettings:
    """Return the tuned settings of a task, on worlds that are all alike or that differ; `tuned_files` says whose.

    Args:
        task: Its name; None for one that nobody here can have tuned.
        randomized: Worlds differ from each other.
        trainer: Whose PPO learns.
        device: Where: cpu or cuda.

    Raises:
        UnknownNameError: Nobody has tuned that task.
    """
    return tuned_settings(PpoSettings(), task, "ppo", randomized=randomized, trainer=trainer, device=device)


Settings = PpoSettings | SacSettings
S = TypeVar("S", bound=Settings)
ALGORITHMS = {"ppo": PpoSettings, "sac": SacSettings}


def settings_of(
    algorithm: str, task: str | None, *, randomized: bool = False, trainer: str = "sb3", device: str = "cpu"
) -> Settings:
    """Return the tuned settings of an algorithm for a task; None is one that nobody here can have tuned.

    Raises:
        UnknownNameError: Nobody has tuned that task for it, or there is no such algorithm.
    """
    if algorithm not in ALGORITHMS:
        raise UnknownNameError("algorithm", algorithm, ALGORITHMS)
    tuned = ppo_settings if algorithm == "ppo" else sac_settings
    return tuned(task, randomized=randomized, trainer=trainer, device=device)


def changed_settings(tuned: S, path: Path, trainer: str) -> S:
    """Return the settings with what the YAML file at `path` changes.

    Raises:
        BadInputError: The file can not be read, a value makes no sense, the trainer can not follow it, or it is a
            setting of another algorithm.
        UnknownNameError: A key is no setting.
    """
    return with_changes(tuned, load_yaml(path), str(path), trainer)


def with_changes(tuned: S, changes: Mapping[str, object], where: str, trainer: str) -> S:
    """Return the settings with `changes`, which a person wrote at `where`.

    Raises:
        BadInputError: A value makes no sense, the trainer can not follow it, or it is a setting of another algorithm.
        UnknownNameError: A key is no setting.
    """
    _refuse_of_another(tuned, changes, where)
    settings = override(tuned, changes, where)
    for name, reason in FIXED.get(trainer, {}).items():
        if name in changes:
            raise BadInputError(f"{where}.{name} has no effect with `trainer={trainer!r}`: {reason}. Leave it out.")
    return settings


def _refuse_of_another(tuned: Settings, changes: Mapping[str, object], where: str) -> None:
    own = {field.name for field in fields(tuned)}
    for other, kind in ALGORITHMS.items():
        for field in fields(kind):
            if field.name in changes and field.name not in own:
                raise BadInputError(
                    f"{where}.{field.name} is a setting of {other.upper()}, not of {tuned.algorithm.upper()}. Leave it "
                    f"out, or train with `algorithm={other!r}`."
                )

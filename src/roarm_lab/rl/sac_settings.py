"""Settings of SAC. What was tuned for a task, and why, is in the files of `tuned/`."""

import math
from dataclasses import dataclass
from typing import ClassVar

from roarm_lab.core.errors import BadInputError, InvalidValueError
from roarm_lab.rl.tuned_files import tuned_settings

COUNTS = (
    *("num_envs", "total_timesteps", "rollout_steps", "learn_every", "gradient_steps"),
    *("batch_size", "buffer_size", "learning_starts"),
)
POSITIVE = ("learning_rate", "start_entropy_weight", "observation_clip")


@dataclass(frozen=True, kw_only=True)
class SacSettings:
    """Soft actor-critic: learns from a buffer of earlier moments, and weighs reward against entropy by itself."""

    algorithm: ClassVar[str] = "sac"

    num_envs: int = 64
    total_timesteps: int = 100_000
    rollout_steps: int = 16
    """Steps of every world per row of the curve. Checkpoints are saved between two rows."""
    learn_every: int = 1
    """Steps of every world between two rounds of learning."""
    gradient_steps: int = 8
    """Per round of learning."""
    batch_size: int = 256
    buffer_size: int = 100_000
    """Moments kept, of all worlds together."""
    learning_starts: int = 5_000
    """Moments in the buffer with which learning begins. A new training fills it with random actions, one that goes on
    with those of its policy: checkpoints do not hold the buffer."""
    gamma: float = 0.95
    """How much a reward counts that comes one step later."""
    target_rate: float = 0.005
    """Share of the critics that their slow copies take over per gradient step."""
    learning_rate: float = 1e-3
    """Of actor, critics and entropy weight."""
    start_entropy_weight: float = 0.1
    target_entropy: float = -1.0
    """To which the entropy weight steers the policy, per action [nat]; of actions between -1 and 1."""
    hidden: tuple[int, ...] = (128, 128)
    observation_clip: float = 8.0

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together and numbers that make no sense."""
        for name in COUNTS:
            if not getattr(self, name) >= 1:
                raise InvalidValueError(name, getattr(self, name), "must be 1 or more")
        self._check_numbers()
        if self.rollout_steps % self.learn_every:
            raise BadInputError(
                f"SacSettings.rollout_steps ({self.rollout_steps}) must be a multiple of learn_every "
                f"({self.learn_every})."
            )
        if self.buffer_rows * self.num_envs < self.learning_starts:
            raise BadInputError(
                f"SacSettings.buffer_size ({self.buffer_size}) must hold learning_starts ({self.learning_starts}) "
                f"moments, in whole steps of {self.num_envs} worlds."
            )

    def _check_numbers(self) -> None:
        for name in POSITIVE:
            if not 0.0 < getattr(self, name) < math.inf:
                raise BadInputError(f"SacSettings.{name} must be positive and finite, got {getattr(self, name)}.")
        if not 0.0 <= self.gamma <= 1.0:
            raise BadInputError(f"SacSettings.gamma must be 0 to 1, got {self.gamma}.")
        if not 0.0 < self.target_rate <= 1.0:
            raise BadInputError(f"SacSettings.target_rate must be above 0 and at most 1, got {self.target_rate}.")
        if not -math.inf < self.target_entropy <= 0.0:
            raise BadInputError(f"SacSettings.target_entropy must be 0 or less, got {self.target_entropy}.")
        if not self.hidden or min(self.hidden) < 1:
            raise BadInputError(f"SacSettings.hidden must be layer widths of 1 or more, got {self.hidden}.")

    @property
    def buffer_rows(self) -> int:
        """Steps of every world that the buffer holds."""
        return self.buffer_size // self.num_envs

    @property
    def row_timesteps(self) -> int:
        """Steps of all worlds together per row of the curve."""
        return self.num_envs * self.rollout_steps


def sac_settings(
    task: str | None, *, randomized: bool = False, trainer: str = "sb3", device: str = "cpu"
) -> SacSettings:
    """Return the tuned settings of a task, on worlds that are all alike or that differ; `tuned_files` says whose.

    Args:
        task: Its name; None for one that nobody here can have tuned.
        randomized: Worlds differ from each other.
        trainer: Whose SAC learns.
        device: Where: cpu or cuda.

    Raises:
        UnknownNameError: Nobody has tuned that task.
    """
    return tuned_settings(SacSettings(), task, "sac", randomized=randomized, trainer=trainer, device=device)

"""One training as a value: the task, the settings, the seed, and who is told of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.randomization import DomainRandomization
from roarm_lab.evaluation.episode_player import Infer
from roarm_lab.rl.settings import Settings

Watch = Callable[[int, Infer], None]
"""Called with the steps done and the policy as it is then, without exploration noise."""

Note = Callable[[dict[str, float]], None]
"""Called with a row of the curve: column -> value, NaN where unknown."""


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """One training: what, how, and where it is kept."""

    env: EnvConfig
    """The task, randomised already."""
    settings: Settings
    seed: int
    trainer: str = "sb3"
    """Whose algorithm learns: a name in `TRAINERS`. Which algorithm, the settings say."""
    randomization: DomainRandomization | None = None
    """By what the worlds of `env` differ, for the record."""
    device: str = "auto"
    """Where the networks learn: auto, cpu, cuda, cuda:1, ... Auto is where the simulator has its arrays."""
    evaluation_episodes: int = 512
    checkpoint_s: float = 30.0
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What is other in `env` than in the task of that name, by path: `rewards.near.weight`; for the record."""
    command: tuple[str, ...] = ()
    """What the user typed, for the record."""

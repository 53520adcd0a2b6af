"""What an environment is made of: one frozen value."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from roarm_lab.core.arrays import Array
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.core.object_references import short_name
from roarm_lab.core.state import State
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import (
    ActionTerm,
    CommandTerm,
    CurriculumTerm,
    EventTerm,
    ObservationTerm,
    RewardTerm,
    SuccessDescription,
    SuccessTerm,
    TerminationTerm,
)
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import SimConfig

WHOLE = 1e-9
"""How far a ratio of two times may be from a whole number (rounding of decimal fractions)."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """A number of an episode's start, cut into named ranges, for the table of success by region."""

    value: Callable[[Scene], Callable[[State], Array]]
    """Scene to (state to number [env])."""
    edges: tuple[float, ...]
    """Ascending borders between the ranges."""
    names: tuple[str, ...]
    """One more than `edges`."""

    def __post_init__(self) -> None:
        """Refuse borders and names that do not fit together."""
        if len(self.names) != len(self.edges) + 1 or list(self.edges) != sorted(set(self.edges)):
            raise BadInputError(f"Region needs ascending edges and one name more than edges, got {self}.")


@dataclass(frozen=True, kw_only=True)
class EnvConfig:
    """A task: robot, physics, and the terms by name."""

    task: str
    """Its name in the table of tasks, or a reference to it: `/home/ann/my_tasks.py:stack_two`."""
    robot: Robot
    sim: SimConfig = SimConfig()
    control_dt_s: float = 0.05
    """Time between two actions: 20 Hz is what the arm's serial link allows."""
    episode_s: float = 2.0
    """Length of an episode."""
    commands: Mapping[str, CommandTerm] = field(default_factory=dict[str, CommandTerm])
    actions: Mapping[str, ActionTerm] = field(default_factory=dict[str, ActionTerm])
    observations: Mapping[str, Mapping[str, ObservationTerm]] = field(
        default_factory=dict[str, Mapping[str, ObservationTerm]]
    )
    """Groups by name: `actor` is what the policy sees; `critic`, if there is one, what its judge sees in training."""
    rewards: Mapping[str, RewardTerm] = field(default_factory=dict[str, RewardTerm])
    events: Mapping[str, EventTerm] = field(default_factory=dict[str, EventTerm])
    terminations: Mapping[str, TerminationTerm] = field(default_factory=dict[str, TerminationTerm])
    curriculum: Mapping[str, CurriculumTerm] = field(default_factory=dict[str, CurriculumTerm])
    success: SuccessTerm
    regions: Mapping[str, Region] = field(default_factory=dict[str, Region])
    random_age: bool = False
    """Begin the very first episodes at random ages, so that not all of them end together (for training)."""

    def __post_init__(self) -> None:
        """Check that times fit together and that the needed parts are there."""
        ratio = self.control_dt_s / self.sim.physics_dt_s
        if not (ratio >= 1 - WHOLE and abs(ratio - round(ratio)) <= WHOLE * ratio):
            raise BadInputError(
                f"control_dt_s ({self.control_dt_s}) must be a whole multiple of physics_dt_s "
                f"({self.sim.physics_dt_s})."
            )
        if not self.control_dt_s <= self.episode_s < math.inf:
            raise BadInputError(f"episode_s ({self.episode_s}) must be at least control_dt_s ({self.control_dt_s}).")
        if not self.control_dt_s <= self.success.hold_s <= self.episode_s:
            raise BadInputError(
                f"success.hold_s ({self.success.hold_s}) must be at least control_dt_s ({self.control_dt_s}) and at "
                f"most episode_s ({self.episode_s})."
            )
        if "actor" not in self.observations or not self.observations["actor"]:
            raise BadInputError("An environment needs an observation group called 'actor' with at least one term.")
        if not self.actions:
            raise BadInputError("An environment needs at least one action term.")
        for name, term in self.curriculum.items():
            if term.reward not in self.rewards:
                raise UnknownNameError(f"reward (curriculum {name!r})", term.reward, self.rewards)

    @property
    def name(self) -> str:
        """What to call the task in titles and names of folders."""
        return short_name(self.task)

    @property
    def substeps(self) -> int:
        """Physics steps per action."""
        return round(self.control_dt_s / self.sim.physics_dt_s)

    @property
    def episode_steps(self) -> int:
        """Actions per episode."""
        return round(self.episode_s / self.control_dt_s)

    @property
    def described(self) -> SuccessDescription:
        """What success is about."""
        return self.success.describe(self.robot)

    def scene(self) -> Scene:
        """Return the names that terms are bound to."""
        bare = Scene(
            robot=self.robot,
            control_dt_s=self.control_dt_s,
            boxes=tuple(box.name for box in self.sim.boxes),
            command_sizes=tuple((name, term.size) for name, term in self.commands.items()),
        )
        return replace(
            bare,
            action_size=sum(term.size(bare) for term in self.actions.values()),
        )


def simulated(config: EnvConfig, backend: str, device: str, threads: int) -> EnvConfig:
    """Return the task in another simulator; the device `auto` is a GPU where the simulator knows one."""
    where = config.sim.device if device == "auto" else device
    return replace(config, sim=replace(config.sim, backend=backend, device=where, threads=threads))

"""A small task for the toy arm, and terms whose numbers a test decides."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from roarm_lab.core.arrays import Array
from roarm_lab.core.state import State
from roarm_lab.envs.config import EnvConfig
from roarm_lab.mdp.actions import JointDelta
from roarm_lab.mdp.events import StartPose
from roarm_lab.mdp.observations import Command, JointPos, JointVel, LastAction, SitePos
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import (
    CommandFn,
    CommandTerm,
    ObservationFn,
    ObservationTerm,
    RewardFn,
    RewardTerm,
    SensorNoise,
    Source,
    SuccessTerm,
    TerminationTerm,
    TestFn,
)
from roarm_lab.sim.backend import SimConfig
from tests.toy_robot import TOY

DT_S = 0.05
STEPS = 10
"""Control steps of an episode."""
HALF_S = DT_S / 2
"""So that float32 times compare as they are meant."""


@dataclass(frozen=True, kw_only=True)
class Draw(CommandTerm):
    """Asks for a point 0.2 m up whose x is the random number itself."""

    size: ClassVar[int] = 3
    draws: ClassVar[int] = 1

    def bind(self, scene: Scene) -> CommandFn:
        return lambda random, state: np.concatenate((random, 0 * random, 0 * random + np.float32(0.2)), axis=1)


@dataclass(frozen=True, kw_only=True)
class Fixed(CommandTerm):
    """Asks for the same point always."""

    size: ClassVar[int] = 3
    draws: ClassVar[int] = 1

    point_w: tuple[float, float, float]

    def bind(self, scene: Scene) -> CommandFn:
        return lambda random, state: 0 * random + np.float32(self.point_w)


@dataclass(frozen=True, kw_only=True)
class Constant(RewardTerm):
    """The same for every step."""

    value: float = 1.0

    def bind(self, scene: Scene) -> RewardFn:
        return lambda state: np.full_like(state.episode_time_s, self.value)


@dataclass(frozen=True, kw_only=True)
class Computed(RewardTerm):
    """Whatever a test wants, from the state."""

    function: Callable[[State], Array]

    def bind(self, scene: Scene) -> RewardFn:
        return self.function


@dataclass(frozen=True, kw_only=True)
class Shown(ObservationTerm):
    """One number: whatever a test wants, from the state."""

    source: ClassVar[Source] = "sim_only"
    unit: ClassVar[str] = "1"

    function: Callable[[State], Array]

    def components(self, scene: Scene) -> tuple[str, ...]:
        return ("number",)

    def bind(self, scene: Scene) -> ObservationFn:
        return self.function

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        return 0.0


@dataclass(frozen=True, kw_only=True)
class Between(SuccessTerm):
    """Holds in the steps of an episode that are listed, counted from 1."""

    steps: tuple[int, ...] = ()

    def bind(self, scene: Scene) -> TestFn:
        return lambda state: np.isin(np.rint(state.episode_time_s / DT_S), self.steps)

    def distance(self, scene: Scene) -> RewardFn:
        return lambda state: state.commands["goal"][:, 0]


@dataclass(frozen=True, kw_only=True)
class Always(SuccessTerm):
    """Holds, whatever happens, and asks for no command."""

    def bind(self, scene: Scene) -> TestFn:
        return lambda state: state.episode_time_s > -1.0

    def distance(self, scene: Scene) -> RewardFn:
        return lambda state: state.episode_time_s


@dataclass(frozen=True, kw_only=True)
class EndsAfter(TerminationTerm):
    """Ends episodes early, after a number of steps, in worlds whose command is above a number."""

    steps: int
    above: float = -1.0

    def bind(self, scene: Scene) -> TestFn:
        limit_s = self.steps * DT_S - HALF_S
        return lambda state: (state.episode_time_s > limit_s) & (state.commands["goal"][:, 0] > self.above)


@dataclass
class Kept:
    """Keeps what a term is shown."""

    states: list[Any] = field(default_factory=list)

    def __call__(self, state: State) -> Array:
        self.states.append(state)
        return state.episode_time_s[:, None]


def toy_config(**changes: Any) -> EnvConfig:
    """Return a task of ten steps; `changes` replace its fields."""
    fields: dict[str, Any] = {
        "task": "toy",
        "robot": TOY,
        "sim": SimConfig(threads=1),
        "control_dt_s": DT_S,
        "episode_s": STEPS * DT_S,
        "commands": {"goal": Draw()},
        "actions": {"joints": JointDelta(step_rad=0.05)},
        "observations": {
            "actor": {
                "joint_pos": JointPos(),
                "joint_vel": JointVel(),
                "hand": SitePos(site="hand"),
                "goal": Command(command="goal"),
                "last_action": LastAction(),
            }
        },
        "rewards": {"alive": Constant(weight=0.25)},
        "events": {"start": StartPose(keyframe="home", spread_rad=0.1, base_spread_rad=0.1)},
        "success": Between(hold_s=2 * DT_S, steps=(9, 10)),
    }
    return EnvConfig(**(fields | changes))


def actions(num_envs: int, steps: int, seed: int = 0, size: int = 3) -> Any:
    """Return random actions [step, env, action]."""
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (steps, num_envs, size)).astype(np.float32)

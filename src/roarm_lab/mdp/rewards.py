"""Reward terms: shaping terms from 0 to 1, penalties of 0 or more."""

from dataclasses import dataclass
from typing import ClassVar

from roarm_lab.core.arrays import Array, array_namespace
from roarm_lab.core.state import State
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import RewardFn, RewardTerm, check_positive


def site_to_goal_m(scene: Scene, site: str, command: str) -> RewardFn:
    """Return the function state to distance [env] m between a site and a commanded position."""
    index = scene.site(site)
    scene.command_size(command)

    def distance(state: State) -> Array:
        xp = array_namespace(state.joint_pos)
        gap_w = state.commands[command] - state.site_pos_w[:, index]
        return xp.sqrt(xp.sum(gap_w * gap_w, axis=-1))

    return distance


@dataclass(frozen=True, kw_only=True)
class SiteNearGoal(RewardTerm):
    """1 with the site on the goal, falling as 1 - tanh(distance / scale)."""

    command: str
    site: str = "hand_tcp"
    scale_m: float = 0.2
    """Distance at which the term has fallen to 0.24."""

    def __post_init__(self) -> None:
        """Refuse a scale that is not positive."""
        super().__post_init__()
        check_positive(self, "scale_m")

    def bind(self, scene: Scene) -> RewardFn:
        """Return the closeness [env], 0 to 1."""
        distance, scale = site_to_goal_m(scene, self.site, self.command), self.scale_m

        def near(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            return 1.0 - xp.tanh(distance(state) / scale)

        return near


@dataclass(frozen=True, kw_only=True)
class SiteAtGoal(RewardTerm):
    """1 while the site is within a distance of the goal, else 0."""

    command: str
    site: str = "hand_tcp"
    within_m: float = 0.02

    def __post_init__(self) -> None:
        """Refuse a distance that is not positive."""
        super().__post_init__()
        check_positive(self, "within_m")

    def bind(self, scene: Scene) -> RewardFn:
        """Return 1 or 0 [env]."""
        distance, within = site_to_goal_m(scene, self.site, self.command), self.within_m

        def at_goal(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            return xp.astype(distance(state) < within, state.joint_pos.dtype)

        return at_goal


@dataclass(frozen=True, kw_only=True)
class ActionRate(RewardTerm):
    """Squared change of the action between two steps: keeps motion smooth."""

    penalty: ClassVar[bool] = True

    def bind(self, scene: Scene) -> RewardFn:
        """Return the squared change [env]."""
        del scene

        def change(state: State) -> Array:
            xp = array_namespace(state.action)
            step = state.action - state.last_action
            return xp.sum(step * step, axis=-1)

        return change


@dataclass(frozen=True, kw_only=True)
class JointSpeed(RewardTerm):
    """Sum of squared joint speeds [rad^2/s^2]: calms the arm."""

    penalty: ClassVar[bool] = True

    def bind(self, scene: Scene) -> RewardFn:
        """Return the sum of squares [env]."""
        del scene

        def speed(state: State) -> Array:
            xp = array_namespace(state.joint_vel)
            return xp.sum(state.joint_vel * state.joint_vel, axis=-1)

        return speed

"""Reward terms about boxes: near the hand, lifted, near the goal, at the goal."""

from dataclasses import dataclass

from roarm_lab.core.arrays import Array, array_namespace
from roarm_lab.core.state import State
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import RewardFn, RewardTerm, check_positive


@dataclass(frozen=True, kw_only=True)
class SiteNearBox(RewardTerm):
    """1 with a site in the middle of a box, falling as 1 - tanh(distance / scale)."""

    box: str = "cube"
    site: str = "grasp"
    scale_m: float = 0.2

    def __post_init__(self) -> None:
        """Refuse a scale that is not positive."""
        super().__post_init__()
        check_positive(self, "scale_m")

    def bind(self, scene: Scene) -> RewardFn:
        """Return the closeness [env], 0 to 1."""
        box, site, scale = scene.box(self.box), scene.site(self.site), self.scale_m

        def near(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            return 1.0 - xp.tanh(_length(state.box_pos_w[:, box] - state.site_pos_w[:, site]) / scale)

        return near


@dataclass(frozen=True, kw_only=True)
class BoxLifted(RewardTerm):
    """How high a box is above where it rests, from 0 on the table to 1 at `height_m`."""

    box: str = "cube"
    rest_m: float = 0.015
    """Height of its middle when it lies on the table, at its nominal size."""
    height_m: float = 0.08

    def __post_init__(self) -> None:
        """Refuse a height that is not positive."""
        super().__post_init__()
        check_positive(self, "height_m")

    def bind(self, scene: Scene) -> RewardFn:
        """Return the share of the height [env], 0 to 1."""
        box, rest, height = scene.box(self.box), self.rest_m, self.height_m
        return lambda state: _share((state.box_pos_w[:, box, 2] - rest * state.box_scale[:, box]) / height)


@dataclass(frozen=True, kw_only=True)
class BoxNearGoal(BoxLifted):
    """1 with a box at the goal, falling as 1 - tanh(distance / scale); 0 while it lies on the table."""

    command: str = "goal"
    scale_m: float = 0.25
    lifted_m: float = 0.008
    """The box counts as lifted above this."""

    def __post_init__(self) -> None:
        """Refuse a scale that is not positive."""
        super().__post_init__()
        check_positive(self, "scale_m")

    def bind(self, scene: Scene) -> RewardFn:
        """Return the closeness [env], 0 to 1."""
        distance, box, scale = box_to_goal_m(scene, self.box, self.command), scene.box(self.box), self.scale_m
        rest, above_m = self.rest_m, self.rest_m + self.lifted_m

        def near(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            higher = rest * (state.box_scale[:, box] - 1.0)
            lifted = xp.astype(state.box_pos_w[:, box, 2] > above_m + higher, state.joint_pos.dtype)
            return lifted * (1.0 - xp.tanh(distance(state) / scale))

        return near


@dataclass(frozen=True, kw_only=True)
class BoxAtGoal(RewardTerm):
    """1 while a box is within a distance of the goal, else 0."""

    box: str = "cube"
    command: str = "goal"
    within_m: float = 0.025

    def __post_init__(self) -> None:
        """Refuse a distance that is not positive."""
        super().__post_init__()
        check_positive(self, "within_m")

    def bind(self, scene: Scene) -> RewardFn:
        """Return 1 or 0 [env]."""
        distance, within = box_to_goal_m(scene, self.box, self.command), self.within_m

        def at_goal(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            return xp.astype(distance(state) < within, state.joint_pos.dtype)

        return at_goal


def box_to_goal_m(scene: Scene, box: str, command: str) -> RewardFn:
    """Return the function state to distance [env] m between a box and a commanded position."""
    index = scene.box(box)
    scene.command_size(command)
    return lambda state: _length(state.commands[command] - state.box_pos_w[:, index])


def _length(vec: Array) -> Array:
    xp = array_namespace(vec)
    return xp.sqrt(xp.sum(vec * vec, axis=-1))


def _share(value: Array) -> Array:
    xp = array_namespace(value)
    return xp.minimum(xp.maximum(value, xp.zeros_like(value)), xp.ones_like(value))

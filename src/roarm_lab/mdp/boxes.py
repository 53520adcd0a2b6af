"""Terms about boxes on the table: rewards, where they lie, where they should go, and when that is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from typing import ClassVar

from roarm_lab.core.arrays import Array, array_namespace, asarray_like
from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.state import State
from roarm_lab.mdp.events import BOX_POSE
from roarm_lab.mdp.meaning import touch_in_words
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import (
    CommandFn,
    CommandTerm,
    EventFn,
    EventTerm,
    RewardFn,
    RewardTerm,
    Source,
    SuccessTerm,
    TestFn,
    check_positive,
)


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
        distance, box, scale = _box_to_goal_m(scene, self.box, self.command), scene.box(self.box), self.scale_m
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
        distance, within = _box_to_goal_m(scene, self.box, self.command), self.within_m

        def at_goal(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            return xp.astype(distance(state) < within, state.joint_pos.dtype)

        return at_goal


@dataclass(frozen=True, kw_only=True)
class BoxOnTable(EventTerm):
    """Puts a box on the table within reach, flat, turned about the vertical."""

    says: ClassVar[str] = (
        "Puts the centre of the box {box} at (r cos a, r sin a, {rest_m}) m in the world frame, at rest. r is drawn"
        " evenly over the area of the ring {radius_m} m (the square of r evenly), a evenly over {azimuth_rad} rad. "
        "The box lies flat, turned about the world's z axis by a plus an angle drawn evenly over {yaw_rad} rad."
    )
    modes: ClassVar[tuple[str, ...]] = ("reset",)

    box: str = "cube"
    radius_m: Range = Range(0.18, 0.32)
    """Distance from the base axis, drawn evenly over the area."""
    azimuth_rad: Range = Range(-pi / 3, pi / 3)
    yaw_rad: Range = Range(-pi / 4, pi / 4)
    rest_m: float = 0.015
    """Height of its middle, at its nominal size."""

    def __post_init__(self) -> None:
        """Refuse a radius that is not positive."""
        super().__post_init__()
        if not self.radius_m.low > 0.0:
            raise BadInputError(f"BoxOnTable.radius_m must be positive, got {self.radius_m.low}.")

    def draws(self, scene: Scene) -> int:
        """Return three: radius, azimuth, yaw."""
        del scene
        return 3

    def bind(self, scene: Scene) -> EventFn:
        """Return the pose [env, 7]: position in the world, then the quaternion wxyz."""
        box, name, rest = scene.box(self.box), BOX_POSE + self.box, self.rest_m
        near, far = self.radius_m.low**2, self.radius_m.high**2

        def place(random: Array, state: State) -> Mapping[str, Array]:
            xp = array_namespace(random)
            radius = xp.sqrt(near + (far - near) * random[:, 0])
            azimuth, yaw = _between(self.azimuth_rad, random[:, 1]), _between(self.yaw_rad, random[:, 2])
            flat = xp.zeros_like(radius)
            columns = (radius * xp.cos(azimuth), radius * xp.sin(azimuth), rest * state.box_scale[:, box])
            # Yaw counts from the direction in which the box lies, as the hand meets it.
            half = (azimuth + yaw) / 2.0
            return {name: xp.stack((*columns, xp.cos(half), flat, flat, xp.sin(half)), axis=-1)}

        return place


@dataclass(frozen=True, kw_only=True)
class PositionNearBox(CommandTerm):
    """A position in the air, its direction from the base within a range of that of a box."""

    says: ClassVar[str] = (
        "A position x, y, z [m] in the world frame: (r cos a, r sin a, h). a is atan2(y, x) of the centre of the "
        "box {box} where the episode begins, plus an angle drawn evenly over {turn_rad} rad; r is drawn evenly over"
        " {radius_m} m, h over {height_m} m."
    )
    size: ClassVar[int] = 3
    draws: ClassVar[int] = 3

    box: str = "cube"
    radius_m: Range = Range(0.18, 0.30)
    turn_rad: Range = Range(-40 * pi / 180, 40 * pi / 180)
    """Azimuth against the box's."""
    height_m: Range = Range(0.10, 0.25)

    def bind(self, scene: Scene) -> CommandFn:
        """Return positions [env, 3] m in the world frame."""
        box = scene.box(self.box)

        def pick(random: Array, state: State) -> Array:
            xp = array_namespace(random)
            box_w = state.box_pos_w[:, box]
            azimuth = xp.atan2(box_w[:, 1], box_w[:, 0]) + _between(self.turn_rad, random[:, 0])
            radius, height = _between(self.radius_m, random[:, 1]), _between(self.height_m, random[:, 2])
            return xp.stack((radius * xp.cos(azimuth), radius * xp.sin(azimuth), height), axis=-1)

        return pick


@dataclass(frozen=True, kw_only=True)
class BoxHeldAtGoal(SuccessTerm):
    """A box is held in the air: within a distance of the goal, all jaws touching it, until the episode ends."""

    says: ClassVar[str] = (
        "The centre of the box {box} is less than {within_m} m from the position {command}, and every jaw touches "
        "the box. {touch}"
    )
    source: ClassVar[Source] = "sim_only"

    box: str = "cube"
    command: str = "goal"
    within_m: float = 0.025

    def __post_init__(self) -> None:
        """Refuse a distance or holding time that is not positive."""
        check_positive(self, "within_m")
        check_positive(self, "hold_s")

    def bind(self, scene: Scene) -> TestFn:
        """Return whether it is held there now [env]."""
        distance, box, within = self.distance(scene), scene.box(self.box), self.within_m

        def held(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            return xp.logical_and(distance(state) < within, xp.all(state.touching[:, box], axis=-1))

        return held

    def facts(self, scene: Scene) -> Mapping[str, str]:
        """Return when a jaw touches."""
        return {"touch": touch_in_words(scene)}

    def distance(self, scene: Scene) -> RewardFn:
        """Return the distance between box and goal [env] m."""
        return _box_to_goal_m(scene, self.box, self.command)


def _box_to_goal_m(scene: Scene, box: str, command: str) -> RewardFn:
    index = scene.box(box)
    scene.command_size(command)
    return lambda state: _length(state.commands[command] - state.box_pos_w[:, index])


def _length(vec: Array) -> Array:
    xp = array_namespace(vec)
    return xp.sqrt(xp.sum(vec * vec, axis=-1))


def _share(value: Array) -> Array:
    xp = array_namespace(value)
    return xp.minimum(xp.maximum(value, xp.zeros_like(value)), xp.ones_like(value))


def _between(span: Range, random: Array) -> Array:
    return span.low + asarray_like(span.high - span.low, random) * random

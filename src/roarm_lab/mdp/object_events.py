"""Event terms about boxes: where they lie when an episode begins."""

from dataclasses import dataclass
from math import pi
from typing import ClassVar

from roarm_lab.core.arrays import Array, array_namespace
from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.state import State
from roarm_lab.mdp.draws import evenly
from roarm_lab.mdp.effects import BoxPoseEffect, Effect
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import EventFn, EventTerm


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
        box, rest = scene.box(self.box), self.rest_m
        near, far = self.radius_m.low**2, self.radius_m.high**2

        def place(random: Array, state: State) -> Effect:
            xp = array_namespace(random)
            radius = xp.sqrt(near + (far - near) * random[:, 0])
            azimuth, yaw = evenly(self.azimuth_rad, random[:, 1]), evenly(self.yaw_rad, random[:, 2])
            flat = xp.zeros_like(radius)
            columns = (radius * xp.cos(azimuth), radius * xp.sin(azimuth), rest * state.box_scale[:, box])
            # Yaw counts from the direction in which the box lies, as the hand meets it.
            half = (azimuth + yaw) / 2.0
            pose = xp.stack((*columns, xp.cos(half), flat, flat, xp.sin(half)), axis=-1)
            return BoxPoseEffect(values=pose, box=self.box)

        return place

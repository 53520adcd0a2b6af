"""Command terms: what is asked of the policy."""

from dataclasses import dataclass
from functools import lru_cache
from math import inf, pi
from typing import ClassVar

import numpy as np

from roarm_lab.core.arrays import Array, Constant, Float32, array_namespace
from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.state import State
from roarm_lab.mdp.draws import evenly
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import CommandFn, CommandTerm, check_finite
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.robot import Robot


@dataclass(frozen=True, kw_only=True)
class ReachablePosition(CommandTerm):
    """A position in the world frame that a site takes at some random joint angles with the arm clear of the table."""

    says: ClassVar[str] = (
        "A position x, y, z [m] in the world frame: one of {pool} that the site {site} takes at joint angles drawn "
        "evenly from lower_rad to upper_rad, of which those count that put it {height_m} m high and {min_radius_m} "
        "to {max_radius_m} m from the z axis, with the origins of all links at least {clearance_m} m above the "
        "table."
    )
    size: ClassVar[int] = 3
    draws: ClassVar[int] = 1
    title: ClassVar[str] = "a random point"

    site: str = "hand_tcp"
    height_m: Range = Range(0.05, 0.5)
    """Allowed heights above the table."""
    min_radius_m: float = 0.12
    """Nearest distance from the base axis."""
    max_radius_m: float = inf
    """Farthest distance from the base axis."""
    clearance_m: float = 0.03
    """How far the origins of all moving links stay above the table."""
    pool: int = 20_000
    """How many positions are drawn from."""

    def __post_init__(self) -> None:
        """Refuse an empty shell or pool."""
        super().__post_init__()
        check_finite(self, "clearance_m")
        if not 0.0 <= self.min_radius_m < self.max_radius_m:
            raise BadInputError(
                f"ReachablePosition: min_radius_m ({self.min_radius_m}) must be 0 or more and below "
                f"max_radius_m ({self.max_radius_m})."
            )
        if not self.pool >= 1:
            raise BadInputError(f"ReachablePosition.pool must be 1 or more, got {self.pool}.")

    def bind(self, scene: Scene) -> CommandFn:
        """Return positions [env, 3] m picked from the pool."""
        scene.site(self.site)
        pool = Constant(reachable_positions_w(scene.robot, self))

        def pick(random: Array, state: State) -> Array:
            del state
            xp, positions_w = array_namespace(random), pool.like(random)
            index = xp.astype(random[:, 0] * positions_w.shape[0], xp.int64)
            return positions_w[index]

        return pick


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
    title: ClassVar[str] = "a random point in the air"

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
            azimuth = xp.atan2(box_w[:, 1], box_w[:, 0]) + evenly(self.turn_rad, random[:, 0])
            radius, height = evenly(self.radius_m, random[:, 1]), evenly(self.height_m, random[:, 2])
            return xp.stack((radius * xp.cos(azimuth), radius * xp.sin(azimuth), height), axis=-1)

        return pick


@lru_cache(maxsize=8)
def reachable_positions_w(robot: Robot, command: ReachablePosition) -> Float32:
    """Return the pool [pool, 3] m: always the same for the same robot and command."""
    rng = np.random.default_rng(0)
    kinematics = Kinematics(robot)
    lower = np.array([joint.lower_rad for joint in robot.joints])
    upper = np.array([joint.upper_rad for joint in robot.joints])
    found: list[Float32] = []
    for _ in range(200):
        joint_pos = rng.uniform(lower, upper, size=(4096, len(lower)))
        links_z_m = kinematics.link_poses(joint_pos)[0][..., 2] + robot.base_height_m
        pos_w = kinematics.site_pos_b(joint_pos, (command.site,))[:, 0] + (0.0, 0.0, robot.base_height_m)
        radius_m = np.hypot(pos_w[:, 0], pos_w[:, 1])
        good = (
            (command.height_m.low <= pos_w[:, 2])
            & (pos_w[:, 2] <= command.height_m.high)
            & (command.min_radius_m <= radius_m)
            & (radius_m <= command.max_radius_m)
            & (links_z_m.min(axis=1) >= command.clearance_m)
        )
        found.append(pos_w[good].astype(np.float32))
        if sum(len(part) for part in found) >= command.pool:
            return np.concatenate(found)[: command.pool]
    raise BadInputError(
        f"ReachablePosition found only {sum(len(part) for part in found)} of {command.pool} positions for "
        f"{robot.name!r}: widen height_m or the radii, or lower clearance_m."
    )

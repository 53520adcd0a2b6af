"""What a gate enforces beyond the robot's own facts: what the user chooses for this very place and arm."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.overload import EffortRule
from roarm_lab.robots.robot import Joint, Robot, Vec3


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A box, in the world frame, that the hand stays in: gripper and what carries it, round shapes included."""

    lower_w: Vec3
    """Smallest x, y, z [m]. The origin is on the table under the base, x forward, z up."""
    upper_w: Vec3
    """Largest x, y, z [m]."""

    def __post_init__(self) -> None:
        """Refuse a box without an inside."""
        for axis, lower, upper in zip("xyz", self.lower_w, self.upper_w, strict=True):
            if not lower < upper:
                raise BadInputError(f"The workspace's lower {axis} ({lower} m) must be below its upper ({upper} m).")


@dataclass(frozen=True, kw_only=True)
class GateRules:
    """How a gate is set up. The defaults suit an arm that stands on a table with nothing around it."""

    station_limits: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    """(lower, upper) [rad] by joint name where this place allows less than the robot. Never more."""
    workspace: Workspace | None = None
    """Where the hand may be; None for anywhere above the table."""
    table_height_m: float | None = 0.0
    """Height of the table in the world frame; None if there is none, for instance at its edge."""
    finger_depth_m: float = 0.01
    """How far below the table a gripping face may be *told* to go. Fingers grasp at the table, servos droop, and a
    target that stays at its surface would stop them above it. The servos are soft: on the RoArm-M3 1 cm presses with
    15 N near the base, 5 N at 0.25 m and 2 N at 0.35 m (docs/safety.md)."""
    self_margin_m: float | None = 0.003
    """How near two links may come to each other; None to let them collide. 1 degree of backlash is 3 mm at 0.2 m."""
    effort: EffortRule | None = field(default_factory=EffortRule)
    """What is too much load for too long; None to not look at efforts."""

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        table_m = 0.0 if self.table_height_m is None else self.table_height_m
        if not -1.0 <= table_m <= 1.0:
            raise BadInputError(f"table_height_m must be -1 to 1 m, got {table_m}.")
        for name in ("finger_depth_m", "self_margin_m"):
            value_m = getattr(self, name)
            if value_m is not None and not 0.0 <= value_m <= 0.05:
                raise BadInputError(f"{name} must be 0 to 0.05 m, got {value_m}.")


def tightened(robot: Robot, station_limits: Mapping[str, tuple[float, float]]) -> Robot:
    """Return the robot with its joints' ranges cut down to the station's.

    Where a joint's lower end is raised, its target may no longer lie below it to press.

    Raises:
        UnknownNameError: The robot has no such joint.
        BadInputError: A station's limit is wider than the hardware's, or leaves no room.
    """
    for name in station_limits:
        robot.joint(name)
    return replace(robot, joints=tuple(_tighter(joint, station_limits.get(joint.name)) for joint in robot.joints))


def _tighter(joint: Joint, limits: tuple[float, float] | None) -> Joint:
    if limits is None:
        return joint
    lower, upper = limits
    if not joint.lower_rad <= lower < upper <= joint.upper_rad:
        raise BadInputError(
            f"The station's limits for joint {joint.name!r}, {lower} to {upper} rad, must lie inside the hardware's, "
            f"{joint.lower_rad:g} to {joint.upper_rad:g} rad, the lower below the upper. Leave a joint out to use the "
            f"hardware's."
        )
    past = joint.target_past_lower_rad if lower == joint.lower_rad else 0.0
    return replace(joint, lower_rad=float(lower), upper_rad=float(upper), target_past_lower_rad=past)

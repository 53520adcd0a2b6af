"""By how much an arm's own angles are off: taken away from what it reports, added to what it is told.

Nothing above the driver knows of it. The servos' zeros are put on by hand, so every arm is a little off its own way.
"""

from dataclasses import dataclass, replace

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import BadInputError
from roarm_lab.hardware.protocol import Feedback
from roarm_lab.robots.gate_config import GateRules
from roarm_lab.robots.robot import Robot


@dataclass(frozen=True)
class Calibration:
    """Measured minus true angle of every joint."""

    offset_rad: tuple[float, ...]
    """In the order of `robot.joint_names` [joint] rad."""

    def __post_init__(self) -> None:
        """Refuse what is not a number."""
        if not np.isfinite(self.offset_rad).all():
            raise BadInputError(f"Calibration offsets must be finite numbers [rad], got {list(self.offset_rad)}.")

    @classmethod
    def none(cls, robot: Robot) -> "Calibration":
        """Return the calibration of an arm whose angles are right."""
        return cls((0.0,) * len(robot.joints))

    def true(self, feedback: Feedback) -> Feedback:
        """Return what the firmware said, with true angles."""
        angles = tuple(angle - off for angle, off in zip(feedback.joint_pos, self.offset_rad, strict=True))
        return replace(feedback, joint_pos=angles)

    def wire(self, joint_target: Float64) -> Float64:
        """Return what the firmware must be told so that the arm goes to a true target [joint] rad."""
        return joint_target + np.array(self.offset_rad)

    def narrowed(self, robot: Robot, rules: GateRules) -> GateRules:
        """Return rules under which no target leaves the hardware's range on the wire either.

        Near the ends of that range the firmware clamps in silence, or the servo wraps around: with an offset of 0.05
        rad the base at 3.13 would be told 3.18, which is more than half a turn. The gripper is left as it is: its servo
        goes far beyond its jaws both ways, and it has to be told to close further than they can.
        """
        limits = dict(rules.station_limits)
        for joint, off in zip(robot.joints, self.offset_rad, strict=True):
            if off == 0.0 or joint.name == robot.gripper_joint:
                continue
            lower, upper = limits.get(joint.name, (joint.lower_rad, joint.upper_rad))
            limits[joint.name] = (max(lower, joint.lower_rad - off), min(upper, joint.upper_rad - off))
        return replace(rules, station_limits=limits)

"""A servo that pushes too hard for too long: noticed before its own protection lets the arm fall."""

from dataclasses import dataclass

import numpy as np

from roarm_lab.core.arrays import Bool, Float64
from roarm_lab.core.digits import beside
from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.robot import Robot


@dataclass(frozen=True, kw_only=True)
class EffortRule:
    """What counts as too much load.

    The servos of the RoArm-M3 (ST3215) protect themselves by cutting the torque to 20 % after 2 s above 80 % load. Then
    the arm falls, so this rule is a little stricter.
    """

    share: float = 0.75
    """Of full drive: below the servo's own 0.80, since its load register jitters by a few per cent."""
    seconds: float = 1.5
    """Without a break: half a second less than the servo waits."""
    past_torque_limit: float = 1.2
    """A servo whose firmware limits its torque to less than `share` may push at that limit for as long as it likes;
    that is how a gripper grips. Driving harder than this times its limit means that the limit is not in force, for
    instance after the servo alone was reset: 0.36 on the RoArm-M3, whose gripper is limited to 0.30."""

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        for name, most in (("share", 1.0), ("seconds", 60.0), ("past_torque_limit", 10.0)):
            if not 0.0 < getattr(self, name) <= most:
                raise BadInputError(
                    f"EffortRule.{name} must be above 0 and at most {most:g}, got {getattr(self, name)}."
                )

    def shares(self, robot: Robot) -> Float64:
        """Return the effort [joint] above which each joint's time counts."""
        limits = np.array([joint.servo.torque_fraction for joint in robot.joints])
        return np.where(limits < self.share, np.minimum(limits * self.past_torque_limit, self.share), self.share)


class EffortWatch:
    """Counts for how long each joint has been overloaded without a break."""

    def __init__(self, robot: Robot, rule: EffortRule) -> None:
        self.robot, self.rule = robot, rule
        self._shares = rule.shares(robot)
        self._over_s = np.zeros(len(robot.joints))

    def add(self, effort: Float64, elapsed_s: float) -> Bool | None:
        """Count one reading, this long after the last; return which joints [joint] were overloaded for too long.

        None if none was. A joint's time starts anew whenever its load falls below the limit.
        """
        over = np.abs(effort) > self._shares
        self._over_s = np.where(over, self._over_s + elapsed_s, 0.0)
        late = self._over_s >= self.rule.seconds
        return late if late.any() else None

    def forget(self) -> None:
        """Start all times anew."""
        self._over_s = np.zeros_like(self._over_s)

    def reason(self, late: Bool, effort: Float64) -> str:
        """Return which joint was overloaded, how much and for how long."""
        worst = int(np.argmax(np.where(late, np.abs(effort), -1.0)))  # one that is not told is never late
        percent, limit = 100.0 * abs(effort[worst]), 100.0 * self._shares[worst]
        return (
            f"joint {self.robot.joint_names[worst]!r} drove with {beside(percent, limit, digits=0)}% of its full power "
            f"for {self._over_s[worst]:.1f} s (limit {limit:.3g}% for {self.rule.seconds:g} s), so it was "
            f"told to stay where it is; look for what it pushes against"
        )

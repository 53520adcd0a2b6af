"""From feedback lines to readings that may be believed, and the moment at which an arm has come to rest."""

import math

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.hardware.calibration import Calibration
from roarm_lab.hardware.io_thread import OutOfSightError
from roarm_lab.hardware.pose_watch import PoseWatch
from roarm_lab.hardware.protocol import LOW_SUPPLY_V, Feedback, why_no_torque
from roarm_lab.robots.arm import ArmSample
from roarm_lab.robots.robot import Robot

REST_S = 0.3
"""So long every joint must stay where it is."""
GRANTED_S = 0.5
"""So long servos that were just told to hold may still say that they do not."""
REST_RAD = 0.01
"""What an arm at rest may waver: six encoder steps."""


class Readings:
    """Judges feedback on the connection's thread. What others set, they set whole, so no lock is needed."""

    def __init__(self, robot: Robot, *, torque_released: bool = False, calibration: Calibration | None = None) -> None:
        self.calibration = calibration or Calibration.none(robot)
        """By how much the angles on the wire are off."""
        self.target: Float64 | None = None
        """Where the joints were last told to go [joint] rad; None when they were told nothing."""
        self.torque_released = torque_released
        """Whether the servos are limp on purpose: an angle without torque is a measurement then."""
        self.doubted: ArmSample | None = None
        """Where a doubted arm says that it is, for a person who has looked at it; None when the last line is believed,
        or when the servos have no power."""
        self._granted_until_s = -math.inf
        self._watch = PoseWatch(robot)
        self._rest: ArmSample | None = None
        self._since_s = math.inf

    def judge(self, feedback: Feedback, at_s: float) -> ArmSample | None:
        """Return the reading, in true angles, that a line stands for; None when the line is not believed.

        Raises:
            OutOfSightError: The arm is elsewhere than it said before.
        """
        feedback = self._watch.unwrapped(self.calibration.true(feedback), feedback.joint_pos)
        if self._watch.leaps(feedback, at_s):
            return None
        if self._watch.leapt and not self.torque_released:
            raise OutOfSightError(self._watch.leapt)
        sample = ArmSample.of(at_s, feedback.joint_pos, feedback.effort)
        if reason := self._why_doubted(feedback, at_s):
            self._since_s, self._rest = math.inf, None
            powered = feedback.supply_v is None or feedback.supply_v >= LOW_SUPPLY_V
            self.doubted = sample if powered else None
            return ArmSample.failed(at_s, reason)
        self.doubted = None
        self._see_rest(sample)
        return sample

    def grant(self, now_s: float) -> None:
        """Believe servos for a moment that say they do not hold: they have just been told to."""
        self._granted_until_s = now_s + GRANTED_S

    def _why_doubted(self, feedback: Feedback, at_s: float) -> str:
        limp = "" if at_s < self._granted_until_s else why_no_torque(feedback, released=self.torque_released)
        return limp or self._watch.frozen(feedback, at_s, None if self.torque_released else self.target)

    def at_rest(self) -> ArmSample | None:
        """Return the newest reading of an arm that has not moved for `REST_S`; None when it moves or is unknown."""
        rest = self._rest
        return rest if rest is not None and rest.measured_at_s - self._since_s >= REST_S else None

    def forget(self) -> None:
        """Start anew after an interruption: the arm may be elsewhere, and has been told nothing."""
        self._watch.forget()
        self.target, self.doubted, self._rest, self._since_s = None, None, None, math.inf

    def _see_rest(self, sample: ArmSample) -> None:
        rest = self._rest
        if rest is None or np.max(np.abs(sample.joint_pos - rest.joint_pos)) > REST_RAD:
            self._since_s = sample.measured_at_s
        self._rest = sample

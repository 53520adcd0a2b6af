"""Watches feedback for poses that are no measurements although every line looks well: leaps, and servos that froze.

The older firmware repeats the last angles when it can not read a servo, and says nothing. What gives it away is
physics: a servo that is alive and far from its target drives hard or moves. One that does neither is not being read.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.hardware.protocol import Feedback
from roarm_lab.robots.overload import EffortRule
from roarm_lab.robots.robot import Robot

FROZEN_FRAMES = 12
FROZEN_S = 0.5
"""A reading counts as frozen after as many equal ones over at least this time. A move begins 20 to 60 ms after its
command; the older firmware sends 12 lines in a quarter of a second."""
FROZEN_GAP_RAD = 0.15
"""How far away the target must be: twice what an arm droops under its payload (0.07 rad)."""
ALIVE_SHARE = 0.5
"""A living servo that far from its target drives with more than this share of what it can (0.15 rad times 18 N m/rad
is nine tenths of its stall torque)."""
OVERLOAD_SHARE, LONG_FROZEN_S = EffortRule().share, 1.5
"""Between that share and the one at which the gate sees an overload, equal readings count as frozen after this time: a
servo that was driving hard when it was read last would seem to do so for ever."""
ROUND_RAD = 6.0
"""A joint with a wider range can turn all round."""
PAST_RAD = 0.1
"""A choice: how far past half a turn such a joint is counted on, as after a fast move. What is further was turned by
hand, and its servo, which counts one turn, must be believed: told an angle of the other count it turns all round."""
FASTEST_RAD_S = 2 * 270 * math.pi / 180
"""Twice the servo's speed without load."""
LEAP_RAD = 0.2
"""What an angle may change at once on top of that: the arm may be pushed, and lines come with jitter."""


class PoseWatch:
    """Judges one feedback line after the other. Not thread-safe: one thread feeds it."""

    def __init__(self, robot: Robot) -> None:
        self._names = robot.joint_names
        self._round = np.array([joint.upper_rad - joint.lower_rad > ROUND_RAD for joint in robot.joints])
        self._full = np.array([joint.servo.torque_fraction for joint in robot.joints])
        self._last: Float64 | None = None
        self._last_at_s = -math.inf
        self._suspect: Float64 | None = None
        self.leapt = ""
        """Which joint is elsewhere since the last line, in words, although no servo is so fast; empty when none is."""
        self._readings: list[tuple[float, float]] = []
        self._since_s = np.zeros(0)
        self._frames = np.zeros(0)

    def forget(self) -> None:
        """Start anew, for instance after a reconnection."""
        self._last, self._suspect, self._readings = None, None, []

    def unwrapped(self, feedback: Feedback, wire_rad: Sequence[float] | None = None) -> Feedback:
        """Return a line in which joints that can turn all round are counted on a little past half a turn.

        Their servos count one turn. Base and roll stop seven encoder steps before its end; a little past them, as after
        a fast move, the line says minus half a turn instead of plus half a turn.

        Args:
            feedback: The line, in true angles.
            wire_rad: What the servos themselves say [joint] rad; the same unless given.
        """
        if self._last is None:
            return feedback
        pose = np.array(feedback.joint_pos)
        past_rad = math.pi - np.abs(pose if wire_rad is None else np.array(wire_rad))
        turns = np.where(self._round & (past_rad <= PAST_RAD), np.round((pose - self._last) / math.tau), 0.0)
        return replace(feedback, joint_pos=tuple((pose - math.tau * turns).tolist()))

    def leaps(self, feedback: Feedback, at_s: float) -> bool:
        """Whether an angle changed faster than any servo turns; a second line that agrees makes it believed.

        A damaged digit can give a line that is still well-formed; position and angles in a line check each other, but
        roll and gripper are not part of the position.
        """
        pose = np.array(feedback.joint_pos)
        allowed, self.leapt = LEAP_RAD + FASTEST_RAD_S * max(at_s - self._last_at_s, 0.0), ""
        if self._last is not None and np.any(np.abs(pose - self._last) > allowed):
            confirmed = self._suspect is not None and bool(np.all(np.abs(pose - self._suspect) <= LEAP_RAD))
            self._suspect = pose
            if not confirmed:
                return True
            self.leapt = self._leap(pose - self._last)
        self._last, self._last_at_s, self._suspect = pose, at_s, None
        return False

    def frozen(self, feedback: Feedback, at_s: float, target: Sequence[float] | Float64 | None) -> str:
        """Return which joint's reading is frozen, in words; empty when none is.

        Args:
            feedback: The newest line.
            at_s: When it was measured.
            target: Where the joints were last told to go [joint] rad; None when nothing was sent.
        """
        efforts = feedback.effort or (math.nan,) * len(feedback.joint_pos)
        readings = list(zip(feedback.joint_pos, efforts, strict=True))
        if not self._readings or target is None:
            self._start(readings, at_s)
            return ""
        gaps = np.abs(np.asarray(target) - np.array(feedback.joint_pos))
        for joint, (old, new) in enumerate(zip(self._readings, readings, strict=True)):
            if not _same(old, new) or gaps[joint] < FROZEN_GAP_RAD or self._works(joint, efforts[joint]):
                self._since_s[joint], self._frames[joint] = at_s, 0
            self._frames[joint] += 1
        self._readings = readings
        hard = np.nan_to_num(np.abs(np.array(efforts))) > ALIVE_SHARE * self._full
        found = (self._frames > FROZEN_FRAMES) & (at_s - self._since_s >= np.where(hard, LONG_FROZEN_S, FROZEN_S))
        if not found.any():
            return ""
        joint = int(np.argmax(found))
        return (
            f"joint {self._names[joint]!r} reads {feedback.joint_pos[joint]:.3f} rad to the last digit for "
            f"{at_s - self._since_s[joint]:.1f} s, although its target is {gaps[joint]:.2f} rad away: its servo is not "
            f"being read or does not drive; check cable and 12 V supply, then `recover_arm()`"
        )

    def _works(self, joint: int, effort: float) -> bool:
        """Whether a servo that stays where it is drives as one does that holds something or is blocked."""
        if math.isnan(effort):
            return True
        limited = self._full[joint] < 1.0  # the gripper may push for as long as it likes
        return abs(effort) > (ALIVE_SHARE * self._full[joint] if limited else OVERLOAD_SHARE)

    def _leap(self, change: Float64) -> str:
        joint = int(np.argmax(np.abs(change)))
        return (
            f"joint {self._names[joint]!r} is suddenly {abs(change[joint]):.2f} rad from where it was read before: its "
            f"servo was not read meanwhile and the arm has moved; check the 12 V supply and the servos' cables"
        )

    def _start(self, readings: list[tuple[float, float]], at_s: float) -> None:
        self._readings = readings
        self._since_s, self._frames = np.full(len(readings), at_s), np.zeros(len(readings))


def _same(old: tuple[float, float], new: tuple[float, float]) -> bool:
    """Whether angle and effort are the very same numbers; an effort that is not reported equals itself."""
    return old[0] == new[0] and (old[1] == new[1] or (math.isnan(old[1]) and math.isnan(new[1])))

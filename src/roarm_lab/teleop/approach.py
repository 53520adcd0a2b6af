"""The slow way to a pose that may itself move: what stands between a teleoperator far away and full speed."""

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.gateway.loop import SETTLE_S, SLOW_RAD_S
from roarm_lab.robots.robot import Robot

TARGET_THERE_RAD = 0.03
"""How near the target must come to the pose: a hand that holds an arm trembles by about a degree."""
ARM_THERE_RAD = 0.1
"""How near the measured arm must come: one with proportional servos stops up to 3.8 degrees (0.066 rad) short."""


class Approach:
    """Brings all joints to a pose together, at most at `SLOW_RAD_S`, and says when they are there."""

    def __init__(self, robot: Robot, period_s: float) -> None:
        self._robot, self._period_s = robot, period_s
        self._at: Float64 | None = None
        self._waited_s = 0.0
        self.arrived = False
        """Whether arm and pose were together once since `reset`."""

    def reset(self) -> None:
        """Begin anew."""
        self._at, self._waited_s, self.arrived = None, 0.0, False

    def step(self, goal: Float64, sent: Float64, measured: Float64) -> Float64:
        """Return the next requested angles [joint] rad on the way to `goal`.

        Args:
            goal: Where to [joint] rad; may have moved since the last step.
            sent: The target that stands; the way begins there.
            measured: Measured angles.

        Raises:
            UnsafeCommandError: The target is there, but the arm does not come.
        """
        at = sent if self._at is None else self._at
        gap = goal - at
        share = min(1.0, SLOW_RAD_S * self._period_s / max(float(np.max(np.abs(gap))), 1e-9))
        self._at = at + share * gap
        if np.max(np.abs(self._at - goal)) <= TARGET_THERE_RAD and np.max(np.abs(sent - goal)) <= TARGET_THERE_RAD:
            self._judge(goal, measured)
        return self._at

    def _judge(self, goal: Float64, measured: Float64) -> None:
        off = np.abs(measured - goal)
        worst = int(np.argmax(off))
        self.arrived = bool(off[worst] <= ARM_THERE_RAD)
        self._waited_s += self._period_s
        if not self.arrived and self._waited_s > SETTLE_S:
            raise UnsafeCommandError(
                f"The arm did not arrive: joint {self._robot.joint_names[worst]!r} is {off[worst]:.3f} rad from where "
                f"it should be. Is something in its way?"
            )

"""A second arm, limp and moved by hand, that the first one mirrors."""

from collections.abc import Sequence

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import RoarmLabError, UnsafeCommandError
from roarm_lab.core.messages import ActionChunk, Observation
from roarm_lab.gateway.freshness import fresh_sample
from roarm_lab.robots.arm import Arm
from roarm_lab.robots.gate import Gate
from roarm_lab.robots.limits import JointLimits
from roarm_lab.teleop.approach import Approach
from roarm_lab.teleop.session import JOINT_POS, JOINT_TARGET, MAX_AGE_S, OperatorCommand, answer

LEAP_RAD_S = 15.0
"""No hand turns a geared servo this fast: a reading that says so is a fault. The servos themselves reach 4.7 rad/s."""


class Leader:
    """Mirrors a leader. After every reset the follower first comes to the leader's pose slowly."""

    name = "leader"

    def __init__(self, leader: Arm, follower: Arm, period_s: float) -> None:
        """Take both arms as they stand.

        Raises:
            UnsafeCommandError: The leader can not be read, its pose is impossible, or it is another kind of arm.
        """
        if leader.robot.joint_names != follower.robot.joint_names:
            raise UnsafeCommandError(
                f"The leader {leader.robot.name!r} and the follower {follower.robot.name!r} have different joints."
            )
        self._leader, self._period_s = leader, period_s
        self._limits = JointLimits.of(follower.robot)
        self._approach = Approach(follower.robot, period_s)
        self._last: Float64 | None = None
        self.pose()

    @property
    def note(self) -> str:
        """Whether it mirrors already."""
        return "mirrors" if self._approach.arrived else "comes slowly"

    @property
    def trouble(self) -> str:
        """Nothing: a leader that can not be followed holds the arm."""
        return ""

    def orders(self, now_s: float) -> Sequence[OperatorCommand]:
        """Return nothing: a leader has no buttons."""
        del now_s
        return ()

    def reset(self) -> None:
        """Come together slowly again."""
        self._approach.reset()
        self._last = None

    def infer(self, observation: Observation) -> ActionChunk:
        """Return the leader's pose, or the next step towards it.

        Raises:
            UnsafeCommandError: The leader is lost, or tells something impossible.
        """
        pose = self.pose()
        self._refuse_leap(pose)
        goal = np.clip(pose, self._limits.lower, self._limits.upper)
        if not self._approach.arrived:
            terms = observation.terms
            goal = self._approach.step(goal, terms[JOINT_TARGET], terms[JOINT_POS])
        return answer(observation, goal, self._period_s)

    def pose(self) -> Float64:
        """Return the leader's measured angles [joint] rad.

        Raises:
            UnsafeCommandError: It can not be read, or is far outside its range: so reads an arm without power.
        """
        try:
            pose = fresh_sample(self._leader, MAX_AGE_S).joint_pos
            Gate(self._leader.robot, sent=pose)  # refuses a pose far outside the range
        except RoarmLabError as error:
            raise UnsafeCommandError(f"The leader is not followed. {error}") from error
        return pose

    def _refuse_leap(self, pose: Float64) -> None:
        last, self._last = self._last, pose
        if last is None:
            return
        leap = np.abs(pose - last)
        worst = int(np.argmax(leap))
        if leap[worst] > LEAP_RAD_S * self._period_s:
            raise UnsafeCommandError(
                f"The leader is not followed. Its joint {self._leader.robot.joint_names[worst]!r} leapt by "
                f"{leap[worst]:.2f} rad between two readings; no hand is that fast. Check its cable and its power."
            )

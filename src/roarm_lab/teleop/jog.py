"""Jogging: how far six axes are deflected says how fast joints, or the hand, move: keyboard, gamepad, 3D mouse."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.messages import ActionChunk, Observation
from roarm_lab.robots.inverse_kinematics import ARM_JOINTS, InverseKinematics
from roarm_lab.robots.limits import JointLimits
from roarm_lab.robots.robot import Robot
from roarm_lab.teleop.session import JOINT_TARGET, OperatorCommand, answer

Mode = Literal["joint", "ee"]
AXES = 6
STILL: tuple[float, ...] = (0.0,) * AXES
EE_AXES = ("x", "y", "z", "pitch", "roll", "gripper")
"""What the axes move in the mode `ee`: the hand in the base frame (x forward, y left, z up); pitch positive is down."""
SPEEDS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
"""Shares of full speed to choose from."""
USUAL_SPEED = 0.35
EE_M_S, EE_RAD_S = 0.25, 1.5
"""Full speed of the hand: about what the joints' speeds give at half reach."""
AHEAD_RAD = 0.3
"""How far the goal may run ahead of what the gate let through: what a blocked arm may still do after the key is up."""
LEAP_RAD = 0.2
"""A small motion of the hand that would turn a joint by more than this in one turn is a flip of the arm: refused."""


class Switch(Enum):
    """What a device may ask of `Jog` itself."""

    MODE = "other mode"
    FASTER = "faster"
    SLOWER = "slower"


@dataclass(frozen=True)
class DeviceState:
    """A device at one moment."""

    axes: Sequence[float] = STILL
    """Deflections, -1 to 1, in the order of the joints, or of `EE_AXES`."""
    asked: Sequence[OperatorCommand | Switch] = ()
    """What was pressed since the last time, in order."""
    trouble: str = ""
    """Why a deflection does not count; empty when it does, or there is none."""


class Device(Protocol):
    """Something a person deflects."""

    @property
    def name(self) -> str:
        """What it is, for people."""
        ...

    def state(self, now_s: float, mode: Mode) -> DeviceState:
        """Return how it stands.

        Raises:
            UnsafeCommandError: It is gone.
        """
        ...


class Jog:
    """A teleoperator that turns deflections into motion. Its goal stays where it is when everything is let go."""

    def __init__(
        self, robot: Robot, device: Device, period_s: float, *, mode: Mode = "joint", speed: float = USUAL_SPEED
    ) -> None:
        """Start at rest.

        Raises:
            BadInputError: The speed is not a share, or the robot has not six joints.
        """
        if len(robot.joints) != AXES:
            raise BadInputError(f"Jogging needs an arm with {AXES} joints; {robot.name!r} has {len(robot.joints)}.")
        if not 0.0 < speed <= 1.0:
            raise BadInputError(f"The speed is a share of full speed, more than 0 and at most 1; got {speed:g}.")
        self.mode: Mode = mode
        self.speed = speed
        self._device, self._period_s = device, period_s
        self._limits, self._inverse = JointLimits.of(robot), InverseKinematics(robot)
        self._axes: Float64 = np.zeros(AXES)
        self._goal: Float64 | None = None
        self._point: Float64 | None = None
        self._trouble = self._device_trouble = ""

    @property
    def name(self) -> str:
        """What it is, for people."""
        return self._device.name

    @property
    def note(self) -> str:
        """Mode and speed."""
        return f"{'joints' if self.mode == 'joint' else 'hand'} {self.speed:.0%}"

    @property
    def trouble(self) -> str:
        """Why the hand stays where it is; empty when it does not, or nothing is deflected."""
        return self._device_trouble or self._trouble

    @property
    def moving(self) -> bool:
        """Whether anything is deflected."""
        return bool(np.any(self._axes))

    def orders(self, now_s: float) -> Sequence[OperatorCommand]:
        """Look at the device and return the orders that are not for this object."""
        self._axes = np.zeros(AXES)  # if the device is gone, nothing is deflected
        state = self._device.state(now_s, self.mode)
        self._device_trouble = state.trouble
        axes = np.asarray(state.axes, dtype=np.float64)
        if axes.shape == (AXES,) and np.isfinite(axes).all():
            self._axes = np.clip(axes, -1.0, 1.0)
        for asked in state.asked:
            if isinstance(asked, Switch):
                self._switch(asked)
        return [asked for asked in state.asked if isinstance(asked, OperatorCommand)]

    def reset(self) -> None:
        """Start anew from the target that stands."""
        self._goal, self._point, self._trouble = None, None, ""

    def infer(self, observation: Observation) -> ActionChunk:
        """Return the goal, moved on by what the deflections say."""
        sent = np.asarray(observation.terms[JOINT_TARGET], dtype=np.float64)
        if self._goal is None:
            self._goal = sent
        if not self.moving:
            self._trouble = ""
        else:
            self._goal = self._joints(sent, self._goal) if self.mode == "joint" else self._hand(sent, self._goal)
        return answer(observation, self._goal, self._period_s)

    def _joints(self, sent: Float64, goal: Float64) -> Float64:
        self._trouble, self._point = "", None
        back = self._axes * (goal - sent) < 0.0  # turned round: what was still ahead is no longer wanted
        moved = self._in_range(
            np.where(back, sent, goal) + self._axes * (self.speed * self._period_s * self._limits.max_speed)
        )
        return np.clip(moved, sent - AHEAD_RAD, sent + AHEAD_RAD)

    def _hand(self, sent: Float64, goal: Float64) -> Float64:
        """Return joint angles for the moved hand; the old ones where it can not go."""
        gripper = goal[ARM_JOINTS:] + self._axes[ARM_JOINTS:] * (
            self.speed * self._period_s * self._limits.max_speed[ARM_JOINTS:]
        )
        arm = self._arm(sent, goal[:ARM_JOINTS]) if np.any(self._axes[:ARM_JOINTS]) else goal[:ARM_JOINTS]
        near = np.clip(gripper, sent[ARM_JOINTS:] - AHEAD_RAD, sent[ARM_JOINTS:] + AHEAD_RAD)
        return self._in_range(np.concatenate([arm, near]))

    def _arm(self, sent: Float64, angles: Float64) -> Float64:
        old = self._point_of(angles) if self._point is None else self._point
        point = old + self._axes[:ARM_JOINTS] * (self.speed * self._period_s) * np.array([EE_M_S] * 3 + [EE_RAD_S] * 2)
        found = self._inverse.solve(point[:3], point[3], point[4], seed=angles)
        if not found.found:
            self._trouble = f"the hand can not go there: {self._inverse.reason(found)}"
        elif np.max(np.abs(found.joint_pos - angles)) > LEAP_RAD:
            self._trouble = "the hand can not go there without the arm turning over; use the joints (M)"
        elif np.max(np.abs(found.joint_pos - sent[:ARM_JOINTS])) > AHEAD_RAD:
            self._trouble = "the arm does not come after"
        else:
            self._trouble, self._point = "", point
            return found.joint_pos
        self._point = old
        return angles

    def _point_of(self, angles: Float64) -> Float64:
        pos_b, pitch, roll = self._inverse.target_of(angles)
        return np.array([*pos_b, pitch, roll])

    def _in_range(self, angles: Float64) -> Float64:
        return np.clip(angles, self._limits.lower, self._limits.upper)

    def _switch(self, asked: Switch) -> None:
        if asked is Switch.MODE:
            self.mode = "ee" if self.mode == "joint" else "joint"
            self._point, self._trouble = None, ""
            return
        faster = asked is Switch.FASTER
        choices = [speed for speed in SPEEDS if (speed > self.speed if faster else speed < self.speed)]
        if choices:
            self.speed = min(choices) if faster else max(choices)

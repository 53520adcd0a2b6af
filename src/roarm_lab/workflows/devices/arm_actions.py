"""What can be done with a real arm on the desk: ask how it is, send it home, make it hold or let go, start it anew."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from roarm_lab.core.errors import BadInputError
from roarm_lab.gateway.loop import SLOW_RAD_S, move_slowly
from roarm_lab.hardware.protocol import Feedback
from roarm_lab.hardware.roarm_m3 import RoArmM3
from roarm_lab.robots.limits import JointLimits
from roarm_lab.robots.table import get_robot
from roarm_lab.workflows.arm_session import connect_real, station_for
from roarm_lab.workflows.devices.arm_target import ArmTarget
from roarm_lab.workflows.frontend import UNATTENDED, Frontend, Notice, end_if_cancelled, require_permission

WATCH_S = 1.0
PERIOD_S = 0.05


@dataclass(frozen=True, kw_only=True)
class ArmInfo:
    """How an arm is."""

    title: str
    """What kind of arm it is, for people."""
    joint_names: tuple[str, ...]
    firmware: str
    """Which firmware answers."""
    joint_pos: tuple[float, ...]
    """Measured angles [joint] rad."""
    effort: tuple[float | None, ...] | None
    """Share of full drive of each servo, -1 to 1; None where it is not told."""
    torque_on: tuple[bool, ...] | None
    """Whether each servo holds; None where it is not told."""
    supply_v: float | None
    """Supply voltage; None where the firmware does not tell it."""
    lines_per_s: float
    """Readings per second."""
    age_ms: float
    """How old the oldest reading was that was the newest."""
    counts: Mapping[str, Any]
    """What came and went over the connection."""

    @property
    def fast_enough(self) -> bool:
        """Whether its readings come often enough to drive it."""
        return self.lines_per_s >= 1.0 / PERIOD_S


@dataclass(frozen=True, kw_only=True)
class ArmLimits:
    """How far and how fast each joint may go, and where it is."""

    joint_names: tuple[str, ...]
    limits: JointLimits
    joint_pos: tuple[float, ...]
    """Measured angles [joint] rad."""


def read_arm(target: ArmTarget, frontend: Frontend = UNATTENDED) -> ArmInfo:
    """Return how an arm is; nothing moves.

    Raises:
        BadInputError: The address or the station can not be used.
        MissingError: The arm is not there.
    """
    with connect(target, frontend) as arm:
        lines, began_s, ages_s = arm.counts.feedback, arm.clock.now_s(), list[float]()
        while (now_s := arm.clock.now_s()) < began_s + WATCH_S:
            ages_s.append(now_s - arm.read().measured_at_s)
            arm.clock.sleep_until_s(now_s + 0.01)
        sample, feedback = arm.read(), arm.feedback
        told = feedback if isinstance(feedback, Feedback) else None
        efforts = None if told is None else told.effort
        switches = None if told is None else told.torque_on
        return ArmInfo(
            title=arm.robot.title,
            joint_names=arm.robot.joint_names,
            firmware=str(arm.firmware),
            joint_pos=tuple(sample.joint_pos.tolist()),
            effort=None if efforts is None else tuple(None if math.isnan(share) else share for share in efforts),
            torque_on=None if switches is None else tuple(switches),
            supply_v=None if told is None else told.supply_v,
            lines_per_s=(arm.counts.feedback - lines) / WATCH_S,
            age_ms=float(np.max(ages_s)) * 1e3,
            counts=dict(vars(arm.counts)),
        )


def move_home(target: ArmTarget, frontend: Frontend = UNATTENDED) -> None:
    """Move an arm home slowly, through the gate, if that is permitted.

    Raises:
        MissingError: The arm is not there.
        NotPermittedError: It may not move.
        UnsafeCommandError: It could not be driven, or did not arrive.
    """
    with connect(target, frontend) as arm:
        text = f"The arm moves to its home now, at up to {SLOW_RAD_S} rad/s. Is its way free?"
        require_permission(frontend, "arm-moves", text)
        _go_home(arm, frontend)


def torque_on(target: ArmTarget, frontend: Frontend = UNATTENDED) -> None:
    """Make the servos hold where they are.

    Raises:
        MissingError: The arm is not there.
    """
    with connect(target, frontend, hold=True):
        pass


def torque_off(target: ArmTarget, frontend: Frontend = UNATTENDED) -> None:
    """Let the servos go, if that is permitted; the question says what the arm does then.

    Raises:
        MissingError: The arm is not there.
        NotPermittedError: They may not.
    """
    with connect(target, frontend) as arm:
        require_permission(frontend, "arm-lets-go", f"{arm.release_warning} Let go now?")
        arm.torque(on=False, warned=True)


def set_lamp(target: ArmTarget, level: int, frontend: Frontend = UNATTENDED) -> None:
    """Set the lamp, 0 (off) to 255.

    Raises:
        BadInputError: The level is none of these.
        MissingError: The arm is not there.
    """
    if not 0 <= level <= 255:
        raise BadInputError(f"The lamp takes 0 (off) to 255, got {level}.")
    with connect(target, frontend) as arm:
        arm.led(level)


def read_limits(target: ArmTarget, frontend: Frontend = UNATTENDED) -> ArmLimits:
    """Return what each joint may do, and where it is.

    Raises:
        MissingError: The arm is not there.
    """
    with connect(target, frontend) as arm:
        pose = tuple(arm.read().joint_pos.tolist())
        return ArmLimits(joint_names=arm.robot.joint_names, limits=arm.limits, joint_pos=pose)


def recover_arm(target: ArmTarget, frontend: Frontend = UNATTENDED) -> tuple[str, ...]:
    """Start an arm anew, make it hold and bring it home, if that is permitted; return what was done.

    Raises:
        MissingError: The arm did not come back.
        NotPermittedError: It may not move.
        UnsafeCommandError: A stop file wants a stop, or the arm came back in an impossible pose.
    """
    warning = (
        "The arm starts anew. Its firmware moves it to its home at once, at its own speed and outside the gate; then "
        "it goes home slowly. Is its way free, and nothing in the gripper?"
    )
    require_permission(frontend, "arm-moves", warning)
    # Not on an arm that is connected already: one that needs this often does not connect.
    with connect(target, frontend, reset=True, hold=True) as arm:
        came_back = f"started anew; the arm came back and stands still (firmware of {arm.firmware})"
        _go_home(arm, frontend)
    return (came_back, "the servos hold where they are", "moved home slowly, through the gate")


def connect(target: ArmTarget, frontend: Frontend, *, reset: bool = False, hold: bool = False) -> RoArmM3:
    """Return the arm that is meant, as its station says; tells what is waited for."""
    robot = get_robot(target.robot)
    station = station_for(target.station, None, robot)
    where = target.arm or (station.address if station else "serial")
    text = f"looking for the arm at {where} (one that is starting takes up to 20 s) ..."
    frontend.tell(Notice(code="looking", text=text))
    return connect_real(target.arm, robot, station, reset=reset, torque_on=hold)


def _go_home(arm: RoArmM3, frontend: Frontend) -> None:
    move_slowly(arm, arm.robot.keyframe("home"), PERIOD_S, watch=lambda: end_if_cancelled(frontend))

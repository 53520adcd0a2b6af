"""The steps of a setup in which the arm moves: slowly, through the gate, and only when a person said so."""

import math
from dataclasses import replace

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.core.clock import Ticker
from roarm_lab.core.digits import beside
from roarm_lab.core.errors import BadInputError, UnsafeCommandError
from roarm_lab.gateway.loop import NotArrivedError, move_slowly
from roarm_lab.hardware.roarm_m3 import RoArmM3
from roarm_lab.robots.gate_config import tightened
from roarm_lab.robots.robot import Robot
from roarm_lab.robots.station import MAX_OFFSET_RAD, Station
from roarm_lab.workflows.devices.setup_steps import LeftOutError, SetupContext

PERIOD_S = 0.1
"""Slower than control needs: readings may then be 0.2 s old, which a busy computer and a Wi-Fi keep to."""
SWING_RAD = 0.1
SWING_RAD_S = 0.3
FOLLOWS = 0.5
"""A joint follows when it moves by this share of what it is told. Deadband and droop take up to 0.04 rad."""
SETTLE_S = 0.5
HOME = "upper arm upright, forearm level and straight ahead, gripper closed"


def find_zero(context: SetupContext, station: Station) -> Station:
    """Ask where the arm stands by eye when it measures that it is at home; work out the offsets.

    Raises:
        LeftOutError: Nobody looks, the arm is not to move, or the connection is too slow.
    """
    said = dict(context.request.zero_deg)
    if not context.request.attended and not said:
        raise LeftOutError("nobody looks (`zero_deg=` says where joints stand); the offsets stay as they are")
    with context.arm(station) as arm:
        context.check_fast_enough(station, arm)
        _home(context, station, arm)
        measured = arm.read().joint_pos
    context.say(f"  Home is: {HOME}.\n  How far beyond that stands each joint? In degrees, 0 for exactly there.")
    home = np.array(context.robot.keyframe("home"))
    old = np.array(station.offsets_rad(context.robot))
    offsets = dict(station.calibration_rad)
    for joint, angle, home_rad, offset_rad in zip(context.robot.joint_names, measured, home, old, strict=True):
        default = f"{said[joint]:g}" if joint in said else "keep"
        beyond_deg = context.value(f"  {joint:<9} stands beyond home by [degrees]", default, _degrees_of)
        if beyond_deg is not None:
            offsets[joint] = _offset(joint, offset_rad + angle - home_rad - math.radians(beyond_deg))
            context.say(f"  {joint:<9} offset {offsets[joint]:+.4f} rad")
    return replace(station, calibration_rad=offsets)


def check_motion(context: SetupContext, station: Station) -> Station:
    """Move each joint a little, and see whether it follows.

    Raises:
        LeftOutError: The arm is not to move, or the connection is too slow.
        UnsafeCommandError: A joint does not follow.
    """
    with context.arm(station) as arm:
        context.check_fast_enough(station, arm)
        _home(context, station, arm)
        for joint in range(len(context.robot.joints)):
            _swing(context, station, arm, joint)
    return station


def _home(context: SetupContext, station: Station, arm: RoArmM3) -> None:
    if not context.may_move("  The arm moves home slowly now, and then a little. Is its way free?"):
        raise LeftOutError("the arm was not to move")
    joints = tightened(context.robot, station.limits_rad).joints
    lower, upper = [joint.lower_rad for joint in joints], [joint.upper_rad for joint in joints]
    goal = np.clip(context.robot.keyframe("home"), lower, upper)
    move_slowly(arm, goal, PERIOD_S, watch=context.end_if_cancelled)
    _settle(arm, goal)


def _settle(arm: RoArmM3, goal: Float64) -> None:
    """Wait until the arm stands: it counts as arrived a little before."""
    ticker = Ticker(arm.clock, PERIOD_S)
    for _ in range(round(SETTLE_S / PERIOD_S)):
        ticker.wait()
        arm.send(goal, PERIOD_S)


def _swing(context: SetupContext, station: Station, arm: RoArmM3, joint: int) -> None:
    """Move one joint to and fro.

    Raises:
        UnsafeCommandError: It does not follow, or moves the wrong way. The arm is held.
    """
    name, start = context.robot.joint_names[joint], arm.sent
    goal, before, why = _beside(context.robot, station, start, joint), arm.read().joint_pos[joint], ""
    try:
        for point in ((start + goal) / 2.0, goal):  # one that turns the wrong way shows it in the middle
            move_slowly(arm, point, PERIOD_S, SWING_RAD_S, watch=context.end_if_cancelled)
        _settle(arm, goal)
    except NotArrivedError as error:
        why = f" ({error})"
    asked, sample = float(goal[joint] - start[joint]), arm.read()
    if not sample.valid:
        raise UnsafeCommandError(f"The {name} does not follow: {sample.reason}.")
    made = float(sample.joint_pos[joint] - before)
    if why or made / asked < FOLLOWS:
        arm.hold(f"the {name} does not follow")
        how = "moves the wrong way" if made / asked < -FOLLOWS / 2.0 else "does not follow"
        raise UnsafeCommandError(f"The {name} {how}: told up to {asked:+.3f} rad, measured {made:+.3f}{why}.")
    context.say(f"  {name:<9} told {asked:+.3f} rad, measured {made:+.3f}")
    move_slowly(arm, start, PERIOD_S, SWING_RAD_S, watch=context.end_if_cancelled)


def _beside(robot: Robot, station: Station, start: Float64, joint: int) -> Float64:
    """Return a pose in which one joint is a little further, on the side with more room."""
    facts = tightened(robot, station.limits_rad).joints[joint]
    goal = start.copy()
    up = facts.upper_rad - start[joint] >= start[joint] - facts.lower_rad
    goal[joint] += SWING_RAD if up else -SWING_RAD
    return goal


def _degrees_of(text: str) -> float | None:
    if text == "keep":
        return None
    try:
        return float(text)
    except ValueError as error:
        raise BadInputError(f"A number of degrees is expected, or keep; got {text!r}.") from error


def _offset(joint: str, offset_rad: float) -> float:
    if not -MAX_OFFSET_RAD <= offset_rad <= MAX_OFFSET_RAD:
        raise BadInputError(
            f"{joint}: an offset of {beside(offset_rad, -MAX_OFFSET_RAD, MAX_OFFSET_RAD)} rad is more than "
            f"{MAX_OFFSET_RAD}. Is it really that far off? Its horn sits on the wrong tooth then."
        )
    return round(offset_rad, 4)

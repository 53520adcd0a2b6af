"""From raw servo readings to the feedback line `T` 1051, and from angles to goal steps.

Signs and middles are the firmware's: a goal of 0 rad is step 2047, a reading of 0 rad is step 2048.
"""

from collections.abc import Mapping
from math import floor, isnan, pi
from typing import Any

from roarm_lab.emulator.firmware import Firmware
from roarm_lab.emulator.memory import READ_ORDER, Pose
from roarm_lab.emulator.servo_bus import Reading
from roarm_lab.robots.firmware_kinematics import forward

STEP_RAD = 2.0 * pi / 4096.0
GRIPPER_STEPS = (700, 3396)
ELBOW_HIGHEST_STEP = 3071
LIMITS_RAD = (pi, pi / 2, None, pi / 2, pi, None)
"""Base, shoulder, wrist and roll are clamped as angles; elbow and gripper as steps."""
FEEDBACK = 1051


def joints_of(readings: Mapping[int, Reading]) -> tuple[float, ...]:
    """Return base, shoulder, elbow, wrist, roll, gripper [rad] as on the wire; a servo never read stands at step 0."""
    base, shoulder, elbow, wrist, roll, gripper = (STEP_RAD * readings[servo].position for servo in READ_ORDER)
    return pi - base, shoulder - pi, elbow - pi / 2, wrist - pi, pi - roll, gripper


def pose_of(joints: tuple[float, ...]) -> Pose:
    """Return the tool's pose as the firmware computes it [mm, rad]."""
    pose = forward(*joints[:5])
    return Pose(1000.0 * pose.x_m, 1000.0 * pose.y_m, 1000.0 * pose.z_m, pose.pitch_rad)


def feedback(firmware: Firmware, readings: Mapping[int, Reading], load_13: int, supply_v: float) -> dict[str, Any]:
    """Return the members of the feedback line in their order.

    Args:
        firmware: Decides which members there are.
        readings: The last reading of each servo.
        load_13: Load of servo 13 at boot [0.1 %]; the shoulder's load is 12 minus 13.
        supply_v: Supply voltage.
    """
    joints = joints_of(readings)
    pose = pose_of(joints)
    members: dict[str, Any] = {"T": FEEDBACK, "x": pose.x_mm, "y": pose.y_mm, "z": pose.z_mm, "tit": pose.pitch_rad}
    members |= dict(zip("bsetrg", joints, strict=True))
    loads = {f"t{letter}": readings[servo].load for letter, servo in zip("BSETRG", READ_ORDER, strict=True)}
    members |= loads | {"tS": loads["tS"] - load_13}
    if not firmware.wide_feedback:
        del members["tG"]  # does not fit the document
        return members
    switches = {f"torswitch{a}": int(readings[servo].torque_on) for a, servo in zip("BSETRG", READ_ORDER, strict=True)}
    return members | switches | {"v": round(100.0 * supply_v)}


def goal_step(firmware: Firmware, joint: int, angle_rad: float) -> int:
    """Return the goal of the (first) servo of a joint for an angle on the wire, after the firmware's clamps.

    Args:
        firmware: Decides the elbow's lower clamp.
        joint: 0 base, 1 shoulder, 2 elbow, 3 wrist, 4 roll, 5 gripper.
        angle_rad: NaN counts as 0; what an arm does with it is not known.
    """
    limit = LIMITS_RAD[joint]
    angle_rad = 0.0 if isnan(angle_rad) else min(max(angle_rad, -1e6), 1e6)
    if limit is not None:
        angle_rad = min(max(angle_rad, -limit), limit)
    steps = half_away(angle_rad / STEP_RAD)
    if joint == 2:
        return min(max(1024 + steps, firmware.elbow_lower_step), ELBOW_HIGHEST_STEP)
    if joint == 5:
        return min(max(steps, GRIPPER_STEPS[0]), GRIPPER_STEPS[1])
    return 2047 - steps if joint in (0, 4) else 2047 + steps


def goals(firmware: Firmware, joints: tuple[float, ...]) -> dict[int, int]:
    """Return the goal steps of servos 11 to 17 for six angles on the wire."""
    return {servo: step for joint in range(6) for servo, step in goals_of(firmware, joint, joints[joint]).items()}


def goals_of(firmware: Firmware, joint: int, angle_rad: float) -> dict[int, int]:
    """Return the goal steps of the servos of one joint: the shoulder has two, the second mirrored."""
    step = goal_step(firmware, joint, angle_rad)
    return {12: step, 13: 2 * 2047 - step} if joint == 1 else {READ_ORDER[joint]: step}


def half_away(value: float) -> int:
    """Return the nearest whole number, halves away from zero, as C's round."""
    return floor(value + 0.5) if value >= 0.0 else -floor(-value + 0.5)

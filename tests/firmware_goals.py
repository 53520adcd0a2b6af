"""The goal steps that the firmware sends for joint angles; the emulator, which has its own, is held against them."""

from math import pi

from roarm_lab.robots.firmware_kinematics import GRIPPER_CLOSED_RAD, STEP_RAD


def goal_steps(
    angles: tuple[float, float, float, float, float], gripper: float, *, elbow_lower_step: int = 512
) -> tuple[int, int, int, int, int, int, int]:
    """Return the goal steps of servos 11 to 17 for joint angles [rad] after the firmware's clamps.

    Args:
        angles: Base, shoulder, elbow, wrist, roll.
        gripper: Our gripper angle, 0 closed.
        elbow_lower_step: 512 (-45 degrees) in the firmware of 2025-01-08, 1024 (0 degrees) in that of 2026-07-01.
    """
    base, shoulder, elbow, wrist, roll = angles
    lean = _rounded(_clamped(shoulder, pi / 2))
    return (
        2047 - _rounded(_clamped(base, pi)),
        2047 + lean,
        2047 - lean,  # servo 13 looks the other way
        min(max(1024 + _rounded(elbow), elbow_lower_step), 3071),
        2047 + _rounded(_clamped(wrist, pi / 2)),
        2047 - _rounded(_clamped(roll, pi)),
        min(max(_rounded(GRIPPER_CLOSED_RAD - gripper), 700), 3396),
    )


def _clamped(angle: float, limit: float) -> float:
    return min(max(angle, -limit), limit)


def _rounded(angle: float) -> int:
    """Return steps, halves rounded away from zero as C's round does."""
    steps = abs(angle) / STEP_RAD
    return int(steps + 0.5) if angle >= 0.0 else -int(steps + 0.5)

"""Feedback lines byte for byte, and goals after the firmware's clamps."""

from math import nan, pi

import pytest

from roarm_lab.emulator.feedback import feedback, goal_step, goals, half_away
from roarm_lab.emulator.firmware import FW25, FW26
from roarm_lab.emulator.json_text import object_text
from roarm_lab.emulator.memory import READ_ORDER
from roarm_lab.emulator.servo_bus import Reading
from tests.emulator.golden import FRAMES, GOAL_STEPS, Frame


def readings(frame: Frame) -> dict[int, Reading]:
    rows = zip(READ_ORDER, frame.positions, frame.loads, frame.switches, strict=True)
    return {servo: Reading(position, load, 0.0, bool(switch)) for servo, position, load, switch in rows}


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.name)
def test_known_feedback_lines_come_out_to_the_letter(frame: Frame) -> None:
    volts = frame.centivolt / 100.0
    assert object_text(feedback(FW25, readings(frame), 0, volts)) == frame.older
    assert object_text(feedback(FW26, readings(frame), 0, volts)) == frame.newer


def test_the_shoulders_load_is_that_of_12_minus_that_of_13_at_boot() -> None:
    frame = FRAMES[-1]
    assert feedback(FW25, readings(frame), 33, 12.0)["tS"] == frame.loads[1] - 33


@pytest.mark.parametrize(("joints", "gripper", "steps"), GOAL_STEPS)
def test_goal_steps_are_those_of_the_compiled_firmware(
    joints: tuple[float, ...], gripper: float, steps: tuple[int, ...]
) -> None:
    assert goals(FW25, (*joints, gripper)) == dict(zip(range(11, 18), steps, strict=True))


@pytest.mark.parametrize(
    ("joint", "angle_rad", "step"),
    [
        (0, 9.0, 2047 - 2048),
        (0, -9.0, 2047 + 2048),
        (1, 9.0, 2047 + 1024),
        (3, -9.0, 2047 - 1024),
        (4, -9.0, 2047 + 2048),
        (2, 9.0, 3071),
        (5, 0.0, 700),
        (5, 9.0, 3396),
    ],
)
def test_an_angle_out_of_range_is_clamped(joint: int, angle_rad: float, step: int) -> None:
    assert goal_step(FW25, joint, angle_rad) == goal_step(FW26, joint, angle_rad) == step


def test_the_elbow_bends_back_45_degrees_in_the_older_firmware_only() -> None:
    assert (goal_step(FW25, 2, -pi), goal_step(FW26, 2, -pi)) == (512, 1024)


def test_halves_are_rounded_away_from_zero() -> None:
    assert [half_away(value) for value in (0.5, -0.5, 2.5, -2.5, 0.49)] == [1, -1, 3, -3, 0]


def test_an_angle_that_is_not_a_number_counts_as_0() -> None:
    assert goal_step(FW25, 1, nan) == 2047

"""The firmware's kinematics, oddities included, against vectors of the compiled firmware."""

from math import nan, pi

import numpy as np
import pytest

from roarm_lab.robots.firmware_kinematics import FirmwarePose, forward, inverse
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from tests.firmware_goals import goal_steps
from tests.vectors import FORWARD, INVERSE, with_gripper

SHOULDER_HEIGHT_M = 0.051959  # of the firmware's origin above that of the URDF's base link
VECTOR_BAR_MM = 1e-6  # how many digits the vectors have
VECTOR_BAR_RAD = 1e-9
GAP_MM = (2.8, 3.1)  # between the firmware's tool point and the URDF's: 2.87 to 3.02 in the vectors


def target(vector: dict[str, list[float]]) -> FirmwarePose:
    x, y, z, pitch, roll, _ = vector["pose"]
    return FirmwarePose(1e-3 * x, 1e-3 * y, 1e-3 * z, pitch, roll)


def position_mm(pose: FirmwarePose) -> np.ndarray:
    return 1e3 * np.array([pose.x_m, pose.y_m, pose.z_m])


@pytest.mark.parametrize("vector", FORWARD)
def test_forward_says_what_the_firmware_reports(vector: dict[str, list[float]]) -> None:
    pose = forward(*vector["joints"])
    np.testing.assert_allclose(position_mm(pose), vector["firmware_mm"], atol=VECTOR_BAR_MM)
    assert pose.pitch_rad == pytest.approx(vector["firmware_pitch"], abs=VECTOR_BAR_RAD)
    assert pose.roll_rad == vector["joints"][4]


@pytest.mark.parametrize("vector", FORWARD)
def test_goal_steps_are_those_the_firmware_sends(vector: dict[str, list[float]]) -> None:
    b, s, e, t, r = vector["joints"]
    assert list(goal_steps((b, s, e, t, r), pi - vector["gripper_wire"])) == vector["goal_steps"]


@pytest.mark.parametrize("vector", INVERSE)
def test_inverse_goes_where_the_firmware_goes(vector: dict[str, list[float]]) -> None:
    got = inverse(target(vector))
    assert got.reachable is not vector["unreachable"]
    expected = [nan if angle is None else angle for angle in vector["joints"]]
    np.testing.assert_allclose(got.angles, expected, atol=VECTOR_BAR_RAD)


def test_a_target_behind_the_wrist_is_missed_by_37_mm_and_flagged() -> None:
    flagged = [vector for vector in INVERSE if inverse(target(vector)).collapsed]
    assert [vector["pose"][:3] for vector in flagged] == [[120, 0, 300]]
    reached = position_mm(forward(*inverse(target(flagged[0])).angles))
    np.testing.assert_allclose(reached - flagged[0]["pose"][:3], flagged[0]["miss_mm"], atol=1e-4)  # given to 1e-4 mm
    assert flagged[0]["miss_mm"][0] == pytest.approx(37.2179)


def test_other_solutions_are_exact() -> None:
    found = [(vector, inverse(target(vector))) for vector in INVERSE]
    others = [(vector, got) for vector, got in found if got.reachable and not got.collapsed]
    assert len(others) > len(INVERSE) // 2
    for vector, got in others:
        np.testing.assert_allclose(position_mm(forward(*got.angles)), vector["pose"][:3], atol=VECTOR_BAR_MM)


def test_the_firmware_and_the_urdf_differ_by_three_millimetres() -> None:
    for vector in FORWARD:
        ours = Kinematics(ROARM_M3).site_pos_b(np.array(with_gripper(vector["joints"])), ("hand_tcp",))[0]
        theirs = 1e-3 * position_mm(forward(*vector["joints"])) + (0.0, 0.0, SHOULDER_HEIGHT_M)
        assert GAP_MM[0] < 1e3 * np.linalg.norm(ours - theirs) < GAP_MM[1]


def test_the_newer_firmware_does_not_bend_the_elbow_backwards() -> None:
    bent = (0.0, 0.0, -0.5, 0.0, 0.0)
    assert goal_steps(bent, 0.0)[3] == 1024 - 326  # 0.5 rad are 325.95 steps
    assert goal_steps(bent, 0.0, elbow_lower_step=1024)[3] == 1024
    assert goal_steps((0.0, 0.0, 9.0, 0.0, 0.0), -9.0)[3::3] == (3071, 3396)


def test_a_wrist_on_the_shoulder_has_no_solution() -> None:
    wrist_on_the_axis = FirmwarePose(0.17167, 0.0, -0.01369, 0.0)
    assert not inverse(wrist_on_the_axis).reachable

"""The RoArm-M3's facts against what was measured or published elsewhere."""

from math import cos, pi, sin

import numpy as np
import pytest

from roarm_lab.robots.inverse_kinematics import InverseKinematics
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3

PRODUCT_MASS_KG = 1.021  # the vendor's 1.0208 kg, rounded to the masses' digits
KEYFRAME_BAR_M = 1e-6  # the angles have 6 decimals and levers are below 0.6 m
MESH_GAP_BAR_MM = 0.35  # tip to tip of the vendor's meshes is oblique, and given to 0.01 mm at q = 0


def test_the_arm_weighs_what_the_product_weighs() -> None:
    assert sum(link.mass_kg for link in ROARM_M3.links) == pytest.approx(PRODUCT_MASS_KG, abs=1e-3)


def test_the_shoulder_has_two_servos_and_the_gripper_a_third_of_one() -> None:
    one, two, third = (ROARM_M3.joint(name).servo for name in ("elbow", "shoulder", "gripper"))
    assert (one.stiffness_nm_per_rad, two.stiffness_nm_per_rad) == (18.0, 36.0)
    assert (one.force_limit_nm, two.force_limit_nm) == (2.94, 5.88)
    assert third.force_limit_nm == pytest.approx(0.882)
    assert two.damping_nms_per_rad == 2.0 * one.damping_nms_per_rad


def test_limits_are_inside_both_firmwares_and_the_urdf() -> None:
    # Base, shoulder, elbow, wrist, roll, gripper; the firmware of 2026 has the elbow's lower limit.
    lowest = (-pi, -pi / 2, 0.0, -pi / 2, -pi, 0.0)
    highest = (pi, pi / 2, 2.95, pi / 2, pi, 1.5)
    for joint, lower, upper in zip(ROARM_M3.joints, lowest, highest, strict=True):
        assert lower <= joint.lower_rad < joint.upper_rad <= upper


def test_the_acceleration_limit_is_the_largest_register_value() -> None:
    assert ROARM_M3.joint("base").max_accel_rad_s2 == pytest.approx(38.96, abs=0.005)  # 254 * 100 steps/s^2


def test_every_keyframe_is_inside_the_limits() -> None:
    for name, angles in ROARM_M3.keyframes:
        for joint, angle in zip(ROARM_M3.joints, angles, strict=True):
            assert joint.lower_rad <= angle <= joint.upper_rad, (name, joint.name)


def test_tasks_start_with_the_gripper_down_above_the_table() -> None:
    start = np.array(ROARM_M3.keyframe("task_start"))
    tool_b, turn_b = Kinematics(ROARM_M3).site_pose(start, "hand_tcp")
    np.testing.assert_allclose(tool_b, (0.25, 0.0, 0.13 - ROARM_M3.base_height_m), atol=KEYFRAME_BAR_M)
    np.testing.assert_allclose(turn_b[:, 0], (0.0, 0.0, -1.0), atol=1e-5)  # the tool's x, its approach direction
    wanted = InverseKinematics(ROARM_M3).solve_one((0.25, 0.0, 0.13 - ROARM_M3.base_height_m), pi / 2)
    np.testing.assert_allclose(start[:5], wanted, atol=KEYFRAME_BAR_M)


def test_the_foot_stands_on_the_table() -> None:
    foot = next(shape for shape in ROARM_M3.collisions if shape.link == "base_link")
    assert ROARM_M3.base_height_m + foot.pos_m[2] - foot.size_m[2] == pytest.approx(0.0, abs=1e-9)


def test_forty_nine_shapes_to_see_and_ten_to_touch() -> None:
    assert (len(ROARM_M3.visuals), len(ROARM_M3.collisions)) == (49, 10)


@pytest.mark.parametrize(("angle", "gap_mm"), [(0.0, 4.05), (0.5, 36.94), (1.0, 63.24), (1.5, 76.52)])
def test_the_jaws_are_as_far_apart_as_the_meshes(angle: float, gap_mm: float) -> None:
    # The gap along link5's x between the fixed face and the far end of the moving face, as the meshes have it. The
    # faces of the capsules are one radius in front of their axes; the end of the moving face is at x = 67.08 mm.
    shapes = {shape.name: shape for shape in ROARM_M3.collisions}
    fixed, moving = shapes["fixed_jaw_left"], shapes["moving_jaw_left"]
    fixed_face_m = fixed.pos_m[0] + fixed.size_m[0]
    face_y_m = moving.pos_m[1] - moving.size_m[0]
    end_x_m = moving.pos_m[0] + moving.size_m[1] + moving.size_m[0]
    moving_face_m = face_y_m * cos(angle) + end_x_m * sin(angle)
    assert 1e3 * (moving_face_m - fixed_face_m) == pytest.approx(gap_mm, abs=MESH_GAP_BAR_MM)


def test_every_fact_group_names_its_source() -> None:
    sources = dict(ROARM_M3.sources)
    assert sources["armature, dry friction"] == "guess"
    assert all(sources.values())

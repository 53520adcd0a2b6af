"""Forward kinematics by hand, against the vendor's URDF, and Jacobians against finite differences."""

from dataclasses import replace
from math import pi

import numpy as np
import pytest
import torch

from roarm_lab.core.arrays import Array, to_numpy
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.robots.kinematics import Kinematics, rotation_from_rpy
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.robot import Robot, Site
from tests.toy_robot import TOY
from tests.vectors import FORWARD, URDF_AXIS_BAR, URDF_BAR_MM, with_gripper

ROUNDING = 1e-12  # metres and axis components, float64
ROUNDING_F32 = 2e-6  # a dozen float32 roundings of numbers below 1
DIFFERENCE_STEP_RAD = 1e-6
DIFFERENCE_BAR = 1e-8  # central differences are exact to step squared plus rounding over the step


def random_angles(robot: Robot, *batch: int) -> Array:
    lower, upper = ([getattr(joint, f"{end}_rad") for joint in robot.joints] for end in ("lower", "upper"))
    return np.random.default_rng(3).uniform(lower, upper, (*batch, len(robot.joints)))


def test_the_toy_arm_is_where_a_ruler_says() -> None:
    # Its hand is 0.25 m along the forearm, which turns about +y at height 0.1 m: a positive angle lowers it.
    angles = np.array([[0.0, 0.0, 0.0], [0.0, pi / 2, 0.0], [pi / 2, 0.0, 0.7]])
    pos_b, rot_b = Kinematics(TOY).site_pose(angles, "hand")
    np.testing.assert_allclose(pos_b, [[0.25, 0.0, 0.1], [0.0, 0.0, -0.15], [0.0, 0.25, 0.1]], atol=ROUNDING)
    np.testing.assert_allclose(rot_b[1, :, 0], (0.0, 0.0, -1.0), atol=ROUNDING)
    np.testing.assert_allclose(rot_b[2, :, 0], (0.0, 1.0, 0.0), atol=ROUNDING)


@pytest.mark.parametrize("vector", FORWARD)
def test_the_tool_is_where_the_vendor_s_urdf_puts_it(vector: dict[str, list[float]]) -> None:
    pos_b, rot_b = Kinematics(ROARM_M3).site_pose(np.array(with_gripper(vector["joints"])), "hand_tcp")
    np.testing.assert_allclose(1e3 * pos_b, vector["urdf_mm"], atol=URDF_BAR_MM)
    np.testing.assert_allclose(rot_b[:, 0], vector["urdf_x_axis"], atol=URDF_AXIS_BAR)
    np.testing.assert_allclose(rot_b[:, 2], vector["urdf_z_axis"], atol=URDF_AXIS_BAR)


def test_links_at_home_are_where_the_vendor_s_urdf_puts_them() -> None:
    pos_b, _ = Kinematics(ROARM_M3).link_poses(np.array(ROARM_M3.keyframe("home")))
    expected_mm = [[0, 0, 51.96], [30.0, 0, 288.77], [174.59, 0, 288.77], [228.24, 0, 273.63]]
    np.testing.assert_allclose(1e3 * pos_b[2:6], expected_mm, atol=0.006)  # given to 0.01 mm


@pytest.mark.parametrize("site", ["hand_tcp", "grasp"])
def test_the_jacobian_agrees_with_finite_differences(site: str) -> None:
    kinematics, angles = Kinematics(ROARM_M3), random_angles(ROARM_M3, 20)
    jacobian = kinematics.jacobian(angles, site)
    assert jacobian.shape == (20, 6, 6)
    _, rot_b = kinematics.site_pose(angles, site)
    for joint in range(6):
        step = np.eye(6)[joint] * DIFFERENCE_STEP_RAD
        (ahead, ahead_rot), (behind, behind_rot) = (kinematics.site_pose(angles + s, site) for s in (step, -step))
        velocity = (ahead - behind) / (2.0 * DIFFERENCE_STEP_RAD)
        spin = (ahead_rot - behind_rot) / (2.0 * DIFFERENCE_STEP_RAD) @ np.swapaxes(rot_b, -1, -2)
        np.testing.assert_allclose(jacobian[:, :3, joint], velocity, atol=DIFFERENCE_BAR)
        turning = np.stack([spin[:, 2, 1], spin[:, 0, 2], spin[:, 1, 0]], axis=-1)
        np.testing.assert_allclose(jacobian[:, 3:, joint], turning, atol=DIFFERENCE_BAR)


def test_the_gripper_does_not_move_the_hand() -> None:
    assert not Kinematics(ROARM_M3).jacobian(random_angles(ROARM_M3, 5), "hand_tcp")[:, :, 5].any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numpy_and_torch_say_the_same(dtype: str) -> None:
    kinematics, angles = Kinematics(ROARM_M3), random_angles(ROARM_M3, 64).astype(dtype)
    tensor, bar = torch.from_numpy(angles), ROUNDING_F32 if dtype == "float32" else ROUNDING
    for call in (
        lambda q: kinematics.site_pos_b(q, ("grasp", "hand_tcp")),
        lambda q: kinematics.site_pose(q, "grasp")[1],
        lambda q: kinematics.link_poses(q)[0],
        lambda q: kinematics.link_poses(q)[1],
        lambda q: kinematics.jacobian(q, "grasp"),
    ):
        ours, theirs = call(angles), call(tensor)
        assert ours.dtype == dtype
        assert theirs.dtype == tensor.dtype
        np.testing.assert_allclose(to_numpy(theirs), ours, atol=bar)


def test_any_batch_shape_gives_the_same_numbers() -> None:
    kinematics, angles = Kinematics(ROARM_M3), random_angles(ROARM_M3, 4, 3)
    flat = kinematics.site_pos_b(angles.reshape(12, 6), ("grasp",))
    np.testing.assert_array_equal(kinematics.site_pos_b(angles, ("grasp",)), flat.reshape(4, 3, 1, 3))
    np.testing.assert_allclose(kinematics.site_pos_b(angles[1, 2], ("grasp",)), flat[5], atol=ROUNDING)
    assert kinematics.site_pos_b(angles[:0], ("grasp",)).shape == (0, 3, 1, 3)


def test_a_robot_that_branches_is_followed_along_each_branch() -> None:
    twin = replace(TOY.joints[1], name="second", child="other", origin_xyz_m=(0.0, 0.0, 0.3), parent="base_link")
    other = replace(TOY.links[2], name="other")
    site = Site(name="tip", link="other", xyz_m=(0.25, 0.0, 0.0))
    robot = replace(TOY, joints=(*TOY.joints, twin), links=(*TOY.links, other), sites=(*TOY.sites, site), keyframes=())
    kinematics, angles = Kinematics(robot), np.array([0.9, 0.0, 0.0, pi / 2])
    np.testing.assert_allclose(kinematics.site_pos_b(angles, ("tip",))[0], (0.0, 0.0, 0.05), atol=ROUNDING)
    assert np.flatnonzero(kinematics.jacobian(angles, "tip").any(axis=0)).tolist() == [3]


def test_roll_pitch_yaw_turn_about_fixed_axes() -> None:
    # First x by a quarter turn: y goes to z; then z by a quarter turn: z stays, x goes to y.
    turn = rotation_from_rpy((pi / 2, 0.0, pi / 2))
    np.testing.assert_allclose(turn, [[0, 0, 1], [1, 0, 0], [0, 1, 0]], atol=ROUNDING)


def test_wrong_names_and_shapes_are_refused() -> None:
    kinematics = Kinematics(ROARM_M3)
    with pytest.raises(UnknownNameError, match="no site named 'grap'. Did you mean 'grasp'"):
        kinematics.site_pos_b(np.zeros(6), ("grap",))
    with pytest.raises(UnknownNameError, match="no site named 'tcp'"):
        kinematics.jacobian(np.zeros(6), "tcp")
    with pytest.raises(BadInputError, match=r"has 6 joints, got angles of shape \(2, 5\)"):
        kinematics.link_poses(np.zeros((2, 5)))


def test_joints_out_of_order_are_refused() -> None:
    with pytest.raises(BadInputError, match="Joint 'elbow' of 'toy' hangs on 'upper', which no earlier joint carries"):
        Kinematics(replace(TOY, joints=(TOY.joints[1], TOY.joints[0], TOY.joints[2])))
    with pytest.raises(BadInputError, match="Two joints of 'toy' carry the same link"):
        Kinematics(replace(TOY, joints=(*TOY.joints[:2], replace(TOY.joints[2], child="fore"))))

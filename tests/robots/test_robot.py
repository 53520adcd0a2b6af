"""A robot's facts refuse to contradict themselves."""

from dataclasses import replace
from math import inf, nan

import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.robots.robot import Servo, Shape, Site
from roarm_lab.robots.table import ROBOTS, get_robot
from tests.toy_robot import TOY


def test_a_servo_s_damping_makes_its_no_load_speed_the_ceiling() -> None:
    servo = Servo(stall_torque_nm=3.0, no_load_speed_rad_s=4.0, stiffness_nm_per_rad=18.0, torque_fraction=0.5)
    assert servo.damping_nms_per_rad == 0.75
    assert servo.force_limit_nm == 1.5


def test_a_gripper_s_target_may_lie_below_closed() -> None:
    gripper = TOY.joint("gripper")
    assert (gripper.lower_rad, gripper.target_lower_rad) == (0.0, -0.2)
    assert TOY.joint("elbow").target_lower_rad == TOY.joint("elbow").lower_rad


def test_names_are_looked_up_and_a_misspelt_one_gets_a_hint() -> None:
    assert TOY.joint_names == ("base", "elbow", "gripper")
    assert TOY.site("hand").link == "fore"
    assert TOY.keyframe("home") == (0.0, 1.0, 0.5)
    with pytest.raises(UnknownNameError, match=r"no joint named 'elbo'. Did you mean 'elbow'\?"):
        TOY.joint("elbo")
    with pytest.raises(UnknownNameError, match="no site named 'tip'"):
        TOY.site("tip")
    with pytest.raises(UnknownNameError, match="no keyframe named 'hone'. Did you mean 'home'"):
        TOY.keyframe("hone")


def test_two_joints_of_one_name_are_refused() -> None:
    with pytest.raises(BadInputError, match="more than one joint named base"):
        replace(TOY, joints=(*TOY.joints, TOY.joints[0]))


def test_a_visual_and_a_collision_shape_of_one_name_are_refused() -> None:
    box = Shape(name="box", link="fore", kind="box", pos_m=(0.0, 0.0, 0.0), size_m=(0.1, 0.1, 0.1))
    with pytest.raises(BadInputError, match="more than one shape named box"):
        replace(TOY, visuals=(box,), collisions=(box,))


def test_a_site_on_a_link_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="no link named 'fork'. Did you mean 'fore'"):
        replace(TOY, sites=(*TOY.sites, Site(name="tip", link="fork", xyz_m=(0.0, 0.0, 0.0))))


@pytest.mark.parametrize("lower_rad", [nan, 3.0, -inf])
def test_a_range_that_is_empty_or_not_a_number_is_refused(lower_rad: float) -> None:
    with pytest.raises(BadInputError, match="Joint 'base' of 'toy': lower_rad"):
        replace(TOY, joints=(replace(TOY.joints[0], lower_rad=lower_rad), *TOY.joints[1:]))


def test_a_keyframe_with_too_few_angles_is_refused() -> None:
    with pytest.raises(BadInputError, match="Keyframe 'home' of 'toy' has 2 angles, expected 3: base, elbow, gripper"):
        replace(TOY, keyframes=(("home", (0.0, 0.0)),))


def test_the_end_effector_and_the_gripper_must_exist() -> None:
    with pytest.raises(UnknownNameError, match="no site named 'thumb'"):
        replace(TOY, ee_site="thumb")
    with pytest.raises(UnknownNameError, match="no joint named 'claw'"):
        replace(TOY, gripper_joint="claw")


def test_robots_are_found_by_name() -> None:
    assert all(get_robot(name).name == name for name in ROBOTS)
    with pytest.raises(UnknownNameError, match="no robot named 'roarm_m2'. Did you mean 'roarm_m3'"):
        get_robot("roarm_m2")

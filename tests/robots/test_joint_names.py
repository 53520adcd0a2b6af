"""Others' names for our joints."""

from dataclasses import replace

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.robots.joint_names import in_scheme, order, to_ours
from roarm_lab.robots.roarm_m3 import ROARM_M3
from tests.toy_robot import TOY

OURS = ("base", "shoulder", "elbow", "wrist", "roll", "gripper")


@pytest.mark.parametrize(
    ("scheme", "names"),
    [
        ("firmware", ("b", "s", "e", "t", "r", "g")),
        ("sdk", ("1", "2", "3", "4", "5", "6")),
        ("lerobot", ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")),
        (
            "urdf",
            (
                "base_link_to_link1",
                "link1_to_link2",
                "link2_to_link3",
                "link3_to_link4",
                "link4_to_link5",
                "link5_to_gripper_link",
            ),
        ),
    ],
)
def test_every_scheme_maps_to_our_joints_in_our_order(scheme: str, names: tuple[str, ...]) -> None:
    assert in_scheme(ROARM_M3, scheme) == names
    assert to_ours(ROARM_M3, names) == OURS
    assert order(ROARM_M3, names) == [0, 1, 2, 3, 4, 5]


def test_isaac_calls_joints_as_the_urdf_does() -> None:
    assert in_scheme(ROARM_M3, "usd") == in_scheme(ROARM_M3, "urdf")


def test_our_own_names_need_no_scheme() -> None:
    assert to_ours(ROARM_M3, OURS) == OURS


def test_lerobot_s_suffix_may_stand_on_any_name() -> None:
    assert to_ours(ROARM_M3, ["shoulder_pan.pos", "elbow.pos", "gripper.pos"]) == (
        "base",
        "elbow",
        "gripper",
    )


def test_values_in_another_order_are_put_into_ours() -> None:
    names = ["g", "r", "t", "e", "s", "b"]
    values = np.array([[6.0, 5.0, 4.0, 3.0, 2.0, 1.0]])
    np.testing.assert_array_equal(values[..., order(ROARM_M3, names)], [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])


def test_an_unknown_name_gets_the_closest_one() -> None:
    with pytest.raises(UnknownNameError, match="no joint of roarm_m3 named 'elbow_flx'. Did you mean 'elbow_flex'"):
        to_ours(ROARM_M3, ["elbow_flx"])
    with pytest.raises(UnknownNameError, match="no naming scheme named 'lerobt'. Did you mean 'lerobot'"):
        in_scheme(ROARM_M3, "lerobt")


def test_one_joint_under_two_names_is_refused() -> None:
    with pytest.raises(BadInputError, match="'b' and 'shoulder_pan' are both joint 'base'"):
        to_ours(ROARM_M3, ["b", "shoulder_pan"])


def test_a_joint_that_is_left_out_is_named() -> None:
    with pytest.raises(BadInputError, match="leave out of 'roarm_m3': roll, gripper"):
        order(ROARM_M3, ["b", "s", "e", "t"])


def test_a_scheme_that_contradicts_another_is_refused() -> None:
    with pytest.raises(BadInputError, match="'elbow' of scheme 'odd' means 'base' and 'elbow'"):
        to_ours(replace(TOY, aliases=(("odd", ("elbow", "x", "y")),)), ["x"])
    with pytest.raises(BadInputError, match="has 2 names for 3 joints"):
        to_ours(replace(TOY, aliases=(("short", ("a", "b")),)), ["a"])

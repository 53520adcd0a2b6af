"""The URDF we write says what the facts say; MuJoCo reads it back."""

import xml.etree.ElementTree as ET

import mujoco
import numpy as np
import pytest

from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.urdf import urdf_text
from tests.vectors import FORWARD, URDF_BAR_MM

KEEP_ALL = '<mujoco><compiler fusestatic="false" discardvisual="false"/></mujoco></robot>'
ROUNDING_M = 1e-9  # 10 digits in the text


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(urdf_text(ROARM_M3).replace("</robot>", KEEP_ALL))


def test_masses_and_ranges_survive(model: mujoco.MjModel) -> None:
    for link in ROARM_M3.links:
        assert model.body(link.name).mass[0] == pytest.approx(link.mass_kg)
    for joint in ROARM_M3.joints:
        np.testing.assert_allclose(model.joint(joint.name).range, (joint.lower_rad, joint.upper_rad), atol=1e-9)


def test_the_tool_is_where_the_vendor_s_urdf_puts_it(model: mujoco.MjModel) -> None:
    data = mujoco.MjData(model)
    for vector in FORWARD:
        data.qpos[:5] = vector["joints"]
        mujoco.mj_kinematics(model, data)
        np.testing.assert_allclose(1e3 * data.body("hand_tcp").xpos, vector["urdf_mm"], atol=URDF_BAR_MM)


def test_links_are_where_our_kinematics_puts_them(model: mujoco.MjModel) -> None:
    data, kinematics = mujoco.MjData(model), Kinematics(ROARM_M3)
    data.qpos[:] = angles = np.array([0.4, -0.3, 1.1, 0.7, -1.2, 0.9])
    mujoco.mj_kinematics(model, data)
    expected = kinematics.link_poses(angles)[0]
    for name, pos_b in zip(kinematics.link_names, expected, strict=True):
        np.testing.assert_allclose(data.body(name).xpos, pos_b, atol=ROUNDING_M)


def test_efforts_and_speeds_are_not_the_vendor_s_zeros() -> None:
    limits = {joint.get("name"): joint.find("limit") for joint in ET.fromstring(urdf_text(ROARM_M3)).iter("joint")}
    shoulder, gripper = limits["shoulder"], limits["gripper"]
    assert shoulder is not None
    assert gripper is not None
    assert (shoulder.get("effort"), shoulder.get("velocity")) == ("5.88", "2.5")
    assert gripper.get("effort") == "0.882"


def test_a_capsule_becomes_a_cylinder_with_two_caps() -> None:
    link3 = next(link for link in ET.fromstring(urdf_text(ROARM_M3)).iter("link") if link.get("name") == "link3")
    places = {c.get("name"): c.find("origin") for c in link3.findall("collision")}
    assert list(places) == ["forearm_collision", "forearm_collision_low", "forearm_collision_high"]
    assert [place.get("xyz") for place in places.values() if place is not None] == [
        "-0.0015 -0.0723 0.0002",
        "-0.0015 -0.1373 0.0002",
        "-0.0015 -0.0073 0.0002",
    ]

"""Programs that we did not write read what is exported, each in an environment of its own."""

import json
import xml.etree.ElementTree as ET
from math import pi
from pathlib import Path

import mujoco
import numpy as np
import pytest

from roarm_lab.robots.inverse_kinematics import InverseKinematics
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import Box
from roarm_lab.sim.builder import add_box, scene_spec
from roarm_lab.sim.export import Contact, export_robot, mjcf_text
from roarm_lab.sim.parameters import FIELDS, OPTIONS
from tests.sim.readers.environments import python_with, read_by

FORCES_NM = [joint.servo.force_limit_nm for joint in ROARM_M3.joints]
FLOAT32 = 1e-6


@pytest.mark.parametrize("contact", ["train", "hold"])
def test_the_exported_model_is_ours_to_the_last_digit(contact: Contact) -> None:
    read, ours = mujoco.MjModel.from_xml_string(mjcf_text(ROARM_M3, contact)), scene_spec(ROARM_M3, contact=contact)
    for field in (*FIELDS, "cam_pos", "cam_quat", "light_dir", "site_pos", "site_quat", "key_qpos", "key_ctrl"):
        # Reading makes quaternions unit length again: one rounding.
        np.testing.assert_allclose(getattr(read, field), getattr(ours.compile(), field), rtol=1e-15, atol=1e-16)
    for option in OPTIONS:
        np.testing.assert_array_equal(getattr(read.opt, option), getattr(ours.compile().opt, option))


def test_servos_are_written_as_servos_and_defaults_not_at_all() -> None:
    root = ET.fromstring(mjcf_text(ROARM_M3))
    assert root.find("actuator/general") is None
    servos = root.findall("actuator/position")
    assert [float(servo.attrib["kp"]) for servo in servos] == [18.0, 36.0, 18.0, 18.0, 18.0, 18.0]
    assert [float(servo.attrib["kv"]) for servo in servos] == [0.0] * 6  # the gears' damping is the joints'
    limits = [root.find(f".//joint[@name='{name}']").attrib["actuatorfrcrange"] for name in ROARM_M3.joint_names]
    assert limits == [f"-{limit_nm:g} {limit_nm:g}" for limit_nm in FORCES_NM]
    assert not root.findall(".//*[@colorspace]") + root.findall(".//*[@input]")


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.2.7", "3.3.7", "3.12.0", "4.0.0"])
def test_the_arm_rests_in_the_same_pose_in_older_and_newer_mujoco(version: str, tmp_path: Path) -> None:
    path = export_robot(ROARM_M3, "mjcf", tmp_path / "arm.xml")
    found = read_by(python_with(f"mujoco=={version}"), "rest_in_mujoco.py", path)
    assert found["version"] == version
    model = scene_spec(ROARM_M3).compile()
    data = mujoco.MjData(model)
    for name, _ in ROARM_M3.keyframes:
        mujoco.mj_resetDataKeyframe(model, data, model.key(name).id)
        mujoco.mj_step(model, data, 1000)
        # Friction is solved by iteration; versions before 3.12 stop some 1e-8 rad elsewhere.
        np.testing.assert_allclose(found["rest"][name], data.qpos, atol=1e-6, err_msg=name)


@pytest.mark.slow
def test_newton_finds_the_gains_and_limits_of_the_servos(tmp_path: Path) -> None:
    path = export_robot(ROARM_M3, "mjcf", tmp_path / "arm.xml")
    found = read_by(python_with("newton==1.8.0"), "gains_in_newton.py", path)
    servos = [joint.servo for joint in ROARM_M3.joints]
    assert found["stiffness"] == [servo.stiffness_nm_per_rad for servo in servos]
    assert found["servo_damping"] == [0.0] * 6
    np.testing.assert_allclose(found["effort_limit"], FORCES_NM, rtol=FLOAT32)
    np.testing.assert_allclose(found["armature"], [servo.armature_kgm2 for servo in servos], rtol=FLOAT32)
    np.testing.assert_allclose(found["lower"], [joint.lower_rad for joint in ROARM_M3.joints], rtol=FLOAT32)
    np.testing.assert_allclose(found["upper"], [joint.upper_rad for joint in ROARM_M3.joints], rtol=FLOAT32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("requirements", "reader"),
    [(("pin",), "poses_in_pinocchio.py"), (("yourdfpy", "viser"), "poses_in_viser.py")],
)
def test_a_library_and_a_viewer_agree_about_the_urdf(
    requirements: tuple[str, ...], reader: str, tmp_path: Path
) -> None:
    urdf = export_robot(ROARM_M3, "urdf", tmp_path / "arm.urdf")
    low, high = ([getattr(joint, end) for joint in ROARM_M3.joints] for end in ("lower_rad", "upper_rad"))
    angles = np.random.default_rng(0).uniform(low, high, (100, 6))
    rows = tmp_path / "angles.json"
    rows.write_text(json.dumps([dict(zip(ROARM_M3.joint_names, row, strict=True)) for row in angles.tolist()]))
    found = read_by(python_with(*requirements), reader, urdf, rows)
    for site, poses in found["poses"].items():
        pos_b, rot_b = Kinematics(ROARM_M3).site_pose(angles, site)
        np.testing.assert_allclose(np.array(poses)[:, :3, 3], pos_b, atol=1e-6)
        np.testing.assert_allclose(np.array(poses)[:, :3, :3], rot_b, atol=1e-6)
    if "effort" in found:
        np.testing.assert_allclose(found["effort"], FORCES_NM)
    if "limits" in found:
        assert list(found["limits"]) == list(ROARM_M3.joint_names)
        np.testing.assert_allclose(list(found["limits"].values()), list(zip(low, high, strict=True)), atol=1e-9)
        assert found["shapes"] == len(ROARM_M3.visuals)


@pytest.mark.slow
@pytest.mark.parametrize(("contact", "least_m", "most_m"), [("train", 0.005, 0.06), ("hold", 0.0, 0.001)])
def test_a_cube_gripped_for_five_minutes_creeps_as_the_contact_says(
    contact: Contact, least_m: float, most_m: float
) -> None:
    spec = mujoco.MjSpec.from_string(mjcf_text(ROARM_M3, contact))
    add_box(spec, ROARM_M3, Box(name="cube", mass_kg=0.05))
    model = spec.compile()
    data = mujoco.MjData(model)
    low, high = (arm_over(0.25, up_m) for up_m in (0.015, 0.105))
    data.qpos[:6] = data.ctrl[:] = [*low, 1.0]
    data.qpos[6:9] = (0.25, 0.0, 0.015)
    start = data.qpos[:6].copy()
    move(model, data, start, [*low, -0.3], 2.0)
    move(model, data, [*low, -0.3], [*high, -0.3], 3.0)
    before = cube_in_hand_m(data)
    move(model, data, [*high, -0.3], [*high, -0.3], 300.0)
    assert data.body("cube").xpos[2] > 0.06, "the cube has not been lifted, or has fallen"
    assert least_m <= np.linalg.norm(cube_in_hand_m(data) - before) < most_m


def arm_over(radius_m: float, height_m: float) -> list[float]:
    """Return angles of the first five joints that put the site `grasp` there, pointing down, a little to the side."""
    inverse = InverseKinematics(ROARM_M3, site="grasp")
    found = inverse.solve(np.array([[radius_m, 0.003, height_m - ROARM_M3.base_height_m]]), pi / 2, np.zeros(1))
    assert found.found.all()
    return found.joint_pos[0].tolist()


def move(model: mujoco.MjModel, data: mujoco.MjData, start: list[float], goal: list[float], seconds: float) -> None:
    turns = round(seconds / 0.05)
    for turn in range(1, turns + 1):
        data.ctrl[:] = np.add(start, np.subtract(goal, start) * turn / turns)
        mujoco.mj_step(model, data, 10)


def cube_in_hand_m(data: mujoco.MjData) -> np.ndarray:
    site = data.site("grasp")
    return site.xmat.reshape(3, 3).T @ (data.body("cube").xpos - site.xpos)

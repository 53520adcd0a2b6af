"""The MuJoCo model says what the facts say, and moves as servos move."""

from dataclasses import replace
from math import pi

import mujoco
import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.robot import Shape
from roarm_lab.sim.builder import robot_spec, scene_spec
from tests.toy_robot import TOY
from tests.vectors import FORWARD, URDF_BAR_MM

MASS_BAR_KG = 1e-3
ROUNDING_M = 1e-9
DT_S = 0.005


@pytest.fixture(scope="module")
def scene() -> mujoco.MjModel:
    return scene_spec(ROARM_M3, visuals=False).compile()


def settle(model: mujoco.MjModel, target: list[float], seconds: float) -> mujoco.MjData:
    data = mujoco.MjData(model)
    data.qpos[:6] = data.ctrl[:] = target
    mujoco.mj_step(model, data, round(seconds / DT_S))
    return data


def test_the_model_weighs_what_the_arm_weighs() -> None:
    assert scene_spec(ROARM_M3).compile().body_mass.sum() == pytest.approx(1.021, abs=MASS_BAR_KG)


def test_the_tool_is_where_the_vendor_s_urdf_puts_it(scene: mujoco.MjModel) -> None:
    data = mujoco.MjData(scene)
    for vector in FORWARD:
        data.qpos[:5] = vector["joints"]
        mujoco.mj_kinematics(scene, data)
        tool_b = data.site("hand_tcp").xpos - (0.0, 0.0, ROARM_M3.base_height_m)
        np.testing.assert_allclose(1e3 * tool_b, vector["urdf_mm"], atol=URDF_BAR_MM)


@pytest.mark.parametrize("robot", [ROARM_M3, TOY], ids=lambda robot: robot.name)
def test_mujoco_and_our_kinematics_agree_on_every_link_and_site(robot) -> None:  # noqa: ANN001
    model, kinematics = robot_spec(robot).compile(), Kinematics(robot)
    data, rng = mujoco.MjData(model), np.random.default_rng(1)
    for _ in range(10):
        data.qpos[:] = angles = rng.uniform(-2.0, 2.0, len(robot.joints))
        mujoco.mj_kinematics(model, data)
        pos_b, rot_b = kinematics.link_poses(angles)
        for index, name in enumerate(kinematics.link_names):
            np.testing.assert_allclose(data.body(name).xpos, pos_b[index], atol=ROUNDING_M)
            np.testing.assert_allclose(data.body(name).xmat.reshape(3, 3), rot_b[index], atol=ROUNDING_M)
        for site in robot.sites:
            pos, rot = kinematics.site_pose(angles, site.name)
            np.testing.assert_allclose(data.site(site.name).xpos, pos, atol=ROUNDING_M)
            np.testing.assert_allclose(data.site(site.name).xmat.reshape(3, 3), rot, atol=ROUNDING_M)


def test_inertias_are_the_facts_and_not_the_shapes() -> None:
    model = scene_spec(ROARM_M3, visuals=True).compile()
    for link in ROARM_M3.links:
        body = model.body(link.name)
        axes = np.empty(9)
        mujoco.mju_quat2Mat(axes, body.iquat)
        inertia = axes.reshape(3, 3) @ np.diag(body.inertia) @ axes.reshape(3, 3).T
        ixx, iyy, izz, ixy, ixz, iyz = link.inertia_kgm2
        np.testing.assert_allclose(inertia, [[ixx, ixy, ixz], [ixy, iyy, iyz], [ixz, iyz, izz]], atol=1e-10)
        np.testing.assert_allclose(body.ipos, link.com_m)


def test_gravity_torques_are_those_of_the_mass_table(scene: mujoco.MjModel) -> None:
    # Worked out elsewhere from the same masses: shoulder, elbow, wrist at home and stretched out level.
    data = mujoco.MjData(scene)
    for angles, expected_nm in (
        ([0.0, 0.0, pi / 2, 0.0, 0.0, 0.0], [0.564, 0.468, 0.124]),
        ([0.0, pi / 2, 0.0, 0.0, 0.0, 0.0], [1.433, 0.468, 0.124]),
    ):
        data.qpos[:] = angles
        mujoco.mj_forward(scene, data)
        np.testing.assert_allclose(np.abs(data.qfrc_bias[1:4]), expected_nm, atol=2e-3)


def test_every_joint_has_the_servo_of_its_facts(scene: mujoco.MjModel) -> None:
    for joint in ROARM_M3.joints:
        actuator, servo = scene.actuator(joint.name), joint.servo
        assert scene.actuator_trnid[actuator.id, 0] == scene.joint(joint.name).id
        assert (actuator.gainprm[0], actuator.biasprm[1]) == (servo.stiffness_nm_per_rad, -servo.stiffness_nm_per_rad)
        np.testing.assert_allclose(actuator.forcerange, (-servo.force_limit_nm, servo.force_limit_nm))
        np.testing.assert_allclose(actuator.ctrlrange, (joint.target_lower_rad, joint.upper_rad))
        np.testing.assert_allclose(scene.joint(joint.name).range, (joint.lower_rad, joint.upper_rad))
        dof = scene.joint(joint.name).dofadr[0]
        assert scene.dof_armature[dof] == servo.armature_kgm2
        assert scene.dof_damping[dof] == pytest.approx(servo.damping_nms_per_rad)


def test_keyframes_hold_angles_and_targets(scene: mujoco.MjModel) -> None:
    assert {scene.key(i).name for i in range(scene.nkey)} == {name for name, _ in ROARM_M3.keyframes}
    for name, angles in ROARM_M3.keyframes:
        np.testing.assert_array_equal(scene.key(name).qpos, angles)
        np.testing.assert_array_equal(scene.key(name).ctrl, angles)


def test_the_arm_droops_by_torque_over_stiffness() -> None:
    # Level, the shoulder carries 1.43 N m, over 36 N m/rad that is 2.3 degrees. Its range ends there, so less is asked.
    level = [0.0, pi / 2 - 0.1, 0.0, 0.0, 0.0, 0.0]
    data = settle(scene_spec(ROARM_M3, visuals=False, dry_friction=False).compile(), level, 3.0)
    droop_rad = data.qpos[:6] - level
    assert droop_rad[1] == pytest.approx(1.43 / 36.0, rel=0.02)
    assert droop_rad[2] == pytest.approx(0.468 / 18.0, rel=0.02)
    assert np.abs(data.qvel).max() < 1e-3


def test_no_joint_is_faster_than_its_servo_without_load(scene: mujoco.MjModel) -> None:
    data = mujoco.MjData(scene)
    data.qpos[0], data.ctrl[0] = -3.0, 3.0
    fastest = 0.0
    for _ in range(200):
        mujoco.mj_step(scene, data)
        fastest = max(fastest, data.qvel[0])
    friction_nm = 0.05 + 18.0 * 2.0 * pi / 4096
    assert fastest == pytest.approx((2.94 - friction_nm) / (2.94 / (1.5 * pi)), rel=0.01)


@pytest.mark.parametrize(("dry_friction", "share"), [(True, 0.0), (False, 1.0)])
def test_inside_the_deadband_a_joint_stays_where_it_is(dry_friction: bool, share: float) -> None:
    model = scene_spec(ROARM_M3, visuals=False, dry_friction=dry_friction).compile()
    data = mujoco.MjData(model)
    data.ctrl[0] = pi / 4096  # half a step
    mujoco.mj_step(model, data, 400)
    assert data.qpos[0] / data.ctrl[0] == pytest.approx(share, abs=0.02)  # creeps by 1 % in 2 s


def test_a_cube_is_held_while_the_arm_shakes_it() -> None:
    spec = scene_spec(ROARM_M3, visuals=False)
    cube = spec.worldbody.add_body(name="cube", pos=(0.25, 0.0, 0.015))
    cube.add_freejoint()
    cube.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=(0.015,) * 3, mass=0.03, contype=4, conaffinity=3)
    model = spec.compile()
    data = mujoco.MjData(model)
    start = np.array(ROARM_M3.keyframe("task_start"))
    data.qpos[:6] = start
    mujoco.mj_kinematics(model, data)
    data.qpos[6:9] = data.site("grasp").xpos
    mujoco.mju_mat2Quat(data.qpos[9:13], data.site("grasp").xmat)
    model.opt.gravity[2] = 0.0  # until the jaws are closed
    data.ctrl[:] = (*start[:5], -0.2)
    mujoco.mj_step(model, data, 100)
    model.opt.gravity[2] = -9.81
    for step in range(800):
        data.ctrl[:2] = 0.5 * np.sin(step / 80), start[1] + 0.4 * np.sin(step / 100)
        mujoco.mj_step(model, data)
    # It creeps by about half a millimetre a second while shaken. With 10 line-search iterations it is flung away.
    assert np.linalg.norm(data.body("cube").xpos - data.site("grasp").xpos) < 0.004
    touching = {model.geom(geom).name for contact in data.contact for geom in contact.geom}
    assert {"fixed_jaw_left", "fixed_jaw_right", "moving_jaw_left", "moving_jaw_right"} <= touching


def test_the_arm_lies_on_the_table_and_not_in_it(scene: mujoco.MjModel) -> None:
    data = mujoco.MjData(scene)
    data.qpos[:6] = 0.0, 1.2, 0.9, 0.9, 0.0, 0.0
    data.ctrl[:] = 0.0, 1.5, 1.2, 1.2, 0.0, 0.0
    mujoco.mj_step(scene, data, 400)
    assert data.ncon > 0
    assert all(contact.dist > -0.002 for contact in data.contact)
    assert {scene.geom(contact.geom[0]).name for contact in data.contact} == {"table"}


def test_no_keyframe_touches_anything(scene: mujoco.MjModel) -> None:
    data = mujoco.MjData(scene)
    for index in range(scene.nkey):
        mujoco.mj_resetDataKeyframe(scene, data, index)
        mujoco.mj_forward(scene, data)
        assert data.ncon == 0, scene.key(index).name


def test_visuals_and_table_can_be_left_out() -> None:
    full, bare = scene_spec(ROARM_M3).compile(), scene_spec(ROARM_M3, visuals=False, table=False).compile()
    assert full.ngeom - bare.ngeom == len(ROARM_M3.visuals) + 1
    assert {full.camera(i).name for i in range(full.ncam)} == {"front", "side", "wrist"}
    for shape in ROARM_M3.visuals:
        assert full.geom(shape.name).contype[0] == full.geom(shape.name).conaffinity[0] == 0


def test_the_cameras_look_at_the_arm() -> None:
    model = scene_spec(ROARM_M3).compile()
    data = mujoco.MjData(model)
    data.qpos[:] = ROARM_M3.keyframe("task_start")
    mujoco.mj_forward(model, data)
    for name in ("front", "side", "wrist"):
        camera = data.cam(name)
        ahead = -camera.xmat.reshape(3, 3)[:, 2]
        to_hand = data.site("grasp").xpos - camera.xpos
        assert ahead @ to_hand / np.linalg.norm(to_hand) > np.cos(np.radians(21.0))  # half the opening angle


def test_any_robot_can_be_built() -> None:
    box = Shape(name="box", link="fore", kind="box", pos_m=(0.1, 0.0, 0.0), size_m=(0.1, 0.01, 0.01))
    model = scene_spec(replace(TOY, collisions=(box,))).compile()
    assert (model.nq, model.nu) == (3, 3)
    np.testing.assert_allclose(model.body("base_link").pos, (0.0, 0.0, 0.1))
    assert model.key("home").qpos.tolist() == [0.0, 1.0, 0.5]


def test_keyframes_follow_mujoco_s_joint_order_on_a_robot_that_branches() -> None:
    # MuJoCo counts joints depth first: base, elbow, gripper, second; the facts may list them otherwise.
    second = replace(TOY.joints[1], name="second", child="other", parent="base_link")
    robot = replace(
        TOY,
        joints=(second, *TOY.joints),
        links=(TOY.links[0], replace(TOY.links[2], name="other"), *TOY.links[1:]),
        keyframes=(("home", (0.4, 0.1, 0.2, 0.3)),),
    )
    model = robot_spec(robot).compile()
    for name, angle in zip(robot.joint_names, (0.4, 0.1, 0.2, 0.3), strict=True):
        assert model.key("home").qpos[model.joint(name).qposadr[0]] == angle
        assert model.key("home").ctrl[model.actuator(name).id] == angle


def test_a_link_that_hangs_on_nothing_is_refused() -> None:
    loose = replace(TOY.links[0], name="loose")
    with pytest.raises(BadInputError, match="hang on no joint from 'base_link': loose"):
        robot_spec(replace(TOY, links=(*TOY.links, loose)))

"""What a world looks like: the same places as forward kinematics says, and a loose object like any other body."""

from collections.abc import Sequence
from math import cos, pi, sin
from typing import cast

import mujoco
import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import Backend, SimConfig
from roarm_lab.sim.builder import COLLISION_GROUP, scene_spec
from roarm_lab.sim.geometry import DrawnShape, Geometry
from roarm_lab.sim.mujoco_cpu import MujocoCpu
from tests.toy_robot import TOY

SAME = 1e-9  # two ways to compute the same double


@pytest.fixture(scope="module")
def arm() -> Geometry:
    return Geometry.of_robot(ROARM_M3)


def with_cube(groups: Sequence[int] = (0,)) -> Geometry:
    """The arm's scene as simulated, with a free cube at (0.2, 0.1, 0.015); a geom of it for each group."""
    spec = scene_spec(ROARM_M3, visuals=False)
    cube = spec.worldbody.add_body(name="cube", pos=(0.2, 0.1, 0.015))
    cube.add_freejoint(name="cube")
    for group in groups:
        cube.add_geom(
            name=f"cube{group}", type=mujoco.mjtGeom.mjGEOM_BOX, size=(0.015,) * 3, rgba=(0.9, 0.1, 0.1, 1), group=group
        )
    return Geometry(spec.compile(), ROARM_M3)


def of_body(geometry: Geometry, name: str) -> list[DrawnShape]:
    return [shape for shape in geometry.shapes if geometry.body_names[shape.body] == name]


def test_links_are_where_forward_kinematics_puts_them(arm: Geometry) -> None:
    kinematics, rng = Kinematics(ROARM_M3), np.random.default_rng(0)
    for _ in range(20):
        angles = rng.uniform([joint.lower_rad for joint in ROARM_M3.joints], [j.upper_rad for j in ROARM_M3.joints])
        pos_w, quat_w = arm.poses(arm.qpos(angles))
        pos_b, rot_b = kinematics.link_poses(angles)
        for link, name in enumerate(kinematics.link_names):
            body = arm.body_names.index(name)
            np.testing.assert_allclose(pos_w[body], pos_b[link] + (0.0, 0.0, ROARM_M3.base_height_m), atol=SAME)
            turn = np.empty(9)
            mujoco.mju_quat2Mat(turn, quat_w[body])
            np.testing.assert_allclose(turn.reshape(3, 3), rot_b[link], atol=SAME)


def test_joint_angles_survive_the_way_through_qpos(arm: Geometry) -> None:
    angles = ROARM_M3.keyframe("task_start")
    np.testing.assert_array_equal(arm.joint_pos(arm.qpos(angles)), angles)


def test_the_simulated_model_is_dressed_in_the_robots_outer_shape(arm: Geometry) -> None:
    looks = {shape.name for shape in arm.shapes if not shape.collision}
    assert looks == {shape.name for shape in ROARM_M3.visuals} | {"table"}
    assert {shape.name for shape in arm.shapes if shape.collision} == {shape.name for shape in ROARM_M3.collisions}


def test_a_model_that_has_its_outer_shape_does_not_get_it_twice() -> None:
    names = [shape.name for shape in Geometry(scene_spec(ROARM_M3).compile(), ROARM_M3).shapes]
    assert len(names) == len(set(names)) == len(ROARM_M3.visuals) + len(ROARM_M3.collisions) + 1


def test_a_shape_is_on_the_link_that_the_facts_say(arm: Geometry) -> None:
    links = {shape.name: shape.link for shape in (*ROARM_M3.visuals, *ROARM_M3.collisions)} | {"table": "world"}
    assert {shape.name: arm.body_names[shape.body] for shape in arm.shapes} == links


def test_only_what_joints_carry_moves(arm: Geometry) -> None:
    names = {arm.body_names[index] for index in arm.moving}
    assert names == {joint.child for joint in ROARM_M3.joints}


def test_a_loose_cube_is_a_body_like_any_other() -> None:
    world = with_cube()
    body = world.body_names.index("cube")
    assert body in world.moving
    assert [(shape.kind, shape.size_m, shape.collision) for shape in of_body(world, "cube")] == [
        ("box", (0.015, 0.015, 0.015), False)
    ]
    qpos = world.rest
    qpos[-7:] = (0.3, -0.2, 0.4, cos(pi / 4), 0.0, 0.0, sin(pi / 4))  # a quarter turn about z
    pos_w, quat_w = world.poses(qpos)
    np.testing.assert_allclose(pos_w[body], (0.3, -0.2, 0.4), atol=SAME)
    np.testing.assert_allclose(quat_w[body], (cos(pi / 4), 0.0, 0.0, sin(pi / 4)), atol=SAME)


def test_moving_the_arm_leaves_the_cube_where_it_was() -> None:
    world, angles = with_cube(), ROARM_M3.keyframe("task_start")
    elsewhere = world.rest
    elsewhere[-7:-4] = (0.1, 0.3, 0.2)
    qpos = world.qpos(angles, elsewhere)
    np.testing.assert_array_equal(qpos[-7:-4], (0.1, 0.3, 0.2))
    np.testing.assert_array_equal(world.joint_pos(qpos), angles)


@pytest.mark.parametrize(("groups", "hidden"), [((COLLISION_GROUP,), [False]), ((0, COLLISION_GROUP), [False, True])])
def test_a_collision_shape_is_hidden_only_behind_something_to_look_at(
    groups: Sequence[int], hidden: list[bool]
) -> None:
    assert [shape.collision for shape in of_body(with_cube(groups), "cube")] == hidden


def test_halfway_turns_a_free_body_by_half_the_angle() -> None:
    world = with_cube()
    first, second = world.rest, world.qpos([0.4, 0.0, 0.0, 0.0, 0.0, 0.0])
    second[-7:] = (0.4, 0.1, 0.015, cos(pi / 4), 0.0, 0.0, sin(pi / 4))
    middle = world.between(first, second, 0.5)
    np.testing.assert_allclose(middle[-7:-4], (0.3, 0.1, 0.015), atol=SAME)
    np.testing.assert_allclose(middle[-4:], (cos(pi / 8), 0.0, 0.0, sin(pi / 8)), atol=SAME)
    np.testing.assert_allclose(world.joint_pos(middle)[0], 0.2, atol=SAME)
    np.testing.assert_allclose(world.between(first, second, 0.0), first, atol=SAME)
    np.testing.assert_allclose(world.between(first, second, 1.0), second, atol=SAME)


def test_a_shape_that_is_no_primitive_is_drawn_as_its_bounding_box() -> None:
    spec = scene_spec(ROARM_M3, visuals=False)
    corners = [0.0, 0.0, 0.0, 0.06, 0.0, 0.0, 0.0, 0.04, 0.0, 0.0, 0.0, 0.02]  # a tetrahedron
    spec.add_mesh(name="wedge", uservert=corners)
    body = spec.worldbody.add_body(name="wedge", pos=(0.3, 0.0, 0.0))
    body.add_geom(name="wedge", type=mujoco.mjtGeom.mjGEOM_MESH, meshname="wedge")
    geometry = Geometry(spec.compile(), ROARM_M3)
    shape = of_body(geometry, "wedge")[0]
    assert shape.kind == "box"
    # MuJoCo turns a mesh to its own axes, so only the corners of the box in the body are compared: none may stick out.
    pos_w, quat_w = geometry.placed(shape)
    for x, y, z in np.add(np.reshape(corners, (4, 3)), (0.3, 0.0, 0.0)):
        local, back = np.empty(3), np.empty(4)
        mujoco.mju_negQuat(back, quat_w)
        mujoco.mju_rotVecQuat(local, np.subtract((x, y, z), pos_w), back)
        assert np.all(np.abs(local) <= np.add(shape.size_m, 1e-6))


def test_a_robot_without_an_outer_shape_is_shown_as_it_touches() -> None:
    assert [shape.name for shape in Geometry.of_robot(TOY).shapes] == ["table"]


def test_invisible_shapes_are_left_out() -> None:
    spec = scene_spec(ROARM_M3, visuals=False)
    spec.worldbody.add_geom(name="ghost", size=(0.1, 0.0, 0.0), rgba=(1, 1, 1, 0))
    assert "ghost" not in [shape.name for shape in Geometry(spec.compile(), ROARM_M3).shapes]


def test_sites_are_those_of_the_robot(arm: Geometry) -> None:
    assert {site.name: site.pos_m for site in arm.sites} == {site.name: site.xyz_m for site in ROARM_M3.sites}


def test_a_backend_shows_what_it_simulates() -> None:
    backend = MujocoCpu(ROARM_M3, 1, SimConfig(threads=1))
    geometry = Geometry.of_backend(backend)
    assert geometry.model is backend.model


def test_another_kind_of_backend_is_refused() -> None:
    with pytest.raises(BadInputError, match="Only worlds of the backend mujoco_cpu can be shown, got object"):
        Geometry.of_backend(cast("Backend", object()))


@pytest.mark.parametrize("qpos", [[0.0] * 5, [0.0, 0.0, float("nan"), 0.0, 0.0, 0.0]])
def test_positions_that_make_no_sense_are_refused(arm: Geometry, qpos: list[float]) -> None:
    with pytest.raises(BadInputError, match="qpos must be 6 finite numbers"):
        arm.poses(qpos)

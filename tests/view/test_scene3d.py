"""The world in a live page: nodes are where bodies are, and shapes are what they say."""

from collections.abc import Iterator
from math import pi

import numpy as np
import pytest

from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import Box, SimConfig
from roarm_lab.sim.geometry import Geometry
from roarm_lab.sim.mujoco_cpu import compile_model
from roarm_lab.view.scene3d import GREEN, ORANGE, Scene3d, capsule
from roarm_lab.view.serving import Server, serving
from roarm_lab.view.show import Marker

VOLUME = 0.02  # a capsule of flat faces is smaller than a round one


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("127.0.0.1", 0, "test") as server:
        yield server


@pytest.fixture(scope="module")
def scene(server: Server) -> Scene3d:
    return Scene3d(server, Geometry.of_robot(ROARM_M3), (Marker("goal", 0.02),))


def test_bodies_follow_the_positions(scene: Scene3d) -> None:
    geometry = Geometry.of_robot(ROARM_M3)
    for name in ("home", "task_start"):
        qpos = geometry.qpos(ROARM_M3.keyframe(name))
        scene.show(qpos)
        pos_w, quat_w = geometry.poses(qpos)
        for body, pos, quat in zip(scene._bodies, pos_w, quat_w, strict=True):
            np.testing.assert_allclose(body.position, pos)
            np.testing.assert_allclose(body.wxyz, quat)


def test_a_marker_stands_on_a_stalk_and_changes_its_colour(scene: Scene3d) -> None:
    scene.mark("goal", (0.1, -0.2, 0.3), GREEN)
    ball, stalk = scene._markers["goal"], scene._stalks["goal"]
    np.testing.assert_allclose(ball.position, (0.1, -0.2, 0.3))
    np.testing.assert_allclose(stalk.position, (0.1, -0.2, 0.15))
    np.testing.assert_allclose(stalk.scale, (1.0, 1.0, 0.3))
    assert tuple(ball.color) == tuple(stalk.color) == GREEN
    scene.mark("goal", (0.1, -0.2, 0.3), ORANGE)
    assert tuple(ball.color) == ORANGE


def test_a_box_is_shown_as_large_as_it_is() -> None:
    world = Geometry(compile_model(ROARM_M3, SimConfig(boxes=(Box(name="cube"),))), ROARM_M3)
    with serving("127.0.0.1", 0, "test") as server:
        scene = Scene3d(server, world)
        scene.resize({"cube": 1.2})
        scales = {name: node.scale for name, node in scene._shapes}
    assert scales.pop("cube") == 1.2
    assert set(scales.values()) == {1.0}


def test_collision_shapes_frames_and_sites_are_hidden_until_asked_for(scene: Scene3d) -> None:
    for switch, nodes in (
        (scene.show_collision, scene._touching),
        (scene.show_axes, scene._axes),
        (scene.show_sites, scene._sites),
    ):
        assert nodes
        assert not any(node.visible for node in nodes)
        switch(True)
        assert all(node.visible for node in nodes)
        switch(False)
        assert not any(node.visible for node in nodes)


def test_a_capsule_is_closed_and_as_big_as_it_says() -> None:
    corners, faces = capsule(0.02, 0.05, around=48, rings=12)
    assert np.abs(corners).max(axis=0) == pytest.approx((0.02, 0.02, 0.07))
    first, second, third = (corners[faces[:, i]] for i in range(3))
    volume_m3 = np.einsum("ij,ij->i", first, np.cross(second, third)).sum() / 6  # outwards: positive
    assert volume_m3 == pytest.approx(pi * 0.02**2 * 0.1 + 4 / 3 * pi * 0.02**3, rel=VOLUME)
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    flat = np.ptp(corners[edges].round(12), axis=1).max(axis=1) == 0.0  # at the poles corners coincide
    _, counts = np.unique(edges[~flat], axis=0, return_counts=True)
    assert set(counts.tolist()) <= {1, 2}

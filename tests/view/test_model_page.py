"""The page of a model: sliders, keyframes and readout agree with the robot's facts."""

import re
from collections.abc import Iterator

import numpy as np
import pytest

from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.geometry import Geometry
from roarm_lab.view.model_page import Model, ModelPage, readout
from roarm_lab.view.serving import Server, serving
from roarm_lab.view.show import Marker
from tests.toy_robot import TOY

SHOWN = 1e-3  # of a millimetre of the pose that inverse kinematics was asked for


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("127.0.0.1", 0, "test") as server:
        yield server


@pytest.fixture
def page(server: Server) -> ModelPage:
    geometry = Geometry.of_robot(ROARM_M3)
    return ModelPage(server, Model(about="x", geometry=geometry, qpos=geometry.qpos(ROARM_M3.keyframe("home"))))


def test_there_is_a_slider_for_every_joint_with_its_limits(page: ModelPage) -> None:
    found = [(slider.label, slider.min, slider.max) for slider in page._sliders]
    assert found == [(joint.name, joint.lower_rad, joint.upper_rad) for joint in ROARM_M3.joints]
    np.testing.assert_allclose([slider.value for slider in page._sliders], ROARM_M3.keyframe("home"))


def test_the_readout_is_where_the_hand_is() -> None:
    # The facts say: at task_start hand_tcp is at (0.25, 0, 0.13) m above the table.
    text = readout(Kinematics(ROARM_M3), ROARM_M3.keyframe("task_start"))
    row = re.search(r"\| hand_tcp \| (\S+) \| (\S+) \| (\S+) \|", text)
    assert row
    np.testing.assert_allclose([float(value) for value in row.groups()], (0.25, 0.0, 0.13), atol=SHOWN)
    assert "`0.000, 0.417, 1.351, 1.374, 0.000, 0.800`" in text


def test_a_keyframe_moves_the_sliders_and_the_arm(page: ModelPage) -> None:
    page.set_joints(ROARM_M3.keyframe("ready"))
    np.testing.assert_allclose([slider.value for slider in page._sliders], ROARM_M3.keyframe("ready"))
    expected, _ = Geometry.of_robot(ROARM_M3).poses(ROARM_M3.keyframe("ready"))
    np.testing.assert_allclose([body.position for body in page._scene._bodies], expected)


def test_a_slider_moves_its_joint_alone(page: ModelPage) -> None:
    page._sliders[2].value = 1.0
    for callback in page._sliders[2]._impl.update_cb:
        callback(None)  # as when a browser drags it
    expected = list(ROARM_M3.keyframe("home"))
    expected[2] = 1.0
    np.testing.assert_allclose(page.joint_pos, expected)
    assert readout(Kinematics(ROARM_M3), expected) == page._readout.content


def test_any_robot_has_a_page(server: Server) -> None:
    geometry = Geometry.of_robot(TOY)
    page = ModelPage(server, Model(about="toy", geometry=geometry, qpos=geometry.rest))
    assert [slider.label for slider in page._sliders] == ["base", "elbow", "gripper"]
    # At zero the forearm is level: the hand is 0.25 m out, 0.1 + 0.1 m up.
    assert "| hand | 0.2500 | 0.0000 | 0.2000 |" in page._readout.content


def test_markers_of_a_task_are_shown(server: Server) -> None:
    geometry = Geometry.of_robot(ROARM_M3)
    model = Model(about="", geometry=geometry, qpos=geometry.rest, markers={Marker("goal", 0.02): (0.1, 0.2, 0.3)})
    np.testing.assert_allclose(ModelPage(server, model)._scene._markers["goal"].position, (0.1, 0.2, 0.3))

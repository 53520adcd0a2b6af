"""`roarm view`: an arm or a task by name, served until Ctrl-C."""

import re
import signal
import socket
from contextlib import closing

import numpy as np
import pytest

from roarm_lab.cli.main import main
from roarm_lab.core.errors import UnknownNameError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.table import ROBOTS
from roarm_lab.tasks.table import TASKS
from roarm_lab.workflows.start.view_model import model_of
from tests.cli.evaluation.test_play import START_S, started


@pytest.mark.parametrize("name", [*ROBOTS, *TASKS])
def test_everything_that_has_a_name_can_be_shown(name: str) -> None:
    model = model_of(name)
    pos_w, _ = model.geometry.poses(model.qpos)
    assert np.isfinite(pos_w).all()


def test_an_arm_is_shown_at_home_and_a_task_at_its_start() -> None:
    arm, task = model_of("roarm_m3"), model_of("reach")
    np.testing.assert_allclose(arm.geometry.joint_pos(arm.qpos), ROARM_M3.keyframe("home"))
    start = np.abs(task.geometry.joint_pos(task.qpos) - ROARM_M3.keyframe("task_start"))
    assert (start < 0.76).all()  # rad: at most the spread of the base and that of all joints
    assert [marker.name for marker in task.markers] == ["goal"]
    assert not arm.markers


def test_an_unknown_name_gets_the_closest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", "roarm_m33"]) == 2
    assert "There is no arm or task named 'roarm_m33'. Did you mean 'roarm_m3'?" in capsys.readouterr().err
    with pytest.raises(UnknownNameError, match="Known: .*reach"):
        model_of("nothing")


def test_a_port_in_use_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        assert main(["view", "roarm_m3", "--port", str(other.getsockname()[1])]) == 2
    assert "is in use by another program" in capsys.readouterr().err


def test_it_is_served_until_ctrl_c() -> None:
    process = started("view", "roarm_m3")
    try:
        assert process.stdout is not None
        assert re.match(r"open        http://127\.0\.0\.1:\d+\n", process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=START_S)
        assert (process.returncode, err) == (130, "roarm: interrupted\n")
    finally:
        process.kill()

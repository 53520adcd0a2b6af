"""The page of a teleoperated arm: what it says, and a button that stops."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from roarm_lab.robots.arm import ArmSample
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.geometry import Geometry
from roarm_lab.teleop.session import OperatorCommand, TeleopTurn
from roarm_lab.view.serving import Server, serving
from roarm_lab.view.teleop_page import TeleopPage, joint_table, state_words, time_table

HOME = np.array(ROARM_M3.keyframe("home"))
TURN = TeleopTurn(
    number=3,
    time_s=1.0,
    late_s=0.0012,
    compute_s=0.0034,
    age_s=0.0256,
    sample=ArmSample.of(1.0, HOME, [0.0, 0.184, -0.5, 0.0, 0.0, 1.0]),
    requested=HOME,
    sent=HOME + 0.01,
    latched=None,
    name="keyboard",
    note="joints 35%",
)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving("127.0.0.1", 0, "test") as server:
        yield server


def test_the_tables_tell_angles_efforts_and_ages() -> None:
    rows = joint_table(TURN, ROARM_M3.joint_names).splitlines()
    assert rows[3] == "| shoulder | +0.000 | +0.010 | +18% |"
    assert rows[4] == "| elbow | +1.571 | +1.581 | -50% |"
    assert time_table(TURN).splitlines()[-1] == "| 25.6 ms | 1.2 ms | 3.4 ms |"


def test_an_arm_that_measures_no_effort_has_none_in_the_table() -> None:
    plain = replace(TURN, sample=ArmSample.of(1.0, HOME))
    assert joint_table(plain, ROARM_M3.joint_names).splitlines()[2] == "| base | +0.000 | +0.010 | - |"


def test_why_it_is_held_and_why_it_stays_is_said() -> None:
    assert state_words(TURN) == "**Free:** targets pass the gate  \nkeyboard: joints 35%"
    held = state_words(replace(TURN, latched="emergency stop by a person", trouble="too far"))
    assert held == "**Held:** emergency stop by a person  \nkeyboard: joints 35%  \ntoo far"


def test_a_page_shows_turns_and_a_reading_that_failed(server: Server) -> None:
    page = TeleopPage(server, Geometry.of_robot(ROARM_M3), "about")
    page.show(TURN)
    assert page.words[0].startswith("**Free:**")
    assert "| base | +0.000 |" in page.words[1]
    failed = replace(TURN, sample=ArmSample.failed(1.0, "the bus is dead"))
    assert joint_table(failed, ROARM_M3.joint_names) == "No pose: the bus is dead"
    page.show(failed)


def test_its_button_is_one_emergency_stop_each(server: Server) -> None:
    page = TeleopPage(server, Geometry.of_robot(ROARM_M3), "about")
    assert page.orders(0.0) == []
    page.stop()
    assert page.orders(0.0) == [OperatorCommand.STOP]
    assert page.orders(0.0) == []

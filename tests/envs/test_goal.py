"""What a task asks for is read out of a contract and out of a run's settings alike."""

from typing import Any

import pytest

from roarm_lab.core.configs import to_plain
from roarm_lab.envs.goal import goal_of
from roarm_lab.envs.interface import interface_of
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach


@pytest.mark.parametrize("plain", [interface_of, to_plain], ids=["contract", "settings"])
def test_both_ways_of_writing_a_task_say_the_same(plain: Any) -> None:
    goal = goal_of(plain(reach(within_m=0.03, hold_s=0.3)))
    assert goal is not None
    assert (goal.success.holds, goal.success.within_m, goal.target) == ("the fingertips", 0.03, "a random point")
    assert (goal.hold_s, goal.episode_s) == (0.3, 2.5)
    lifted = goal_of(plain(lift_cube()))
    assert lifted is not None
    assert (lifted.success.box, lifted.target) == ("cube", "a random point in the air")


@pytest.mark.parametrize(
    "change",
    [
        {"success": {"kind": "CubeLifted", "params": {"height_m": 0.1}}},
        {"success": {"kind": "SiteHeldAtGoal", "params": {"command": "goal", "within_m": "near", "hold_s": 0.4}}},
        {"success": []},
        {"robot": "roarm_m9"},
        {"episode_s": None},
        {"commands": 3},
    ],
)
def test_what_can_not_be_read_has_no_goal(change: dict[str, Any]) -> None:
    assert goal_of(interface_of(reach()) | change) is None


def test_a_task_that_says_nothing_has_no_goal() -> None:
    assert goal_of({}) is None

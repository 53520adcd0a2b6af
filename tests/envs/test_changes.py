"""A task changed by paths: what is changed, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.changes import with_changes
from roarm_lab.tasks.reach import reach


def refusal(**changes: Any) -> str:
    with pytest.raises(BadInputError) as caught:
        with_changes(reach(), {name.replace("__", "."): value for name, value in changes.items()}, "here:")
    return str(caught.value)


def test_nothing_but_what_is_named_changes() -> None:
    task = reach()
    changed = with_changes(task, {"rewards.near.weight": 0.5, "rewards.near.scale_m": 1, "episode_s": 3}, "here:")
    assert (changed.rewards["near"].weight, changed.episode_s) == (0.5, 3.0)
    near = replace(changed.rewards["near"], weight=0.25, scale_m=0.2)  # pyright: ignore[reportCallIssue]
    assert replace(changed, episode_s=2.5, rewards={**changed.rewards, "near": near}) == task
    assert with_changes(task, {}, "here:") == task


def test_parts_of_every_kind_can_be_changed() -> None:
    paths = {
        "actions.joints.step_rad": 0.1,
        "observations.actor.joint_vel.scale": 0.3,
        "events.start.spread_rad": 0.2,
        "success.hold_s": 0.5,
        "commands.goal.site": "grasp",
        "sim.physics_dt_s": 0.01,
    }
    changed = with_changes(reach(), paths, "here:")
    assert changed.sim.physics_dt_s == 0.01
    assert changed.success.hold_s == 0.5
    assert changed.observations["actor"]["joint_vel"] != reach().observations["actor"]["joint_vel"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rewards__near__wieght": 1}, "here: rewards.near has an unknown key 'wieght'. Did you mean 'weight'?"),
        ({"reward__near__weight": 1}, "here: reward.near.weight has an unknown key 'reward'. Did you mean 'rewards'?"),
        ({"rewards__near__weight": "x"}, "here: rewards.near.weight must be a number, got 'x'."),
        ({"rewards__near__weight": True}, "here: rewards.near.weight must be a number, got True."),
        ({"rewards__near": 1}, "here: rewards.near must be a mapping with keys among"),
        ({"rewards__near__weight__more": 1}, "here: rewards.near.weight must be a number, got {'more': 1}."),
        ({"rewards__near__site": "elbow"}, "here: rewards.near: There is no site named 'elbow'."),
        ({"rewards__near__scale_m": -1}, "SiteNearGoal.scale_m must be positive and finite, got -1.0."),
        ({"rewards__near": {}, "rewards__near__weight": 1, "rewards": {}}, "here: rewards: parts of 'rewards' are"),
        ({"episode_s": 0.01}, "here: episode_s: episode_s (0.01) must be at least control_dt_s (0.05)."),
        ({"sim__backend": "mujoco_warp"}, "here: sim.backend has an option of its own: `backend=`."),
        ({"robot__name": "x"}, "here: robot.name has an unknown key 'robot'. Known: actions, commands,"),
        ({"task": "x"}, "here: task has an unknown key 'task'."),
    ],
)
def test_a_path_that_leads_nowhere_and_a_value_that_does_not_fit_are_refused(
    changes: dict[str, Any], said: str
) -> None:
    assert said in refusal(**changes)


def test_a_part_and_something_in_it_are_not_both_given() -> None:
    assert "the whole of 'near' is given besides" in refusal(rewards__near=1, rewards__near__weight=1)
    assert "parts of 'near' are given besides" in refusal(rewards__near__weight=1, rewards__near=1)

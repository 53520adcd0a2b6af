"""Reach: what its observations, goals and regions are, worked out by hand or by plain geometry."""

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from roarm_lab.envs.env import Env
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.tasks.reach import goal_height_m, goal_radius_m, goal_turn_rad, reach
from tests.envs.toy_task import Fixed

FLOAT32 = 1e-6


def moment(base_rad: float, goal_w: tuple[float, float, float]) -> Any:
    joint_pos = np.zeros((1, 6), dtype=np.float32)
    joint_pos[0, 0] = base_rad
    return SimpleNamespace(joint_pos=joint_pos, commands={"goal": np.float32([goal_w])})


def test_regions_look_at_radius_height_and_turn() -> None:
    scene = reach().scene()
    assert goal_radius_m(scene)(moment(0.0, (0.3, 0.4, 0.1)))[0] == pytest.approx(0.5)
    assert goal_height_m(scene)(moment(0.0, (0.3, 0.4, 0.1)))[0] == pytest.approx(0.1)
    turn = goal_turn_rad(scene)
    assert turn(moment(0.0, (0.0, 0.3, 0.1)))[0] == pytest.approx(math.pi / 2, abs=FLOAT32)
    assert turn(moment(0.5, (0.3, 0.0, 0.1)))[0] == pytest.approx(0.5, abs=FLOAT32)
    behind = (-0.3, -1e-3, 0.1)  # at -180 degrees, with the base at +170: 10 degrees, as a report should say
    assert turn(moment(math.radians(170.0), behind))[0] == pytest.approx(math.radians(10.0), abs=0.01)


def test_its_observation_is_34_numbers() -> None:
    env = Env(reach(), 2)
    assert env.observations["actor"].sizes == {
        "joint_pos": 6, "joint_vel": 6, "target_lead": 6, "tcp": 3, "goal_from_tcp": 3, "goal_turn": 1, "goal": 3,
        "last_action": 6,
    }  # fmt: skip


def test_it_begins_with_the_gripper_down_in_front() -> None:
    env = Env(reach(), 200)
    seen = env.reset()["actor"]
    tip_w = seen["tcp"] / 4.0
    assert np.hypot(tip_w[:, 0], tip_w[:, 1]).mean() == pytest.approx(0.25, abs=0.02)
    assert tip_w[:, 2].mean() == pytest.approx(0.13, abs=0.02)
    assert tip_w[:, 2].min() > 0.0
    np.testing.assert_array_equal(seen["target_lead"], 0.0)


def test_an_arm_that_goes_to_the_goal_and_stays_succeeds_and_one_that_leaves_does_not() -> None:
    pose = np.float32([0.9, 0.2, 1.2, 1.0, 0.3, 0.8])
    goal_w = Kinematics(ROARM_M3).site_pos_b(pose[None], ["hand_tcp"])[0, 0] + (0.0, 0.0, ROARM_M3.base_height_m)
    env = Env(replace(reach(), commands={"goal": Fixed(point_w=tuple(goal_w.tolist()))}), 2, seed=1)
    env.reset()
    for step in range(env.config.episode_steps):
        requested = np.stack([pose, pose if step < 40 else pose + 0.3])
        # The targets follow the error of the angles, which makes up for the droop.
        result = env.step(np.clip((requested - env.state.joint_pos) / 0.25, -1.0, 1.0))
    assert result.episodes is not None
    assert result.episodes.reached.tolist() == [True, True]
    assert result.episodes.success.tolist() == [True, False]
    assert result.episodes.distance_m[0] < 0.01
    assert result.episodes.returns["at_goal"][0] > 0.125 * 20


def test_goals_are_where_the_tool_can_be() -> None:
    env = Env(reach(), 300)
    goal = env.reset()["actor"]["goal"] / 4.0
    assert ((goal[:, 2] > 0.05 - FLOAT32) & (goal[:, 2] < 0.5 + FLOAT32)).all()
    assert np.hypot(goal[:, 0], goal[:, 1]).min() > 0.12 - FLOAT32
    reach_m = np.linalg.norm(goal - (0.0, 0.0, ROARM_M3.base_height_m + 0.052), axis=1)
    assert reach_m.max() < 0.56  # 0.239 + 0.145 + 0.056 + 0.115 m of links end to end


def test_what_varies_is_an_argument() -> None:
    config = reach(within_m=0.05, hold_s=0.2)
    assert config.success.within_m == config.rewards["at_goal"].within_m == 0.05
    assert config.success.hold_s == 0.2

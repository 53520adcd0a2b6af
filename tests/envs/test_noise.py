"""Noise, delay and history reach the groups that ask for them, in worlds that begin anew as well."""

import numpy as np
import pytest

from roarm_lab.envs.env import Env
from roarm_lab.mdp.observations import JointPos, SitePos
from tests.envs.toy_task import DT_S, STEPS, EndsAfter, actions, toy_config

NOISY = {"joint_pos": JointPos(noise_std=0.02), "hand": SitePos(site="hand")}
CLEAN = {"joint_pos": JointPos(), "hand": SitePos(site="hand")}


def test_noise_is_only_in_terms_that_have_it() -> None:
    env = Env(toy_config(observations={"actor": NOISY, "critic": CLEAN}), 500)
    moments = [env.reset()] + [env.step(action).observations for action in actions(500, STEPS + 2)]
    for seen in moments:
        np.testing.assert_array_equal(seen["actor"]["hand"], seen["critic"]["hand"])
        noise = seen["actor"]["joint_pos"] - seen["critic"]["joint_pos"]
        assert noise.std() == pytest.approx(0.02, rel=0.15)  # 1500 numbers: 2 % is one sigma
        assert abs(noise.mean()) < 5 * 0.02 / np.sqrt(1500)
        assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 0.25


def test_noise_is_new_every_step_and_in_every_group() -> None:
    env = Env(toy_config(observations={"actor": NOISY, "critic": NOISY}), 500)
    first, second = env.reset(), env.step(np.zeros((500, 3))).observations
    # What the two groups share, the angles, cancels.
    gaps = [seen["actor"]["joint_pos"] - seen["critic"]["joint_pos"] for seen in (first, second)]
    assert gaps[0].std() == pytest.approx(0.02 * np.sqrt(2), rel=0.15)
    assert abs(np.corrcoef(gaps[0].ravel(), gaps[1].ravel())[0, 1]) < 0.15


def test_noise_does_not_move_the_arm() -> None:
    noisy, clean = Env(toy_config(observations={"actor": NOISY}), 3), Env(toy_config(observations={"actor": CLEAN}), 3)
    noisy.reset(), clean.reset()
    for action in actions(3, STEPS - 1):
        noisy.step(action), clean.step(action)
        np.testing.assert_array_equal(noisy.state.joint_pos, clean.state.joint_pos)


def test_a_world_that_begins_anew_has_no_past_and_the_others_keep_theirs() -> None:
    terms = {"now": JointPos(), "old": JointPos(delay_s=2 * DT_S), "all": JointPos(history_s=2 * DT_S)}
    env = Env(toy_config(observations={"actor": terms}), 8, seed=2)
    past = [env.reset()["actor"]["now"]]
    past += past * 2
    for action in actions(8, STEPS - 1):
        seen = env.step(action).observations["actor"]
        past.append(seen["now"])
        np.testing.assert_array_equal(seen["old"], past[-3])
        np.testing.assert_array_equal(seen["all"], np.concatenate(past[-3:], axis=1))
    early = Env(toy_config(observations={"actor": terms}, terminations={"e": EndsAfter(steps=4, above=0.5)}), 8, seed=2)
    early.reset()
    for action in actions(8, 4):
        result = early.step(action)
    ended, seen = result.terminated, result.observations["actor"]
    assert 0 < ended.sum() < 8
    np.testing.assert_array_equal((seen["old"] == seen["now"]).all(axis=1), ended)
    np.testing.assert_array_equal((seen["all"] == np.tile(seen["now"], 3)).all(axis=1), ended)

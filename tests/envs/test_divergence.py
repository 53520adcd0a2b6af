"""A world that blows up counts as failed, is told by name, and nobody else notices."""

from dataclasses import replace

import numpy as np
import pytest

from roarm_lab.envs.env import Env
from roarm_lab.mdp.terminations import SiteBelow
from tests.envs.results import busy_config
from tests.envs.toy_task import STEPS, actions, toy_config

FLOAT32 = 1e-6


def poison(env: Env, world: int, field: str = "joint_vel") -> None:
    env.backend.set(field, np.full((1, 3), np.nan), [world])


@pytest.mark.parametrize("field", ["joint_pos", "joint_vel"])
def test_a_diverged_world_ends_as_failed_and_training_goes_on(field: str) -> None:
    env = Env(toy_config(success=replace(toy_config().success, steps=tuple(range(STEPS + 1)))), 4)
    env.reset()
    env.step(np.zeros((4, 3)))
    env.step(np.zeros((4, 3)))
    poison(env, 2, field)
    result = env.step(np.zeros((4, 3)))
    np.testing.assert_array_equal(result.truncated, [False, False, True, False])
    assert not result.terminated.any()
    np.testing.assert_array_equal(result.reward, np.float32([0.25, 0.25, 0.0, 0.25]))
    assert [(found.world, found.step) for found in result.divergences] == [(2, 3)]
    assert "joint 'base'" in result.divergences[0].field
    assert env.num_diverged == 1
    ended = result.episodes
    assert ended is not None
    assert (ended.world.tolist(), ended.diverged.tolist(), ended.success.tolist()) == ([2], [True], [False])
    assert ended.held_steps.tolist() == [0]
    np.testing.assert_allclose(ended.returns["alive"], [0.5])  # of the two steps before
    for group in (result.observations, result.final_observations):
        assert group is not None
        assert all(np.isfinite(values).all() for values in group["actor"].values())
    np.testing.assert_allclose(result.observations["actor"]["joint_pos"][2], [0.0, 1.0, 0.5], atol=0.1 + FLOAT32)
    for _ in range(2 * STEPS):
        result = env.step(np.zeros((4, 3)))
    assert env.num_diverged == 1
    assert result.divergences == []


def test_the_others_do_not_notice_not_even_in_their_luck() -> None:
    # Noise, random models, new commands and starts of the three others are the same bits in three episodes to come.
    config = busy_config(random_age=False)
    env, twin = Env(config, 4, seed=5), Env(config, 4, seed=5)
    env.reset(), twin.reset()
    others = [0, 1, 3]
    for step, action in enumerate(actions(4, 3 * STEPS)):
        if step == 4:
            poison(env, 2)
        result, expected = env.step(action), twin.step(action)
        for name, values in result.observations["actor"].items():
            np.testing.assert_array_equal(values[others], expected.observations["actor"][name][others])
        np.testing.assert_array_equal(result.reward[others], expected.reward[others])
        np.testing.assert_array_equal(result.truncated[others], expected.truncated[others])
    assert env.num_diverged == 1


def test_a_world_that_diverges_is_not_terminated_by_where_it_was_put() -> None:
    # MuJoCo puts it straight to zero, where the hand is 0.2 m up.
    env = Env(toy_config(terminations={"low": SiteBelow(site="hand", height_m=0.3)}), 1)
    env.reset()
    poison(env, 0)
    result = env.step(np.zeros((1, 3)))
    assert (result.terminated[0], result.truncated[0]) == (False, True)

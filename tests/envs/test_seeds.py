"""A seed decides everything and nothing else does: not the threads, not what happened before."""

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.env import Env
from roarm_lab.sim.backend import SimConfig
from tests.envs.results import busy_config, rolled, same
from tests.envs.toy_task import STEPS, toy_config


def test_one_seed_one_trajectory_bitwise_and_another_seed_another() -> None:
    reference = rolled(Env(busy_config(), 5, seed=3))
    assert same(reference, rolled(Env(busy_config(), 5, seed=3)))
    assert same(reference, rolled(Env(busy_config(), 5, seed=8), seed=3))
    assert not same(reference, rolled(Env(busy_config(), 5, seed=4)))


@pytest.mark.parametrize("threads", [2, 3])
def test_the_number_of_threads_changes_no_bit(threads: int) -> None:
    reference = rolled(Env(busy_config(), 5, seed=3))
    assert same(reference, rolled(Env(busy_config(sim=SimConfig(threads=threads)), 5, seed=3)))


def test_a_seed_begins_anew_and_without_one_it_goes_on() -> None:
    env = Env(busy_config(), 4)
    first = rolled(env, 7, seed=3)
    second = rolled(env, 7)
    assert not same(first, second)
    assert same(first, rolled(env, 7, seed=3))
    assert same(second, rolled(env, 7))  # and it goes on the same way each time


def test_every_reset_of_a_world_asks_for_something_else() -> None:
    env = Env(toy_config(), 1)
    env.reset()
    asked = {float(env.step(np.zeros((1, 3))).observations["actor"]["goal"][0, 0]) for _ in range(5 * STEPS)}
    assert len(asked) == 6


@pytest.mark.parametrize("seed", [-1, -(2**40)])
def test_a_negative_seed_is_refused(seed: int) -> None:
    with pytest.raises(BadInputError, match=f"A seed must be 0 or more, got {seed}"):
        Env(toy_config(), 1, seed)
    with pytest.raises(BadInputError, match=f"A seed must be 0 or more, got {seed}"):
        Env(toy_config(), 1).reset(seed)

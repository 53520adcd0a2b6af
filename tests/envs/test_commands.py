"""What is asked for: anew for each episode, anew when its time is up, and never after the end."""

from typing import Any

import numpy as np

from roarm_lab.envs.env import Env
from tests.envs.toy_task import DT_S, STEPS, Always, Computed, Draw, Fixed, toy_config

STILL = np.zeros((4, 3))


def asked(env: Env) -> np.ndarray:
    return env.state.commands["goal"][:, 0].copy()


def test_a_command_stays_for_the_whole_episode() -> None:
    env = Env(toy_config(), 4)
    env.reset()
    first = asked(env)
    assert len(np.unique(first)) == 4
    for _ in range(STEPS - 1):
        env.step(STILL)
        np.testing.assert_array_equal(asked(env), first)
    env.step(STILL)
    assert (asked(env) != first).all()


def test_a_command_is_asked_anew_when_its_time_is_up() -> None:
    env = Env(toy_config(commands={"goal": Draw(resample_s=4 * DT_S), "place": Fixed(point_w=(0.1, 0.2, 0.3))}), 4)
    env.reset()
    old = asked(env)
    for step in range(1, 2 * STEPS + 1):
        result = env.step(STILL)
        changes = step % STEPS in (0, 4, 8)
        assert ((asked(env) != old) == changes).all(), step
        # Who acts next must see what is asked now.
        np.testing.assert_array_equal(result.observations["actor"]["goal"][:, 0], asked(env))
        np.testing.assert_array_equal(env.state.commands["place"], np.float32([[0.1, 0.2, 0.3]] * 4))
        old = asked(env)


def test_the_step_is_judged_by_what_was_asked_when_it_was_made() -> None:
    rewards = {"x": Computed(weight=1.0, function=lambda state: state.commands["goal"][:, 0])}
    env = Env(toy_config(commands={"goal": Draw(resample_s=2 * DT_S)}, rewards=rewards), 4)
    env.reset()
    for _ in range(STEPS):
        before = asked(env)
        np.testing.assert_array_equal(env.step(STILL).reward, before)


def test_an_ended_episode_is_reported_with_what_it_was_asked() -> None:
    # In the last step the command's time is up too: 10 is a multiple of 5. `Between` reports x as distance.
    env = Env(toy_config(commands={"goal": Draw(resample_s=5 * DT_S)}), 4)
    env.reset()
    for _ in range(STEPS - 1):
        env.step(STILL)
    last = asked(env)
    result = env.step(STILL)
    assert result.episodes is not None
    assert result.final_observations is not None
    np.testing.assert_array_equal(result.episodes.distance_m, last)
    np.testing.assert_array_equal(result.final_observations["actor"]["goal"][:, 0], last)
    assert (asked(env) != last).all()


def test_with_random_ages_each_world_has_its_own_time() -> None:
    env = Env(toy_config(commands={"goal": Draw(resample_s=4 * DT_S)}, random_age=True), 50)
    env.reset()
    step = np.rint(env.state.episode_time_s / DT_S).astype(int)
    old = asked(env)
    for _ in range(3 * STEPS):
        env.step(np.zeros((50, 3)))
        step = (step + 1) % STEPS
        np.testing.assert_array_equal(asked(env) != old, np.isin(step, (0, 4, 8)))
        old = asked(env)


def test_a_task_may_ask_for_nothing() -> None:
    plain: Any = toy_config()
    observations = {name: term for name, term in plain.observations["actor"].items() if name != "goal"}
    success = Always(hold_s=DT_S)
    env = Env(toy_config(commands={}, observations={"actor": observations}, success=success), 2)
    env.reset()
    for _ in range(STEPS):
        result = env.step(np.zeros((2, 3)))
    assert result.episodes is not None
    assert result.episodes.success.all()

"""One loop plays episodes, and shows every moment to whoever looks."""

from dataclasses import replace

import numpy as np
import pytest

from roarm_lab.envs.env import Env
from roarm_lab.evaluation.episode_player import Step, first_episodes, play
from roarm_lab.mdp.terminations import SiteBelow
from tests.view.show_fixture import short, still, wave

WORLDS, STEPS = 6, 20
EARLY = {"low": SiteBelow(site="hand_tcp", height_m=0.055)}


def test_there_is_the_start_and_a_moment_per_control_step() -> None:
    env = Env(short(), WORLDS, seed=1)
    steps = list(play(env, wave))
    assert len(steps) == STEPS + 1
    assert [step.action is None for step in steps] == [True] + [False] * STEPS
    assert [step.ended is None for step in steps] == [True] * STEPS + [False]
    times_s = np.array([step.state.episode_time_s for step in steps])
    np.testing.assert_allclose(times_s, np.tile(np.arange(STEPS + 1)[:, None] * 0.05, WORLDS), atol=1e-5)
    env.close()


def test_the_last_moment_is_that_of_the_motion_and_not_the_start_of_the_next_episode() -> None:
    with_reset, without = Env(short(), WORLDS, seed=1), Env(short(), WORLDS, seed=1, autoreset=False)
    one, other = (list(play(env, wave))[-1] for env in (with_reset, without))
    np.testing.assert_array_equal(one.state.joint_pos, other.state.joint_pos)
    assert np.abs(with_reset.state.joint_pos - other.state.joint_pos).max() > 0.01


@pytest.mark.parametrize("autoreset", [True, False])
def test_only_the_first_episode_of_a_world_counts(autoreset: bool) -> None:
    env = Env(replace(short(within_m=0.3), terminations=EARLY), 40, seed=0, autoreset=autoreset)
    ended, playing = list[int](), list[int]()
    for step in play(env, wave):
        playing.append(int(step.playing.sum()))
        if step.ended is not None:
            assert step.playing[step.ended.world].all()
            ended += step.ended.world.tolist()
    assert sorted(ended) == list(range(40))
    assert playing[0] == 40
    assert len(set(playing)) > 3  # some ended early
    assert playing == sorted(playing, reverse=True)


def test_held_steps_count_up_to_what_the_episode_says() -> None:
    env = Env(short(within_m=0.35), 60, seed=5, autoreset=False)
    holds, held, broken = env.config.success.bind(env.scene), np.zeros(60, dtype=int), 0
    for step in play(env, wave):
        before = held
        if step.action is not None:
            held = np.where(holds(step.state), held + 1, 0)
        broken += int((before > held).sum())
        np.testing.assert_array_equal(step.held_steps, held)
        if step.ended is not None:
            np.testing.assert_array_equal(step.ended.held_steps, held)
    assert broken > 5
    assert len(set(held.tolist())) > 3


def test_episodes_come_in_the_order_of_worlds_and_every_observer_sees_every_moment() -> None:
    seen: list[tuple[str, bool]] = []

    def observer(name: str):  # noqa: ANN202
        def observe(env: Env, step: Step) -> None:
            assert env.num_envs == 40
            seen.append((name, step.action is None))

        return observe

    env = Env(replace(short(), terminations=EARLY), 40, seed=0)
    ended = first_episodes(env, wave, observer("one"), observer("other"))
    np.testing.assert_array_equal(ended.world, np.arange(40))
    assert len(set(ended.length.tolist())) > 1
    assert seen[:4] == [("one", True), ("other", True), ("one", False), ("other", False)]
    assert len(seen) == 2 * (ended.length.max() + 1)


def test_a_seed_gives_the_same_episodes_again() -> None:
    env = Env(short(), 2, seed=0)
    first, second, other = (list(play(env, still, seed=seed))[-1].state.joint_pos for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-3

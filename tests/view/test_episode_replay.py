"""The episodes of an evaluation are played again as they were, and those worth a look come first."""

from dataclasses import replace

import numpy as np
import pytest

from roarm_lab.evaluation.evaluate import Evaluation, evaluate
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.view.episode_replay import EPISODES, FAILURES, ReplayedEpisodes, replay_episodes
from tests.view.show_fixture import short, still, wave

WORLDS = 30
NEAR_M = 0.25  # near enough that some of the waving arms succeed and others fail in several ways
SAME_M = 1e-6


@pytest.fixture(scope="module")
def played() -> tuple[Evaluation, ReplayedEpisodes]:
    config = short(within_m=NEAR_M)
    found = evaluate(wave, config, episodes=WORLDS, seed=5)
    return found, replay_episodes(wave, config, found)


def test_the_same_episodes_succeed_and_fail_for_the_same_reasons(played: tuple[Evaluation, ReplayedEpisodes]) -> None:
    found, seen = played
    assert 0 < found.successes < WORLDS - FAILURES
    assert (seen.played, seen.successes) == (WORLDS, found.successes)
    assert {episode.outcome.words for episode in seen.episodes if not episode.outcome.success} <= set(found.failures)


def test_failures_come_first_one_of_each_kind(played: tuple[Evaluation, ReplayedEpisodes]) -> None:
    found, seen = played
    assert len(seen.episodes) == EPISODES
    first = seen.episodes[:FAILURES]
    assert [episode.outcome.success for episode in seen.episodes[: FAILURES + 1]] == [False] * FAILURES + [True]
    assert len({episode.outcome.words for episode in first}) == min(len(found.failures), FAILURES) > 1
    assert len({episode.number for episode in seen.episodes}) == EPISODES


def test_an_episode_has_all_its_moments_to_the_end(played: tuple[Evaluation, ReplayedEpisodes]) -> None:
    assert len(played[1].episodes) == EPISODES
    for episode in played[1].episodes:
        np.testing.assert_allclose([m.time_s for m in episode.moments], np.arange(21) * 0.05, atol=1e-5)
        assert all(moment.outcome is None for moment in episode.moments[:-1])
        assert episode.outcome.success == (episode.moments[-1].held_s > 0.4 - SAME_M)
        assert len(np.unique([m.markers["goal"] for m in episode.moments], axis=0)) == 1
        jumps = np.abs(np.diff([moment.qpos for moment in episode.moments], axis=0)).max()
        assert jumps < 0.3  # rad in 50 ms: the last moment is of this episode, not of the next one
        assert episode.touching is None


def test_only_failures_are_worth_a_look_where_there_is_no_success() -> None:
    config = short(within_m=1e-6)
    seen = replay_episodes(still, config, evaluate(still, config, episodes=5, seed=0))
    assert seen.successes == 0
    assert [episode.number for episode in seen.episodes] == [0, 1, 2, 3, 4]


def test_a_box_says_whether_it_was_touched_and_lifted() -> None:
    config = replace(lift_cube(), episode_s=0.5)
    seen = replay_episodes(still, config, evaluate(still, config, episodes=3, seed=0))
    episode = seen.episodes[0]
    assert episode.touching is not None
    assert episode.risen_m is not None
    assert len(episode.touching) == len(episode.risen_m) == len(episode.moments) == 11
    assert not episode.touching.any()
    assert np.abs(episode.risen_m).max() < 1e-3  # it lies on the table

"""What comes of many episodes: counted, told apart by start, with one reason for every failure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest

from roarm_lab.core.arrays import Array, Float32
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.state import State
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env, Episodes
from roarm_lab.evaluation import evaluate as room
from roarm_lab.evaluation.episode_player import Step
from roarm_lab.evaluation.evaluate import Evaluation, evaluate
from roarm_lab.evaluation.statistics import wilson_interval
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terminations import SiteBelow
from roarm_lab.mdp.terms import RewardFn, SuccessTerm, TestFn
from roarm_lab.tasks.reach import reach

SHORT = replace(reach(), episode_s=0.5)  # 10 steps
ONE_THREAD = replace(SHORT, sim=replace(SHORT.sim, threads=1))


def still(terms: Mapping[str, Float32]) -> Float32:
    """A policy that never moves."""
    return np.zeros((len(terms["joint_pos"]), 1, 6), np.float32)


def waving(terms: Mapping[str, Float32]) -> Float32:
    """A policy that moves by what it sees."""
    return np.sin(20.0 * terms["goal"][:, :1] + 9.0 * terms["joint_pos"])[:, None].astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class InTime(SuccessTerm):
    """Holds in each world between two steps of the episode that its goal decides."""

    table: tuple[tuple[int, int], ...]

    def _row(self, state: State) -> Array:
        return np.minimum((state.commands["goal"][:, 2] - 0.05) / 0.45 * len(self.table), len(self.table) - 1).astype(
            int
        )

    def bind(self, scene: Scene) -> TestFn:
        del scene
        table = np.asarray(self.table)

        def holds(state: State) -> Array:
            step, row = np.round(state.episode_time_s / 0.05), self._row(state)
            return (table[row, 0] <= step) & (step <= table[row, 1])

        return holds

    def distance(self, scene: Scene) -> RewardFn:
        del scene
        return lambda state: self._row(state).astype(np.float32)


def timed(*table: tuple[int, int], hold_s: float = 0.2) -> EnvConfig:
    """Return the short task with a success that holds from step to step, one pair for each part of the goals."""
    return replace(SHORT, success=InTime(hold_s=hold_s, table=table))


def episodes_of(config: EnvConfig, count: int, **columns: object) -> Episodes:
    """Return `count` constructed episodes that failed for no reason yet."""
    rows = {
        "world": np.arange(count),
        "success": np.zeros(count, bool),
        "length": np.full(count, 10),
        "reached": np.zeros(count, bool),
        "held_steps": np.zeros(count, int),
        "first_step": np.full(count, -1),
        "distance_m": np.full(count, 0.3),
        "diverged": np.zeros(count, bool),
        "terminated": np.zeros(count, bool),
        "returns": {name: np.full(count, 5.0) for name in config.rewards},
        "regions": {name: np.arange(count) % 3 for name in config.regions},
    }
    made = {name: np.asarray(value) if not isinstance(value, dict) else value for name, value in columns.items()}
    return Episodes(**(rows | made))  # pyright: ignore[reportArgumentType]


def failures(config: EnvConfig, count: int, **columns: object) -> Mapping[str, int]:
    return room._summary(config, 0, [episodes_of(config, count, **columns)]).failures


def test_a_success_that_always_holds_is_counted_as_one() -> None:
    found = evaluate(still, replace(SHORT, success=replace(SHORT.success, within_m=10.0)), episodes=7, seed=0)
    assert (found.successes, found.episodes, found.success_rate) == (7, 7, 1.0)
    assert found.interval == wilson_interval(7, 7)
    assert found.failures == {}
    # It held from the first motion on, so the final holding began at the start.
    assert found.time_to_success_s == {"median": 0.0, "p90": 0.0}
    assert found.diverged == 0


def test_a_policy_that_never_moves_never_gets_there() -> None:
    found = evaluate(still, SHORT, episodes=20, seed=0)
    assert found.successes == 0
    assert found.failures == {"never got there": 20}
    assert found.time_to_success_s is None
    assert found.final_distance_m["median"] > 0.05


def test_each_failure_has_the_reason_that_it_should_have() -> None:
    # 10 steps, to be held for 4: from the start on; too late; in between; never.
    found = evaluate(still, timed((1, 10), (8, 10), (2, 5), (99, 99)), episodes=200, seed=3)
    parts = np.bincount(found_rows(200, 3), minlength=4)
    assert found.successes == parts[0]
    assert found.failures == {
        "never got there": parts[3],
        "got there and left again": parts[2],
        "got there too late to hold 0.2 s": parts[1],
    }
    assert sum(found.failures.values()) + found.successes == 200
    assert found.time_to_success_s == {"median": 0.0, "p90": 0.0}


def found_rows(count: int, seed: int) -> np.ndarray:
    """Return for each episode in which of four parts its goal lies, by another way: from the recorded goals."""
    goals: list[np.ndarray] = []

    def observe(env: Env, step: Step) -> None:
        if step.action is None:
            goals.append(env.state.commands["goal"][:, 2])

    evaluate(still, SHORT, episodes=count, seed=seed, observe=observe)
    return np.minimum((np.concatenate(goals) - 0.05) / 0.45 * 4, 3).astype(int)


def test_held_for_exactly_the_time_is_enough_and_one_step_less_is_not() -> None:
    assert evaluate(still, timed((7, 10)), episodes=5, seed=0).successes == 5
    late = evaluate(still, timed((8, 10)), episodes=5, seed=0)
    assert late.failures == {"got there too late to hold 0.2 s": 5}
    times = evaluate(still, timed((7, 10)), episodes=5, seed=0).time_to_success_s
    assert times is not None
    assert times["median"] == pytest.approx(6 * 0.05)  # six steps went by before the first at which it held


def test_an_episode_that_ends_early_is_a_failure_of_its_own_kind() -> None:
    ended = replace(timed((1, 10)), terminations={"always": SiteBelow(height_m=9.0)})
    found = evaluate(still, ended, episodes=6, seed=0)
    assert found.successes == 0
    assert found.failures == {"ended early": 6}


def test_a_diverged_episode_is_a_failure_whatever_else_is_true() -> None:
    config = SHORT
    columns = {
        "diverged": [True, True, False],
        "reached": [True] * 3,
        "held_steps": [9, 0, 0],
        "distance_m": [9, 9, 0.1],
    }
    found = room._summary(config, 0, [episodes_of(config, 3, terminated=[False, True, False], **columns)])
    assert found.failures == {"simulation diverged": 2, "got there and left again": 1}
    assert (found.successes, found.diverged) == (0, 2)
    assert found.final_distance_m == {"median": 0.1, "p90": 0.1}  # a diverged arm was put back to rest


def test_a_world_that_really_diverges_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def blown_up(terms: Mapping[str, Float32]) -> Float32:
        for env in made:
            if not spoiled:
                spoiled.append(env)
                env.backend.set("joint_vel", np.full((1, 6), np.inf, np.float32), [2])
        return still(terms)

    made, spoiled = list[Env](), list[Env]()

    class Seen(Env):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # pyright: ignore[reportArgumentType]
            made.append(self)

    monkeypatch.setattr(room, "Env", Seen)
    found = evaluate(blown_up, timed((1, 10)), episodes=5, seed=0)
    assert (found.successes, found.diverged) == (4, 1)
    assert found.failures == {"simulation diverged": 1}
    json.dumps(found.to_plain(), allow_nan=False)


def test_every_failure_has_exactly_one_reason() -> None:
    rng = np.random.default_rng(0)
    diverged, terminated = rng.random((2, 500)) < 0.3
    held_steps = rng.integers(0, 3, 500)
    reached = (rng.random(500) < 0.5) | (held_steps > 0)
    counts = failures(SHORT, 500, held_steps=held_steps, reached=reached, diverged=diverged, terminated=terminated)
    assert len(counts) == 5
    assert sum(counts.values()) == 500


def test_the_regions_of_each_kind_add_up_to_all_episodes() -> None:
    found = evaluate(waving, timed((1, 10), (99, 99)), episodes=60, seed=1)
    assert SHORT.regions
    for name in SHORT.regions:
        rows = [row for row in found.regions if row.name == name]
        assert [row.range for row in rows] == list(SHORT.regions[name].names)
        assert sum(row.episodes for row in rows) == 60
        assert sum(row.successes for row in rows) == found.successes
        for row in (row for row in rows if row.episodes):  # 60 in all: there is one
            assert row.success_rate == row.successes / row.episodes
            assert row.interval == wilson_interval(row.successes, row.episodes)


def test_a_region_without_episodes_has_no_rate() -> None:
    config = SHORT
    regions = {name: np.zeros(4, int) for name in config.regions}
    found = room._summary(config, 0, [episodes_of(config, 4, regions=regions)])
    empty = [row for row in found.regions if row.range == "0.25-0.4 m"]
    assert [(row.episodes, row.success_rate, row.interval) for row in empty] == [(0, None, None)]


def test_rewards_are_means_per_step() -> None:
    found = room._summary(SHORT, 0, [episodes_of(SHORT, 2, length=np.array([10, 5]))])
    assert found.reward_per_step["near"] == pytest.approx((5.0 / 10 + 5.0 / 5) / 2)


def test_the_same_seed_gives_the_same_result_and_another_seed_another_one() -> None:
    first, again = (evaluate(waving, SHORT, episodes=30, seed=5) for _ in range(2))
    assert first == again
    assert evaluate(waving, SHORT, episodes=30, seed=6).final_distance_m != first.final_distance_m


def test_the_number_of_threads_changes_nothing() -> None:
    two = replace(SHORT, sim=replace(SHORT.sim, threads=2))
    assert evaluate(waving, ONE_THREAD, episodes=30, seed=5) == evaluate(waving, two, episodes=30, seed=5)


def test_random_ages_are_for_training_only() -> None:
    aged = replace(timed((1, 10)), random_age=True)
    assert evaluate(still, aged, episodes=20, seed=0).successes == 20


def test_more_episodes_than_worlds_are_run_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_WORLDS", 8)
    told: list[int] = []
    goals: list[np.ndarray] = []

    def observe(env: Env, step: Step) -> None:
        if step.action is None:
            goals.append(env.state.commands["goal"])

    found = evaluate(waving, SHORT, episodes=20, seed=0, progress=told.append, observe=observe)
    assert found.episodes == 20
    assert told == [8, 16, 20]
    assert [len(chunk) for chunk in goals] == [8, 8, 4]
    assert len(np.unique(np.concatenate(goals), axis=0)) == 20  # no chunk repeats another


def test_more_than_a_thousand_episodes_are_counted_right() -> None:
    found = evaluate(still, replace(timed((1, 2), hold_s=0.05), episode_s=0.1), episodes=1003, seed=0)
    assert (found.successes, found.episodes) == (1003, 1003)


@pytest.mark.parametrize("episodes", [0, -1])
def test_no_episodes_are_refused(episodes: int) -> None:
    with pytest.raises(BadInputError, match=f"^episodes must be 1 or more, got {episodes}"):
        evaluate(still, SHORT, episodes=episodes, seed=0)


def test_a_policy_that_gives_nan_stops_the_evaluation() -> None:
    with pytest.raises(BadInputError, match=r"Action 0 of world 0 is nan at step 0"):
        evaluate(lambda terms: still(terms) * np.float32(np.nan), SHORT, episodes=2, seed=0)


def test_the_result_is_json_with_the_main_numbers_on_top() -> None:
    data = json.loads(json.dumps(evaluate(still, SHORT, episodes=3, seed=0).to_plain(), allow_nan=False))
    assert {"successes": 0, "episodes": 3, "success_rate": 0.0}.items() <= data.items()
    assert data["interval"] == list(wilson_interval(0, 3))
    assert set(data) == set(Evaluation.__dataclass_fields__)

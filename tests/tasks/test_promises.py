"""What every task in the table promises."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.configs import override, to_plain
from roarm_lab.core.errors import UnknownNameError
from roarm_lab.core.files import canonical_json
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env
from roarm_lab.envs.interface import hashes_of, interface_of
from roarm_lab.mdp.terms import RewardTerm
from roarm_lab.tasks.table import TASKS, get_task

NUM_ENVS = 8
SOURCES = {"measured", "derived", "perception", "sim_only"}

each_task = pytest.mark.parametrize("name", TASKS)


def actions(env: Env, steps: int) -> np.ndarray:
    shape = (steps, env.num_envs, env.actions.size)
    return np.random.default_rng(0).uniform(-1.0, 1.0, shape).astype(np.float32)


def unweighted(config: EnvConfig) -> EnvConfig:
    """Return the task with each reward counted once, so that what the terms themselves give shows."""
    signs = {name: -1.0 if term.penalty else 1.0 for name, term in config.rewards.items()}
    return replace(config, rewards={n: replace(term, weight=signs[n]) for n, term in config.rewards.items()})


@each_task
def test_it_loads_and_knows_its_name(name: str) -> None:
    config = get_task(name)
    assert config.task == name
    assert config == TASKS[name]()
    hash_of = hashes_of(config)
    assert hash_of == hashes_of(get_task(name))
    canonical_json(to_plain(config))
    canonical_json(interface_of(config))


@each_task
def test_every_part_has_a_name_that_the_robot_knows(name: str) -> None:
    config = get_task(name)
    face = interface_of(config)
    moved = [joint for action in face["actions"] for joint in action["joints"]]
    assert sorted(moved) == sorted(config.robot.joint_names)  # each joint, and each once
    for entry in face["observations"]:
        assert entry["source"] in SOURCES
        assert entry["unit"]
        assert len(set(entry["components"])) == len(entry["components"])
    start = [entry["params"]["keyframe"] for entry in face["start"] if "keyframe" in entry["params"]]
    assert set(start) <= {keyframe for keyframe, _ in config.robot.keyframes}


@each_task
def test_a_policy_sees_nothing_that_only_a_simulator_knows(name: str) -> None:
    assert {term.source for term in get_task(name).observations["actor"].values()} <= SOURCES - {"sim_only"}


@each_task
def test_an_episode_has_finite_observations_of_the_stated_shape_and_rewards_in_range(name: str) -> None:
    config = unweighted(get_task(name))
    env = Env(replace(config, sim=replace(config.sim, threads=1)), NUM_ENVS)
    stated = {entry["name"]: entry["size"] for entry in interface_of(config)["observations"]}
    seen, sums, ended = env.reset(), {n: np.zeros(NUM_ENVS) for n in config.rewards}, 0
    for action in actions(env, config.episode_steps):
        for group in seen.values():
            assert all(np.isfinite(values).all() for values in group.values())
        assert {n: v.shape for n, v in seen["actor"].items()} == {n: (NUM_ENVS, size) for n, size in stated.items()}
        assert all(values.dtype == np.float32 for values in seen["actor"].values())
        result = env.step(action)
        seen = result.observations
        if result.episodes is not None:
            ended += len(result.episodes.world)
            for term, values in result.episodes.returns.items():
                sums[term][result.episodes.world] += values
                limit = result.episodes.length + 1e-3  # a shaping term gives at most 1 a step
                if config.rewards[term].penalty:
                    assert (values <= 0.0).all()
                else:
                    assert ((values >= 0.0) & (values <= limit)).all()
    assert ended >= NUM_ENVS
    assert env.num_diverged == 0


@each_task
def test_no_single_step_leaves_the_range_of_a_term(name: str) -> None:
    config = unweighted(get_task(name))
    for term_name, term in config.rewards.items():
        env = Env(replace(config, rewards={term_name: term}, sim=replace(config.sim, threads=1)), NUM_ENVS)
        env.reset(seed=1)
        for action in np.sign(actions(env, config.episode_steps)):
            reward = env.step(action).reward
            assert (reward <= 0.0).all() if term.penalty else ((reward >= 0.0) & (reward <= 1.0)).all()


@each_task
def test_one_seed_one_episode_bitwise(name: str) -> None:
    runs: list[list[Any]] = []
    for threads in (1, 2):
        config = get_task(name)
        env = Env(replace(config, sim=replace(config.sim, threads=threads)), NUM_ENVS, seed=3)
        run = [np.concatenate(list(env.reset()["actor"].values()), axis=1)]
        for action in actions(env, config.episode_steps + 5):
            result = env.step(action)
            run += [np.concatenate(list(result.observations["actor"].values()), axis=1), result.reward]
        runs.append(run)
    for one, other in zip(*runs, strict=True):
        np.testing.assert_array_equal(one, other)


@each_task
def test_goals_and_starts_fill_their_regions(name: str) -> None:
    config = get_task(name)
    env = Env(replace(config, sim=replace(config.sim, threads=1)), 400)
    env.reset()
    for region_name, region in config.regions.items():
        index = np.digitize(region.value(env.scene)(env.state), region.edges)
        share = np.bincount(index, minlength=len(region.names)) / 400
        assert share.min() > 0.03, (region_name, share)  # a region nobody begins in tells nothing


@each_task
def test_shaping_weights_are_positive_and_penalties_negative(name: str) -> None:
    for term in get_task(name).rewards.values():
        assert isinstance(term, RewardTerm)
        assert term.weight < 0.0 if term.penalty else term.weight > 0.0


@each_task
def test_a_file_can_change_its_rewards(name: str) -> None:
    rewards = get_task(name).rewards
    first = next(iter(rewards))
    changed = override(rewards, {first: {"weight": 2 * rewards[first].weight}}, "rewards")
    assert changed[first].weight == 2 * rewards[first].weight
    assert {n: t for n, t in changed.items() if n != first} == {n: t for n, t in rewards.items() if n != first}


def test_an_unknown_task_gets_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="There is no task named 'raech'. Did you mean 'reach'"):
        get_task("raech")

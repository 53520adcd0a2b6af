"""The same worlds through Gymnasium: one, or many stepped together with a reset in the same step."""

import copy
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import TimeAwareObservation, TimeLimit
from gymnasium.wrappers.vector import DictInfoToList, NormalizeObservation, RecordEpisodeStatistics

import roarm_lab.envs
from roarm_lab.core.errors import BadInputError, MissingError, UnknownNameError
from roarm_lab.envs.env import Env
from roarm_lab.envs.gymnasium_api import RoarmEnv, RoarmVectorEnv, flat
from roarm_lab.tasks.table import TASKS
from tests.envs.toy_task import STEPS, EndsAfter, actions, toy_config

ID = "RoArm-M3/Reach-v0"
EARLY = toy_config(terminations={"early": EndsAfter(steps=4, above=0.5)})


def test_the_ids_are_registered() -> None:
    assert set(roarm_lab.envs.GYMNASIUM_IDS.values()) == set(TASKS)
    assert set(roarm_lab.envs.GYMNASIUM_IDS) <= set(gymnasium.registry)


@pytest.mark.parametrize("render_mode", [None, "rgb_array"])
def test_gymnasium_finds_nothing_wrong(render_mode: str | None) -> None:
    env = gymnasium.make(ID, render_mode=render_mode)
    env.reset(seed=0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # What it calls suspicious: joint angles and distances have no honest bounds to give.
            warnings.filterwarnings("ignore", message=".*Box observation space (minimum|maximum) value is.*")
            check_env(env.unwrapped)  # draws in every mode there is
    except MissingError as problem:
        pytest.skip(str(problem))
    env.close()


def test_the_id_alone_brings_its_module_and_no_simulator_before_it_is_made() -> None:
    code = f"""
import sys, gymnasium
assert "{ID}" not in gymnasium.registry
env = gymnasium.make("roarm_lab.envs:{ID}")
observation, _ = env.reset(seed=0)
assert env.observation_space.contains(observation)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    code = "import sys, roarm_lab.envs; assert not {'mujoco', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_one_world_is_the_first_of_a_batch_of_one() -> None:
    single, batch = RoarmEnv(toy_config()), Env(toy_config(), 1)
    observation, info = single.reset(seed=4)
    assert info == {}
    np.testing.assert_array_equal(observation, flat(batch.reset(4)["actor"])[0])
    for action in actions(1, STEPS - 1):
        observation, reward, terminated, truncated, info = single.step(action[0])
        expected = batch.step(action)
        np.testing.assert_array_equal(observation, flat(expected.observations["actor"])[0])
        assert (reward, terminated, truncated, info) == (float(expected.reward[0]), False, False, {})
        assert (type(reward), type(terminated), type(truncated)) == (float, bool, bool)


def test_one_world_ends_with_its_last_observation_and_says_how_it_went() -> None:
    env, batch = RoarmEnv(toy_config()), Env(toy_config(), 1)
    env.reset(seed=4), batch.reset(4)
    for action in actions(1, STEPS):
        observation, _, terminated, truncated, info = env.step(action[0])
        expected = batch.step(action)
    assert (terminated, truncated) == (False, True)
    assert expected.final_observations is not None
    np.testing.assert_array_equal(observation, flat(expected.final_observations["actor"])[0])
    assert info["success"] is True
    assert info["is_success"] is True
    assert info["episode_returns"] == {"alive": pytest.approx(0.25 * STEPS)}


def test_environments_that_are_not_seeded_differ() -> None:
    first = {tuple(RoarmEnv(toy_config()).reset()[0]) for _ in range(3)}
    assert len(first) == 3
    batches = [RoarmVectorEnv(2, toy_config()).reset()[0] for _ in range(2)]
    assert (batches[0] != batches[1]).any()


def test_pictures_are_of_the_moment_that_was_just_returned() -> None:
    env = gymnasium.make(ID, render_mode="rgb_array", episode_s=0.5)
    env.reset(seed=0)
    try:
        first = env.render()
    except MissingError as problem:
        pytest.skip(str(problem))
    assert (first.shape, first.dtype) == ((480, 640, 3), np.uint8)
    for _ in range(9):
        env.step(np.float32([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    before = env.render()
    _, _, _, truncated, _ = env.step(np.zeros(6, dtype=np.float32))
    assert truncated
    turned, since = ((one != before).any(axis=-1).mean() for one in (first, env.render()))
    assert turned > 0.01  # the base has turned by a radian
    assert since < 0.5 * turned  # the last step has moved it a little, and no new episode shows
    env.close()


def test_a_goal_shows_as_a_marker() -> None:
    env = RoarmEnv(toy_config(), "rgb_array")
    env.reset(seed=0)
    try:
        one = env.render()
    except MissingError as problem:
        pytest.skip(str(problem))
    env.env.state.commands["goal"][:] = (0.1, 0.2, 0.3)  # only a test may write here
    assert 20 < (env.render() != one).any(axis=-1).sum() < 0.05 * 480 * 640
    env.close()


def test_without_a_render_mode_nothing_is_drawn() -> None:
    env = RoarmEnv(toy_config())
    env.reset(seed=0)
    assert env.render() is None
    with pytest.raises(BadInputError, match="render_mode must be 'rgb_array' or None, got 'human'"):
        RoarmEnv(toy_config(), "human")
    with pytest.raises(BadInputError, match="render_mode must be 'rgb_array' or None, got 'human'"):
        RoarmVectorEnv(1, toy_config(), "human")


def test_the_picture_rate_is_the_control_rate() -> None:
    assert RoarmEnv(toy_config(), "rgb_array").metadata["render_fps"] == 20
    assert RoarmEnv(toy_config(control_dt_s=0.1), "rgb_array").metadata["render_fps"] == 10
    assert "render_fps" not in RoarmEnv.metadata


def test_many_worlds_are_stepped_natively() -> None:
    env = gymnasium.make_vec(ID, num_envs=3)
    assert isinstance(env, RoarmVectorEnv)
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert (env.num_envs, env.observation_space.shape, env.action_space.shape) == (3, (3, 34), (3, 6))
    assert env.single_observation_space.shape == (34,)
    observation, info = env.reset(seed=0)
    assert env.observation_space.contains(observation)
    assert info == {}
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
    assert env.observation_space.contains(observation)
    assert (reward.shape, terminated.dtype, truncated.dtype, info) == ((3,), bool, bool, {})
    env.close()


def test_final_observations_are_those_of_the_same_world_without_reset() -> None:
    env, still = RoarmVectorEnv(6, EARLY), Env(EARLY, 6, autoreset=False)
    env.reset(seed=1), still.reset(1)
    over = np.zeros(6, dtype=bool)
    for action in actions(6, STEPS):
        observation, _, terminated, truncated, info = env.step(action)
        expected = flat(still.step(action).observations["actor"])
        done = terminated | truncated
        assert ("final_obs" in info) == done.any()
        if done.any():
            np.testing.assert_array_equal(info["_final_obs"], done)
            for world in range(6):
                if not done[world]:
                    assert info["final_obs"][world] is None
                elif not over[world]:
                    np.testing.assert_array_equal(info["final_obs"][world], expected[world])
                    assert (observation[world] != expected[world]).any()
        over |= done
    assert over.all()


def test_final_info_says_who_succeeded() -> None:
    env = RoarmVectorEnv(6, EARLY)
    env.reset(seed=1)
    for action in actions(6, 4):
        _, _, terminated, _, info = env.step(action)
    assert 0 < terminated.sum() < 6
    np.testing.assert_array_equal(info["_success"], terminated)
    np.testing.assert_array_equal(info["success"], False)  # ended early
    np.testing.assert_array_equal(info["_final_info"], terminated)
    np.testing.assert_array_equal(info["final_info"]["success"], False)
    plain = RoarmVectorEnv(6, toy_config())
    plain.reset(seed=1)
    for action in actions(6, STEPS):
        *_, info = plain.step(action)
    np.testing.assert_array_equal(info["success"], True)
    np.testing.assert_array_equal(info["_success"], True)


def test_gymnasiums_own_statistics_count_the_same() -> None:
    env: Any = RecordEpisodeStatistics(RoarmVectorEnv(4, toy_config()))
    env.reset(seed=0)
    for action in actions(4, STEPS):
        *_, truncated, info = env.step(action)
    assert truncated.all()
    np.testing.assert_allclose(info["episode"]["r"], 0.25 * STEPS)
    np.testing.assert_array_equal(info["episode"]["l"], STEPS)


def test_infos_can_be_taken_apart_by_world() -> None:
    env: Any = DictInfoToList(RoarmVectorEnv(6, EARLY))
    env.reset(seed=1)
    for action in actions(6, 4):
        _, _, terminated, _, infos = env.step(action)
    for ended, info in zip(terminated, infos, strict=True):
        assert ("success" in info) == ended
        assert ("final_obs" in info) == ended


def test_a_seed_decides_a_vector_trajectory() -> None:
    runs = []
    for seed in (5, 5, 6):
        env = RoarmVectorEnv(3, toy_config())
        first, _ = env.reset(seed=seed)
        runs.append([first] + [env.step(action)[0] for action in actions(3, 2 * STEPS)])
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (np.array(runs[0]) != np.array(runs[2])).any()


def test_a_vector_of_worlds_draws_each() -> None:
    env = RoarmVectorEnv(2, toy_config(), "rgb_array")
    env.reset(seed=0)
    try:
        pictures = env.render()
    except MissingError as problem:
        pytest.skip(str(problem))
    assert len(pictures) == 2
    assert (pictures[0] != pictures[1]).any()
    assert RoarmVectorEnv(2, toy_config()).render() is None
    env.close()


def test_fields_of_the_task_can_be_changed_by_name() -> None:
    env = gymnasium.make(ID, episode_s=1.0)
    assert env.unwrapped.env.config.episode_s == 1.0
    with pytest.raises(UnknownNameError, match="no field of EnvConfig named 'episode'. Did you mean 'episode_s'"):
        gymnasium.make(ID, episode=1.0)
    with pytest.raises(UnknownNameError, match="no field of EnvConfig named 'epsiode_s'. Did you mean 'episode_s'"):
        gymnasium.make_vec(ID, num_envs=2, epsiode_s=1.0)


@pytest.mark.parametrize("changes", [{}, {"episode_s": 1.0}, {"episode_s": 4.0}, {"control_dt_s": 0.1}])
def test_the_spec_says_how_long_an_episode_really_is(changes: dict[str, float]) -> None:
    env = gymnasium.make(ID, **changes)
    assert env.spec is not None
    assert not any(isinstance(layer, TimeLimit) for layer in layers(env))
    env.reset(seed=0)
    steps = 1
    while not env.step(np.zeros(6, dtype=np.float32))[3]:
        steps += 1
    assert steps == env.spec.max_episode_steps == env.unwrapped.env.config.episode_steps
    vector = gymnasium.make_vec(ID, num_envs=2, **changes)
    assert vector.spec is not None
    assert vector.spec.max_episode_steps == steps
    again = gymnasium.make(env.spec)
    assert again.unwrapped.env.config == env.unwrapped.env.config


def layers(env: gymnasium.Env) -> list[gymnasium.Env]:
    return [env, *layers(env.env)] if isinstance(env, gymnasium.Wrapper) else [env]


def test_wrappers_that_need_the_length_of_an_episode_find_it() -> None:
    env: Any = TimeAwareObservation(gymnasium.make(ID))
    assert env.observation_space.shape == (35,)
    env.reset(seed=0)
    assert env.step(np.zeros(6, dtype=np.float32))[0][-1] == 1
    assert env.max_timesteps == env.unwrapped.env.config.episode_steps


@pytest.mark.parametrize(("asked", "kept"), [(30, 30), (5000, 50), (None, 50)])
def test_a_limit_of_the_steps_is_kept_by_many_worlds_as_by_one(asked: int | None, kept: int) -> None:
    single: Any = gymnasium.make(ID, max_episode_steps=asked)
    worlds: Any = gymnasium.make_vec(ID, num_envs=2, max_episode_steps=asked)
    for env, action in ((single, np.zeros(6, np.float32)), (worlds, np.zeros((2, 6), np.float32))):
        env.reset(seed=0)
        steps = 1
        while not np.any(env.step(action)[3]):
            steps += 1
        assert steps == kept
        env.close()


def test_without_autoreset_steps_are_those_of_a_batch_until_a_mask_resets() -> None:
    env, still = RoarmVectorEnv(6, EARLY, autoreset_mode=AutoresetMode.DISABLED), Env(EARLY, 6, autoreset=False)
    env.reset(seed=1), still.reset(1)
    for action in actions(6, 4):
        observation, reward, terminated, _, info = env.step(action)
        expected = still.step(action)
        np.testing.assert_array_equal(observation, flat(expected.observations["actor"]))
        np.testing.assert_array_equal(reward, expected.reward)
    assert 0 < terminated.sum() < 6
    np.testing.assert_array_equal(info["_success"], terminated)
    assert "final_obs" not in info
    with pytest.raises(BadInputError, match=rf"episode of world {terminated.argmax()} is over.*reset_mask"):
        env.step(action)
    first, _ = env.reset(options={"reset_mask": terminated})
    np.testing.assert_array_equal(first[~terminated], observation[~terminated])
    assert (first[terminated] != observation[terminated]).any(axis=1).all()
    _, _, again, _, _ = env.step(action)
    assert not again[terminated].any()


def test_with_a_reset_in_the_next_step_episodes_begin_at_their_first_observation() -> None:
    env, same = RoarmVectorEnv(6, EARLY, autoreset_mode="NextStep"), RoarmVectorEnv(6, EARLY)
    env.reset(seed=1), same.reset(seed=1)
    for action in actions(6, 4):
        observation, reward, terminated, _, info = env.step(action)
        _, same_reward, same_terminated, _, same_info = same.step(action)
        np.testing.assert_array_equal(reward, same_reward)
        np.testing.assert_array_equal(terminated, same_terminated)
    for world in np.flatnonzero(terminated):
        np.testing.assert_array_equal(observation[world], same_info["final_obs"][world])
    np.testing.assert_array_equal(info["_success"], terminated)

    ignored = np.where(terminated[:, None], np.float32(np.nan), action)  # nobody looks at these actions
    first, reward, again, over, _ = env.step(ignored)
    assert not (again | over)[terminated].any()
    np.testing.assert_array_equal(reward[terminated], 0.0)
    assert (reward[~terminated] != 0.0).all()
    # Both are the first moment of an episode: at rest, nothing done yet, and the clock at zero.
    np.testing.assert_array_equal(env.env.state.episode_time_s[terminated], 0.0)
    np.testing.assert_array_equal(env.env.state.joint_vel[terminated], 0.0)
    np.testing.assert_array_equal(first, flat(env.env.restart(np.zeros(6, dtype=bool))["actor"]))
    assert not np.isnan(first).any()


def test_an_episode_after_a_reset_in_the_next_step_has_its_full_length() -> None:
    env: Any = RecordEpisodeStatistics(RoarmVectorEnv(3, toy_config(), autoreset_mode=AutoresetMode.NEXT_STEP))
    env.reset(seed=0)
    lengths = []
    for action in actions(3, 2 * STEPS + 1):
        *_, truncated, info = env.step(action)
        if truncated.any():
            lengths.append(info["episode"]["l"].tolist())
    assert lengths == [[STEPS] * 3] * 2


@pytest.mark.parametrize("mode", AutoresetMode)
def test_every_mode_can_be_asked_for_by_id(mode: AutoresetMode) -> None:
    env = gymnasium.make_vec(ID, num_envs=2, autoreset_mode=mode)
    assert env.metadata["autoreset_mode"] is mode
    env.close()


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(BadInputError, match="NEXT_STEP .'NextStep'.*got 'next'"):
        RoarmVectorEnv(2, toy_config(), autoreset_mode="next")


def test_observations_can_be_normalised_with_a_reset_in_the_next_step() -> None:
    env: Any = NormalizeObservation(RoarmVectorEnv(4, toy_config(), autoreset_mode=AutoresetMode.NEXT_STEP))
    env.reset(seed=0)
    for action in actions(4, 3 * STEPS):
        observation = env.step(action)[0]
    assert np.isfinite(observation).all()
    env.close()


@pytest.mark.parametrize(
    ("mask", "seed", "said"),
    [
        (np.array([True, False]), 3, "not both"),
        ([True, False], None, "reset_mask must be a bool array of shape .2,"),
        (np.array([True]), None, "reset_mask must be"),
        (np.array([1, 0]), None, "reset_mask must be"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(mask: Any, seed: int | None, said: str) -> None:
    env = RoarmVectorEnv(2, toy_config())
    env.reset(seed=0)
    with pytest.raises(BadInputError, match=said):
        env.reset(seed=seed, options={"reset_mask": mask})


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_environments_can_be_copied_and_pickled(copied: Callable[[Any], Any]) -> None:
    for make in (
        lambda: gymnasium.make(ID, episode_s=1.0),
        lambda: gymnasium.make_vec(ID, num_envs=2, episode_s=1.0, autoreset_mode="NextStep"),
        lambda: RoarmEnv(toy_config(), "rgb_array"),
        lambda: RoarmVectorEnv(3, EARLY),
    ):
        env = make()
        env.reset(seed=0)
        other = copied(env)
        assert other.unwrapped.env is not env.unwrapped.env
        assert other.unwrapped.env.config == env.unwrapped.env.config
        assert (other.spec, other.render_mode, other.metadata) == (env.spec, env.render_mode, env.metadata)
        np.testing.assert_array_equal(other.reset(seed=5)[0], env.reset(seed=5)[0])
        other.close()
        env.step(env.action_space.sample())  # closing one leaves the other


@pytest.mark.parametrize("make", [lambda: RoarmEnv(toy_config()), lambda: RoarmVectorEnv(2, toy_config())])
def test_what_is_closed_says_so(make: Callable[[], Any]) -> None:
    env = make()
    env.reset(seed=0)
    env.close()
    env.close()
    for call in (env.reset, lambda: env.step(env.action_space.sample())):
        with pytest.raises(BadInputError, match="has been closed. Make a new one"):
            call()


@pytest.mark.parametrize("number", [2.5, True, "4", float("nan"), 0, -1, None])
def test_a_number_of_worlds_that_is_none_is_refused(number: Any) -> None:
    for make in (lambda: RoarmVectorEnv(number, toy_config()), lambda: gymnasium.make_vec(ID, num_envs=number)):
        with pytest.raises(BadInputError, match="environments must be 1 or more, a whole number, got"):
            make()
    assert RoarmVectorEnv(np.int64(2), toy_config()).num_envs == 2

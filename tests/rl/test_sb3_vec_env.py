"""Our batch as Stable-Baselines3 wants it."""

from dataclasses import replace

import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env
from roarm_lab.envs.gymnasium_api import flat
from roarm_lab.mdp.terminations import SiteBelow
from roarm_lab.rl.sb3_vec_env import Sb3VecEnv
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach

SHORT = replace(reach(), episode_s=0.4)  # 8 steps
STEPS = 8


def make(config: EnvConfig = SHORT, num_envs: int = 4) -> Sb3VecEnv:
    return Sb3VecEnv(Env(config, num_envs, seed=0))


def actions(env: Sb3VecEnv, step: int) -> np.ndarray:
    return np.sin(np.arange(env.num_envs * 6).reshape(env.num_envs, 6) + step).astype(np.float32)


def test_it_gives_what_the_environment_gives() -> None:
    ours, theirs = Env(SHORT, 4, seed=0), make()
    theirs.seed(7)
    np.testing.assert_array_equal(theirs.reset(), flat(ours.reset(7)["actor"]))
    for step in range(2 * STEPS):
        mine = ours.step(actions(theirs, step))
        seen, reward, done, infos = theirs.step(actions(theirs, step))
        np.testing.assert_array_equal(seen, flat(mine.observations["actor"]))
        np.testing.assert_array_equal(reward, mine.reward)
        np.testing.assert_array_equal(done, mine.terminated | mine.truncated)
        assert (seen.dtype, reward.dtype, done.dtype) == (np.float32, np.float32, np.bool_)
        assert len(infos) == 4


def test_the_last_observation_of_an_episode_is_kept_and_marked_as_cut_off() -> None:
    env = make()
    env.reset()
    for step in range(STEPS - 1):
        _, _, done, infos = env.step(actions(env, step))
        assert not done.any()
        assert infos == [{}] * 4
    seen, _, done, infos = env.step(actions(env, STEPS))
    assert done.all()
    assert env.latest is not None
    assert env.latest.final_observations is not None
    final = flat(env.latest.final_observations["actor"])
    for world, info in enumerate(infos):
        assert info["TimeLimit.truncated"] is True
        np.testing.assert_array_equal(info["terminal_observation"], final[world])
        assert not np.array_equal(info["terminal_observation"], seen[world])
    _, _, _, infos = env.step(actions(env, 0))
    assert infos == [{}] * 4  # of the last step nothing is left


def test_an_episode_that_ended_for_good_is_not_cut_off() -> None:
    env = make(replace(SHORT, terminations={"always": SiteBelow(height_m=9.0)}))
    env.reset()
    _, _, done, infos = env.step(actions(env, 0))
    assert done.all()
    assert [info["TimeLimit.truncated"] for info in infos] == [False] * 4


def test_a_diverged_world_is_not_worth_a_look_into_its_future() -> None:
    env = make()
    env.reset()
    env.env.backend.set("joint_vel", np.full((1, 6), np.inf, np.float32), [1])
    _, reward, done, infos = env.step(actions(env, 0))
    assert done.tolist() == [False, True, False, False]
    assert reward[1] == 0.0
    assert infos[1]["TimeLimit.truncated"] is False
    assert np.isfinite(infos[1]["terminal_observation"]).all()


def test_the_wrappers_of_stable_baselines_work_on_it() -> None:
    env = VecNormalize(VecMonitor(make()), norm_reward=False)
    seen = env.reset()
    infos: list[dict[str, object]] = []
    for step in range(STEPS):
        seen, _, _, infos = env.step(np.zeros((4, 6), np.float32) + step / STEPS)
    assert isinstance(seen, np.ndarray)
    assert [info["episode"]["l"] for info in infos] == [STEPS] * 4  # pyright: ignore[reportIndexIssue]
    assert np.abs(np.asarray(infos[0]["terminal_observation"])).max() <= 10.0  # normalised as well
    env.close()


def test_a_seed_is_used_by_the_next_reset_alone() -> None:
    env = make()
    env.seed(5)
    first, then = env.reset(), env.reset()
    env.seed(5)
    np.testing.assert_array_equal(env.reset(), first)
    assert not np.array_equal(first, then)


def test_worlds_of_a_batch_have_nothing_of_their_own() -> None:
    env = make()
    assert env.get_attr("num_envs") == [4] * 4
    assert env.get_attr("num_envs", [0, 2]) == [4, 4]
    assert env.get_attr("num_envs", 1) == [4]
    assert env.get_attr("render_mode") == [None] * 4
    assert env.env_is_wrapped(VecNormalize) == [False] * 4
    with pytest.raises(AttributeError, match="'gravity' can not be set on single worlds"):
        env.set_attr("gravity", 0)
    with pytest.raises(AttributeError, match="'jump' can not be called on single worlds"):
        env.env_method("jump")


def test_what_only_the_critic_sees_comes_after_the_actors_part() -> None:
    groups = lift_cube().observations
    env = make(replace(lift_cube(), observations={"critic": groups["critic"], "actor": groups["actor"]}))
    seen = env.reset()
    assert seen.shape == (4, *env.observation_space.shape)  # pyright: ignore[reportGeneralTypeIssues]
    actor = env.env.step(np.zeros((4, 6), np.float32)).observations["actor"]
    assert sum(values.shape[1] for values in actor.values()) == env.actor_size < seen.shape[1]
    env.seed(1)
    again = env.reset()
    np.testing.assert_array_equal(again[:, : env.actor_size], flat(env.env.reset(1)["actor"]))

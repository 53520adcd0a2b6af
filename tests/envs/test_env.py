"""Reset and step: what is returned when, and that bad numbers stop it by name."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.envs.env import Env
from roarm_lab.mdp.events import ScaleModel
from roarm_lab.mdp.terminations import SiteBelow
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.limits import JointLimits
from tests.envs.results import assert_same, busy_config, numbers
from tests.envs.toy_task import DT_S, STEPS, Computed, Constant, EndsAfter, Kept, Shown, actions, toy_config
from tests.toy_robot import TOY

FLOAT32 = 1e-6


def test_a_reset_shows_arms_at_rest_near_the_keyframe() -> None:
    env = Env(toy_config(), 50)
    seen = env.reset()["actor"]
    assert np.abs(seen["joint_pos"] - np.float32([0.0, 1.0, 0.5])).max() <= 0.1 + FLOAT32
    assert np.ptp(seen["joint_pos"], axis=0).min() > 0.15
    np.testing.assert_array_equal(seen["joint_vel"], 0.0)
    np.testing.assert_array_equal(seen["last_action"], 0.0)
    np.testing.assert_array_equal(env.state.joint_target, seen["joint_pos"])
    np.testing.assert_array_equal(env.state.episode_time_s, 0.0)
    tip_w = Kinematics(TOY).site_pos_b(seen["joint_pos"], ["hand"])[:, 0] + (0.0, 0.0, 0.1)
    np.testing.assert_allclose(seen["hand"], tip_w, atol=FLOAT32)


def test_worlds_that_do_not_fit_into_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(*words: object) -> None:
        raise ValueError("std::bad_alloc")  # as MuJoCo says it

    monkeypatch.setattr("roarm_lab.envs.env.make_backend", make)
    with pytest.raises(BadInputError, match="not enough memory for 4,096 worlds"):
        Env(toy_config(), 4096)


def test_observations_after_a_step_are_of_the_moment_after_the_motion() -> None:
    env = Env(toy_config(), 3)
    before = env.reset()["actor"]
    action = actions(3, 1)[0]
    seen = env.step(action).observations["actor"]
    np.testing.assert_array_equal(seen["joint_pos"], env.backend.get("joint_pos"))
    np.testing.assert_allclose(seen["joint_vel"], (seen["joint_pos"] - before["joint_pos"]) / DT_S, atol=1e-4)
    np.testing.assert_array_equal(seen["last_action"], action)
    np.testing.assert_allclose(env.state.episode_time_s, DT_S)


def test_everything_handed_out_and_to_terms_is_float32_or_bool() -> None:
    kept = Kept()
    config = busy_config()
    config = replace(config, observations={"actor": config.observations["actor"] | {"kept": Shown(function=kept)}})
    env = Env(config, 4)
    env.reset()
    for action in actions(4, 2 * STEPS).astype(np.float64):
        result = env.step(action)
        assert result.reward.dtype == np.float32
        assert result.terminated.dtype == result.truncated.dtype == bool
        assert {values.dtype for values in result.observations["actor"].values()} == {np.dtype(np.float32)}
        for values in result.episodes.returns.values() if result.episodes else ():
            assert values.dtype == np.float32
    for state in kept.states:
        arrays = [getattr(state, item.name) for item in fields(state)] + [*state.commands.values(), state.site_pos_w]
        assert {values.dtype for values in arrays if isinstance(values, np.ndarray)} == {np.dtype(np.float32)}


def test_what_was_handed_out_never_changes_later() -> None:
    env = Env(busy_config(), 4)
    handed = [env.reset()["actor"]]
    copies = [{name: v.copy() for name, v in handed[0].items()}]
    for action in actions(4, 3 * STEPS):
        result = env.step(action)
        handed.append(numbers(result))
        copies.append({name: v.copy() for name, v in handed[-1].items()})
    for one, other in zip(handed, copies, strict=True):
        assert_same(one, other)


def test_actions_are_left_alone_and_beyond_1_they_are_1() -> None:
    env, twin = Env(toy_config(), 2), Env(toy_config(), 2)
    env.reset(), twin.reset()
    wild = np.float32([[5.0, -7.0, 0.3], [1.5, 0.2, -1.01]])
    kept = wild.copy()
    result = env.step(wild)
    np.testing.assert_array_equal(wild, kept)
    assert_same(numbers(result), numbers(twin.step(np.clip(wild, -1.0, 1.0))))
    np.testing.assert_array_equal(result.observations["actor"]["last_action"], np.clip(wild, -1.0, 1.0))


def test_targets_keep_to_what_the_gate_allows() -> None:
    config = toy_config(actions={"joints": replace(toy_config().actions["joints"], step_rad=5.0)}, episode_s=5.0)
    env, limits = Env(config, 20), JointLimits.of(TOY)
    env.reset()
    sent = env.state.joint_target
    furthest = 0.0
    for action in np.sign(actions(20, 60)):
        env.step(action)
        target = env.moved.joint_target
        step = np.abs(target - sent)
        assert (step <= limits.max_speed * DT_S + FLOAT32).all()
        assert (target >= limits.lower - FLOAT32).all()
        assert (target <= limits.upper + FLOAT32).all()
        sent, furthest = env.state.joint_target, max(furthest, float((step / limits.max_speed / DT_S).max()))
    assert furthest > 0.99  # the limit was met, so it was the limit


def test_a_new_episode_begins_without_the_speed_of_the_last() -> None:
    env, limits = Env(toy_config(), 1), JointLimits.of(TOY)
    env.reset()
    full = np.float32([[1.0, 0.0, 0.0]])
    for _ in range(STEPS):
        start = env.state.joint_target[0, 0]
        env.step(full)
    assert env.moved.joint_target[0, 0] - start > 0.03
    start = env.state.joint_target[0, 0]
    env.step(full)
    # From rest, 6 rad/s^2 allow a first step of 6 * 0.05^2 = 0.015 rad.
    assert env.state.joint_target[0, 0] - start == pytest.approx(limits.max_accel[0] * DT_S**2, rel=1e-3)


# The end of an episode


def test_an_episode_ends_after_its_time_and_the_next_begins_in_the_same_step() -> None:
    env = Env(toy_config(), 3)
    env.reset()
    for step in range(1, 2 * STEPS + 1):
        result = env.step(np.zeros((3, 3)))
        ends = step % STEPS == 0
        np.testing.assert_array_equal(result.truncated, ends)
        np.testing.assert_array_equal(result.terminated, False)
        assert (result.episodes is not None) is ends
        assert (result.final_observations is not None) is ends
        if result.episodes is not None:
            np.testing.assert_array_equal(result.episodes.length, STEPS)
            np.testing.assert_array_equal(result.episodes.world, [0, 1, 2])


def test_the_final_observation_is_what_would_have_been_seen_without_the_reset() -> None:
    config = toy_config(terminations={"early": EndsAfter(steps=4, above=0.5)})
    env, still = Env(config, 6, seed=1), Env(config, 6, seed=1, autoreset=False)
    env.reset(), still.reset()
    ended = np.zeros(6, dtype=bool)
    for action in actions(6, STEPS):
        result, expected = env.step(action), still.step(action)
        running = ~ended
        if result.final_observations is not None:
            for name, values in result.final_observations["actor"].items():
                np.testing.assert_array_equal(values[running], expected.observations["actor"][name][running])
        done = result.terminated | result.truncated
        for name, values in result.observations["actor"].items():
            goes_on = running & ~done
            np.testing.assert_array_equal(values[goes_on], expected.observations["actor"][name][goes_on])
        begins = done & running
        np.testing.assert_array_equal(result.observations["actor"]["joint_vel"][begins], 0.0)
        ended |= done
    assert ended.all()


def test_without_autoreset_a_world_stays_where_its_episode_ended() -> None:
    env = Env(toy_config(), 2, autoreset=False)
    env.reset()
    for action in actions(2, STEPS):
        result = env.step(action)
    assert result.truncated.all()
    assert result.episodes is not None
    assert result.final_observations is None
    np.testing.assert_array_equal(result.observations["actor"]["joint_pos"], env.backend.get("joint_pos"))
    np.testing.assert_allclose(env.state.episode_time_s, STEPS * DT_S, rtol=FLOAT32)


def test_only_worlds_that_ended_begin_anew() -> None:
    env = Env(toy_config(terminations={"early": EndsAfter(steps=4, above=0.5)}), 8, seed=2)
    env.reset()
    for action in actions(8, 4):
        result = env.step(action)
    assert 0 < result.terminated.sum() < 8
    np.testing.assert_array_equal(env.state.episode_time_s == 0.0, result.terminated)
    same_pose = (env.state.joint_pos == env.moved.joint_pos).all(axis=1)
    np.testing.assert_array_equal(same_pose, ~result.terminated)
    same_goal = (env.state.commands["goal"] == env.moved.commands["goal"]).all(axis=1)
    np.testing.assert_array_equal(same_goal, ~result.terminated)
    np.testing.assert_array_equal((env.state.action != 0.0).any(axis=1), ~result.terminated)


def test_a_hand_on_the_table_ends_the_episode_early() -> None:
    # The toy's elbow is 0.2 m up and its hand 0.25 m out: it is at 0 at asin(0.2 / 0.25) = 0.927 rad.
    config = toy_config(terminations={"low": SiteBelow(site="hand", height_m=0.0)}, events={}, episode_s=3.0)
    env = Env(config, 2)  # without events it starts at the keyframe zero: level
    env.reset()
    steps = 0
    while env.state.joint_pos[0, 1] < 0.927 - 0.05 and steps < 40:
        result = env.step(np.float32([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))
        assert not result.terminated.any()
        steps += 1
    assert 0.927 / 0.05 - 3 < steps < 40  # 1 rad/s at most
    while not result.terminated.any() and steps < 45:
        result = env.step(np.float32([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))
        steps += 1
    assert env.moved.joint_pos[0, 1] > 0.927
    np.testing.assert_array_equal(result.terminated, [True, False])
    np.testing.assert_array_equal(result.truncated, [False, False])
    assert result.episodes is not None
    assert (result.episodes.world.tolist(), result.episodes.length.tolist()) == ([0], [steps])


def test_time_up_and_termination_at_once_count_as_termination() -> None:
    env = Env(toy_config(terminations={"last": EndsAfter(steps=STEPS)}), 2)
    env.reset()
    for _ in range(STEPS):
        result = env.step(np.zeros((2, 3)))
    assert result.terminated.all()
    assert not result.truncated.any()
    assert result.episodes is not None
    assert result.episodes.terminated.all()
    assert not result.episodes.success.any()


def test_random_ages_spread_the_first_ends_only() -> None:
    env = Env(toy_config(random_age=True), 200)
    env.reset()
    ages = np.rint(env.state.episode_time_s / DT_S).astype(int)
    assert set(ages) == set(range(STEPS))
    lengths = np.zeros(200, dtype=int)
    for _ in range(STEPS):
        result = env.step(np.zeros((200, 3)))
        assert result.episodes is not None
        lengths[result.episodes.world] = result.episodes.length
        # The reward is 0.25 a step, so the return tells how long it really was.
        np.testing.assert_allclose(result.episodes.returns["alive"], 0.25 * result.episodes.length)
    np.testing.assert_array_equal(lengths, STEPS - ages)
    for _ in range(STEPS):
        result = env.step(np.zeros((200, 3)))
        assert result.episodes is not None
        np.testing.assert_array_equal(result.episodes.length, STEPS)


# Bad numbers


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_action_that_is_no_number_is_refused_by_world_and_place(value: float) -> None:
    env = Env(toy_config(), 3)
    env.reset()
    env.step(np.zeros((3, 3)))
    env.step(np.zeros((3, 3)))
    action = np.zeros((3, 3))
    action[1, 2] = value
    before = env.state
    with pytest.raises(BadInputError, match=f"Action 2 of world 1 is {value} at step 2: the policy gave"):
        env.step(action)
    assert env.state is before  # nothing has moved


@pytest.mark.parametrize("shape", [(3,), (2, 3), (3, 4), (3, 3, 1)])
def test_actions_of_the_wrong_shape_are_refused(shape: tuple[int, ...]) -> None:
    env = Env(toy_config(), 3)
    env.reset()
    with pytest.raises(BadInputError, match=r"Actions must have shape \(3, 3\), got \(" + str(shape[0])):
        env.step(np.zeros(shape))


def test_a_reward_that_is_no_number_stops_by_name() -> None:
    def bad(state: Any) -> np.ndarray:
        late = state.episode_time_s > 2.5 * DT_S
        return np.where(late & (np.arange(4) == 2), np.float32(np.nan), state.episode_time_s)

    env = Env(toy_config(rewards={"fine": Constant(weight=1.0), "odd": Computed(weight=1.0, function=bad)}), 4)
    env.reset()
    env.step(np.zeros((4, 3)))
    env.step(np.zeros((4, 3)))
    with pytest.raises(BadInputError, match="Reward 'odd' of world 2 is not finite at step 3: nan"):
        env.step(np.zeros((4, 3)))


def test_an_observation_that_is_no_number_stops_by_name() -> None:
    def bad(state: Any) -> np.ndarray:
        return (np.float32(3.5 * DT_S) - state.episode_time_s)[:, None] ** np.float32(0.5)

    config = toy_config()
    config = replace(config, observations={"actor": config.observations["actor"] | {"root": Shown(function=bad)}})
    env = Env(config, 2)
    env.reset()
    for _ in range(3):
        env.step(np.zeros((2, 3)))
    message = "Observation 'root' of world 0 is not finite at step 4"
    with np.errstate(invalid="ignore"), pytest.raises(BadInputError, match=message):
        env.step(np.zeros((2, 3)))


def test_a_step_needs_a_reset() -> None:
    env = Env(toy_config(), 1)
    with pytest.raises(BadInputError, match=r"Call reset\(\) before step\(\)"):
        env.step(np.zeros((1, 3)))
    with pytest.raises(BadInputError, match=r"Call step\(\) before moved"):
        _ = env.moved


def test_names_that_do_not_exist_show_when_the_environment_is_made() -> None:
    with pytest.raises(UnknownNameError, match="model field named 'body_mas'. Did you mean 'body_mass'"):
        Env(toy_config(events={"mass": ScaleModel(field="body_mas")}), 1)
    with pytest.raises(UnknownNameError, match="site named 'hadn'. Did you mean 'hand'"):
        Env(toy_config(terminations={"low": SiteBelow(site="hadn")}), 1)


def test_an_environment_can_be_closed_twice() -> None:
    env = Env(toy_config(), 1)
    env.close()
    env.close()

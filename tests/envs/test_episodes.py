"""Success is held to the end, returns are sums of weighted terms, and an episode belongs to the region it began in."""

from typing import Any

import numpy as np
import pytest

from roarm_lab.envs.config import Region
from roarm_lab.envs.env import Env
from roarm_lab.envs.episodes import Episodes
from roarm_lab.mdp.actions import JointTarget
from roarm_lab.mdp.curriculum import RampWeight
from roarm_lab.mdp.rewards import ActionRate, JointSpeed
from roarm_lab.mdp.success import SiteHeldAtGoal
from roarm_lab.robots.kinematics import Kinematics
from tests.envs.toy_task import DT_S, STEPS, Between, Computed, Constant, EndsAfter, Fixed, actions, toy_config
from tests.toy_robot import TOY

FLOAT32 = 1e-6
POSE = np.array([0.5, 0.5, 0.3])
AWAY = np.array([-0.5, 1.5, 0.3])
AT_THE_POSE = tuple(Kinematics(TOY).site_pos_b(POSE[None], ["hand"])[0, 0] + (0.0, 0.0, 0.1))


def ended(env: Env, moves: Any = None) -> Episodes:
    """Return the first episodes of all worlds."""
    env.reset()
    for step in range(1000):
        result = env.step(np.zeros((env.num_envs, 3)) if moves is None else moves[step])
        if result.episodes is not None:
            return result.episodes
    raise AssertionError("no episode has ended")


@pytest.mark.parametrize(
    ("steps", "success", "reached", "held", "first"),
    [
        ((8, 9, 10), True, True, 3, 7),  # held for the two steps that are asked for, and one more
        ((9, 10), True, True, 2, 8),
        ((10,), False, True, 1, 9),  # too late
        ((1, 2, 3, 4, 5, 6, 7, 8, 9), False, True, 0, -1),  # left in the last step: never latched
        ((7, 8, 10), False, True, 1, 9),  # a break
        ((), False, False, 0, -1),
        (tuple(range(1, 11)), True, True, 10, 0),
    ],
)
def test_success_is_what_holds_at_the_end(
    steps: tuple[int, ...], success: bool, reached: bool, held: int, first: int
) -> None:
    found = ended(Env(toy_config(success=Between(hold_s=2 * DT_S, steps=steps)), 2))
    assert found.success.tolist() == [success] * 2
    assert found.reached.tolist() == [reached] * 2
    assert found.held_steps.tolist() == [held] * 2
    assert found.first_step.tolist() == [first] * 2


def test_success_is_not_carried_into_the_next_episode() -> None:
    env = Env(toy_config(success=Between(hold_s=DT_S, steps=(9, 10))), 1)
    assert ended(env).held_steps.tolist() == [2]
    for _ in range(STEPS):
        result = env.step(np.zeros((1, 3)))
    assert result.episodes is not None
    assert result.episodes.held_steps.tolist() == [2]  # not 4


def test_an_arm_that_leaves_the_goal_again_has_failed_and_one_that_stays_has_not() -> None:
    success = SiteHeldAtGoal(command="goal", site="hand", within_m=0.02, hold_s=0.2)
    config = toy_config(
        actions={"joints": JointTarget()},
        commands={"goal": Fixed(point_w=AT_THE_POSE)},
        success=success,
        events={},
        episode_s=6.0,
    )
    middle = np.array([0.5 * (joint.lower_rad + joint.upper_rad) for joint in TOY.joints])
    half = np.array([0.5 * (joint.upper_rad - joint.lower_rad) for joint in TOY.joints])
    there, away = ((pose - middle) / half for pose in (POSE, AWAY))
    moves = [np.stack([there, there if step < 60 else away, away]) for step in range(120)]
    found = ended(Env(config, 3), moves)
    assert found.success.tolist() == [True, False, False]
    assert found.reached.tolist() == [True, True, False]
    assert found.held_steps[1:].tolist() == [0, 0]
    assert 0 < found.first_step[0] < 60  # 0.5 rad at 1.5 rad/s and up to 6 rad/s^2: under a second
    assert found.distance_m[0] < 0.02
    np.testing.assert_allclose(
        found.distance_m[1:], np.linalg.norm(gap_of(AWAY)), atol=0.02
    )  # m: the elbow sags by 0.01 rad


def gap_of(pose: np.ndarray) -> np.ndarray:
    """Return the way from the hand at a pose to the goal [3] m."""
    return Kinematics(TOY).site_pos_b(pose[None], ["hand"])[0, 0] + (0.0, 0.0, 0.1) - AT_THE_POSE


def test_a_weight_is_the_only_scale() -> None:
    # Nothing is multiplied by the time step: 0.25 a step at 20 Hz as at 10 Hz.
    for control_dt_s in (0.05, 0.1):
        env = Env(toy_config(control_dt_s=control_dt_s, rewards={"alive": Constant(weight=0.25, value=0.5)}), 2)
        env.reset()
        np.testing.assert_array_equal(env.step(np.zeros((2, 3))).reward, np.float32([0.125, 0.125]))


def test_the_reward_is_the_sum_of_terms_with_their_weights() -> None:
    rewards = {"alive": Constant(weight=0.5), "rate": ActionRate(weight=-0.1), "speed": JointSpeed(weight=-0.01)}
    env = Env(toy_config(rewards=rewards), 2)
    env.reset()
    first, second = actions(2, 2)
    env.step(first)
    got = env.step(second).reward
    rate = ((second - first) ** 2).sum(axis=1)
    speed = (env.state.joint_vel**2).sum(axis=1)
    np.testing.assert_allclose(got, 0.5 - 0.1 * rate - 0.01 * speed, rtol=FLOAT32, atol=FLOAT32)
    assert (rate > 0.01).all()
    assert (speed > 0.01).all()


def test_returns_by_term_add_up_to_the_rewards() -> None:
    rewards = {"alive": Constant(weight=0.5), "rate": ActionRate(weight=-0.1), "speed": JointSpeed(weight=-0.01)}
    env = Env(toy_config(rewards=rewards, random_age=True, terminations={"early": EndsAfter(steps=6, above=0.6)}), 20)
    env.reset()
    total, found = np.zeros(20), 0
    for action in actions(20, 4 * STEPS):
        result = env.step(action)
        total += result.reward
        if result.episodes is not None:
            rows = result.episodes.world
            by_term = result.episodes.returns
            assert list(by_term) == ["alive", "rate", "speed"]
            np.testing.assert_allclose(sum(by_term.values()), total[rows], rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(by_term["alive"], 0.5 * result.episodes.length, rtol=FLOAT32)
            total[rows] = 0.0
            found += len(rows)
    assert found > 60


def test_a_curriculum_changes_the_weight_with_the_steps_of_all_worlds() -> None:
    ramp = RampWeight(reward="alive", start=0.0, end=1.0, steps=20)
    rewards = {"alive": Constant(weight=0.5), "other": Constant(weight=0.1)}
    env = Env(toy_config(rewards=rewards, curriculum={"ramp": ramp}), 2)
    env.reset()
    got = [float(env.step(np.zeros((2, 3))).reward[0]) for _ in range(12)]
    # Two worlds: after n steps 2 n of the 20 have been made.
    np.testing.assert_allclose(got, [0.5 * min(2 * n / 20, 1.0) + 0.1 for n in range(1, 13)], rtol=FLOAT32)
    env.reset()
    assert float(env.step(np.zeros((2, 3))).reward[0]) == pytest.approx(0.6)  # a reset does not begin the ramp anew


def test_two_ramps_on_one_reward_are_multiplied() -> None:
    half = RampWeight(reward="alive", start=0.5, end=0.5, steps=1)
    env = Env(toy_config(rewards={"alive": Constant(weight=1.0)}, curriculum={"a": half, "b": half}), 1)
    env.reset()
    assert float(env.step(np.zeros((1, 3))).reward[0]) == pytest.approx(0.25)


def test_episodes_are_sorted_by_how_they_began() -> None:
    # The command's x is uniform in 0..1.
    region = Region(
        value=lambda scene: lambda state: state.commands["goal"][:, 0], edges=(0.25, 0.5), names=("low", "mid", "high")
    )
    env = Env(toy_config(regions={"x": region}), 300)
    began = env.reset()["actor"]["goal"][:, 0]
    for _ in range(STEPS):
        result = env.step(np.zeros((300, 3)))
    assert result.episodes is not None
    np.testing.assert_array_equal(result.episodes.regions["x"], np.where(began < 0.25, 0, np.where(began < 0.5, 1, 2)))
    began = env.state.commands["goal"][:, 0]
    for _ in range(STEPS):
        result = env.step(np.zeros((300, 3)))
    assert result.episodes is not None
    np.testing.assert_array_equal(result.episodes.regions["x"], np.where(began < 0.25, 0, np.where(began < 0.5, 1, 2)))


def test_on_a_border_the_upper_range_counts() -> None:
    region = Region(value=lambda scene: lambda state: 0 * state.episode_time_s + 0.5, edges=(0.5,), names=("a", "b"))
    assert ended(Env(toy_config(regions={"x": region}), 1)).regions["x"].tolist() == [1]


def test_the_region_is_that_of_the_start_even_when_what_it_looks_at_moves() -> None:
    region = Region(value=lambda scene: lambda state: state.joint_pos[:, 0], edges=(0.2,), names=("right", "left"))
    env = Env(toy_config(regions={"base": region}), 1)
    found = ended(env, [np.float32([[1.0, 0.0, 0.0]])] * STEPS)
    assert env.moved.joint_pos[0, 0] > 0.2
    assert found.regions["base"].tolist() == [0]


def test_a_region_is_kept_while_other_worlds_begin_anew() -> None:
    region = Region(value=lambda scene: lambda state: state.joint_pos[:, 0], edges=(0.11,), names=("right", "left"))
    env = Env(toy_config(regions={"base": region}, terminations={"early": EndsAfter(steps=8, above=0.5)}), 8, seed=2)
    env.reset()
    for _ in range(STEPS):
        result = env.step(np.tile(np.float32([1.0, 0.0, 0.0]), (8, 1)))
        if result.terminated.any():
            assert (env.moved.joint_pos[:, 0] > 0.11).all()  # all have crossed the border by now
    assert result.episodes is not None
    assert 0 < len(result.episodes.world) < 8
    np.testing.assert_array_equal(result.episodes.regions["base"], 0)


def test_a_reward_is_asked_once_a_step_and_sees_the_moment_after_the_motion() -> None:
    seen: list[Any] = []

    def look(state: Any) -> np.ndarray:
        seen.append(state)
        return 0 * state.episode_time_s

    env = Env(toy_config(rewards={"look": Computed(weight=1.0, function=look)}), 2)
    env.reset()
    for step, action in enumerate(actions(2, 3), start=1):
        env.step(action)
        assert len(seen) == step
        assert seen[-1] is env.moved
        np.testing.assert_array_equal(seen[-1].action, action)

"""Targets that keep to range, speed, acceleration and lead, on NumPy and on torch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.limits import JointLimits, limit_target
from tests.toy_robot import TOY

DT_S = 0.05
ROUNDING = 1e-12  # rad and rad/s: a few thousand float64 roundings of numbers near 1
ROUNDING_F32 = 2e-6  # rad: a dozen float32 roundings of numbers near 3
TOY_LIMITS = JointLimits.of(TOY)


def limits(
    *, lower: float = -10.0, upper: float = 10.0, speed: float = 10.0, accel: float = 1.0, lead: float = 100.0
) -> JointLimits:
    """Return limits of one joint, loose where a test does not care."""
    return JointLimits(*(np.array([value]) for value in (lower, upper, speed, accel, lead)))


def walk(goals: list[float], of: JointLimits, *, start: float = 0.0, dt_s: float = 1.0) -> list[float]:
    """Return the targets of a joint that follows perfectly."""
    sent, velocity, targets = np.array([start]), np.zeros(1), []
    for goal in goals:
        sent, velocity = limit_target(np.array([goal]), sent, velocity, sent, of, dt_s)
        targets.append(float(sent[0]))
    return targets


def farthest_stop(step: float, rate_change: float) -> float:
    """Return how far a joint gets that makes `step` and then steps smaller by `rate_change` each."""
    distance = 0.0
    while step > 0.0:
        distance += step
        step -= rate_change
    return distance


def test_six_radians_take_steps_of_1_2_2_and_1() -> None:
    # 1 rad/s^2 at 1 s: 1 + 2 = 3 is half the way, then 2 + 1.
    assert walk([6.0] * 6, limits()) == [1.0, 3.0, 5.0, 6.0, 6.0, 6.0]


def test_a_way_that_does_not_divide_evenly_still_ends_on_the_goal() -> None:
    # After 1 and 2 there are 2 left: 1.5 + 0.5, because from 1.5 the next step may be 0.5.
    np.testing.assert_allclose(walk([5.0] * 5, limits()), [1.0, 3.0, 4.5, 5.0, 5.0], rtol=0.0, atol=ROUNDING)


@given(gap=st.floats(1e-6, 7.0), rate_change=st.floats(1e-3, 1.0))
def test_the_step_is_the_largest_that_can_still_stop_on_the_goal(gap: float, rate_change: float) -> None:
    of = limits(accel=rate_change, speed=100.0)
    goal, zero = np.array([gap]), np.zeros(1)
    # The last rate is the expected one, so that only braking decides.
    step = brute_force_step(gap, rate_change)
    target, _ = limit_target(goal, zero, np.array([step]), zero, of, 1.0)
    assert target[0] == pytest.approx(step, rel=1e-9)


def brute_force_step(gap: float, rate_change: float) -> float:
    """Return by bisection the largest step from which stopping takes no more than `gap`."""
    low, high = 0.0, gap
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if farthest_stop(middle, rate_change) <= gap else (low, middle)
    return low


def test_the_speed_limit_is_reached_and_kept() -> None:
    targets = walk([10.0] * 8, limits(speed=2.0))
    np.testing.assert_allclose(np.diff(targets, prepend=0.0), [1.0, 2.0, 2.0, 2.0, 2.0, 1.0, 0.0, 0.0], atol=ROUNDING)


def test_a_goal_out_of_range_becomes_the_limit() -> None:
    assert walk([1e30] * 40, limits(upper=3.0))[-1] == 3.0
    assert walk([-1e30] * 40, limits(lower=-3.0))[-1] == -3.0


def test_the_acceleration_rule_is_idle_when_one_step_may_reverse_full_speed() -> None:
    # 4 rad/s^2 for 1 s reverses 2 rad/s: the target jumps back and forth at full speed.
    assert walk([10.0, 10.0, -10.0, -10.0, 10.0], limits(speed=2.0, accel=4.0)) == [2.0, 4.0, 2.0, 0.0, 2.0]


def test_braking_needs_room_when_the_goal_turns_round() -> None:
    # At 2 rad/s with 1 rad/s^2: 1 more radian, a stop, and back.
    assert walk([10.0, 10.0, 0.0, 0.0, 0.0, 0.0, 0.0], limits()) == [1.0, 3.0, 4.0, 4.0, 3.0, 1.0, 0.0]


@settings(deadline=None)
@given(start=st.floats(-3.0, 3.0), goal=st.floats(-3.5, 3.5), speed=st.floats(0.3, 3.0), accel=st.floats(0.5, 200.0))
def test_a_constant_goal_is_reached_exactly_without_overshoot_and_kept(
    start: float, goal: float, speed: float, accel: float
) -> None:
    of = limits(lower=-3.0, upper=3.0, speed=speed, accel=accel)
    goal = float(np.clip(goal, -3.0, 3.0))
    # Full speed all the way, twice the time of speeding up and braking, and a few steps for good measure.
    enough = int((abs(goal - start) / speed + 4.0 * max(speed, 1.0) / accel) / DT_S) + 10
    targets = np.array(walk([goal] * (enough + 3), of, start=start, dt_s=DT_S))
    assert np.all(targets[-3:] == goal)
    assert np.all((targets - goal) * np.sign(start - goal) >= -ROUNDING)


@settings(deadline=None)
@given(goals=st.lists(st.tuples(st.floats(-5.0, 5.0), st.integers(1, 30)), min_size=1, max_size=8))
def test_jumping_goals_never_break_range_speed_or_acceleration(goals: list[tuple[float, int]]) -> None:
    of = limits(lower=-1.0, upper=1.0, speed=1.5, accel=6.0)
    targets = np.array([0.0, 0.0, *walk([goal for goal, count in goals for _ in range(count)], of, dt_s=DT_S)])
    rates = np.diff(targets) / DT_S
    assert np.all(np.abs(targets) <= 1.0)
    assert np.all(np.abs(rates) <= 1.5 + ROUNDING)
    assert np.all(np.abs(np.diff(rates)) <= 6.0 * DT_S + ROUNDING)


def test_a_blocked_arm_holds_its_target_back_by_the_lead() -> None:
    sent, velocity, blocked = np.zeros(1), np.zeros(1), np.zeros(1)
    for _ in range(20):
        sent, velocity = limit_target(np.array([5.0]), sent, velocity, blocked, limits(lead=0.4), 1.0)
    assert sent[0] == 0.4
    assert velocity[0] == pytest.approx(0.0, abs=ROUNDING)


def test_an_arm_that_lags_takes_its_target_along_at_its_own_rate() -> None:
    # The arm makes 0.2 rad/s, the target may be 0.5 ahead: once there, it goes 0.2 rad/s too.
    sent, velocity, arm = np.zeros(1), np.zeros(1), np.zeros(1)
    for _ in range(10):
        sent, velocity = limit_target(np.array([5.0]), sent, velocity, arm, limits(lead=0.5), 1.0)
        arm = arm + 0.2
    np.testing.assert_allclose(velocity, [0.2], atol=ROUNDING)


@pytest.mark.parametrize("pushed_to", [3.0, -3.0])
def test_a_pushed_arm_takes_its_target_along_and_the_target_does_not_run_on(pushed_to: float) -> None:
    zero, pushed = np.zeros(1), np.array([pushed_to])
    sent, velocity = limit_target(zero, zero, zero, pushed, limits(lead=0.5), 1.0)
    assert sent[0] == pytest.approx(np.copysign(2.5, pushed_to))
    assert velocity[0] == 0.0


def test_a_target_pulled_on_ahead_forgets_its_rate() -> None:
    # It was to make 2 and is pulled to 4: from there it could not brake before a goal at 4.5.
    zero = np.zeros(1)
    sent, velocity = limit_target(np.array([4.5]), zero, np.array([2.0]), np.array([4.5]), limits(lead=0.5), 1.0)
    assert (sent[0], velocity[0]) == (4.0, 0.0)


def test_the_range_outranks_the_lead() -> None:
    zero, far = np.zeros(1), np.array([99.0])
    target, _ = limit_target(zero, zero, zero, far, limits(upper=3.0, lead=0.5), 1.0)
    assert target[0] == 3.0


def test_a_target_found_outside_the_range_goes_to_the_limit_and_not_on() -> None:
    found = np.array([-0.2])
    sent, velocity = limit_target(np.array([2.0]), found, np.zeros(1), found, limits(lower=0.0), 0.1)
    assert (sent[0], velocity[0]) == (0.0, 0.0)


def random_inputs(num_envs: int) -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(7)
    goal, sent = rng.uniform(-4.0, 4.0, (2, num_envs, 3))
    sent = np.clip(sent, TOY_LIMITS.lower, TOY_LIMITS.upper)
    sent[::5] = np.clip(goal[::5], TOY_LIMITS.lower, TOY_LIMITS.upper)
    measured = sent + rng.uniform(-0.6, 0.6, sent.shape)
    velocity = rng.uniform(-1.0, 1.0, sent.shape)
    return [array.astype(np.float32) for array in (goal, sent, velocity, measured)]


def test_numpy_and_torch_agree() -> None:
    arrays = random_inputs(500)
    on_numpy = limit_target(*arrays, TOY_LIMITS, DT_S)
    on_torch = limit_target(*map(torch.asarray, arrays), TOY_LIMITS, DT_S)
    for ours, theirs in zip(on_numpy, on_torch, strict=True):
        assert theirs.dtype == torch.float32
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=0.0, atol=ROUNDING_F32 / DT_S)


def test_many_arms_of_float32_move_as_one_of_float64() -> None:
    arrays = random_inputs(50)
    targets, _ = limit_target(*arrays, TOY_LIMITS, DT_S)
    assert targets.dtype == np.float32
    for env in range(50):
        alone, _ = limit_target(*(array[env].astype(np.float64) for array in arrays), TOY_LIMITS, DT_S)
        np.testing.assert_allclose(targets[env], alone, rtol=0.0, atol=ROUNDING_F32)


def test_float32_comes_to_rest_on_the_goal_too() -> None:
    goal, sent, _, _ = random_inputs(100)
    goal = np.clip(goal, *(bound.astype(np.float32) for bound in (TOY_LIMITS.lower, TOY_LIMITS.upper)))
    velocity = np.zeros_like(sent)
    for _ in range(150):  # 6 rad at 1 rad/s and 50 ms take 120
        sent, velocity = limit_target(goal, sent, velocity, sent, TOY_LIMITS, DT_S)
    np.testing.assert_array_equal(sent, goal)


def test_nothing_is_written_in_place() -> None:
    arrays = random_inputs(4)
    before = [array.copy() for array in arrays]
    limit_target(*arrays, TOY_LIMITS, DT_S)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_limits_are_converted_once_for_each_kind_of_array() -> None:
    of = JointLimits.of(TOY)
    batch = np.zeros((4, 3), dtype=np.float32)
    assert of.like(batch) is of.like(batch + 1.0)
    assert of.like(batch).like(batch) is of.like(batch)
    assert of.like(torch.zeros(4, 3)).upper.dtype == torch.float32
    np.testing.assert_array_equal(of.like(batch).like(np.zeros(3)).upper, of.upper.astype(np.float32))


def test_limits_come_from_the_robot() -> None:
    want: dict[str, Float64] = {
        "max_speed": np.array([1.5, 1.0, 2.0]),
        "max_lead": np.array([0.4, 0.4, 0.3]),
        "upper": np.array([3.0, 2.5, 1.5]),
    }
    for name, values in want.items():
        np.testing.assert_array_equal(getattr(TOY_LIMITS, name), values)


def test_a_gripper_may_be_told_to_press_past_its_range() -> None:
    np.testing.assert_array_equal(TOY_LIMITS.lower, [-3.0, 0.0, -0.2])


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_robot_without_a_usable_acceleration_is_refused_by_joint(value: float) -> None:
    joints = (TOY.joints[0], replace(TOY.joints[1], max_accel_rad_s2=value), TOY.joints[2])
    with pytest.raises(BadInputError, match=r"Joint 'elbow' of 'toy': max_accel_rad_s2 must be positive and finite"):
        JointLimits.of(replace(TOY, joints=joints))

"""Nothing gets past the gate: no NaN, no leap, no ratchet, and nothing at all while it is latched."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.robots.gate import NOTHING, Gate
from tests.toy_robot import TOY

DT_S = 0.05
ROUNDING = 1e-9  # rad, rad/s: float64 roundings, divided by steps as short as a millisecond
HOME = np.array(TOY.keyframe("home"))


@pytest.fixture
def gate() -> Gate:
    return Gate(TOY, sent=HOME)


def test_a_request_is_approached_from_rest(gate: Gate) -> None:
    # base: 6 rad/s^2 for 0.05 s, for 0.05 s; elbow 4 rad/s^2; gripper 100 rad/s^2 but at most 2 rad/s.
    target = gate.target(HOME + 1.0, HOME, DT_S)
    np.testing.assert_allclose(target - HOME, [0.015, 0.01, 0.1], rtol=1e-12)


def test_droop_does_not_ratchet_the_arm_down(gate: Gate) -> None:
    for _ in range(100):
        sent = gate.target(HOME, HOME - 0.07, dt_s=DT_S)  # the arm sags 0.07 rad and stays there
    np.testing.assert_array_equal(sent, HOME)


def test_a_gripper_keeps_pressing_an_object_by_the_lead_and_no_more(gate: Gate) -> None:
    closed = np.array([0.0, 1.0, -0.2])
    stuck = np.array([0.0, 1.0, 0.25])  # the object keeps the jaw 0.25 rad open
    for _ in range(100):
        sent = gate.target(closed, stuck, DT_S)
    assert sent[2] == pytest.approx(0.25 - 0.3)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("joint", [0, 1, 2])
def test_a_request_that_is_no_number_is_refused_by_joint(gate: Gate, joint: int, bad: float) -> None:
    requested = HOME.copy()
    requested[joint] = bad
    with pytest.raises(UnsafeCommandError, match=f"The requested angle for joint '{TOY.joint_names[joint]}' is {bad};"):
        gate.target(requested, HOME, DT_S)
    np.testing.assert_array_equal(gate.sent, HOME)


def test_a_measured_angle_that_is_no_number_is_refused_by_joint(gate: Gate) -> None:
    with pytest.raises(UnsafeCommandError, match="The measured angle for joint 'elbow' is nan;"):
        gate.target(HOME, [0.0, math.nan, 0.5], DT_S)


@pytest.mark.parametrize("requested", [[0.0, 1.0], [[0.0, 1.0, 0.5]], 0.0, []])
def test_the_wrong_number_of_angles_is_refused(gate: Gate, requested: object) -> None:
    with pytest.raises(
        UnsafeCommandError, match=r"The requested angle has shape .* expected \(3,\): .* base, elbow, gripper"
    ):
        gate.target(requested, HOME, DT_S)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("requested", [None, "home", ["a", "b", "c"], [0.0, [1.0], 0.5], [10**400, 0, 0]])
def test_what_is_not_angles_at_all_is_refused(gate: Gate, requested: object) -> None:
    with pytest.raises(UnsafeCommandError, match="The requested angle"):
        gate.target(requested, HOME, DT_S)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("dt_s", [0.0, -0.05, 0.501, math.nan, math.inf])
def test_a_time_step_out_of_range_is_refused(gate: Gate, dt_s: float) -> None:
    with pytest.raises(UnsafeCommandError, match=f"must be 1e-06 to 0.5 s, got {dt_s}"):
        gate.target(HOME, HOME, dt_s)


def test_a_pose_far_outside_a_range_is_refused(gate: Gate) -> None:
    with pytest.raises(
        UnsafeCommandError, match=r"Joint 'elbow' is at -0.500 rad, more than 0.4 rad outside its range of 0 to 2.5 rad"
    ):
        gate.target(HOME, [0.0, -0.5, 0.5], DT_S)


def test_a_pose_a_little_outside_a_range_is_fine_and_counts_as_the_limit() -> None:
    gate = Gate(TOY, sent=[0.0, -0.002, 0.0])  # one encoder step too much
    np.testing.assert_array_equal(gate.sent, [0.0, 0.0, 0.0])
    assert gate.target([0.0, 0.0, 0.0], [0.0, -0.002, 0.0], DT_S)[1] == 0.0


def test_what_is_worked_out_between_two_poses_is_a_limit_where_rounding_brings_it_outside(gate: Gate) -> None:
    outside = np.nextafter(np.array([gate.limits.lower, gate.limits.upper]), [[-np.inf], [np.inf]])
    for target in outside:  # on some processors 4e-19 rad, where an obstacle cuts a way short right at a limit
        gate._accept(target, np.zeros_like(target), NOTHING, np.zeros(0))
        assert np.all((gate.limits.lower <= gate.sent) & (gate.sent <= gate.limits.upper))


def test_an_arm_that_starts_far_outside_is_refused() -> None:
    with pytest.raises(UnsafeCommandError, match=r"Joint 'gripper' is at 3\.142 rad"):
        Gate(TOY, sent=[0.0, 1.0, math.pi])
    with pytest.raises(UnsafeCommandError, match="The starting pose for joint 'base' is nan"):
        Gate(TOY, sent=[math.nan, 1.0, 0.0])


def test_a_hold_keeps_the_last_sent_target_gripper_included(gate: Gate) -> None:
    sent = gate.target(HOME + 1.0, HOME, DT_S)
    assert sent[2] != HOME[2]
    for _ in range(3):
        np.testing.assert_array_equal(gate.hold(), sent)
    np.testing.assert_array_equal(gate.sent, sent)


def test_nothing_passes_a_held_gate_until_it_is_released(gate: Gate) -> None:
    gate.hold("the camera was lost")
    assert gate.latched == "the camera was lost"
    with pytest.raises(UnsafeCommandError, match="Nothing may be sent: the camera was lost"):
        gate.target(HOME, HOME, DT_S)
    gate.release()
    assert gate.latched is None
    np.testing.assert_array_equal(gate.target(HOME, HOME, DT_S), HOME)


def test_a_hold_that_gives_way_does_not_hide_a_later_reason(gate: Gate) -> None:
    gate.hold("a pause", gives_way=True)
    gate.hold("another pause", gives_way=True)
    assert gate.latched == "a pause"
    gate.hold("the arm restarted")
    gate.hold("the camera was lost")
    gate.hold("a third pause", gives_way=True)
    assert gate.latched == "the arm restarted"
    gate.release()
    gate.hold("a fault")
    gate.hold("and one more")
    assert gate.latched == "a fault"


def test_after_a_hold_the_arm_sets_off_from_rest(gate: Gate) -> None:
    for _ in range(4):
        sent = gate.target(HOME + 1.0, HOME, DT_S)
    gate.hold()
    gate.release()
    step = gate.target(HOME + 1.0, HOME, DT_S) - sent
    np.testing.assert_allclose(step[:2], [0.015, 0.01], rtol=1e-9)


def test_an_emergency_stop_needs_more_than_a_release(gate: Gate) -> None:
    gate.hold("a hold")
    gate.estop("the current is too high")
    gate.estop("and then the cable broke")
    with pytest.raises(UnsafeCommandError, match="more than a hold: the current is too high"):
        gate.release()
    gate.hold("another hold")
    assert gate.latched == "the current is too high"
    gate.clear()
    gate.release()
    np.testing.assert_array_equal(gate.target(HOME, HOME, DT_S), HOME)


def test_what_the_gate_remembers_can_not_be_changed_from_outside(gate: Gate) -> None:
    start = HOME.copy()
    own = Gate(TOY, sent=start)
    start[:] = 2.0
    np.testing.assert_array_equal(own.sent, HOME)
    with pytest.raises(ValueError, match="read-only"):
        own.target(HOME, HOME, DT_S)[0] = 2.0


ANGLE = st.one_of(st.floats(-3.5, 3.5), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([-1e9, 1e9]))
POSE = st.lists(ANGLE, min_size=3, max_size=3)
TURN = st.tuples(POSE, POSE, st.one_of(st.floats(1e-3, 0.5), st.floats(allow_nan=True)))


def test_no_sequence_of_inputs_gets_a_target_out_of_range_or_past_the_lead() -> None:
    let_through = list[Float64]()

    @settings(deadline=None, max_examples=200)
    @given(turns=st.lists(TURN, max_size=20))
    def check(turns: list[tuple[list[float], list[float], float]]) -> None:
        gate = Gate(TOY, sent=HOME)
        for requested, measured, dt_s in turns:
            try:
                target = gate.target(requested, measured, dt_s)
            except UnsafeCommandError:
                continue
            let_through.append(target)
            assert np.all((gate.limits.lower <= target) & (target <= gate.limits.upper))
            assert np.all(np.abs(target - measured) <= gate.limits.max_lead + ROUNDING)

    check()
    assert let_through  # a gate that refuses everything would keep that promise as well


@settings(deadline=None, max_examples=200)
@given(
    requests=st.lists(st.lists(st.floats(-4.0, 4.0), min_size=3, max_size=3), min_size=2, max_size=20),
    seed=st.integers(0, 1000),
    dt_s=st.floats(1e-3, 0.5),
)
def test_speed_and_acceleration_are_kept_except_where_the_lead_pulls_towards_the_measured_pose(
    requests: list[list[float]], seed: int, dt_s: float
) -> None:
    rng = np.random.default_rng(seed)
    gate = Gate(TOY, sent=HOME)
    speed, accel, lead = gate.limits.max_speed, gate.limits.max_accel, gate.limits.max_lead
    last, rate, was_pulled = HOME, np.zeros(3), np.zeros(3, dtype=bool)
    for requested in requests:
        measured = np.clip(last + rng.uniform(-0.45, 0.45, 3), gate.limits.lower, gate.limits.upper)
        target = gate.target(requested, measured, dt_s)
        new_rate, pulled = (target - last) / dt_s, np.abs(target - measured) >= lead - ROUNDING
        too_fast = np.abs(new_rate) > speed + ROUNDING
        too_sudden = np.abs(new_rate - rate) > accel * dt_s + ROUNDING
        assert not np.any(too_fast & ~pulled)
        assert not np.any(too_sudden & ~pulled & ~was_pulled)
        closer = np.abs(target - measured) < np.abs(last - measured)
        assert np.all(closer[too_fast])
        last, rate, was_pulled = target, new_rate, pulled


@settings(deadline=None, max_examples=50)
@given(dts_s=st.lists(st.floats(0.04, 0.06), min_size=80, max_size=80), goal=st.floats(0.0, 1.5))
def test_an_uneven_loop_still_arrives_and_stays(dts_s: list[float], goal: float) -> None:
    gate = Gate(TOY, sent=HOME)
    for dt_s in dts_s:  # at least 3.2 s for 1.5 rad at 1 rad/s
        sent = gate.target([goal] * 3, gate.sent, dt_s)
    np.testing.assert_allclose(sent, goal, atol=ROUNDING)


def test_each_joint_has_limits_of_its_own() -> None:
    slow = replace(TOY.joints[0], max_speed_rad_s=0.1)
    gate = Gate(replace(TOY, joints=(slow, *TOY.joints[1:])), sent=HOME)
    for _ in range(20):
        before, sent = gate.sent, gate.target(HOME + 1.0, gate.sent, DT_S)
        assert sent[0] - before[0] <= 0.1 * DT_S + ROUNDING
    assert sent[1] == pytest.approx(HOME[1] + 20 * 0.05 - 0.1, abs=0.1)

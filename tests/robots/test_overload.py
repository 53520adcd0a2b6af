"""A servo that pushes too hard for too long is told to stay where it is, once; a gripper may grip."""

import re

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, UnsafeCommandError
from roarm_lab.robots.gate import Gate
from roarm_lab.robots.gate_config import GateRules
from roarm_lab.robots.overload import EffortRule, EffortWatch
from roarm_lab.robots.roarm_m3 import ROARM_M3

DT_S = 0.05
HOME = np.array(ROARM_M3.keyframe("home"))
AHEAD = np.array([0.0, 0.1, 0.0, 0.0, 0.0, 0.0])
IDLE = np.zeros(6)


def pushing(joint: int, share: float) -> np.ndarray:
    effort = IDLE.copy()
    effort[joint] = share
    return effort


def seconds_until_late(effort: np.ndarray, most_s: float = 10.0) -> float | None:
    watch = EffortWatch(ROARM_M3, EffortRule())
    for turn in range(1, round(most_s / DT_S) + 1):
        if watch.add(effort, DT_S) is not None:
            return turn * DT_S
    return None


@pytest.mark.parametrize("share", [0.76, -0.76, 1.0])
def test_an_arm_joint_is_late_half_a_second_before_the_servo_protects_itself(share: float) -> None:
    seconds = seconds_until_late(pushing(1, share))
    assert seconds is not None
    assert 1.5 <= seconds <= 1.5 + 2 * DT_S  # the servo itself: 80 % for 2 s


def test_less_than_the_share_never_counts() -> None:
    assert seconds_until_late(pushing(1, 0.75)) is None


def test_a_gripper_may_push_at_its_torque_limit_for_as_long_as_it_likes() -> None:
    assert seconds_until_late(pushing(5, -0.30)) is None  # 300 of 1000, set by the firmware
    assert seconds_until_late(pushing(5, -0.35)) is None  # and a register that jitters


def test_a_gripper_without_its_torque_limit_is_noticed() -> None:
    seconds = seconds_until_late(pushing(5, -0.37))  # 1.2 times 0.30 is 0.36
    assert seconds is not None
    assert seconds <= 1.5 + 2 * DT_S


def test_a_breath_starts_the_time_anew() -> None:
    watch = EffortWatch(ROARM_M3, EffortRule())
    for turn in range(200):
        assert watch.add(pushing(2, 0.0 if turn % 20 == 19 else 1.0), DT_S) is None  # 0.95 s each


def held_gate() -> Gate:
    gate = Gate(ROARM_M3, HOME)
    for _ in range(60):
        if gate.relieve(pushing(1, 0.9), HOME, DT_S):
            return gate
        gate.target(HOME + AHEAD, HOME, DT_S)
    raise AssertionError("it was never held")


def test_an_overloaded_joint_is_told_to_stay_and_the_arm_is_held() -> None:
    gate = held_gate()
    np.testing.assert_allclose(gate.sent, HOME, atol=1e-9)  # it had been sent 0.1 rad ahead
    wanted = "joint 'shoulder' drove with 90% of its full power for 1.5 s (limit 75% for 1.5 s)"
    with pytest.raises(UnsafeCommandError, match=re.escape(wanted)):
        gate.target(HOME, HOME, DT_S)


def test_it_happens_once_so_that_a_sagging_arm_does_not_sink_step_by_step() -> None:
    gate = held_gate()
    for _ in range(100):
        assert not gate.relieve(pushing(1, 0.9), HOME - 0.05, DT_S)
    np.testing.assert_allclose(gate.sent, HOME, atol=1e-9)


def test_the_other_joints_keep_their_targets_and_the_gripper_its_grip() -> None:
    gate, gripping = Gate(ROARM_M3, HOME), HOME + 0.1
    for _ in range(20):
        gate.target(gripping, gripping - 0.2, DT_S)
    for _ in range(40):
        gate.relieve(pushing(2, -1.0), gripping - 0.2, DT_S)
    np.testing.assert_allclose(gate.sent - gripping, [0.0, 0.0, -0.2, 0.0, 0.0, 0.0], atol=1e-9)


def test_after_a_release_the_time_starts_anew() -> None:
    gate = held_gate()
    gate.release()
    assert not gate.relieve(pushing(1, 0.9), HOME, DT_S)
    np.testing.assert_allclose(gate.target(HOME, HOME, DT_S), HOME, atol=1e-9)


def test_relieving_keeps_above_the_table() -> None:
    # Measured far below where the table is: the joint is let go only as far as the table allows.
    low = np.array(ROARM_M3.keyframe("task_start"))
    gate, measured = Gate(ROARM_M3, low), low + np.array([0.0, 0.9, 0.0, 0.0, 0.0, 0.0])
    for _ in range(40):
        gate.relieve(pushing(1, 1.0), measured, DT_S)
    assert low[1] < gate.sent[1] < measured[1]
    assert gate.latched is not None


def test_without_a_rule_efforts_do_not_matter() -> None:
    gate = Gate(ROARM_M3, HOME, GateRules(effort=None))
    assert not any(gate.relieve(pushing(1, 1.0), HOME, DT_S) for _ in range(100))


@pytest.mark.parametrize("field", ["share", "seconds", "past_torque_limit"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), 61.0])
def test_a_rule_that_makes_no_sense_is_refused(field: str, value: float) -> None:
    with pytest.raises(BadInputError, match=rf"EffortRule\.{field} must be above 0"):
        EffortRule(**{field: value})

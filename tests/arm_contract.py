"""What every arm must do, real, simulated or pretended. A test file runs each check on a factory of its own:

    @pytest.mark.parametrize("check", ARM_CONTRACT, ids=lambda check: check.__name__)
    def test_keeps_the_arm_contract(check: Check) -> None:
        check(make_my_arm)

The factory returns a connected arm at rest, well inside its joints' ranges.
"""

import math
import re
from collections.abc import Callable

import numpy as np
import pytest

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import MissingError, UnsafeCommandError
from roarm_lab.robots.arm import Arm
from roarm_lab.robots.limits import JointLimits

Factory = Callable[[], Arm]
Check = Callable[[Factory], None]

DT_S = 0.05
MANY = 1000
ROUNDING = 1e-9  # rad: float64 roundings


def pass_time(arm: Arm, time_s: float = DT_S) -> None:
    """Wait on the arm's own clock."""
    arm.clock.sleep_until_s(arm.clock.now_s() + time_s)


def send_for(arm: Arm, requested: Float64, steps: int) -> list[Float64]:
    """Send a request for a number of steps; return what was really sent."""
    sent: list[Float64] = []
    for _ in range(steps):
        sent.append(arm.send(requested, DT_S))
        pass_time(arm)
    return sent


def middle(arm: Arm) -> Float64:
    """Return the middle of the joints' ranges [joint] rad."""
    return np.array([0.5 * (joint.lower_rad + joint.upper_rad) for joint in arm.robot.joints])


def has_one_angle_per_joint(make: Factory) -> None:
    arm = make()
    sample = arm.read()
    assert sample.valid
    assert sample.joint_pos.shape == (len(arm.robot.joints),)
    assert sample.joint_pos.dtype == np.float64
    assert sample.measured_at_s <= arm.clock.now_s()


def names_its_sources(make: Factory) -> None:
    assert {"measured", "derived"} <= make().provides <= {"measured", "derived", "perception"}


def sees_boxes_or_says_why_not(make: Factory) -> None:
    arm = make()
    sight = arm.see()
    assert sight.valid == ("perception" in arm.provides)
    assert sight.seen_at_s <= arm.clock.now_s()
    if sight.valid:
        assert sight.boxes
        assert sight.box_pos_w.shape == (len(sight.boxes), 3)
        assert sight.box_quat_w.shape == (len(sight.boxes), 4)
    else:
        with pytest.raises(MissingError, match=re.escape(sight.reason)):
            _ = sight.box_pos_w


def reading_never_waits(make: Factory) -> None:
    """Reading again at once gives the same reading again: a read that waited for the next one never would."""
    arm = make()
    for _ in range(MANY):  # a busy machine may take long enough for a new one in between
        before, sight_before = arm.read(), arm.see()
        again, sight_again = arm.read(), arm.see()
        seen_again = not sight_before.valid or sight_before.seen_at_s == sight_again.seen_at_s
        if before.measured_at_s == again.measured_at_s and seen_again:
            return
    pytest.fail("each reading is a new one")


def starts_where_it_was_found_and_stays_there(make: Factory) -> None:
    arm = make()
    found = arm.read().joint_pos
    np.testing.assert_allclose(arm.sent, found, atol=0.01)  # a few encoder steps, or a little droop
    np.testing.assert_allclose(arm.send(arm.sent, DT_S), arm.sent, atol=ROUNDING)


def sends_limited_targets_and_remembers_them(make: Factory) -> None:
    arm = make()
    of, last = JointLimits.of(arm.robot), arm.sent
    for target in send_for(arm, np.full(len(arm.robot.joints), 1e6), 4):
        assert np.all(np.abs(target - last) <= of.max_speed * DT_S + ROUNDING)
        assert np.all(target <= of.upper)
        last = target
    np.testing.assert_array_equal(arm.sent, last)


def moves_towards_what_is_requested(make: Factory) -> None:
    arm = make()
    before = arm.read().joint_pos
    requested = before + np.where(before <= middle(arm), 0.2, -0.2)
    send_for(arm, requested, 20)
    assert np.all(np.abs(requested - arm.read().joint_pos) < 0.5 * np.abs(requested - before))


def calling_more_often_does_not_make_it_faster(make: Factory) -> None:
    arm = make()
    of, requested, start = JointLimits.of(arm.robot), middle(arm), arm.sent
    arm.send(start, DT_S)
    began_s = arm.clock.now_s()
    for _ in range(10):
        pass_time(arm, DT_S / 10)
        arm.send(requested, DT_S)  # each claims a whole step
    elapsed_s = arm.clock.now_s() - began_s
    assert np.all(np.abs(arm.sent - start) <= of.max_speed * elapsed_s + ROUNDING)


def refuses_nan_by_joint(make: Factory) -> None:
    arm = make()
    before = arm.sent
    for index, name in enumerate(arm.robot.joint_names):
        requested = middle(arm)
        requested[index] = math.nan
        with pytest.raises(UnsafeCommandError, match=f"The requested angle for joint '{name}' is nan"):
            arm.send(requested, DT_S)
    np.testing.assert_array_equal(arm.sent, before)


def holds_the_last_sent_target(make: Factory) -> None:
    arm = make()
    last = send_for(arm, middle(arm), 3)[-1]
    for _ in range(5):
        arm.hold("a test wants it")
        pass_time(arm)
        np.testing.assert_array_equal(arm.sent, last)
    assert arm.latched == "a test wants it"
    with pytest.raises(UnsafeCommandError, match="a test wants it"):
        arm.send(middle(arm), DT_S)
    arm.release()
    assert arm.latched is None
    arm.send(middle(arm), DT_S)


def an_emergency_stop_outlives_a_release(make: Factory) -> None:
    arm = make()
    arm.estop("a test pressed the button")
    with pytest.raises(UnsafeCommandError, match="a test pressed the button"):
        arm.release()
    arm.clear()
    arm.send(middle(arm), DT_S)


def closes_more_than_once(make: Factory) -> None:
    arm = make()
    arm.close()
    arm.close()
    assert not arm.read().valid
    assert arm.see().reason == "the arm was closed"
    with pytest.raises(UnsafeCommandError, match="the arm was closed"):
        arm.send(middle(arm), DT_S)
    arm.hold()  # the way out of every loop: it must not fail here


ARM_CONTRACT: tuple[Check, ...] = (
    has_one_angle_per_joint,
    names_its_sources,
    sees_boxes_or_says_why_not,
    reading_never_waits,
    starts_where_it_was_found_and_stays_there,
    sends_limited_targets_and_remembers_them,
    moves_towards_what_is_requested,
    calling_more_often_does_not_make_it_faster,
    refuses_nan_by_joint,
    holds_the_last_sent_target,
    an_emergency_stop_outlives_a_release,
    closes_more_than_once,
)

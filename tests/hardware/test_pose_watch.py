import math
from dataclasses import replace

import numpy as np
import pytest

from roarm_lab.hardware.io_thread import OutOfSightError
from roarm_lab.hardware.pose_watch import FROZEN_FRAMES, FROZEN_S, LONG_FROZEN_S, PoseWatch
from roarm_lab.hardware.protocol import Feedback, Firmware
from roarm_lab.hardware.readings import GRANTED_S, REST_S, Readings
from roarm_lab.robots.roarm_m3 import ROARM_M3

HOME = ROARM_M3.keyframe("home")
DT_S = 0.05
NONE_AT_ALL = (0.0,) * 6


def feedback(pose: object, effort: tuple[float, ...] | None = NONE_AT_ALL) -> Feedback:
    return Feedback(Firmware.FW25, tuple(np.asarray(pose, dtype=float)), effort, None, None)


def away(joint: int, angle: float) -> np.ndarray:
    target = np.array(HOME)
    target[joint] += angle
    return target


def watched(target: np.ndarray | None, effort: tuple[float, ...] | None, seconds: float = 2.0) -> list[str]:
    watch = PoseWatch(ROARM_M3)
    return [watch.frozen(feedback(HOME, effort), k * DT_S, target) for k in range(round(seconds / DT_S))]


def test_a_servo_that_neither_moves_nor_drives_is_not_being_read() -> None:
    said = watched(away(2, 0.2), NONE_AT_ALL)
    first = next(k for k, reason in enumerate(said) if reason)
    assert first >= FROZEN_FRAMES
    assert first * DT_S >= FROZEN_S
    assert "joint 'elbow' reads 1.571 rad to the last digit" in said[first]
    assert "its target is 0.20 rad away" in said[first]


def test_droop_is_not_frozen() -> None:
    # 4 degrees, the most that users report, with readings that do not flicker.
    assert not any(watched(away(1, 0.07), NONE_AT_ALL))


def test_an_arm_that_was_told_nothing_is_not_frozen() -> None:
    assert not any(watched(None, NONE_AT_ALL))


def test_a_blocked_servo_drives_and_is_not_frozen() -> None:
    assert not any(watched(away(2, 0.2), (0.0, 0.0, 0.9, 0.0, 0.0, 0.0)))


def test_a_gripper_that_holds_something_is_not_frozen() -> None:
    # Its torque limit is 0.3 of the full drive, and the older firmware does not report its load at all.
    assert not any(watched(away(5, 0.3), (0.0, 0.0, 0.0, 0.0, 0.0, 0.3)))
    assert not any(watched(away(5, 0.3), (0.0, 0.0, 0.0, 0.0, 0.0, math.nan)))


def test_a_servo_that_moves_again_is_believed_again() -> None:
    watch, target = PoseWatch(ROARM_M3), away(0, 0.3)
    for k in range(40):
        reason = watch.frozen(feedback(HOME), k * DT_S, target)
    assert reason
    assert watch.frozen(feedback(away(0, 0.01)), 40 * DT_S, target) == ""


def test_a_leap_is_believed_only_when_a_second_line_agrees() -> None:
    watch = PoseWatch(ROARM_M3)
    assert not watch.leaps(feedback(HOME), 0.0)
    assert watch.leaps(feedback(away(4, 1.0)), 0.03)
    assert not watch.leaps(feedback(HOME), 0.06)
    assert watch.leaps(feedback(away(4, 1.0)), 0.09)
    assert not watch.leaps(feedback(away(4, 1.01)), 0.12)


def test_the_fastest_motion_is_no_leap() -> None:
    watch = PoseWatch(ROARM_M3)
    speed_rad_s = 270 * math.pi / 180  # a servo without load
    for k in range(20):
        assert not watch.leaps(feedback(away(0, -speed_rad_s * k * DT_S / 2)), k * DT_S / 2)


def test_rest_takes_a_while_and_begins_anew_with_every_motion() -> None:
    readings, now_s = Readings(ROARM_M3), 0.0
    for _ in range(3):
        readings.judge(feedback(HOME), now_s := now_s + DT_S)
    assert readings.at_rest() is None
    for _ in range(round(REST_S / DT_S)):
        readings.judge(feedback(HOME), now_s := now_s + DT_S)
    assert readings.at_rest() is not None
    readings.judge(feedback(away(0, 0.05)), now_s + DT_S)
    assert readings.at_rest() is None


def test_an_effort_that_is_not_told_stays_unknown() -> None:
    sample = Readings(ROARM_M3).judge(feedback(HOME, (0.1, 0.2, 0.3, 0.4, 0.5, math.nan)), 0.0)
    assert sample is not None
    np.testing.assert_array_equal(sample.effort, [0.1, 0.2, 0.3, 0.4, 0.5, math.nan])
    unknown = Readings(ROARM_M3).judge(feedback(HOME, None), 0.0)
    assert unknown is not None
    assert unknown.effort is None


def test_a_servo_that_failed_while_it_drove_hard_is_found_later_than_one_that_did_not() -> None:
    said = watched(away(0, 0.4), (0.6, 0.0, 0.0, 0.0, 0.0, 0.0), seconds=3.0)
    first = next(k for k, reason in enumerate(said) if reason)
    assert LONG_FROZEN_S <= first * DT_S <= LONG_FROZEN_S + 3 * DT_S
    assert "joint 'base'" in said[first]


def test_a_leap_that_is_confirmed_tells_that_the_arm_was_out_of_sight() -> None:
    readings = Readings(ROARM_M3)
    assert readings.judge(feedback(HOME), 0.0) is not None
    assert readings.judge(feedback(away(2, 1.0)), 0.03) is None  # perhaps a damaged line
    with pytest.raises(OutOfSightError, match="joint 'elbow' is suddenly 1.00 rad from where it was read before"):
        readings.judge(feedback(away(2, 1.0)), 0.06)


def test_a_base_past_half_a_turn_is_counted_on_and_a_shoulder_is_not() -> None:
    watch = PoseWatch(ROARM_M3)
    watch.leaps(feedback(away(0, 3.13)), 0.0)
    assert watch.unwrapped(feedback(away(0, -3.13))).joint_pos[0] == pytest.approx(2 * math.pi - 3.13)
    assert watch.unwrapped(feedback(away(0, -3.0))).joint_pos[0] == -3.0  # too far for a fast move
    watch.leaps(feedback(away(1, 1.5)), 10.0)
    assert watch.unwrapped(feedback(away(1, -4.0))).joint_pos[1] == pytest.approx(-4.0)


def test_a_doubted_arm_that_is_granted_is_believed_for_a_moment() -> None:
    readings = Readings(ROARM_M3)
    limp = replace(feedback(HOME), torque_on=(False,) * 6, supply_v=12.0)
    said = readings.judge(limp, 0.0)
    assert said is not None
    assert not said.valid
    assert readings.doubted is not None
    readings.grant(1.0)
    believed = [readings.judge(limp, at_s) for at_s in (1.0, 1.0 + 0.9 * GRANTED_S, 1.0 + 1.1 * GRANTED_S)]
    assert [sample is not None and sample.valid for sample in believed] == [True, True, False]
    readings.judge(replace(limp, supply_v=0.0), 3.0)
    assert readings.doubted is None  # without power there is nothing to begin with

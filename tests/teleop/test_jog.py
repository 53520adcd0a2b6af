"""Jogging: speeds worked out by hand, a hand that goes straight, and a goal that never runs away from the arm."""

import math

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.messages import Observation
from roarm_lab.robots.inverse_kinematics import InverseKinematics
from roarm_lab.robots.limits import JointLimits
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.teleop.jog import AHEAD_RAD, EE_M_S, STILL, DeviceState, Jog, Mode, Switch
from roarm_lab.teleop.session import JOINT_POS, JOINT_TARGET, OperatorCommand
from tests.gateway.perfect_arm import PerfectArm
from tests.teleop.teleop_session import PERIOD_S, START, hold_key, moved, type_at
from tests.toy_robot import TOY

LIMITS = JointLimits.of(ROARM_M3)
IK = InverseKinematics(ROARM_M3)
ROUNDING = 1e-9
NUDGE_RAD = 10 * PERIOD_S * 0.25 * 0.5 * 2.5  # ten turns, a quarter of half of 2.5 rad/s


class Pushed:
    """A device that always says the same."""

    name = "pushed"

    def __init__(self, *axes: float, asked: tuple[OperatorCommand | Switch, ...] = ()) -> None:
        self.now = DeviceState(axes or STILL, asked)

    def state(self, now_s: float, mode: Mode) -> DeviceState:
        return self.now


def seen(sent: object = START) -> Observation:
    return Observation(0.0, {JOINT_POS: np.asarray(sent), JOINT_TARGET: np.asarray(sent)})


def requested_by(jog: Jog, sent: object = START) -> np.ndarray:
    jog.orders(0.0)
    return jog.infer(seen(sent)).joint_target[0]


def test_full_deflection_at_half_speed_is_half_of_the_joints_speed() -> None:
    requested = requested_by(Jog(ROARM_M3, Pushed(0, 1, 0, 0, -1, 0), PERIOD_S, speed=0.5))
    np.testing.assert_allclose(requested - START, [0, 0.5 * 2.5 * 0.05, 0, 0, -0.5 * 2.5 * 0.05, 0], atol=ROUNDING)


def test_the_goal_stays_when_everything_is_let_go() -> None:
    device = Pushed(1, 0, 0, 0, 0, 0)
    jog = Jog(ROARM_M3, device, PERIOD_S)
    requested = requested_by(jog)
    device.now = DeviceState()
    np.testing.assert_array_equal(requested_by(jog), requested)


def test_the_goal_does_not_run_away_from_a_blocked_arm() -> None:
    jog = Jog(ROARM_M3, Pushed(1, 0, 0, 0, 0, 0), PERIOD_S, speed=1.0)
    for _ in range(100):
        requested = requested_by(jog)
    assert requested[0] - START[0] == pytest.approx(AHEAD_RAD)


def test_a_blocked_arm_that_is_turned_round_goes_back_at_once() -> None:
    device = Pushed(1, 0, 0, 0, 0, 0)
    jog = Jog(ROARM_M3, device, PERIOD_S, speed=1.0)
    for _ in range(100):
        requested_by(jog)
    device.now = DeviceState((-1.0, 0, 0, 0, 0, 0))
    assert requested_by(jog)[0] == pytest.approx(START[0] - 2.5 * 0.05)


def test_the_goal_stops_at_the_limits() -> None:
    end = np.array(LIMITS.upper)
    requested = requested_by(Jog(ROARM_M3, Pushed(1, 1, 1, 1, 1, 1), PERIOD_S), end)
    np.testing.assert_array_equal(requested, end)


def test_after_a_reset_it_starts_at_the_target_that_stands() -> None:
    jog = Jog(ROARM_M3, Pushed(1, 0, 0, 0, 0, 0), PERIOD_S)
    requested_by(jog)
    jog.reset()
    assert requested_by(jog, START + 0.2)[0] == pytest.approx(START[0] + 0.2 + 0.35 * 2.5 * 0.05)


@pytest.mark.parametrize("bad", [(math.nan, 0, 0, 0, 0, 0), (math.inf, 0, 0, 0, 0, 0), (1.0,)])
def test_what_is_no_deflection_moves_nothing(bad: tuple[float, ...]) -> None:
    np.testing.assert_array_equal(requested_by(Jog(ROARM_M3, Pushed(*bad), PERIOD_S)), START)


def test_a_deflection_beyond_the_end_counts_as_the_end() -> None:
    far, end = (requested_by(Jog(ROARM_M3, Pushed(a, 0, 0, 0, 0, 0), PERIOD_S)) for a in (7.0, 1.0))
    np.testing.assert_array_equal(far, end)


def test_speeds_go_up_and_down_in_steps_and_stop_at_the_ends() -> None:
    device = Pushed()
    jog = Jog(ROARM_M3, device, PERIOD_S, speed=0.4)
    speeds: list[float] = []
    for switch in [Switch.FASTER] * 4 + [Switch.SLOWER] * 7:
        device.now = DeviceState(STILL, (switch,))
        jog.orders(0.0)
        speeds.append(jog.speed)
    assert speeds == [0.5, 0.75, 1.0, 1.0, 0.75, 0.5, 0.35, 0.2, 0.1, 0.05, 0.05]


def test_orders_are_passed_on_and_switches_are_not() -> None:
    jog = Jog(ROARM_M3, Pushed(asked=(OperatorCommand.STOP, Switch.MODE, OperatorCommand.CLEAR)), PERIOD_S)
    assert jog.orders(0.0) == [OperatorCommand.STOP, OperatorCommand.CLEAR]
    assert (jog.mode, jog.note) == ("ee", "hand 35%")


# The hand.


def test_the_hand_goes_straight_forward_and_keeps_its_pitch() -> None:
    jog = Jog(ROARM_M3, Pushed(1, 0, 0, 0, 0, 0), PERIOD_S, mode="ee", speed=0.4)
    pos_b, pitch, roll = IK.target_of(START)
    sent = START
    for _ in range(6):
        sent = requested_by(jog, sent)
    gone_b, now_pitch, now_roll = IK.target_of(sent)
    np.testing.assert_allclose(gone_b - pos_b, [6 * PERIOD_S * 0.4 * EE_M_S, 0, 0], atol=1e-6)
    np.testing.assert_allclose([now_pitch, now_roll], [pitch, roll], atol=1e-6)
    assert jog.trouble == ""


def test_a_hand_that_can_not_go_on_stays_and_says_why() -> None:
    jog = Jog(ROARM_M3, Pushed(1, 0, 0, 0, 0, 0), PERIOD_S, mode="ee", speed=1.0)
    sent = START
    for _ in range(100):  # more than a metre
        last, sent = sent, requested_by(jog, sent)
    np.testing.assert_array_equal(sent, last)
    assert jog.trouble.startswith("the hand can not go there: ")
    jog.orders(0.0)


def test_the_trouble_ends_when_the_hand_is_let_go_or_turns_round() -> None:
    device = Pushed(1, 0, 0, 0, 0, 0)
    jog = Jog(ROARM_M3, device, PERIOD_S, mode="ee", speed=1.0)
    sent = START
    for _ in range(100):
        sent = requested_by(jog, sent)
    device.now = DeviceState((-1.0, 0, 0, 0, 0, 0))
    assert np.any(requested_by(jog, sent) != sent)
    assert jog.trouble == ""


def test_the_gripper_moves_alone_in_both_modes() -> None:
    for mode in ("joint", "ee"):
        requested = requested_by(Jog(ROARM_M3, Pushed(0, 0, 0, 0, 0, 1), PERIOD_S, mode=mode, speed=1.0))
        np.testing.assert_allclose(requested - START, [0, 0, 0, 0, 0, 2.5 * 0.05], atol=ROUNDING)


def test_a_hand_does_not_run_away_from_a_blocked_arm() -> None:
    jog = Jog(ROARM_M3, Pushed(0, 1, 0, 0, 0, 0), PERIOD_S, mode="ee", speed=1.0)
    for _ in range(100):
        requested = requested_by(jog)
    assert np.max(np.abs(requested - START)) <= AHEAD_RAD
    assert jog.trouble == "the arm does not come after"


# Through the whole loop.


def test_a_tap_is_a_nudge_and_a_held_key_moves_on() -> None:
    arm = PerfectArm(START)
    _, turns = type_at(arm, ["q"], turns=40)
    assert turns[-1].sent[0] - START[0] == pytest.approx(NUDGE_RAD, abs=0.25 * 0.5 * 2.5 * PERIOD_S + ROUNDING)
    _, held = type_at(PerfectArm(START), hold_key("q", 1.5), turns=40)
    assert moved(held)[0] > 3 * moved(turns)[0]


def test_keys_move_the_joint_they_stand_for() -> None:
    for joint, (plus, minus) in enumerate(("qa", "ws", "ed", "rf", "tg", "yh")):
        for key, sign in ((plus, 1.0), (minus, -1.0)):
            start = START + 0.2 * np.eye(6)[5]  # room for the gripper to close
            arm = PerfectArm(start)
            type_at(arm, [key], turns=20)
            change = arm.sent - start
            assert np.flatnonzero(change).tolist() == [joint]
            assert change[joint] * sign > 0.05


@pytest.mark.parametrize("speed", [0.0, -0.5, 1.5, math.nan])
def test_a_speed_that_is_no_share_is_refused(speed: float) -> None:
    with pytest.raises(BadInputError, match="The speed is a share of full speed"):
        Jog(ROARM_M3, Pushed(), PERIOD_S, speed=speed)


def test_an_arm_with_other_joints_is_refused() -> None:
    with pytest.raises(BadInputError, match="Jogging needs an arm with 6 joints"):
        Jog(TOY, Pushed(), PERIOD_S)

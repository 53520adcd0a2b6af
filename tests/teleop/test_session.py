"""The loop of teleoperation: orders come first, doubt holds the arm, and the loop goes on listening."""

from collections.abc import Sequence

import numpy as np
import pytest

from roarm_lab.core.clock import SimulatedClock
from roarm_lab.core.errors import BadInputError, UnsafeCommandError
from roarm_lab.core.messages import ActionChunk, Observation
from roarm_lab.robots.arm import ArmSample
from roarm_lab.teleop.session import MAX_RATE_HZ, PAUSED, OperatorCommand, TeleopTurn, teleoperate
from tests.gateway.perfect_arm import PerfectArm
from tests.teleop.teleop_session import PERIOD_S, START, Steady

BEGAN_S = 100.0  # of PerfectArm's clock


def run(arm: PerfectArm, teleoperator: Steady, turns: int, **options: object) -> list[TeleopTurn]:
    seen: list[TeleopTurn] = []
    teleoperate(arm, teleoperator, watch=[seen.append], seconds=turns * PERIOD_S, **options)  # pyright: ignore[reportArgumentType]
    return seen


def test_it_runs_at_its_rate_and_sends_in_every_turn() -> None:
    arm, teleoperator = PerfectArm(START), Steady(0.01)
    seen = run(arm, teleoperator, 20)
    np.testing.assert_allclose(np.diff([turn.time_s for turn in seen]), PERIOD_S)
    assert (len(arm.targets), teleoperator.asked, teleoperator.resets) == (20, 20, 1)
    np.testing.assert_array_equal([turn.sent for turn in seen], arm.targets)


def test_an_emergency_stop_lasts_until_it_is_cleared_and_a_pause_does_not_end_it() -> None:
    orders = {5: [OperatorCommand.STOP], 8: [OperatorCommand.PAUSE], 12: [OperatorCommand.PAUSE, OperatorCommand.CLEAR]}
    arm, teleoperator = PerfectArm(START), Steady(0.01, orders)
    seen = run(arm, teleoperator, 20)
    latched = [turn.latched for turn in seen]
    assert latched == [None] * 5 + ["emergency stop by a person"] * 7 + [None] * 8
    assert (teleoperator.asked, teleoperator.resets) == (13, 2)
    assert [turn.requested is None for turn in seen] == [False] * 5 + [True] * 7 + [False] * 8
    np.testing.assert_array_equal(arm.targets[5], arm.targets[4])  # the stop repeats the last target


def test_a_pause_ends_with_the_next_one() -> None:
    arm = PerfectArm(START)
    seen = run(arm, Steady(0.01, {3: [OperatorCommand.PAUSE], 6: [OperatorCommand.PAUSE]}), 10)
    assert [turn.latched for turn in seen] == [None] * 3 + ["paused by a person"] * 3 + [None] * 4


def test_a_bad_reading_holds_the_arm_and_a_person_can_let_it_go_on() -> None:
    def fault(time_s: float) -> ArmSample | None:
        bad = BEGAN_S + 0.22 < time_s < BEGAN_S + 0.38  # turns 4 to 6
        return ArmSample.failed(time_s, "the bus is dead") if bad else None

    arm, teleoperator = (
        PerfectArm(START, fault=fault),
        Steady(0.01, {5: [OperatorCommand.CLEAR], 10: [OperatorCommand.CLEAR]}),
    )
    seen = run(arm, teleoperator, 14)
    reason = "The arm could not be read: the bus is dead."
    assert [turn.latched for turn in seen] == [None] * 4 + [reason] * 6 + [None] * 4
    assert teleoperator.resets == 2


def test_an_old_reading_holds_the_arm() -> None:
    arm = PerfectArm(START, fault=lambda time_s: ArmSample.of(time_s - 0.26, START))
    assert "The newest sample is 0.260 s old; the limit is 0.250 s" in str(run(arm, Steady(), 2)[-1].latched)
    assert len(arm.targets) == 1  # the repeated one of the hold


class Gone:
    def orders(self, now_s: float) -> Sequence[OperatorCommand]:
        raise UnsafeCommandError("The gamepad is gone.")


class Red:
    def orders(self, now_s: float) -> Sequence[OperatorCommand]:
        return [OperatorCommand.STOP]


def test_a_desk_that_is_gone_holds_the_arm_but_a_stop_elsewhere_counts_more() -> None:
    arm = PerfectArm(START)
    assert run(arm, Steady(), 2, desks=[Gone()])[-1].latched == "The gamepad is gone."
    arm.clear()
    assert run(arm, Steady(), 2, desks=[Gone(), Red()])[-1].latched == "emergency stop by a person"


def test_an_answer_to_an_old_observation_is_dropped() -> None:
    class Late(Steady):
        def infer(self, observation: Observation) -> ActionChunk:
            chunk = super().infer(observation)
            return ActionChunk(chunk.observed_at_s - 0.5, chunk.step_s, chunk.joint_target)

    arm = PerfectArm(START)
    assert run(arm, Late(0.1), 3)[-1].latched == "steady answered an old observation; nothing was sent."
    np.testing.assert_array_equal(arm.sent, START)


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), SystemExit(143), ZeroDivisionError("a mistake")])
def test_every_ending_holds_the_arm_and_is_raised_on(ending: BaseException) -> None:
    class Ends(Steady):
        def infer(self, observation: Observation) -> ActionChunk:
            if self.asked == 3:
                raise ending
            return super().infer(observation)

    arm = PerfectArm(START)
    with pytest.raises(type(ending)):
        run(arm, Ends(0.01), 10)
    assert arm.latched == (str(ending) or type(ending).__name__)
    np.testing.assert_array_equal(arm.targets[-1], arm.targets[-2])


def test_where_nobody_could_let_it_go_on_a_hold_is_the_end() -> None:
    arm = PerfectArm(START)
    log = teleoperate(arm, Steady(0.0, {4: [OperatorCommand.STOP]}), seconds=10.0, end_when_held=True)
    assert (log.turns, log.sent, log.held) == (5, 4, "emergency stop by a person")


@pytest.mark.parametrize("rate_hz", [0.0, -20.0, MAX_RATE_HZ + 1, float("nan"), float("inf")])
def test_a_rate_that_makes_no_sense_is_refused(rate_hz: float) -> None:
    with pytest.raises(BadInputError, match="The rate must be 5 to 100 Hz"):
        teleoperate(PerfectArm(START, clock=SimulatedClock()), Steady(), rate_hz=rate_hz)


def test_a_pause_does_not_let_an_arm_go_that_is_held_for_a_fault() -> None:
    def fault(time_s: float) -> ArmSample | None:
        return ArmSample.failed(time_s, "the bus is dead") if BEGAN_S + 0.22 < time_s < BEGAN_S + 0.28 else None

    seen = run(
        PerfectArm(START, fault=fault), Steady(0.01, {6: [OperatorCommand.PAUSE], 8: [OperatorCommand.PAUSE]}), 12
    )
    assert seen[-1].latched == "The arm could not be read: the bus is dead."


def test_a_clear_that_was_pressed_before_a_stop_does_not_end_it() -> None:
    """The keyboard hands it over a moment later, when it knows that it came alone; a stop may have come meanwhile."""
    for between, latched in ((0, True), (3, True), (20, False)):
        stop, clear = [OperatorCommand.STOP], [OperatorCommand.CLEAR]
        orders = {5: [*stop, *clear]} if not between else {5: stop, 5 + between: clear}
        arm = PerfectArm(START)
        log = teleoperate(arm, Steady(orders=orders), seconds=PERIOD_S * 40)
        assert (log.held is not None) == latched


def test_several_keys_at_once_pause_and_never_go_on() -> None:
    arm = PerfectArm(START)
    hold, pause = [OperatorCommand.HOLD], [OperatorCommand.PAUSE]
    log = teleoperate(arm, Steady(orders={5: hold, 7: hold}), seconds=PERIOD_S * 20)
    assert log.held == PAUSED
    log = teleoperate(arm, Steady(orders={1: pause}), seconds=PERIOD_S * 5)
    assert log.held is None

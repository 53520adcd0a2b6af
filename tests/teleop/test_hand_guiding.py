"""Hand guiding: shown, never sent anything, and only for arms whose motors can be switched off."""

import numpy as np
import pytest

from roarm_lab.core.clock import SimulatedClock
from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.robots.arm import ArmSample
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.arm import SimArm
from roarm_lab.teleop.hand_guiding import torque_switch_of, watch_by_hand
from roarm_lab.teleop.session import TeleopTurn
from tests.gateway.perfect_arm import PerfectArm
from tests.teleop.teleop_session import PERIOD_S, START


class LimpArm(PerfectArm):
    """One whose motors can be switched off."""

    release_warning = "It falls down."

    def torque(self, *, on: bool, warned: bool = False) -> None:
        assert on or warned


def test_a_limp_arm_is_read_at_the_rate_and_sent_nothing() -> None:
    arm, seen = LimpArm(START), list[TeleopTurn]()

    def by_hand(turn: TeleopTurn) -> None:
        seen.append(turn)
        arm.pose = arm.pose + 0.02

    log = watch_by_hand(arm, watch=[by_hand], seconds=1.0)
    assert (log.turns, log.sent, log.held) == (20, 0, None)
    assert arm.targets == []
    np.testing.assert_allclose(np.diff([turn.time_s for turn in seen]), PERIOD_S)
    np.testing.assert_allclose(seen[10].sample.joint_pos, START + 0.2)
    assert all(turn.requested is None for turn in seen)


def test_a_reading_that_fails_is_shown_and_holds_nothing() -> None:
    arm, seen = LimpArm(START, fault=lambda time_s: ArmSample.failed(time_s, "no answer")), list[TeleopTurn]()
    watch_by_hand(arm, watch=[seen.append], seconds=0.2)
    assert [turn.sample.valid for turn in seen] == [False] * 4
    assert (arm.targets, arm.latched) == ([], None)


def test_an_arm_whose_motors_stay_on_is_refused() -> None:
    with (
        SimArm(ROARM_M3, clock=SimulatedClock()) as arm,
        pytest.raises(MissingError, match=r"The motors of this arm \(SimArm\) can not be switched off, so it can not"),
    ):
        torque_switch_of(arm)
    limp = LimpArm(START)
    assert torque_switch_of(limp) is limp


def test_a_rate_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(BadInputError, match="The rate must be"):
        watch_by_hand(LimpArm(START), rate_hz=1000.0)

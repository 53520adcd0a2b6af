"""The door to an arm: samples that are never wrong numbers, and a gate that no subclass gets around."""

import math
import threading

import numpy as np
import pytest
from numpy.typing import ArrayLike

from roarm_lab.core.arrays import Float64
from roarm_lab.core.clock import SimulatedClock
from roarm_lab.core.errors import BadInputError, MissingError, UnsafeCommandError
from roarm_lab.robots.arm import ArmSample, GatedArm
from tests.arm_contract import ARM_CONTRACT, DT_S, Check
from tests.toy_robot import TOY

HOME = np.array(TOY.keyframe("home"))
PATIENCE_S = 120.0  # only a test that fails waits this long


class PerfectArm(GatedArm):
    """Is at once where it is told to be, and keeps what was transmitted."""

    def __init__(self, start: ArmSample | None = None) -> None:
        clock = SimulatedClock()
        self.next_sample: ArmSample | None = None
        self.transmitted: list[Float64] = []
        self.disconnected = 0
        super().__init__(TOY, clock, start or ArmSample.of(clock.now_s(), HOME))

    def _read(self) -> ArmSample:
        return self.next_sample or ArmSample.of(self.clock.now_s(), self.sent)

    def _transmit(self, target: Float64) -> None:
        self.transmitted.append(target)

    def _disconnect(self) -> None:
        self.disconnected += 1


@pytest.fixture
def arm() -> PerfectArm:
    return PerfectArm()


@pytest.mark.parametrize("check", ARM_CONTRACT, ids=lambda check: check.__name__)
def test_keeps_the_arm_contract(check: Check) -> None:
    check(PerfectArm)


def test_a_failed_reading_is_never_a_number() -> None:
    sample = ArmSample.failed(1.5, "the servo bus has no power")
    assert not sample.valid
    with pytest.raises(MissingError, match="There is no joint pose: the servo bus has no power"):
        _ = sample.joint_pos
    assert repr(sample) == "ArmSample(1.500 s, failed: the servo bus has no power)"


@pytest.mark.parametrize("angles", [[0.0, math.nan], [math.inf, 0.0], [[0.0]], 1.0])
def test_a_good_reading_is_finite(angles: ArrayLike) -> None:
    with pytest.raises(BadInputError, match="must be a list of finite numbers"):
        ArmSample.of(0.0, angles)


def test_a_reading_can_not_be_changed_afterwards() -> None:
    angles = HOME.copy()
    sample = ArmSample.of(0.0, angles)
    angles[0] = 1.0
    np.testing.assert_array_equal(sample.joint_pos, HOME)
    with pytest.raises(ValueError, match="read-only"):
        sample.joint_pos[0] = 1.0


def test_effort_is_known_only_where_it_was_measured() -> None:
    assert ArmSample.of(0.0, HOME).effort is None
    assert ArmSample.failed(0.0, "no answer").effort is None
    effort = ArmSample.of(0.0, HOME, [0.5, -1.0, 0.0]).effort
    assert effort is not None
    np.testing.assert_array_equal(effort, [0.5, -1.0, 0.0])
    with pytest.raises(ValueError, match="read-only"):
        effort[0] = 0.0


@pytest.mark.parametrize("effort", [[0.0, math.inf, 0.0], [0.0, 1.001, 0.0], [0.0], 0.0])
def test_an_effort_that_is_no_share_for_each_joint_is_refused(effort: ArrayLike) -> None:
    with pytest.raises(BadInputError, match="Effort must be one share of full drive, -1 to 1, for each of 3 joints"):
        ArmSample.of(0.0, HOME, effort)


def test_what_is_transmitted_is_what_the_gate_let_through(arm: PerfectArm) -> None:
    target = arm.send(HOME + 1.0, DT_S)
    np.testing.assert_allclose(target - HOME, [0.015, 0.01, 0.1], rtol=1e-12)
    np.testing.assert_array_equal(arm.transmitted, [target])


def test_nothing_is_transmitted_when_the_gate_refuses(arm: PerfectArm) -> None:
    with pytest.raises(UnsafeCommandError):
        arm.send([0.0, math.nan, 0.0], DT_S)
    with pytest.raises(UnsafeCommandError):
        arm.send(HOME, 0.6)
    assert arm.transmitted == []


def test_a_hold_transmits_the_same_target_each_time(arm: PerfectArm) -> None:
    target = arm.send(HOME + 1.0, DT_S)
    arm.hold()
    arm.estop("really")
    np.testing.assert_array_equal(arm.transmitted, [target] * 3)


def test_nothing_is_sent_while_the_pose_is_unknown(arm: PerfectArm) -> None:
    arm.next_sample = ArmSample.failed(0.0, "no answer from servo 14")
    with pytest.raises(UnsafeCommandError, match="pose is unknown: no answer from servo 14"):
        arm.send(HOME, DT_S)
    assert arm.transmitted == []


def test_nothing_is_sent_on_an_old_pose(arm: PerfectArm) -> None:
    arm.next_sample = arm.read()
    arm.clock.sleep_until_s(0.75)
    with pytest.raises(UnsafeCommandError, match=r"the newest pose is 0\.75 s old, more than 0\.5 s"):
        arm.send(HOME, DT_S)


def test_two_requests_at_one_moment_are_refused(arm: PerfectArm) -> None:
    arm.send(HOME, DT_S)
    with pytest.raises(UnsafeCommandError, match=r"comes 0 s after the last one.*simulated clock"):
        arm.send(HOME, DT_S)


def test_after_a_pause_the_arm_does_not_leap(arm: PerfectArm) -> None:
    arm.send(HOME, DT_S)
    arm.clock.sleep_until_s(60.0)
    np.testing.assert_allclose(arm.send(HOME + 1.0, DT_S) - HOME, [0.015, 0.01, 0.1], rtol=1e-12)


def test_an_arm_that_can_not_be_read_is_not_connected() -> None:
    with pytest.raises(MissingError, match="no answer"):
        PerfectArm(ArmSample.failed(0.0, "no answer"))


def test_closing_disconnects_once_and_a_block_closes() -> None:
    with PerfectArm() as arm:
        arm.send(HOME, DT_S)
    arm.close()
    arm.hold()
    assert arm.disconnected == 1
    assert len(arm.transmitted) == 1


@pytest.mark.parametrize("name", ["send", "hold", "release", "estop", "clear", "close", "read", "sent", "latched"])
def test_a_subclass_can_not_get_around_the_gate(name: str) -> None:
    with pytest.raises(TypeError, match=f"Sneaky may not override {name} of GatedArm: every target passes its gate"):
        type("Sneaky", (PerfectArm,), {name: lambda self, *args: None})


def test_nor_can_a_mixin() -> None:
    class Mixin:
        def send(self, requested: ArrayLike, dt_s: float) -> None:
            del requested, dt_s

    with pytest.raises(TypeError, match="Sneaky may not override send"):
        type("Sneaky", (Mixin, PerfectArm), {})


def test_a_hold_from_another_thread_comes_after_the_send_in_progress() -> None:
    inside, go_on = threading.Event(), threading.Event()

    class SlowArm(PerfectArm):
        def _transmit(self, target: Float64) -> None:
            inside.set()
            assert go_on.wait(PATIENCE_S)
            super()._transmit(target)

    arm = SlowArm()
    sender = threading.Thread(target=arm.send, args=(HOME + 1.0, DT_S))
    sender.start()
    assert inside.wait(PATIENCE_S)
    holder = threading.Thread(target=arm.hold)
    holder.start()
    assert arm.latched is None
    go_on.set()
    sender.join(PATIENCE_S)
    holder.join(PATIENCE_S)
    assert arm.latched is not None
    np.testing.assert_array_equal(arm.transmitted, [arm.sent] * 2)

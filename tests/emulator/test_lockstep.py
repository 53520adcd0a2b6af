"""Driver and emulated arm in one thread: the time that passes is the one that is waited for."""

import numpy as np
import pytest

from roarm_lab.core.arrays import Float64
from roarm_lab.emulator.board import Board
from roarm_lab.emulator.firmware import FW25, FW26, Firmware
from roarm_lab.emulator.lockstep import LockstepClock, lockstep_arm
from roarm_lab.gateway.loop import move_slowly

DT_S = 0.05
GOAL = np.array([0.3, 0.2, 1.4, 0.3, 0.2, 0.6])
DROOP_RAD = 0.07  # 4 degrees, the most that users report
ENCODER_RAD = 0.005  # three steps: rounding on both ways
OLDEST_S = {FW25: 0.05, FW26: 0.075}  # a line, the reading of the servos, and the time until the next line


def booted(firmware: Firmware) -> Board:
    board = Board(firmware)
    board.boot()
    return board


@pytest.mark.parametrize("firmware", [FW25, FW26], ids=lambda firmware: firmware.name)
def test_the_arm_goes_where_the_driver_sends_it(firmware: Firmware) -> None:
    board = booted(firmware)
    clock = LockstepClock(board)
    with lockstep_arm(board, clock) as arm:
        began_s = clock.now_s()
        move_slowly(arm, GOAL, DT_S)
        clock.sleep_until_s(clock.now_s() + 0.5)
        np.testing.assert_allclose(board.joint_pos, GOAL, atol=DROOP_RAD)
        sample = arm.read()
        np.testing.assert_allclose(sample.joint_pos, board.joint_pos, atol=ENCODER_RAD)
        assert 0.0 < clock.now_s() - sample.measured_at_s <= OLDEST_S[firmware]
        assert clock.now_s() == pytest.approx(board.now_s)
        assert 1.0 < clock.now_s() - began_s < 5.0


def run_once() -> tuple[Float64, list[Float64], object]:
    board = booted(FW26)
    clock = LockstepClock(board)
    seen: list[Float64] = []
    with lockstep_arm(board, clock) as arm:
        for _ in range(20):
            clock.sleep_until_s(clock.now_s() + DT_S)
            seen.append(arm.read().joint_pos)
            arm.send(GOAL, DT_S)
        return board.joint_pos, seen, arm.counts


def test_the_same_run_comes_out_every_time_to_the_last_bit() -> None:
    (pos, seen, counts), (again_pos, again_seen, again_counts) = run_once(), run_once()
    assert pos.tolist() == again_pos.tolist()
    assert np.array_equal(seen, again_seen)
    assert counts == again_counts


def test_a_target_sent_just_before_the_end_still_leaves() -> None:
    board = booted(FW26)
    clock = LockstepClock(board)
    with lockstep_arm(board, clock) as arm:
        clock.sleep_until_s(clock.now_s() + DT_S)
        sent = arm.send(GOAL, DT_S)
    board.run(1.0)  # nobody drives any more
    np.testing.assert_allclose(board.joint_pos, sent, atol=DROOP_RAD)
    assert board.ram.info_print == 0

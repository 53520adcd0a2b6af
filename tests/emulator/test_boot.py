"""Power on, reset, boot loader: what is printed and where the arm goes."""

import numpy as np

from roarm_lab.emulator.board import Board
from roarm_lab.emulator.faults import Faults
from roarm_lab.emulator.firmware import FW25, FW26
from roarm_lab.emulator.world import FOLDED_RAD, ServoWorld
from tests.emulator.conftest import HOME, MakeBoard
from tests.emulator.talk import lines, tell

DROOP_RAD = 0.06  # 1.1 to 3.8 degrees are what users report
CHECKED, FAILED = "All bus servos status checked.", "Bus servos status check: failed."


def booted(board: Board) -> list[str]:
    data = b""
    while not board.ready:
        data += board.run(0.1)
        assert board.now_s < 30.0
    return lines(data)


def test_a_boot_moves_the_folded_arm_home_and_says_what_it_does() -> None:
    for firmware in (FW25, FW26):
        board = Board(firmware, ServoWorld(start_joint_pos=FOLDED_RAD))
        said = booted(board)
        assert CHECKED in said
        assert said.index(CHECKED) < said.index("Server Starts.")
        assert any(line.startswith("---=== boot.mission") for line in said)
        np.testing.assert_allclose(board.joint_pos, HOME, atol=DROOP_RAD)


def test_the_boot_sets_p_16_and_a_soft_gripper(board: Board) -> None:
    assert {servo.p for servo in board.servos.values()} == {16}
    limits = [servo.torque_limit for servo in board.servos.values()]
    assert limits == [1000] * 6 + [300]


def test_only_the_older_firmware_ends_its_boot_at_elbow_2048(older: Board, newer: Board) -> None:
    assert (older.servos[14].goal, newer.servos[14].goal) == (2048, 2047)


def test_servo_13_learns_where_12_stands(board: Board) -> None:
    pull = board.servos[12].zero_step + board.servos[13].zero_step - 2 * 2048.0
    assert pull != 0.0  # the arm drooped when 13's place was called its middle


def test_the_older_firmware_streams_from_the_start_and_the_newer_one_is_silent(make_board: MakeBoard) -> None:
    for firmware, speaks in ((FW25, True), (FW26, False)):
        board = make_board(firmware, booted=False)
        board.boot()
        board.run(0.5)
        feedback = [line for line in lines(board.run(1.0)) if '"T":1051' in line]
        assert bool(feedback) == speaks


def test_a_stream_runs_as_fast_as_the_line_is(make_board: MakeBoard) -> None:
    board = make_board(FW25, booted=False)
    board.boot()
    board.run(1.0)
    assert 11400 <= len(board.run(1.0)) <= 11520  # 11520 bytes/s fill the line


def test_without_power_on_the_bus_the_check_fails_and_everything_reads_0(make_board: MakeBoard) -> None:
    board = make_board(FW26, booted=False, faults=Faults(bus_unpowered=True))
    said = booted(board)
    assert FAILED in said
    assert '"b":3.141592654,"s":-3.141592654' in "".join(tell(board, '{"T":105}', 0.5))


def test_a_reset_by_the_lines_boots_again_and_both_together_do_nothing(older: Board) -> None:
    resets = older.resets
    older.set_lines(dtr=True, rts=True)
    older.run(0.1)
    assert older.resets == resets
    older.set_lines(dtr=False, rts=True)
    assert older.run(0.5) == b""
    older.set_lines(dtr=False, rts=False)
    assert CHECKED in booted(older)
    assert older.resets == resets + 1


def test_dtr_alone_at_the_end_of_a_reset_stays_in_the_boot_loader(older: Board) -> None:
    older.set_lines(dtr=False, rts=True)
    older.run(0.1)
    older.set_lines(dtr=True, rts=False)
    assert "waiting for download" in lines(older.run(0.5))
    assert tell(older, '{"T":105}', 10.0) == []
    assert not older.ready


def test_a_reboot_command_boots_and_files_stay(board: Board) -> None:
    tell(board, '{"T":201,"name":"notes","content":"one"}')
    tell(board, '{"T":600}')
    assert not board.ready
    booted(board)
    board.run(0.5)
    assert board.flash.files["notes"] == "one"


def test_the_same_calls_give_the_same_bytes(make_board: MakeBoard) -> None:
    outputs = []
    for _ in range(2):
        board = make_board(FW25, booted=False)
        outputs.append(b"".join(board.run(0.05) for _ in range(160)))
    assert outputs[0] == outputs[1]

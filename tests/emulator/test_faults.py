"""Every fault does what it says, and lets go again."""

from collections import Counter
from dataclasses import replace

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.emulator.board import Board
from roarm_lab.emulator.faults import Faults
from roarm_lab.emulator.firmware import FW25, FW26
from tests.emulator.conftest import MakeBoard
from tests.emulator.talk import ask, lines, send, tell

FEEDBACK = '"T":1051'
TURN = '{"T":101,"joint":1,"rad":0.8,"spd":0,"acc":0}'


def test_a_lost_supply_freezes_the_pose_and_drops_the_arm(board: Board) -> None:
    before = ask(board)
    board.faults = Faults(bus_unpowered=True)
    board.run(3.0)
    after = ask(board)
    assert [after[key] for key in "bsetrg"] == pytest.approx([before[key] for key in "bsetrg"], abs=0.002)
    assert board.joint_pos[1] > 0.5  # it has fallen forward
    if board.firmware is FW26:
        assert {after[f"torswitch{joint}"] for joint in "BSETRG"} == {0}
        assert after["v"] == 0


def test_a_dead_servo_freezes_its_joint_alone(board: Board) -> None:
    board.faults = Faults(dead_servos=(11,))
    tell(board, TURN)
    tell(board, '{"T":101,"joint":5,"rad":0.8,"spd":0,"acc":0}', 2.0)
    said = ask(board)
    assert (said["b"], said["r"]) == pytest.approx((0.0, 0.8), abs=0.01)
    if board.firmware is FW26:
        assert (said["torswitchB"], said["torswitchR"]) == (0, 1)
    board.faults = Faults()
    tell(board, TURN, 2.0)
    assert ask(board)["b"] == pytest.approx(0.8, abs=0.01)


def test_frozen_feedback_stays_while_the_arm_moves(board: Board) -> None:
    board.faults = Faults(frozen_feedback=True)
    tell(board, TURN, 2.0)
    assert board.joint_pos[0] == pytest.approx(0.8, abs=0.01)
    assert ask(board)["b"] == pytest.approx(0.0, abs=0.01)


def streamed(make_board: MakeBoard, faults: Faults) -> bytes:
    board = make_board(FW25, faults=faults)
    send(board, '{"T":605,"cmd":2}')
    return board.run(4.0)


def test_garbled_lines_have_one_wrong_byte(make_board: MakeBoard) -> None:
    good, bad = streamed(make_board, Faults()), streamed(make_board, Faults(garbled_share=1.0))
    usual, _ = Counter(lines(good)).most_common(1)[0]
    same_length = [line for line in lines(bad) if len(line) == len(usual)]
    wrong = [sum(a != b for a, b in zip(line, usual, strict=True)) for line in same_length]
    assert len(wrong) > 50
    assert all(count >= 1 for count in wrong)
    assert Counter(wrong).most_common(1)[0][0] == 1


def test_half_lines_run_into_the_next(make_board: MakeBoard) -> None:
    data = streamed(make_board, Faults(half_line_share=0.5))
    assert any(line.count(FEEDBACK) > 1 for line in lines(data))


def test_stray_noise_comes_as_lines_of_its_own(make_board: MakeBoard) -> None:
    said = lines(streamed(make_board, Faults(stray_line_share=0.5)))
    assert "?\x7f?" in said
    assert any(FEEDBACK in line for line in said)


def test_dropped_replies_are_missing(board: Board) -> None:
    board.faults = Faults(dropped_share=1.0)
    assert tell(board, '{"T":105}', 1.0) == []
    board.faults = Faults()
    ask(board)


def test_garbled_commands_are_ignored(board: Board) -> None:
    board.faults = Faults(garbled_command_share=1.0, seed=1)
    assert tell(board, '{"T":105}', 1.0) == []


def test_stalls_hold_everything_up_for_a_fifth_of_a_second(make_board: MakeBoard) -> None:
    board = make_board(FW25, faults=Faults(stall_every_s=1.0))
    send(board, '{"T":605,"cmd":2}')
    board.run(1.0)
    gaps, gap = [], 0
    for _ in range(3000):
        gap = 0 if board.run(0.001) else gap + 1
        gaps.append(gap)
    assert 170 <= max(gaps) <= 215  # 200 ms, less what was still in the sending buffer


def test_a_brown_out_in_motion_boots_once(board: Board) -> None:
    board.faults = Faults(brown_out_in_motion=True)
    resets = board.resets
    board.run(1.0)
    assert board.resets == resets
    send(board, TURN)
    said = lines(board.run(0.5))
    assert any("BROWN_OUT" in line for line in said)
    assert board.faults == Faults()
    board.boot()
    assert board.resets == resets + 1


def test_a_bad_supply_is_warned_of_in_every_loop_of_the_newer_firmware(older: Board, newer: Board) -> None:
    for board in (older, newer):
        board.faults = Faults(supply_v=13.0)
    assert "13.00" in newer.run(0.5).decode()
    assert older.run(0.5) == b""
    assert newer.run(0.5).count(b"\r\n") > 5


def test_the_same_seed_breaks_the_same_lines(make_board: MakeBoard) -> None:
    faults = Faults(garbled_share=0.3, half_line_share=0.2, dropped_share=0.1)
    assert streamed(make_board, faults) == streamed(make_board, replace(faults))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("garbled_share", 1.5, r"garbled_share must be 0 to 1, got 1.5"),
        ("dropped_share", float("nan"), r"dropped_share must be 0 to 1, got nan"),
        ("supply_v", -1.0, r"supply_v must be 0 or more"),
        ("dead_servos", (3,), r"ids 11 to 17, got \[3\]"),
    ],
)
def test_faults_that_make_no_sense_are_refused(field: str, value: object, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Faults(**{field: value})  # type: ignore[arg-type]

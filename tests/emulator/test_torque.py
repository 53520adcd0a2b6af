"""Torque, limits, registers and the emergency stop, which the two firmwares understand so differently."""

import numpy as np
import pytest

from roarm_lab.emulator.board import Board
from roarm_lab.emulator.world import FOLDED_RAD
from tests.emulator.talk import ask, duration_s, send, tell

NEAR_RAD = 0.1


def torques_on(board: Board) -> set[bool]:
    return {servo.torque_on for servo in board.servos.values()}


def test_torque_off_lets_the_older_arm_fall_at_once(older: Board) -> None:
    height = ask(older)["z"]
    tell(older, '{"T":210,"cmd":0}')
    assert torques_on(older) == {False}
    older.run(3.0)
    assert ask(older)["z"] < height - 100


def test_torque_off_folds_the_newer_arm_before_it_lets_go(newer: Board) -> None:
    send(newer, '{"T":210,"cmd":0}')
    newer.run(0.5)
    assert torques_on(newer) == {True}
    newer.run(8.0)
    assert torques_on(newer) == {False}
    np.testing.assert_allclose(newer.joint_pos[:3], FOLDED_RAD[:3], atol=NEAR_RAD)
    assert ask(newer)["torswitchB"] == 0


def test_a_motion_switches_the_torque_on_again(older: Board) -> None:
    tell(older, '{"T":210,"cmd":0}')
    tell(older, '{"T":101,"joint":1,"rad":0.1,"spd":0,"acc":0}')
    assert older.servos[11].torque_on
    assert not older.servos[14].torque_on


def test_the_older_emergency_drops_the_arm_for_ten_seconds_and_loses_what_is_sent_meanwhile(older: Board) -> None:
    send(older, '{"T":0}')
    older.run(5.0)
    assert torques_on(older) == {False}
    older.receive(b"x" * 300 + b"\n")
    assert older.run(4.8) == b""
    older.run(1.0)
    assert torques_on(older) == {True}
    assert older._uart.lost == 301 - 256


def test_a_document_without_a_code_is_an_emergency(older: Board) -> None:
    tell(older, '{"cmd":1}')
    assert torques_on(older) == {False}


def test_the_newer_emergency_ends_a_line_but_keeps_the_torque(newer: Board) -> None:
    said = ask(newer)
    line = f'{{"T":104,"x":{said["x"] - 150},"y":0,"z":{said["z"]},"t":0,"r":0,"g":3.14,"spd":0.1}}'
    send(newer, line)
    send(newer, '{"T":101,"joint":1,"rad":1,"spd":0,"acc":0}')
    newer.run(1.0)
    send(newer, '{"T":0}')
    newer.run(1.0)
    assert torques_on(newer) == {True}
    assert newer.ram.queue == []
    assert ask(newer)["x"] > said["x"] - 100
    assert newer.joint_pos[0] == pytest.approx(0.0, abs=0.01)
    assert duration_s(newer, line) < 0.2  # interpolated motion is refused until the flag is cleared
    tell(newer, '{"T":999}')
    assert duration_s(newer, line) > 1.0


def test_with_a_space_the_newer_emergency_waits_behind_what_is_queued(newer: Board) -> None:
    send(newer, '{"T":111,"cmd":1000}')
    newer.run(0.1)
    send(newer, '{"T": 0}')
    newer.run(0.5)
    assert not newer.ram.stopped
    newer.run(1.0)
    assert newer.ram.stopped


def test_the_grippers_torque_limit_is_kept_within_50_and_1000(board: Board) -> None:
    for told, kept in ((400, 400), (0, 50), (5000, 1000)):
        tell(board, f'{{"T":107,"tor":{told}}}')
        assert board.servos[17].torque_limit == kept


def test_a_soft_arm_has_limits_and_the_older_one_mixes_them_up(older: Board, newer: Board) -> None:
    for board in (older, newer):
        tell(board, '{"T":112,"mode":1,"b":100,"s":200,"e":300,"t":400,"r":500,"h":600}')
    assert [older.servos[servo].torque_limit for servo in range(11, 18)] == [100, 200, 200, 300, 300, 300, 600]
    assert [newer.servos[servo].torque_limit for servo in range(11, 18)] == [100, 200, 200, 300, 400, 500, 600]
    tell(older, '{"T":112,"mode":0}')
    assert {servo.torque_limit for servo in older.servos.values()} == {1000}


def test_a_soft_arm_gives_way_to_gravity(board: Board) -> None:
    height = ask(board)["z"]
    tell(board, '{"T":112,"mode":1,"b":50,"s":50,"e":50,"t":50,"r":50,"h":50}', 3.0)
    assert ask(board)["z"] < height - 50


def test_a_larger_p_droops_less(board: Board) -> None:
    droop_rad = abs(board.joint_pos[2] - np.pi / 2)
    tell(board, '{"T":108,"joint":3,"p":32,"i":0}', 2.0)
    assert board.servos[14].p == 32
    assert abs(board.joint_pos[2] - np.pi / 2) < 0.75 * droop_rad
    tell(board, '{"T":109}')
    assert board.servos[14].p == 16


def test_the_load_carries_gravity(board: Board) -> None:
    said = ask(board)
    # 0.47 N m at the elbow is 160 of 1000; friction of the gears and the droop itself take or add some.
    assert said["tE"] == pytest.approx(160, abs=40)
    assert said["tB"] == 0


def test_ids_and_middles_can_be_changed_for_good(board: Board) -> None:
    tell(board, '{"T":503,"id":15,"p":20}')
    assert board.servos[15].p == 20
    tell(board, '{"T":101,"joint":1,"rad":0.5,"spd":0,"acc":0}', 2.0)
    tell(board, '{"T":502,"id":11}')
    assert abs(ask(board)["b"]) < 0.002
    tell(board, '{"T":501,"raw":11,"new":21}')
    tell(board, '{"T":101,"joint":1,"rad":-0.5,"spd":0,"acc":0}', 1.0)
    assert board.joint_pos[0] == pytest.approx(0.5, abs=0.01)


def test_pressing_on_a_stop_ends_in_the_stall_protection(board: Board) -> None:
    tell(board, '{"T":107,"tor":1000}')
    tell(board, '{"T":106,"cmd":3.5,"spd":0,"acc":0}', 1.0)
    assert board.servos[17].load == -1000
    board.run(2.0)
    assert board.servos[17].load == -200

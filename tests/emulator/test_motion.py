"""Motion commands: where the arm goes, how long it takes, and what the registers are afterwards."""

from math import pi

import numpy as np
import pytest

from roarm_lab.emulator.board import Board
from tests.emulator.talk import ask, duration_s, send, tell

STEP_RAD = 2 * pi / 4096
DROOP_RAD = 0.06  # 1.1 to 3.8 degrees are what users report
ANSWER_S = 0.045  # reading for the question, the question on the line, and the first bytes of its answer
POSE = '"y":0,"t":0,"r":0,"g":3.14'


def test_all_joints_go_where_they_are_sent(board: Board) -> None:
    tell(board, '{"T":102,"base":0.5,"shoulder":0.2,"elbow":1.2,"wrist":0.3,"roll":-0.7,"hand":2.5,"spd":0,"acc":0}', 3)
    requested = [0.5, 0.2, 1.2, 0.3, -0.7, pi - 2.5]
    np.testing.assert_allclose(board.joint_pos, requested, atol=DROOP_RAD)
    said = ask(board)
    measured = [said[key] for key in "bsetr"] + [pi - said["g"]]
    np.testing.assert_allclose(measured, board.joint_pos, atol=STEP_RAD)


def test_no_motion_is_acknowledged_and_unknown_or_broken_lines_neither(board: Board) -> None:
    for line in ('{"T":101,"joint":1,"rad":0.1,"spd":200,"acc":5}', '{"T":9999}', '{"T":105', "hello", ""):
        assert tell(board, line, 0.3) == []


def test_speed_is_in_steps_per_second(board: Board) -> None:
    send(board, '{"T":101,"joint":1,"rad":1.5707963,"spd":500,"acc":0}')
    board.run(1.0)
    moved_steps = board.joint_pos[0] / STEP_RAD
    assert 400 < moved_steps < 505  # a follower lags, and the command takes some milliseconds to arrive


def test_a_speed_out_of_its_integers_range_is_the_highest(board: Board) -> None:
    for speed in ("70000", "-5", '"fast"'):
        tell(board, f'{{"T":101,"joint":1,"rad":0.2,"spd":{speed},"acc":300}}')
        assert (board.servos[11].speed, board.servos[11].acc) == (0, 0)


def test_fractions_are_cut_off(board: Board) -> None:
    tell(board, '{"T":101,"joint":1.9,"rad":0.2,"spd":99.9,"acc":9.9}')
    assert (board.servos[11].speed, board.servos[11].acc) == (99, 9)


def test_missing_numbers_open_the_hand_wide(board: Board) -> None:
    tell(board, '{"T":106}')
    assert board.servos[17].goal == 700


def test_joint_six_is_on_the_wire_pi_minus_the_opening(board: Board) -> None:
    tell(board, '{"T":101,"joint":6,"rad":2.141592654,"spd":0,"acc":0}', 2.0)
    assert board.joint_pos[5] == pytest.approx(1.0, abs=2 * STEP_RAD)


def test_an_unknown_joint_moves_nothing(board: Board) -> None:
    before = {servo.id: servo.goal for servo in board.servos.values()}
    for joint in (0, 7, 300):
        tell(board, f'{{"T":101,"joint":{joint},"rad":0.5}}')
    assert {servo.id: servo.goal for servo in board.servos.values()} == before


def test_the_command_for_all_joints_clears_the_shared_registers(board: Board) -> None:
    tell(board, '{"T":122,"b":0,"s":0,"e":90,"t":0,"r":0,"h":180,"spd":10,"acc":5}')
    assert (board.ram.speed, board.ram.acc) == (114, 57)  # 10 and 5 times 4096/360
    tell(board, '{"T":102,"base":0,"shoulder":0,"elbow":1.57,"wrist":0,"roll":0,"hand":3.14,"spd":50,"acc":9}')
    assert (board.servos[11].speed, board.servos[11].acc) == (50, 9)
    assert (board.ram.speed, board.ram.acc) == (0, 0)


@pytest.mark.parametrize(("acc", "register"), [(0, 0), (1, 11), (22, 250), (23, 6), (90, 0), (254, 74)])
def test_the_acceleration_of_degree_commands_wraps_at_256(board: Board, acc: int, register: int) -> None:
    tell(board, f'{{"T":121,"joint":3,"angle":90,"spd":0.9,"acc":{acc}}}')
    assert (board.servos[14].speed, board.servos[14].acc) == (0, min(register, 254))


def test_the_base_in_degrees_prints_its_angle_twice(board: Board) -> None:
    assert tell(board, '{"T":121,"joint":1,"angle":45,"spd":10,"acc":1}') == ["45.00", "0.79"]
    assert tell(board, '{"T":121,"joint":2,"angle":1,"spd":10,"acc":1}') == []


def test_a_line_of_100_mm_at_a_quarter_takes_400_steps_of_3_5_ms(board: Board) -> None:
    said = ask(board)
    took_s = duration_s(board, f'{{"T":104,"x":{said["x"] - 100},"z":{said["z"]},{POSE},"spd":0.25}}')
    assert took_s == pytest.approx(400 * 0.0035, abs=0.1 + ANSWER_S)  # z, t and the starting loop differ by a few steps


def test_a_turn_of_the_hand_is_nearly_a_jump(board: Board) -> None:
    said = ask(board)
    turn = f'"x":{said["x"]},"y":{said["y"]},"z":{said["z"]},"t":{said["tit"]},"r":1.0,"g":3.14'
    assert duration_s(board, f'{{"T":104,{turn},"spd":0.25}}') < 0.1


def test_while_a_line_is_drawn_the_older_firmware_answers_nothing_and_the_newer_one_queues(board: Board) -> None:
    said = ask(board)
    send(board, f'{{"T":104,"x":{said["x"] - 100},"z":{said["z"]},{POSE},"spd":0.25}}')
    for _ in range(5):
        send(board, '{"T":105}')
    assert board.run(1.0) == b""
    assert board.run(2.0).count(b"1051") == 5


def test_what_can_not_be_reached_ends_at_the_last_point_that_can(board: Board) -> None:
    tell(board, f'{{"T":104,"x":700,"z":223,{POSE},"spd":1}}', 4.0)
    said = ask(board)
    assert 450 < said["x"] < 560


def test_moving_one_axis_closes_the_gripper_in_the_older_firmware(older: Board, newer: Board) -> None:
    for board in (older, newer):
        tell(board, '{"T":106,"cmd":2.2,"spd":0,"acc":0}', 2.0)
        tell(board, '{"T":103,"axis":3,"pos":240,"spd":1}', 2.0)
    assert older.servos[17].goal == 2047
    assert newer.servos[17].goal == pytest.approx(1434, abs=10)  # 2.2 rad


def test_a_pose_at_once_uses_the_shared_registers(board: Board) -> None:
    tell(board, '{"T":122,"b":0,"s":0,"e":90,"t":0,"r":0,"h":180,"spd":20,"acc":2}', 1.0)
    tell(board, '{"T":1041,"x":300,"y":0,"z":200,"t":0,"r":0,"g":3.14}')
    assert (board.servos[12].speed, board.servos[12].acc) == (228, 23)


def test_a_jog_goes_on_until_it_is_stopped(board: Board) -> None:
    tell(board, '{"T":123,"m":0,"axis":1,"cmd":1,"spd":10}', 1.0)
    first = board.joint_pos[0]
    board.run(1.0)
    second = board.joint_pos[0]
    tell(board, '{"T":123,"m":0,"axis":1,"cmd":0,"spd":0}', 0.5)
    third = board.joint_pos[0]
    board.run(1.0)
    assert 0.2 < first < second - 0.2  # 0.005 rad per tick of 10 to 30 ms
    assert board.joint_pos[0] == pytest.approx(third, abs=2 * STEP_RAD)


def test_a_cartesian_jog_raises_the_hand(board: Board) -> None:
    before = ask(board)["z"]
    tell(board, '{"T":123,"m":1,"axis":3,"cmd":1,"spd":10}', 1.0)
    tell(board, '{"T":123,"m":1,"axis":3,"cmd":0,"spd":0}', 1.0)
    assert ask(board)["z"] > before + 10


def test_a_wait_blocks(board: Board) -> None:
    assert duration_s(board, '{"T":111,"cmd":500}') == pytest.approx(0.5, abs=ANSWER_S + 0.01)


def test_a_new_x_axis_moves_the_bases_middle_for_good(board: Board) -> None:
    tell(board, '{"T":110,"xAxisAngle":90}', 5.0)
    assert board.joint_pos[0] == pytest.approx(pi / 2, abs=3 * STEP_RAD)
    assert ask(board)["b"] == pytest.approx(0.0, abs=3 * STEP_RAD)

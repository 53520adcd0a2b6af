"""Files, missions, and what is printed about them."""

import json

import pytest

from roarm_lab.emulator.board import Board
from tests.emulator.talk import lines, send, tell


def make(board: Board, name: str, *steps: str) -> None:
    tell(board, f'{{"T":220,"name":"{name}","intro":"a test"}}')
    for step in steps:
        tell(board, json.dumps({"T": 222, "name": name, "step": step}, separators=(",", ":")), 0.5)


def test_a_file_is_written_line_by_line_and_read(board: Board) -> None:
    tell(board, '{"T":201,"name":"notes","content":"one"}')
    tell(board, '{"T":204,"name":"notes","content":"three"}', 0.5)
    tell(board, '{"T":205,"name":"notes","lineNum":2,"content":"two"}', 0.5)
    tell(board, '{"T":206,"name":"notes","lineNum":1,"content":"ONE"}', 0.5)
    said = tell(board, '{"T":202,"name":"notes"}', 0.5)
    assert [line.split("] ")[1] for line in said[1:]] == ["ONE", "two", "three"]
    tell(board, '{"T":208,"name":"notes","lineNum":2}', 0.5)
    assert board.flash.files["notes"] == "ONE\nthree"
    assert any("notes" in line for line in tell(board, '{"T":200}', 0.5))
    tell(board, '{"T":203,"name":"notes"}')
    assert tell(board, '{"T":202,"name":"notes"}') == ["file not found."]


def test_one_line_is_printed_in_debug_only(older: Board) -> None:
    tell(older, '{"T":201,"name":"notes","content":"one"}')
    assert tell(older, '{"T":207,"name":"notes","lineNum":1}') == []
    tell(older, '{"T":605,"cmd":1}')
    assert tell(older, '{"T":207,"name":"notes","lineNum":1}')[-1] == "one"


def test_debug_echoes_what_the_older_firmware_understood(older: Board, newer: Board) -> None:
    for board in (older, newer):
        tell(board, '{"T":605,"cmd":1}')
    assert tell(older, '{"T": 999}') == ['{"T":999}']
    assert tell(newer, '{"T": 999}') == []


def test_a_mission_runs_its_steps(board: Board) -> None:
    make(board, "wave", '{"T":114,"led":7}', '{"T":101,"joint":1,"rad":0.5,"spd":0,"acc":0}')
    tell(board, '{"T":242,"name":"wave","times":1}', 2.0)
    assert board.ram.pwm[0] == 7
    assert board.joint_pos[0] == pytest.approx(0.5, abs=0.01)


def test_one_step_of_a_mission_can_be_run_alone(board: Board) -> None:
    make(board, "lamps", '{"T":114,"led":7}', '{"T":114,"led":9}')
    tell(board, '{"T":241,"name":"lamps","stepNum":2}')
    assert board.ram.pwm[0] == 9


def test_an_endless_mission_ends_at_a_byte_in_the_older_firmware(older: Board) -> None:
    make(older, "blink", '{"T":111,"cmd":50}')
    tell(older, '{"T":242,"name":"blink","times":-1}', 3.0)
    assert '"T":1051' in "".join(tell(older, '{"T":105}', 1.0))


def test_a_stored_pose_has_neither_roll_nor_gripper(board: Board) -> None:
    make(board, "poses")
    said = tell(board, '{"T":223,"name":"poses","spd":0.25}', 0.5)
    assert '"T":1051' in said[0]
    step = json.loads(board.flash.files["poses.mission"].split("\n")[1])
    assert set(step) == {"T", "x", "y", "z", "t", "spd"}


def test_an_inserted_wait_reads_the_wrong_key(board: Board) -> None:
    make(board, "waits")
    tell(board, '{"T":224,"name":"waits","delay":300}', 0.5)
    tell(board, '{"T":227,"name":"waits","stepNum":1,"delay":500}', 0.5)
    assert board.flash.files["waits.mission"].split("\n")[1:] == ['{"T":111,"cmd":0}', '{"T":111,"cmd":300}']
    tell(board, '{"T":231,"name":"waits","stepNum":1}', 0.5)
    assert board.flash.files["waits.mission"].split("\n")[1:] == ['{"T":111,"cmd":300}']


def test_the_boot_mission_runs_at_the_next_boot(board: Board) -> None:
    tell(board, json.dumps({"T": 222, "name": "boot", "step": '{"T":114,"led":5}'}), 0.5)
    send(board, '{"T":600}')
    board.run(0.1)
    board.boot()
    assert board.ram.pwm[0] == 5
    board.run(1.0)
    tell(board, '{"T":605,"cmd":0}')
    board.run(0.2)
    assert any("boot" in line for line in tell(board, '{"T":602}', 0.5))


def test_outputs_keep_to_their_range(board: Board) -> None:
    tell(board, '{"T":113,"pwm_a":400,"pwm_b":-400}')
    assert board.ram.pwm == (255, -255)
    tell(board, '{"T":115}')
    assert board.ram.pwm == (0, 0)


def test_printing_can_be_switched_on_and_off(board: Board) -> None:
    tell(board, '{"T":605,"cmd":2}')
    assert len(lines(board.run(1.0))) > 20
    tell(board, '{"T":605,"cmd":0}')
    board.run(0.1)
    assert board.run(0.5) == b""

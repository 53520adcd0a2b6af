"""Queue, HTTP, WebSocket, Wi-Fi and ESP-NOW."""

import json

import pytest

from roarm_lab.emulator.board import Board
from tests.emulator.talk import ask, send, tell


def test_the_older_page_answers_after_the_command(older: Board) -> None:
    reply = older.http('{"T":105}')
    assert not reply.done
    older.run(0.1)
    assert reply.done
    assert reply.content_type == "text/plane"
    assert json.loads(reply.body)["T"] == 1051


def test_a_blocking_command_blocks_the_older_page(older: Board) -> None:
    reply = older.http('{"T":111,"cmd":800}')
    older.run(0.7)
    assert not reply.done
    older.run(0.3)
    assert reply.body == "null"


def test_while_it_streams_the_older_page_answers_a_motion_with_the_last_line(older: Board) -> None:
    tell(older, '{"T":605,"cmd":2}', 0.5)
    reply = older.http('{"T":101,"joint":1,"rad":0.1,"spd":0,"acc":0}')
    older.run(0.2)
    assert json.loads(reply.body)["T"] == 1051


def test_the_newer_page_only_says_that_it_has_queued(newer: Board) -> None:
    reply = newer.http('{"T":105}')
    assert (reply.done, reply.body) == (True, '{"ok":1}')
    assert '"T":1051' in newer.run(0.2).decode()


def test_the_fifty_first_command_finds_the_queue_full(newer: Board) -> None:
    send(newer, '{"T":111,"cmd":5000}')
    newer.run(0.1)
    for _ in range(51):
        send(newer, '{"T":999}')
    assert newer.run(1.0) == b'{"error":"Queue full"}\r\n'
    assert newer.http('{"T":999}').body == '{"error":"Queue full"}'


def test_a_line_over_255_characters_is_cut_and_not_understood(newer: Board) -> None:
    padding = " " * 260
    assert tell(newer, f'{{{padding}"T":105}}', 0.5) == []
    ask(newer)


def test_a_page_does_not_answer_during_the_boot(board: Board) -> None:
    send(board, '{"T":600}')
    board.run(0.1)
    reply = board.http('{"T":105}')
    board.run(1.0)
    assert not reply.done


def test_the_newer_firmware_tells_its_pose_every_second(older: Board, newer: Board) -> None:
    newer.websocket_messages()
    newer.run(3.0)
    codes = [json.loads(message)["T"] for message in newer.websocket_messages()]
    assert codes == [50, -15] * 3
    older.run(3.0)
    assert older.websocket_messages() == []


def test_the_mac_is_a_plain_line(board: Board) -> None:
    (said,) = tell(board, '{"T":302}')
    assert len(said.split(":")) == 6


def test_wifi_information_has_passwords_and_no_line_end(board: Board) -> None:
    send(board, '{"T":405}')
    said = board.run(0.2)
    assert json.loads(said)["ap_password"] == "12345678"
    assert not said.endswith(b"\n")


def test_joining_a_network_that_is_not_there_blocks_the_older_firmware(older: Board, newer: Board) -> None:
    for board in (older, newer):
        send(board, '{"T":403,"ssid":"home","password":"secret"}')
        board.run(0.1)
    assert tell(older, '{"T":105}', 10.0) == []
    ask(newer)
    assert '"T":1051' in older.run(6.0).decode()


def test_a_stored_network_that_is_absent_costs_15_s_at_boot(board: Board) -> None:
    tell(board, '{"T":407,"mode":2,"ap_ssid":"","ap_password":"","sta_ssid":"home","sta_password":"x"}')
    send(board, '{"T":600}')
    board.run(0.1)
    began_s = board.now_s
    board.boot()
    assert board.now_s - began_s > 15.0


def test_a_wifi_command_without_its_key_switches_wifi_off_at_boot(board: Board) -> None:
    tell(board, '{"T":401,"mode":3}')
    assert board.flash.wifi_mode == 0


def test_a_leader_prints_two_lines_in_every_loop(board: Board) -> None:
    send(board, '{"T":301,"mode":1}')
    board.run(0.2)
    assert board.run(1.0).count(b"\r\n") > 20
    tell(board, '{"T":301,"mode":0}')
    board.run(0.1)
    assert board.run(0.5) == b""


def test_peers_can_be_added_and_removed(board: Board) -> None:
    assert tell(board, '{"T":303,"mac":"AA:BB:CC:DD:EE:FF"}') == ["peer added."]
    assert tell(board, '{"T":304,"mac":"AA:BB:CC:DD:EE:FF"}') == ["peer removed."]
    assert tell(board, '{"T":304,"mac":"AA:BB:CC:DD:EE:FF"}') == ["peer not found."]


def test_an_arm_follows_any_leader_at_full_speed_until_it_is_told_not_to(board: Board) -> None:
    leader = (0.6, 0.0, 1.6, 0.0, 0.0, 3.14)
    board.hear_leader(leader)
    board.run(1.0)
    assert board.joint_pos[0] == pytest.approx(0.6, abs=0.01)
    assert board.servos[11].speed == 0
    tell(board, '{"T":300,"mode":0,"mac":"00:00:00:00:00:07"}')
    board.hear_leader((0.0, *leader[1:]))
    board.run(1.0)
    assert board.joint_pos[0] == pytest.approx(0.6, abs=0.01)
    board.hear_leader((0.2, *leader[1:]), mac="00:00:00:00:00:07")
    board.run(1.0)
    assert board.joint_pos[0] == pytest.approx(0.2, abs=0.01)
    tell(board, '{"T":301,"mode":0}')
    board.hear_leader(leader, mac="00:00:00:00:00:07")
    board.run(1.0)
    assert board.joint_pos[0] == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("query", ["", "\n", "?"])
def test_what_is_no_json_makes_the_older_page_let_the_arm_fall(older: Board, query: str) -> None:
    reply = older.http(query)
    older.run(0.5)
    assert not reply.done  # the emergency stop blocks
    assert not any(servo.torque_on for servo in older.servos.values())


def test_a_request_that_breaks_off_is_not_carried_out(older: Board) -> None:
    reply = older.http('{"T":402,"ssid":"you')
    older.run(0.5)
    assert reply.done
    assert all(servo.torque_on for servo in older.servos.values())

"""The board in real time: served from a thread of this process, and from a process of its own."""

import json
import os
import signal
import time
from collections.abc import Callable, Generator
from http.client import HTTPConnection
from pathlib import Path

import pytest
import serial
from websockets.sync.client import connect

from roarm_lab.core.errors import BadInputError, RoarmLabError
from roarm_lab.emulator.board import Board
from roarm_lab.emulator.firmware import FIRMWARES, FW25, FW26
from roarm_lab.emulator.process import EmulatorProcess, emulator_process
from roarm_lab.emulator.pty_port import PtyPort
from roarm_lab.emulator.serving import Emulator, StoppedError

ENOUGH_S = 120.0
"""Longer than any machine needs for what takes a few seconds."""


def booted(firmware: str) -> Board:
    board = Board(FIRMWARES[firmware])
    board.boot()
    return board


@pytest.fixture(params=FIRMWARES)
def emulator(request: pytest.FixtureRequest) -> Generator[Emulator]:
    with Emulator(booted(request.param), [PtyPort()]) as emulator:
        yield emulator


def opened(emulator: Emulator) -> serial.Serial:
    return serial.Serial(str(getattr(emulator.serving.ports[0], "address", "")), 115200, timeout=ENOUGH_S)


def answer_to(port: serial.Serial, command: dict) -> dict:
    """The first feedback line after a command; what the arm says besides is passed over."""
    port.write(json.dumps(command).encode() + b"\n")
    while True:
        line = port.readline()
        assert line, "no answer"
        if line.startswith(b'{"T":1051') and line.endswith(b"}\r\n"):
            return json.loads(line)


def wait_for(reached: Callable[[], bool]) -> None:
    end_s = time.monotonic() + ENOUGH_S
    while not reached():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_a_question_over_the_serial_port_is_answered(emulator: Emulator) -> None:
    with opened(emulator) as port:
        assert answer_to(port, {"T": 105})["T"] == 1051


def test_time_passes_and_never_faster_than_on_the_clock(emulator: Emulator) -> None:
    def now_s() -> float:
        return emulator.ask(lambda: emulator.board.now_s)

    began_s = time.monotonic()
    for _ in range(3):  # the third turn of the loop from here knows of all time before the first
        board_s = now_s()
    wait_for(lambda: now_s() >= board_s + 0.3)
    assert now_s() - board_s <= time.monotonic() - began_s


def test_the_arm_goes_on_while_the_cable_is_out(emulator: Emulator) -> None:
    with opened(emulator) as port:
        port.write(b'{"T":605,"cmd":0}\n{"T":101,"joint":1,"rad":0.8,"spd":500,"acc":20}\n')
        wait_for(lambda: emulator.ask(lambda: emulator.board.servos[11].moving))
        emulator.ask(emulator.serving.unplug)
        with pytest.raises(serial.SerialException):
            port.read(10_000)
    wait_for(lambda: not emulator.ask(lambda: emulator.board.servos[11].moving))
    emulator.ask(emulator.serving.replug)
    with opened(emulator) as port:
        assert answer_to(port, {"T": 105})["b"] == pytest.approx(0.8, abs=0.02)


def test_an_error_in_what_was_asked_comes_back_and_the_loop_goes_on(emulator: Emulator) -> None:
    with pytest.raises(ZeroDivisionError):
        emulator.ask(lambda: 1 // 0)
    assert emulator.ask(lambda: 2) == 2


def test_an_emulator_that_has_ended_says_so_and_leaves_no_device() -> None:
    port = PtyPort()
    with Emulator(booted(FW26.name), [port]) as emulator:
        device = Path(port.address)
        assert device.exists()
    assert not device.exists()
    with pytest.raises(StoppedError, match="has ended"):
        emulator.ask(lambda: 1)
    with pytest.raises(StoppedError):
        emulator.serving.http("{}")


def test_nobody_waits_for_an_answer_that_an_ended_emulator_owes() -> None:
    board = Board(FW25)  # still booting: its web server does not answer
    with Emulator(board, []) as emulator:
        waiting = emulator.serving.later(lambda: 3)
        assert waiting.result(ENOUGH_S) == 3
        emulator.serving.stop()
        with pytest.raises(StoppedError):
            emulator.serving.http('{"T":105}')


# As a process.


@pytest.fixture(scope="module", params=FIRMWARES)
def process(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[EmulatorProcess]:
    link = tmp_path_factory.mktemp("link") / "roarm"
    flags = (
        "--booted",
        "--link",
        str(link),
        "--rfc2217",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
        "--cube",
        "0.2",
        "0.1",
        "0.015",
    )
    with emulator_process(request.param, *flags) as process:
        yield process
    assert not link.is_symlink()


def serial_port(process: EmulatorProcess) -> serial.Serial:
    return serial.Serial(process.addresses.serial, 115200, timeout=ENOUGH_S)


def test_a_program_learns_the_addresses_and_each_of_them_works(process: EmulatorProcess) -> None:
    addresses = process.addresses
    with serial_port(process) as port:
        assert answer_to(port, {"T": 105})["T"] == 1051
    assert addresses.rfc2217 is not None
    network = serial.serial_for_url(addresses.rfc2217, do_not_open=True, baudrate=115200, timeout=ENOUGH_S)
    network.dtr = network.rts = False
    with network:
        assert answer_to(network, {"T": 105})["T"] == 1051
    assert addresses.http is not None
    web = HTTPConnection(addresses.http.removeprefix("http://"), timeout=ENOUGH_S)
    web.request("GET", "/js?json=%7B%22T%22:105%7D")
    answer = json.loads(web.getresponse().read())
    if addresses.websocket is None:
        assert answer["T"] == 1051
    else:
        assert answer == {"ok": 1}
        with connect(addresses.websocket) as listener:
            assert {json.loads(listener.recv(ENOUGH_S))["T"] for _ in range(2)} == {50, -15}


def test_the_reset_line_restarts_the_computer(process: EmulatorProcess) -> None:
    before = process.command("state")["resets"]
    network = serial.serial_for_url(process.addresses.rfc2217, do_not_open=True, baudrate=115200, timeout=ENOUGH_S)
    network.dtr = network.rts = True
    with network:
        network.rts = False
        network.dtr = False
        assert process.command("state")["resets"] == before
        network.rts = True  # RTS alone holds it in reset
        network.rts = False
        wait_for(lambda: process.command("state")["resets"] == before + 1)
        assert network.read_until(b"rst:").endswith(b"rst:")
    wait_for(lambda: process.command("state")["ready"])


def test_the_cube_lies_where_it_was_put(process: EmulatorProcess) -> None:
    assert process.command("state")["box_pos_w"]["cube"] == pytest.approx([0.2, 0.1, 0.015], abs=0.002)


def test_a_pulled_cable_comes_back_behind_the_same_name(process: EmulatorProcess) -> None:
    link = Path(process.addresses.serial or "")
    with serial_port(process) as port:
        process.command("unplug")
        with pytest.raises(serial.SerialException):
            port.read(100_000)
    assert not link.exists()
    assert process.command("replug")["serial"] == str(link)
    with serial_port(process) as port:
        assert answer_to(port, {"T": 105})["T"] == 1051


def test_a_servo_dies_and_comes_back(process: EmulatorProcess) -> None:
    assert process.command("fault dead-servo 14")["faults"] == {"dead-servo": [14]}
    assert process.command("fault supply-volts 9")["faults"] == {"dead-servo": [14], "supply-volts": 9.0}
    assert process.command("faults")["faults"] == {"dead-servo": [14], "supply-volts": 9.0}
    with serial_port(process) as port:
        port.write(b'{"T":605,"cmd":0}\n')
        goal = process.command("state")["servos"]["14"]["goal"]
        port.write(b'{"T":101,"joint":3,"rad":1.3,"spd":0,"acc":0}\n')
        answer_to(port, {"T": 105})
        assert process.command("state")["servos"]["14"]["goal"] == goal  # did not hear it
        assert process.command("clear dead-servo")["faults"] == {"supply-volts": 9.0}
        port.write(b'{"T":101,"joint":3,"rad":1.3,"spd":0,"acc":0}\n')
        wait_for(lambda: process.command("state")["servos"]["14"]["goal"] == 1871)  # 1024 + 847.5
    assert process.command("clear")["faults"] == {}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("unplugg", "There is no command named 'unplugg'. Did you mean 'unplug'"),
        ("fault", "There is no fault named ''"),
        ("clear a b", "one name of a fault or none, got 'a b'"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_and_nothing_happens(
    process: EmulatorProcess, line: str, message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        process.command(line)
    assert process.command("faults")["faults"] == {}
    assert "unplug" in process.command("help")["help"]


def test_flags_that_are_refused_come_back_as_the_reason() -> None:
    with (
        pytest.raises(BadInputError, match="exit code 2: roarm: There is no fault named 'gremlins'"),
        emulator_process(FW26.name, "--fault", "gremlins"),
    ):
        pass


def test_a_file_in_the_working_folder_is_no_module(tmp_path: Path) -> None:
    (tmp_path / "tty.py").write_text("raise SystemExit('not the one that was meant')\n")
    with emulator_process(FW26.name, folder=tmp_path) as process:
        assert process.command("faults")["faults"] == {}


def test_an_emulator_that_died_is_an_error_of_the_next_command() -> None:
    with emulator_process(FW26.name) as process:
        os.kill(process.pid, signal.SIGKILL)
        wait_for(lambda: process.returncode is not None)
        with pytest.raises(RoarmLabError, match="exit code -9"):
            process.command("faults")


def test_a_program_that_is_deaf_to_ctrl_c_starts_an_emulator_that_is_not(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in a script's background job
    try:
        with emulator_process(FW26.name, folder=tmp_path) as process:
            os.kill(process.pid, signal.SIGINT)
            wait_for(lambda: process.returncode is not None)
            assert process.returncode == 130
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_emulator_ends_with_the_program_that_started_it() -> None:
    with emulator_process(FW25.name) as process:
        device = Path(process.addresses.serial or "")
        assert device.exists()
    assert process.returncode == 0
    wait_for(lambda: not device.exists())

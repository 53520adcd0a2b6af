"""The arm's USB port as a pseudo-terminal, opened as any program opens a serial port."""

import os
import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import pytest
import serial

from roarm_lab.core.errors import BadInputError
from roarm_lab.emulator.pty_port import PtyPort

ENOUGH_S = 120.0
"""Longer than any machine needs for what comes at once."""


@pytest.fixture
def port() -> Generator[PtyPort]:
    with closing(PtyPort()) as port:
        yield port


def opened(port: PtyPort) -> serial.Serial:
    return serial.Serial(port.address, 115200, timeout=ENOUGH_S)


def arriving(port: PtyPort, until: Callable[[bytes], bool]) -> bytes:
    """What the port reads until it is enough."""
    data, end_s = b"", time.monotonic() + ENOUGH_S
    while not until(data):
        assert time.monotonic() < end_s
        data += port.read()
    return data


def test_every_byte_passes_both_ways_as_it_is(port: PtyPort) -> None:
    every = bytes(range(256))
    with opened(port) as computer:
        computer.write(every)
        assert arriving(port, lambda data: len(data) >= 256) == every
        port.write(every)
        assert computer.read(256) == every


def test_a_program_that_sets_nothing_gets_no_echo_and_no_changed_line_ends(port: PtyPort) -> None:
    device = os.open(port.address, os.O_RDWR | os.O_NOCTTY)
    try:
        port.write(b'{"T":1051}\r\n')
        assert os.read(device, 100) == b'{"T":1051}\r\n'
        assert port.read() == b""  # nothing came back by itself
    finally:
        os.close(device)


def test_what_the_arm_says_before_the_port_is_opened_is_lost(port: PtyPort) -> None:
    port.write(b"early\r\n")
    with opened(port) as computer:
        port.write(b"late\r\n")
        assert computer.read(6) == b"late\r\n"


def test_what_one_program_left_unread_is_not_there_for_the_next(port: PtyPort) -> None:
    with opened(port):
        port.write(b"unread\r\n")
    assert port.read() == b""  # the emulator notices that it is closed
    device = os.open(port.address, os.O_RDWR | os.O_NOCTTY)  # without the flush that pyserial does
    try:
        port.write(b"new\r\n")
        assert os.read(device, 100) == b"new\r\n"
    finally:
        os.close(device)


def test_the_last_words_of_a_program_that_wrote_and_closed_arrive(port: PtyPort) -> None:
    with opened(port) as computer:
        computer.write(b'{"T":0}\n')
    assert arriving(port, lambda data: len(data) >= 8) == b'{"T":0}\n'


def test_a_program_that_does_not_read_never_blocks_the_arm(port: PtyPort) -> None:
    with opened(port):
        for _ in range(1000):
            port.write(b"x" * 1000)  # far more than any buffer between


def test_nobody_waits_on_a_port_that_is_not_open(port: PtyPort) -> None:
    assert port.waiting_on() == []  # it would be readable all the time and keep the processor busy
    with opened(port):
        assert len(port.waiting_on()) == 1
    assert port.waiting_on() == []


def test_a_pulled_cable_is_an_error_for_whoever_has_the_port_open(port: PtyPort) -> None:
    with opened(port) as computer:
        device = port.address
        port.unplug()
        with pytest.raises(serial.SerialException):
            computer.read(1)
        with pytest.raises(OSError, match="Input/output error"):
            os.write(computer.fd, b"x")
    assert port.device is None
    assert not Path(device).exists()
    assert (port.read(), port.waiting_on()) == (b"", [])
    port.write(b"into the air")


def test_after_replug_there_is_a_new_device_behind_the_same_link(tmp_path: Path) -> None:
    link = tmp_path / "roarm"
    with closing(PtyPort(link)) as port:
        assert port.address == str(link)
        first = port.device
        with opened(port):  # an open device keeps its number
            port.unplug()
            assert not link.is_symlink()
            port.replug()
            assert str(link.readlink()) == port.device != first
        with opened(port) as computer:
            port.write(b"again\r\n")
            assert computer.read(7) == b"again\r\n"
        port.replug()  # is plugged in already
        assert str(link.readlink()) == port.device
    assert not link.is_symlink()


def test_a_link_that_leads_somewhere_is_refused_and_left_alone(tmp_path: Path) -> None:
    taken = tmp_path / "roarm"
    taken.write_text("mine")
    with pytest.raises(BadInputError, match="exists already"):
        PtyPort(taken)
    assert taken.read_text() == "mine"


def test_the_link_of_an_emulator_that_was_killed_is_replaced(tmp_path: Path) -> None:
    link = tmp_path / "roarm"
    link.symlink_to(tmp_path / "gone")
    with closing(PtyPort(link)) as port:
        assert str(link.readlink()) == port.device


def test_a_link_in_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="can not be made: No such file"):
        PtyPort(tmp_path / "nowhere" / "roarm")

"""The serial port over TCP, opened as pyserial's own client opens it."""

import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest
import serial

from roarm_lab.emulator.addresses import LOOPBACK, Address, listen
from roarm_lab.emulator.rfc2217_port import Rfc2217Port

ENOUGH_S = 120.0
"""Longer than any machine needs for what comes at once."""
TURNED_AWAY = "Broken pipe|reset|negotiation failed|socket disconnected|does not seem to support"
"""What pyserial says when the other side hangs up while it shakes hands; which one depends on when."""


class Bench:
    """A port with somebody who reads it all the time and answers each byte with itself."""

    def __init__(self) -> None:
        self.lines: list[tuple[bool, bool]] = []
        self.port = Rfc2217Port(
            listen(Address(LOOPBACK, 0), "--rfc2217"), lambda dtr, rts: self.lines.append((dtr, rts))
        )
        self.heard = b""
        self._tasks: list[Callable[[], None]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def do(self, task: Callable[[], None]) -> None:
        """Run something between two turns of the reader."""
        done = threading.Event()
        self._tasks.append(lambda: (task(), done.set())[0])
        assert done.wait(ENOUGH_S)

    @contextmanager
    def running(self) -> Generator["Bench"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            self._thread.join()
            self.port.close()

    def _work(self) -> None:
        while not self._ended.wait(0.001):
            while self._tasks:
                self._tasks.pop(0)()
            data = self.port.read()
            self.heard += data
            self.port.write(data)


@pytest.fixture
def bench() -> Generator[Bench]:
    with Bench().running() as bench:
        yield bench


def client(bench: Bench, *, dtr: bool = True, rts: bool = True) -> serial.SerialBase:
    port = serial.serial_for_url(bench.port.address, do_not_open=True, baudrate=115200, timeout=ENOUGH_S)
    port.dtr, port.rts = dtr, rts
    port.open()
    return port


def wait_for(reached: Callable[[], bool]) -> None:
    end_s = time.monotonic() + ENOUGH_S
    while not reached():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_every_byte_passes_both_ways_also_those_the_protocol_uses(bench: Bench) -> None:
    every = bytes(range(256)) + b"\xff\xff\xfa"
    with client(bench) as computer:
        computer.write(every)
        assert computer.read(len(every)) == every
    assert bench.heard == every


def test_both_lines_go_up_at_once_when_a_client_comes_as_with_a_kernel(bench: Bench) -> None:
    with client(bench, dtr=True, rts=True) as computer:
        assert set(bench.lines) == {(True, True)}
        computer.rts = False
        computer.dtr = False
        assert bench.lines[-2:] == [(True, False), (False, False)]


def test_a_client_that_lets_dtr_go_first_is_seen_to_reset_the_board(bench: Bench) -> None:
    with client(bench, dtr=False, rts=False):
        assert (False, True) in bench.lines


def test_each_change_of_a_line_arrives_in_order(bench: Bench) -> None:
    with client(bench, dtr=False, rts=False) as computer:
        bench.lines.clear()
        computer.rts = True
        computer.dtr = True
        computer.rts = False
        assert bench.lines == [(False, True), (True, True), (True, False)]


def test_a_closed_port_lets_both_lines_go(bench: Bench) -> None:
    with client(bench):
        assert bench.lines[-1] == (True, True)
    wait_for(lambda: bench.lines[-1] == (False, False))


def test_the_port_is_for_one_program_at_a_time(bench: Bench) -> None:
    with client(bench) as first:
        with pytest.raises(OSError, match=TURNED_AWAY):
            client(bench)
        first.write(b"still here")
        assert first.read(10) == b"still here"
    with client(bench) as next_one:  # and when it has left, for the next
        next_one.write(b"mine")
        assert next_one.read(4) == b"mine"


def read_for_long(computer: serial.Serial) -> None:
    """Read nothing, again and again: pyserial does not complain until its reading thread has noticed."""
    until_s = time.monotonic() + ENOUGH_S
    while time.monotonic() < until_s:
        assert computer.read(1) == b""


def test_a_pulled_cable_cuts_the_client_off_until_it_is_back(bench: Bench) -> None:
    computer = client(bench)
    bench.do(bench.port.unplug)
    with pytest.raises(serial.SerialException):
        read_for_long(computer)
    computer.close()
    with pytest.raises(OSError, match=TURNED_AWAY):
        client(bench)
    bench.do(bench.port.replug)
    with client(bench) as again:
        again.write(b"back")
        assert again.read(4) == b"back"


def test_a_client_that_does_not_read_never_blocks_the_arm(bench: Bench) -> None:
    host, port = bench.port.address.removeprefix("rfc2217://").split(":")
    with socket.create_connection((host, int(port))) as silent:
        silent.send(b"here")
        wait_for(lambda: bench.heard == b"here")
        for _ in range(100):
            bench.do(lambda: bench.port.write(b"x" * 100_000))

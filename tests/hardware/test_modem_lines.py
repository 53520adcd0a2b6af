"""What the driver does to DTR and RTS, which are wired to the arm's reset and boot, when it opens and closes a port."""

import fcntl
import struct
import termios
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from roarm_lab.emulator.addresses import LOOPBACK, Address, listen
from roarm_lab.emulator.board import Board
from roarm_lab.emulator.firmware import firmware_named
from roarm_lab.emulator.rfc2217_port import Rfc2217Port
from roarm_lab.hardware.serial_link import SerialLink
from tests.hardware.fake_port import APort

serialposix = pytest.importorskip("serial.serialposix", reason="modem lines are set this way on POSIX systems")

SEEN_S = 0.02
"""Longer than the board takes to notice a line."""
LINES = {termios.TIOCM_DTR: "dtr", termios.TIOCM_RTS: "rts"}
REST = [(False, False)]


class KernelLines:
    """The two lines as Linux keeps them: both go up at once when a port is opened, and down at once when it closes."""

    def __init__(self) -> None:
        self.on = dict.fromkeys(LINES.values(), True)
        self.states = [self.state]

    @property
    def state(self) -> tuple[bool, bool]:
        return self.on["dtr"], self.on["rts"]

    def ioctl(self, descriptor: int, request: int, argument: Any = 0, *rest: Any) -> Any:
        if request not in {termios.TIOCMBIS, termios.TIOCMBIC}:
            return fcntl.ioctl(descriptor, request, argument, *rest)
        (bits,) = struct.unpack("I", argument)
        for bit, name in LINES.items():
            if bits & bit:
                self.on[name] = request == termios.TIOCMBIS
        self.states.append(self.state)
        return 0

    def drop(self) -> None:
        self.on = dict.fromkeys(self.on, False)
        self.states.append(self.state)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> KernelLines:
    lines = KernelLines()
    kept = {name: getattr(fcntl, name) for name in ("fcntl", "flock", "F_SETFL", "LOCK_EX", "LOCK_NB", "LOCK_UN")}
    monkeypatch.setattr(serialposix, "fcntl", type("fcntl", (), {**kept, "ioctl": staticmethod(lines.ioctl)}))
    return lines


def resets_by(states: list[tuple[bool, bool]]) -> int:
    """How often a board that runs is reset by what its lines go through."""
    board = Board(firmware_named("250108"))
    board.boot()
    before = board.resets
    for dtr, rts in states:
        board.set_lines(dtr=dtr, rts=rts)
        board.run(SEEN_S)
    return board.resets - before


def test_opening_and_closing_a_port_resets_nothing(kernel: KernelLines) -> None:
    with APort() as port:
        link = SerialLink(port.place)
        assert kernel.state == (False, False)
        link.close()
        kernel.drop()
    assert (False, True) not in kernel.states
    assert resets_by(REST + kernel.states) == 0


def test_a_reset_that_is_asked_for_is_one(kernel: KernelLines) -> None:
    with APort() as port:
        SerialLink(port.place, reset=True).close()
        kernel.drop()
    assert resets_by(REST + kernel.states) == 1
    assert kernel.state == (False, False)


def test_a_board_sees_the_lines_that_are_let_go_in_the_wrong_order() -> None:
    assert resets_by([*REST, (True, True), (False, True), (False, False)]) == 1  # DTR first: RTS stands alone


@contextmanager
def network_port(states: list[tuple[bool, bool]]) -> Generator[str]:
    """Yield the address of a port over the network that notes what its lines go through."""
    port = Rfc2217Port(listen(Address(LOOPBACK, 0), "--rfc2217"), lambda dtr, rts: states.append((dtr, rts)))
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.001):
            port.read()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield port.address
    finally:
        ended.set()
        thread.join()
        port.close()


def test_over_a_network_the_lines_begin_as_a_kernel_sets_them_and_nothing_is_reset() -> None:
    states: list[tuple[bool, bool]] = []
    with network_port(states) as address:
        SerialLink(address).close()
    assert states[0] == (True, True)
    assert (False, True) not in states
    assert resets_by(REST + states) == 0

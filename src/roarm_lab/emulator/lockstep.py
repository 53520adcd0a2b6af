"""The driver and an emulated arm in one thread and in simulated time: no waiting, and the same run every time.

Real time needs two processes and as long as the arm takes. Here the driver's own clock moves the board on, a
millisecond at a time, whenever somebody waits; between two of them the driver's connection has its turn. Everything
else is as it is at a serial port: the bytes, their pace, the driver's lines and its gate.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from roarm_lab.core.clock import SimulatedClock
from roarm_lab.emulator.board import Board
from roarm_lab.hardware.io_thread import IoThread
from roarm_lab.hardware.readings import Readings
from roarm_lab.hardware.roarm_m3 import BOOT_S, RoArmM3, wait_for_pose
from roarm_lab.robots.gate_config import GateRules
from roarm_lab.robots.perception import Eye
from roarm_lab.robots.roarm_m3 import ROARM_M3

TURN_S = 0.001
"""Time between two turns of the connection: what an operating system takes to hand bytes over."""


class LockstepClock(SimulatedClock):
    """Simulated time of a board and the driver that talks to it: it passes while somebody waits."""

    def __init__(self, board: Board) -> None:
        super().__init__(board.now_s)
        self._board = board
        self.turn: Callable[[], None] | None = None
        """Called after every millisecond."""

    def sleep_until_s(self, time_s: float) -> None:
        """Let board and driver go on until a time [s]."""
        while self.now_s() < time_s:
            super().sleep_until_s(min(self.now_s() + TURN_S, time_s))
            self._board.advance(self.now_s())
            if self.turn is not None:
                self.turn()


class BoardLink:
    """A cable between the driver and a board in the same thread."""

    name = "the emulated arm"
    polled = False
    silent_s = 1.0

    def __init__(self, board: Board) -> None:
        self._board = board

    def write(self, line: bytes) -> None:
        """Put a line on the arm's receiving line."""
        self._board.receive(line)

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived; time does not pass meanwhile."""
        del timeout_s
        return self._board.take_output()

    def close(self) -> None:
        """Pull the cable; the board goes on as soon as somebody lets it."""


@contextmanager
def lockstep_arm(
    board: Board, clock: LockstepClock, *, rules: GateRules | None = None, eye: Eye | None = None
) -> Generator[RoArmM3]:
    """Yield the driver of an emulated arm, connected and at rest, with a clock that moves both.

    Starting the firmware anew (`RoArmM3.recover`) is not possible here.

    Args:
        board: The arm; it boots first if it has not.
        clock: Made for this board.
        rules: What the gate enforces beyond the arm's facts.
        eye: What sees the boxes on its table.

    Raises:
        MissingError: It does not know its pose.
    """
    readings = Readings(ROARM_M3)
    board.advance(clock.now_s())
    io = IoThread(lambda _: BoardLink(board), clock, readings.judge, readings.forget, background=False)
    clock.turn = io.turn
    try:
        found = wait_for_pose(io, readings, clock, BoardLink.name, BOOT_S)
        with RoArmM3(io, readings, found, clock, rules=rules, eye=eye) as arm:
            yield arm
    finally:
        clock.turn = None

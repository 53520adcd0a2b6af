"""The thread that talks to the arm, turn by turn, on a connection and a clock that do what a test says."""

import threading
from collections import deque

import pytest

from roarm_lab.core.clock import MonotonicClock, SimulatedClock
from roarm_lab.hardware.buffer_age import BYTE_S
from roarm_lab.hardware.io_thread import IoThread
from roarm_lab.hardware.link import LinkError
from roarm_lab.hardware.protocol import Feedback
from roarm_lab.robots.arm import ArmSample
from tests.hardware.fake_port import HOME, feedback_line

READ_S = 0.01
PATIENCE_S = 120.0  # only a test that fails waits this long
BUFFER_BYTES = 4095
"""What one read of a Linux serial port gives at most."""


class Wire:
    """A connection whose bytes lie ready, or are on their way, as a test says."""

    name, silent_s = "a wire", 1.0

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self.polled = False
        self.waiting = b""
        self.pause_s = 0.0
        """How long this program stands still within the next read."""
        self.arrive: deque[bytes] = deque()
        """What arrives with each read."""
        self.written: list[bytes] = []

    def write(self, line: bytes) -> None:
        self.written.append(line)

    def read(self, timeout_s: float) -> bytes:
        if not self.waiting:
            self._clock.sleep_until_s(self._clock.now_s() + timeout_s)
        self._clock.sleep_until_s(self._clock.now_s() + self.pause_s)
        self.pause_s = 0.0
        self.waiting += self.arrive.popleft() if self.arrive else b""
        data, self.waiting = self.waiting[:BUFFER_BYTES], self.waiting[BUFFER_BYTES:]
        return data

    def close(self) -> None:
        pass


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(100.0)


@pytest.fixture
def wire(clock: SimulatedClock) -> Wire:
    return Wire(clock)


@pytest.fixture
def io(clock: SimulatedClock, wire: Wire) -> IoThread:
    def judge(feedback: Feedback, at_s: float) -> ArmSample:
        return ArmSample.of(at_s, feedback.joint_pos)

    return IoThread(lambda _: wire, clock, judge, lambda: None, background=False)


def test_what_lay_in_the_buffers_while_the_program_stood_still_is_no_pose(
    io: IoThread, wire: Wire, clock: SimulatedClock
) -> None:
    line = feedback_line(newer=False)
    wire.arrive.append(line)
    io.turn()
    assert io.newest().valid
    wire.pause_s, before = 0.9, io.counts.feedback
    wire.arrive.append(line * (3 * BUFFER_BYTES // len(line)))
    while wire.waiting or wire.pause_s:
        io.turn()
    assert io.counts.feedback == before
    assert io.newest().measured_at_s < clock.now_s() - 0.9
    assert io.interruption == ""  # it was not away for so long that the arm may have restarted unheard


def test_after_a_long_pause_of_this_program_its_own_words_blame_no_arm(
    io: IoThread, wire: Wire, clock: SimulatedClock
) -> None:
    line = feedback_line(newer=False)
    wire.arrive.append(line)
    io.turn()
    assert io.newest().valid
    wire.pause_s = 4.0
    wire.arrive.append(b"")
    io.turn()
    while not io.interruption:
        wire.arrive.append(line)
        io.turn()
    assert io.interruption == "this computer paused for 4.0 s; the arm may have restarted meanwhile"


def test_who_asks_first_after_a_pause_of_this_program_hears_of_it(
    io: IoThread, wire: Wire, clock: SimulatedClock
) -> None:
    wire.arrive.append(feedback_line(newer=False))
    io.turn()
    clock.sleep_until_s(clock.now_s() + 4.0)  # the thread itself has not gone on yet
    assert io.newest().reason == "this computer paused for 4.0 s and read nothing meanwhile"


def test_an_arm_that_is_silent_is_blamed_itself(io: IoThread, wire: Wire, clock: SimulatedClock) -> None:
    line = feedback_line(newer=False)
    wire.arrive.append(line)
    io.turn()
    silent_from_s = clock.now_s()
    while clock.now_s() < silent_from_s + 4.0:
        io.turn()
    assert io.newest().reason.startswith("the arm has been silent for 4.0 s")
    while not io.interruption:
        wire.arrive.append(line)
        io.turn()
    assert io.interruption == "the arm was silent for 4.0 s and may have restarted"


def test_an_arm_that_fills_the_whole_wire_is_believed_again_soon(
    io: IoThread, wire: Wire, clock: SimulatedClock
) -> None:
    wire.pause_s = 0.5
    io.turn()
    back_s, stream, step = clock.now_s(), feedback_line(newer=False) * 20, round(READ_S / BYTE_S)
    wire.arrive.extend(stream[at : at + step] for at in range(0, len(stream), step))
    while not io.newest().valid:
        assert clock.now_s() < back_s + 0.2
        io.turn()


def test_a_restart_is_still_wanted_when_the_connection_does_not_open_at_once(wire: Wire) -> None:
    asked, opened = list[bool](), threading.Event()

    def open_link(reset: bool) -> Wire:
        asked.append(reset)
        if len(asked) == 2:
            raise LinkError("not yet")
        if len(asked) == 3:
            opened.set()
        return wire

    io = IoThread(open_link, MonotonicClock(), lambda *_: None, lambda: None)
    io.restart()
    assert opened.wait(PATIENCE_S)
    io.close()
    assert asked == [False, True, True]


def test_late_answers_are_not_taken_for_answers_to_newer_questions(clock: SimulatedClock, wire: Wire) -> None:
    wire.polled, asked_s, arrive = True, list[float](), list[tuple[float, bytes]]()

    def answer_at(stalled: bool) -> None:
        """Answer each question 0.05 s later with a base angle that is the moment of asking; a stall delays all."""
        while len(asked_s) < sum(b'"T":105' in line for line in wire.written):
            asked_s.append(clock.now_s())
            arrive.append((asked_s[-1] + 0.05, feedback_line((asked_s[-1] - 100.0, *HOME[1:]))))
        due = [] if stalled else [line for at_s, line in arrive if at_s <= clock.now_s()]
        del arrive[: len(due)]
        wire.arrive.append(b"".join(due))

    def judge(said: Feedback, at_s: float) -> ArmSample:
        return ArmSample.of(at_s, said.joint_pos)

    io = IoThread(lambda _: wire, clock, judge, lambda: None, background=False)
    for turn in range(300):
        answer_at(stalled=50 <= turn < 135)
        io.turn()
        if (newest := io.newest()).valid:
            assert newest.joint_pos[0] == pytest.approx(newest.measured_at_s - 100.0, abs=2 * READ_S)
    assert io.newest().measured_at_s > clock.now_s() - 0.2
    assert io.interruption == ""

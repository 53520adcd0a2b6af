"""What a session says: nobody waits for a slow reader, and every hold gets a line of its own."""

import io
import threading

import numpy as np
import pytest

from roarm_lab.robots.arm import ArmSample
from roarm_lab.teleop.session import TeleopTurn
from roarm_lab.teleop.status_line import Newest, StatusLine, status

PATIENCE_S = 120.0


def turn(number: int = 0, latched: str | None = None, trouble: str = "", sample: ArmSample | None = None) -> TeleopTurn:
    angles = np.array([0.1, -0.2, 1.5, -0.001, 0.0, 0.8])
    return TeleopTurn(
        number=number,
        time_s=1.0,
        late_s=0.0004,
        compute_s=0.002,
        age_s=0.031,
        sample=sample or ArmSample.of(1.0, angles),
        requested=None,
        sent=angles,
        latched=latched,
        name="keyboard",
        note="joints 35%",
        trouble=trouble,
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_turn_in_one_line() -> None:
    assert status(turn()) == "keyboard: joints 35%  +0.10 -0.20 +1.50 +0.00 +0.00 +0.80 rad  age 31 ms  late 0 ms"
    assert status(turn(latched="why")).startswith("HELD keyboard: joints 35%")
    assert "no pose: the bus is dead" in status(turn(sample=ArmSample.failed(1.0, "the bus is dead")))


def test_a_hold_and_its_end_are_said_once_with_what_to_do() -> None:
    stream = io.StringIO()
    line = StatusLine(stream, "C clears it")
    for latched in (None, "the cable", "the cable", None, None, "the battery"):
        line(turn(latched=latched))
    assert stream.getvalue() == (
        "HELD        the cable\n            C clears it\n"
        "free        targets pass the gate again\n"
        "HELD        the battery\n            C clears it\n"
    )


def test_a_person_who_waits_is_told_when_the_arm_is_back() -> None:
    out = io.StringIO()
    line = StatusLine(out, hint="C clears it")
    lost = ArmSample.failed(1.0, "the cable is out")
    for number, sample in enumerate([lost, lost, None, None]):
        line(turn(number, latched="the cable is out", sample=sample))
    said = ["HELD        the cable is out", "            C clears it", "back        the arm can be read again"]
    assert out.getvalue().splitlines() == [*said, "            C clears it"]


def test_trouble_is_said_once_while_it_lasts() -> None:
    stream = io.StringIO()
    line = StatusLine(stream)
    for trouble in ("", "too far", "too far", "", "too far"):
        line(turn(trouble=trouble))
    assert stream.getvalue() == "stays       too far\n" * 2


def test_on_a_terminal_the_line_is_written_over_and_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    line = StatusLine(stream)
    line(turn())
    line(turn(latched="the cable"))
    line.end()
    assert stream.getvalue() == (
        f"\r\x1b[K{status(turn())[:59]}\r\x1b[KHELD        the cable\n\r\x1b[KHELD {status(turn())[:54]}\n"
    )


def test_a_terminal_that_was_closed_is_no_error() -> None:
    stream = Terminal()
    line = StatusLine(stream)
    stream.close()
    line(turn(latched="x"))
    line.end()


def test_a_slow_reader_gets_the_newest_and_nobody_waits_for_it() -> None:
    told: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def slow(number: int) -> None:
        told.append(number)
        begun.set()
        assert go_on.wait(PATIENCE_S)

    newest = Newest[int](slow)
    newest(0)
    assert begun.wait(PATIENCE_S)
    for number in range(1, 1000):
        newest(number)  # would take for ever if it waited
    go_on.set()
    newest.close(PATIENCE_S)
    assert told == [0, 999]

"""The terminal on a real pseudo-terminal: keys one by one, no echo, and given back as it was in every ending."""

import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.teleop.terminal_keys import TerminalKeys, terminal_keys

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)
import termios

ECHO_AND_LINES = termios.ECHO | termios.ICANON


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """The two ends of a pseudo-terminal; the second is this program's stdin."""
    person, program = os.openpty()
    stdin = os.fdopen(program, "r", closefd=False)
    monkeypatch.setattr(sys, "stdin", stdin)
    yield person, program
    stdin.close()
    for end in (person, program):
        with suppress(OSError):
            os.close(end)


def test_keys_come_one_by_one_without_enter(terminal: tuple[int, int]) -> None:
    person, _ = terminal
    with terminal_keys() as keys:
        assert keys.read() == ""
        os.write(person, b"q")
        assert keys.read() == "q"
        os.write(person, "é\x1b[A".encode())
        assert keys.read() == "é\x1b[A"
        assert keys.read() == ""


def test_within_there_is_no_echo_and_ctrl_z_and_ctrl_s_do_nothing(terminal: tuple[int, int]) -> None:
    person, program = terminal
    with terminal_keys() as keys:
        mode = termios.tcgetattr(program)
        assert mode[3] & ECHO_AND_LINES == 0
        assert mode[3] & termios.ISIG  # Ctrl-C interrupts
        os.write(person, b"\x1a\x13")
        assert keys.read() == "\x1a\x13"  # just characters


@pytest.mark.parametrize("ending", [None, ZeroDivisionError(), KeyboardInterrupt(), SystemExit(143)])
def test_it_is_given_back_as_it_was(terminal: tuple[int, int], ending: BaseException | None) -> None:
    _, program = terminal
    before = termios.tcgetattr(program)
    with nullcontext() if ending is None else pytest.raises(type(ending)), terminal_keys():
        assert termios.tcgetattr(program) != before
        if ending is not None:
            raise ending
    assert termios.tcgetattr(program) == before


def test_a_closed_window_is_a_terminal_that_is_gone(terminal: tuple[int, int]) -> None:
    person, _ = terminal
    with terminal_keys() as keys:
        os.close(person)
        assert keys.read() is None


def test_the_end_of_a_pipe_is_one_too() -> None:
    read, write = os.pipe()
    os.close(write)
    assert TerminalKeys(read).read() is None
    os.close(read)


def test_without_a_terminal_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with (
            pytest.raises(BadInputError, match="The keyboard needs a terminal, but the input of this program"),
            terminal_keys(),
        ):
            pass

"""The terminal, key by key and without echo; whatever happens, it is given back as it was found."""

import os
import select
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

from roarm_lab.core.errors import BadInputError

if sys.platform == "win32":
    import msvcrt
else:
    import termios
    import tty

MOST_BYTES = 1024
"""Read at once; a person types less between two turns."""
PASTE_ON, PASTE_OFF = "\x1b[?2004h", "\x1b[?2004l"
"""Has the terminal put marks around what is pasted, so that it is not taken for keys."""


class TerminalKeys:
    """Characters typed at a terminal, as they come."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self) -> str | None:
        """Return what was typed since the last call without waiting; None when the terminal is gone."""
        if sys.platform == "win32":
            return _windows_keys()
        try:
            if not select.select([self._descriptor], [], [], 0.0)[0]:
                return ""
            typed = os.read(self._descriptor, MOST_BYTES)
        except OSError:  # EIO: the window was closed, or the connection was cut
            return None
        return typed.decode(errors="replace") if typed else None


@contextmanager
def terminal_keys() -> Generator[TerminalKeys]:
    """Yield the keys of the terminal at stdin; afterwards the terminal is as it was.

    Ctrl-C still interrupts. Ctrl-Z (stop) and Ctrl-S (freeze the output) are switched off: an arm would be left alone.

    Raises:
        BadInputError: Stdin is not a terminal.
    """
    if not sys.stdin.isatty():
        raise BadInputError(
            "The keyboard needs a terminal, but the input of this program is not one. Start it in a terminal (over SSH "
            "with ssh -t), without a pipe or a file as input."
        )
    descriptor = sys.stdin.fileno()
    if sys.platform == "win32":
        yield TerminalKeys(descriptor)
        return
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        mode = termios.tcgetattr(descriptor)
        mode[0] &= ~termios.IXON
        mode[6][termios.VSUSP] = b"\0"
        termios.tcsetattr(descriptor, termios.TCSANOW, mode)
        _tell_terminal(PASTE_ON)
        yield TerminalKeys(descriptor)
    finally:
        _tell_terminal(PASTE_OFF)
        _restore(descriptor, before)


def _tell_terminal(sequence: str) -> None:
    with suppress(OSError, ValueError):  # the terminal is gone, or what is printed goes elsewhere
        if sys.stdout.isatty():
            sys.stdout.write(sequence)
            sys.stdout.flush()


def _restore(descriptor: int, before: list[Any]) -> None:
    if sys.platform != "win32":
        try:
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
        except termios.error:  # the terminal is gone: there is nothing to restore
            return


def _windows_keys() -> str:
    typed = ""
    if sys.platform == "win32":
        while msvcrt.kbhit():
            key = msvcrt.getwch()
            if key in {"\0", "\xe0"}:  # an arrow or function key: its second half tells which
                msvcrt.getwch()
            else:
                typed += key
    return typed

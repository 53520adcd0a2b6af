"""What a teleoperated session says: one line that is always up to date, told by a thread that nobody waits for."""

import threading
from collections.abc import Callable
from shutil import get_terminal_size
from typing import Generic, TextIO, TypeVar

import numpy as np

from roarm_lab.teleop.session import TeleopTurn

Value = TypeVar("Value")
CLEAR_LINE = "\r\x1b[K"


class Newest(Generic[Value]):
    """Hands the newest value to a slow reader, in a thread. Values that come meanwhile are replaced, never queued.

    So a terminal over a slow network, or a browser, can not make an arm wait.
    """

    def __init__(self, tell: Callable[[Value], None]) -> None:
        self._tell = tell
        self._ready = threading.Condition()
        self._value: list[Value] = []
        self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __call__(self, value: Value) -> None:
        """Take a value; returns at once."""
        with self._ready:
            self._value = [value]
            self._ready.notify()

    def close(self, timeout_s: float = 1.0) -> None:
        """Let the last value be told, but do not wait long for it."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._value and not self._closed:
                    self._ready.wait()
                if not self._value:
                    return
                value = self._value.pop()
            self._tell(value)


class StatusLine:
    """Writes turns as one line that is written over; why the arm is held gets a line of its own."""

    def __init__(self, stream: TextIO, hint: str = "", typed: Callable[[str], str] = str) -> None:
        """Write to a stream. In a file, only what changes is written.

        Args:
            stream: Where to.
            hint: What a person can do when the arm is held.
            typed: Writes options and calls in a text as they are typed.
        """
        self._stream, self._typed = stream, typed
        self.hint = hint
        """What a person can do when the arm is held."""
        self._live = self._stream.isatty()
        self._said: tuple[str | None, str] = (None, "")
        self._lost = False
        self.keys = ""
        """What `show_keys` shows."""
        self._show_keys = threading.Event()

    def show_keys(self) -> None:
        """Write what the keys are with the next turn; returns at once."""
        self._show_keys.set()

    def __call__(self, turn: TeleopTurn) -> None:
        """Write a turn. A terminal that went away is not written to again."""
        try:
            self._say_keys()
            self._say_changes(turn.latched, turn.trouble)
            self._say_return(turn)
            if self._live:
                self._stream.write(CLEAR_LINE + status(turn)[: get_terminal_size().columns - 1])
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: it was closed
            self._live = False

    def end(self) -> None:
        """Leave the line."""
        if self._live:
            self._live = False
            self._stream.write("\n")
            self._stream.flush()

    def _advice(self) -> str:
        return f"\n            {self.hint}" if self.hint else ""

    def _say_keys(self) -> None:
        if self._show_keys.is_set():
            self._show_keys.clear()
            self._stream.write(f"{CLEAR_LINE if self._live else ''}{self.keys}\n")

    def _say_changes(self, latched: str | None, trouble: str) -> None:
        (was_latched, was_trouble), self._said = self._said, (latched, trouble)
        start = CLEAR_LINE if self._live else ""
        if latched != was_latched:
            words = (
                "free        targets pass the gate again"
                if latched is None
                else f"HELD        {self._typed(latched)}{self._advice()}"
            )
            self._stream.write(f"{start}{words}\n")
        if trouble and trouble != was_trouble:
            self._stream.write(f"{start}stays       {self._typed(trouble)}\n")

    def _say_return(self, turn: TeleopTurn) -> None:
        """Tell a person who waits that the arm can be read again."""
        was_lost, self._lost = self._lost, turn.latched is not None and not turn.sample.valid
        if was_lost and turn.sample.valid and turn.latched is not None:
            self._stream.write(
                f"{CLEAR_LINE if self._live else ''}back        the arm can be read again{self._advice()}\n"
            )


def status(turn: TeleopTurn) -> str:
    """Return a turn in one line: who steers and how, joints [rad], age and lateness [ms], and whether it is held."""
    if turn.sample.valid:
        angles = " ".join(f"{angle:+.2f}" for angle in np.round(turn.sample.joint_pos, 2) + 0.0) + " rad"
    else:
        angles = f"no pose: {turn.sample.reason}"
    held = "" if turn.latched is None else "HELD "
    return f"{held}{turn.name}: {turn.note}  {angles}  age {turn.age_s * 1e3:.0f} ms  late {turn.late_s * 1e3:.0f} ms"

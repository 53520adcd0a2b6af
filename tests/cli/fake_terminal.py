"""`roarm` in a real terminal (a pseudo-terminal): type, and see what it shows."""

import os
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from roarm_lab.teleop.keyboard import ALONE_S, QUIET_S
from tests.cli.commands import plain_environment
from tests.patience import PATIENT_ROARM

PATIENCE_S = 120.0
FREE = "free        targets pass the gate again"
ANGLES = re.compile(r"((?:[+-]\d+\.\d\d ){6})rad")


class Terminal:
    """A person's end of the terminal."""

    def __init__(self, process: "subprocess.Popen[bytes]", person: int, program: int) -> None:
        self.process, self._person, self._program = process, person, program
        self.text = ""
        self.before = termios.tcgetattr(program)

    def type(self, keys: str) -> None:
        os.write(self._person, keys.encode())

    def clear(self) -> None:
        """Press C alone, as a person does: after a moment in which nothing else is pressed, and again if it takes."""
        start, end_s = len(self.text), time.monotonic() + PATIENCE_S
        while FREE not in self.text[start:]:
            assert time.monotonic() < end_s, self.text[-2000:]
            self.watch(QUIET_S + ALONE_S)
            self.type("c")
            self.watch(QUIET_S)

    def watch(self, seconds: float) -> None:
        """Let a time pass, reading what is shown."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self._read()

    def hang_up(self) -> None:
        """Close the window."""
        os.close(self._person)
        self._person = -1

    @property
    def settings(self) -> list[object]:
        """How the terminal is set."""
        return termios.tcgetattr(self._program)

    @property
    def angles(self) -> list[float]:
        """The joint angles shown last."""
        return [float(word) for word in ANGLES.findall(self.text)[-1].split()]

    def wait_for(self, words: str, *, again: bool = False) -> None:
        """Read until some words were shown; with `again` only what comes from now on counts."""
        start, end_s = (len(self.text) if again else 0), time.monotonic() + PATIENCE_S
        while words not in self.text[start:]:
            assert time.monotonic() < end_s, f"{words!r} did not come, but:\n{self.text[-2000:]}"
            assert self._read() or self.process.poll() is None, f"ended before {words!r}:\n{self.text[-2000:]}"

    def wait_until(self, condition: "object") -> None:
        """Read until a condition holds."""
        assert callable(condition)
        end_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end_s, self.text[-2000:]
            self._read()

    def ends(self, number: int | None = None) -> int:
        """Send a signal, if any; return the exit code after everything was read."""
        if number is not None:
            self.process.send_signal(number)
        end_s = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < end_s, self.text[-2000:]
            self._read()
        while self._read():
            pass
        return self.process.returncode

    def _read(self) -> bool:
        if self._person < 0:
            time.sleep(0.05)
            return False
        if not select.select([self._person], [], [], 0.05)[0]:
            return False
        self.text += os.read(self._person, 65536).decode(errors="replace")
        return True


@contextmanager
def roarm_in_a_terminal(*words: str, folder: Path) -> Iterator[Terminal]:
    """Start a patient `roarm` in a terminal of its own; it is killed at the end if it still runs."""
    person, program = os.openpty()
    process = subprocess.Popen(
        [*PATIENT_ROARM, *words],
        cwd=folder,
        env=plain_environment() | {"COLUMNS": "200"},
        stdin=program,
        stdout=program,
        stderr=program,
        start_new_session=True,
        preexec_fn=lambda: _own(program),  # noqa: PLW1509 (a terminal must be taken by the child itself)
    )
    terminal = Terminal(process, person, program)
    try:
        yield terminal
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
        os.close(program)
        if terminal._person >= 0:
            os.close(person)


def _own(program: int) -> None:
    import fcntl

    fcntl.ioctl(program, termios.TIOCSCTTY, 0)

"""Ways to stop an arm from outside the program that drives it: a flag, a file, Ctrl-C.

A source only says that it wants a stop. The arm asks every source whenever something is to be sent, and then stays
latched until a person calls `clear`; so no source ever acts in the middle of a send.
"""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Protocol

from roarm_lab.core.errors import BadInputError


class StopSource(Protocol):
    """Something that can want a stop."""

    def wants_stop(self) -> str | None:
        """Return why the arm must stop; None if it need not. Quick, never waits, never raises."""
        ...


class EstopFile:
    """Wants a stop as long as a file exists: `touch /tmp/roarm-stop` from any terminal, script or machine.

    A file that can not be looked for counts as being there. So it does where its folder is gone, or is another one
    than at the start: whoever still stands in the old folder puts the file where nobody looks. Asking takes a few
    microseconds.
    """

    def __init__(self, path: str | Path) -> None:
        """Watch a path.

        Raises:
            BadInputError: Its folder does not exist, so nobody could put the file there; or it is no path.
        """
        try:
            self.path = Path(path).expanduser().absolute()
            there = self.path.parent.is_dir()
            self._folder = _identity(self.path.parent) if there else None
            self.wants_stop()
        except (OSError, RuntimeError, ValueError) as problem:  # RuntimeError: ~nobody
            raise BadInputError(f"The stop file {str(path)!r} can not be looked for: {problem}.") from problem
        if not there:
            raise BadInputError(
                f"The stop file's folder {self.path.parent} does not exist. Create it, or choose another."
            )

    def wants_stop(self) -> str | None:
        """Return why the arm must stop; None if there is no such file, where it was looked for from the start on."""
        try:
            os.lstat(self.path)
        except FileNotFoundError:
            return self._lost_folder()
        except OSError as problem:
            return f"the stop file {self.path} can not be looked for: {problem.strerror}"
        return f"the stop file {self.path} is there; remove it before clearing"

    def _lost_folder(self) -> str | None:
        folder = self.path.parent
        try:
            now = _identity(folder)
        except OSError as problem:
            return f"the stop file {self.path} can not be looked for: {folder}: {problem.strerror}; put the folder back"
        if now == self._folder:
            return None
        return (
            f"the stop file {self.path} can not be looked for: {folder} is another folder than at the start; put the "
            f"old one back, or start again"
        )


def _identity(folder: Path) -> tuple[int, int]:
    """Return which folder it is: the number of its file system, and its own number there."""
    found = folder.stat()
    return found.st_dev, found.st_ino


class EstopFlag:
    """Wants a stop from `press` until `lift`. For a key, a button, a call from another program; from any thread."""

    def __init__(self) -> None:
        self._reason: str | None = None

    def press(self, reason: str) -> None:
        """Want a stop. The first reason stays."""
        if self._reason is None:
            self._reason = reason or "the emergency stop was pressed"

    def lift(self) -> None:
        """Want no stop any more. The arm still needs a `clear`."""
        self._reason = None

    def wants_stop(self) -> str | None:
        """Return why the arm must stop; None if it need not."""
        return self._reason


@contextmanager
def pressed_by_sigint(flag: EstopFlag) -> Generator[None]:
    """Press the flag on Ctrl-C (SIGINT), inside the block, and then interrupt the program as usual.

    Raises:
        BadInputError: This is not the main thread, the only one in which Python can catch signals.
    """
    if threading.current_thread() is not threading.main_thread():
        raise BadInputError("Ctrl-C can only be caught in the main thread. Open this block there.")

    def stop(number: int, frame: FrameType | None) -> None:
        flag.press("Ctrl-C was pressed")
        if callable(before):
            before(number, frame)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

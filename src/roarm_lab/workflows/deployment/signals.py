"""Signals that end a program that drives an arm: the arm is held first, logs and terminal are put in order."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from roarm_lab.workflows.frontend import Frontend, Notice

ENDED = (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
"""Sent by `kill`, by a computer that shuts down, and by a terminal whose window is closed."""
SIGNALLED = 128


class EndedError(SystemExit):
    """The program was told to end by a signal; passes like Ctrl-C, so that everything is put in order on the way."""

    def __init__(self, number: int) -> None:
        super().__init__(SIGNALLED + number)
        self.number = number

    def __str__(self) -> str:
        """Return why, for whoever is held by it."""
        return f"the program was ended by {signal.Signals(self.number).name}"


@contextmanager
def ending_gently(frontend: Frontend) -> Generator[None]:
    """Let signals that end the program pass as exceptions. Does nothing outside the main thread, where none arrive."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        del frame
        raise EndedError(number)

    before = {number: signal.signal(number, leave) for number in sorted(set(ENDED))}
    try:
        yield
    except EndedError as error:
        frontend.tell(Notice(code="stopped", text=f"{error}; the arm is held at its last target."))
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True)
class ServerSignals:
    """What signals ask of a server."""

    end: threading.Event = field(default_factory=threading.Event)
    """Set by SIGTERM and Ctrl-C."""
    reload: threading.Event = field(default_factory=threading.Event)
    """Set by SIGHUP, where there is one."""


@contextmanager
def server_signals() -> Generator[ServerSignals]:
    """Yield what signals ask for inside the block. Outside the main thread, where none arrive, nothing sets it."""
    asked = ServerSignals()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    events = {"SIGTERM": asked.end, "SIGINT": asked.end, "SIGHUP": asked.reload}
    numbers = {getattr(signal, name): event for name, event in events.items() if hasattr(signal, name)}
    before = {number: signal.signal(number, lambda n, _: numbers[n].set()) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""How this package starts another Python."""

import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

OWN_PYTHON = (sys.executable, "-P")
"""This very interpreter. Without `-P` it would import what lies in the working folder first: a user's `tty.py` there
would take the place of the standard library's."""


@contextmanager
def children_hear_ctrl_c() -> Generator[None]:
    """Let processes started inside end by SIGINT, also where this one ignores it.

    A script's background jobs ignore SIGINT, and hand that on to all they start; whatever is caught is not handed on.
    Outside the main thread, where signals can not be set, nothing changes.
    """
    deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if not deaf or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

"""A folder that one process uses at a time: the second one is told, and a killed one leaves nothing behind."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from roarm_lab.core.errors import BadInputError

try:
    import fcntl
except ImportError:  # Windows, where folders can not be locked
    fcntl = None


@contextmanager
def locked(folder: Path, doing: str) -> Generator[None]:
    """Keep other processes from using `folder` in this way; the lock ends with the process, however it ends.

    Where the file system or the operating system has no such locks, nothing is kept from anybody.

    Args:
        folder: It must exist. Nothing is written into it.
        doing: What is done with it, for the message: `is being trained`.

    Raises:
        BadInputError: Another process uses it already.
    """
    if fcntl is None:
        yield
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # of other kinds: no locks here
            _lock(number, folder, doing)
        yield
    finally:
        os.close(number)


def _lock(number: int, folder: Path, doing: str) -> None:
    assert fcntl is not None
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BadInputError(f"{folder} {doing} by another process. Wait for it, or stop that one first.") from None

"""Which other programs have a serial port open: of two that read one port, each takes what was meant for the other."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
"""Where Linux tells which program has which file open; elsewhere it is not there, and nobody is named."""
MOST_NAMED, COMMAND_CHARS = 3, 60
CLOSE_IT = "Close it: two programs on one port garble each other"


def others_at(place: str, proc: Path = PROC) -> tuple[str, ...]:
    """Return the other programs that have a port open, for instance `screen /dev/ttyUSB0 (process 1234)`.

    Links are followed. Not named are programs of other users, unless root asks, and whoever offers a pseudo-terminal:
    an emulated arm is no other reader. Takes some milliseconds.
    """
    device = os.path.realpath(place)
    return tuple(
        f"{_command(process)} (process {process.name})"
        for process in sorted(proc.glob("[0-9]*"), key=lambda process: int(process.name))
        if process.name != str(os.getpid()) and _reads(process, device)
    )


def in_words(others: tuple[str, ...]) -> str:
    """Return programs as they stand behind *another program*: `: this one, that one`; empty when none is known."""
    more = ", ..." if len(others) > MOST_NAMED else ""
    return f": {', '.join(others[:MOST_NAMED])}{more}" if others else ""


def shared(place: str, proc: Path = PROC) -> str:
    """Return in words that another program reads a port; empty when none is known."""
    others = others_at(place, proc)
    return f"Another program reads the port {place}{in_words(others)}. {CLOSE_IT}." if others else ""


def _reads(process: Path, device: str) -> bool:
    opened = list(_opened(process))
    offers = any(name.endswith("ptmx") and f"/dev/pts/{index}" == device for name, index in opened)
    return any(name == device for name, _ in opened) and not offers


def _opened(process: Path) -> Iterator[tuple[str, str]]:
    """Yield the files that a process has open, and of a pseudo-terminal's master the number of its terminal."""
    with suppress(OSError):  # it has ended, or is another user's
        for file in (process / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                name = str(file.readlink())
                yield name, _terminal(process / "fdinfo" / file.name) if name.endswith("ptmx") else ""


def _terminal(info: Path) -> str:
    lines = (line.partition(":") for line in info.read_text().splitlines())
    return next((value.strip() for key, _, value in lines if key == "tty-index"), "")


def _command(process: Path) -> str:
    """Return what was typed to start a process, cut short."""
    try:
        words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "a program"
    return " ".join(words).strip()[:COMMAND_CHARS] or "a program"

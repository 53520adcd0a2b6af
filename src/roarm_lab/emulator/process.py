"""An emulator in a process of its own, started and ended by a program."""

import json
import subprocess
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from roarm_lab.core.errors import BadInputError, RoarmLabError
from roarm_lab.core.python_process import OWN_PYTHON, children_hear_ctrl_c

END_S = 20.0
"""How long an emulator may take to end before it is killed."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where an emulator can be reached; None where it does not listen."""

    serial: str | None = None
    """Device file (`/dev/pts/7`) or the link to it; to be opened like any serial port."""
    rfc2217: str | None = None
    """For `serial.serial_for_url`: `rfc2217://127.0.0.1:4000`."""
    http: str | None = None
    """The web server: `http://127.0.0.1:8080`."""
    websocket: str | None = None
    """The newer firmware's WebSocket: `ws://127.0.0.1:8080/ws`."""

    @staticmethod
    def of(answer: dict[str, Any]) -> "Addresses":
        """Return the addresses among the values of a line of JSON."""
        return Addresses(**{field.name: answer.get(field.name) for field in fields(Addresses)})


class EmulatorProcess:
    """A running emulator. `command` switches faults and pulls the cable while it runs."""

    def __init__(self, process: "subprocess.Popen[str]", addresses: Addresses) -> None:
        self.addresses = addresses
        self._process = process
        self._one_at_a_time = threading.Lock()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def command(self, line: str) -> dict[str, Any]:
        """Give one command (`unplug`, `fault bus-unpowered`, ...; see `emulator.control`) and return what is answered.

        May be called from several threads.

        Raises:
            BadInputError: The emulator does not understand it.
            RoarmLabError: The emulator has ended.
        """
        assert self._process.stdin is not None
        with self._one_at_a_time:
            try:
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()
            except OSError as error:
                raise RoarmLabError(_why(self._process)) from error
            answer = _line_of(self._process)
        if not answer["ok"]:
            raise BadInputError(answer["error"])
        self.addresses = Addresses.of(answer) if "serial" in answer else self.addresses
        return answer


@contextmanager
def emulator_process(
    firmware: str, *words: str, folder: Path | None = None, **options: object
) -> Generator[EmulatorProcess]:
    """Yield an emulator that runs in a process of its own; it ends with the context, and with this process.

    Args:
        firmware: `250108` or `20260701`.
        words: More words of the emulator's command.
        folder: Where it runs; here if None.
        options: The same as fields of `EmulateRequest`, for instance `pty=True`, `http="127.0.0.1:0"`.

    Raises:
        BadInputError: The flags are refused; says why.
    """
    options = {"firmware": firmware, "json": True, "end_with_stdin": True, **options}
    with children_hear_ctrl_c():
        process = subprocess.Popen(  # noqa: S603 (this very Python)
            [*OWN_PYTHON, "-m", "roarm_lab", "emulate", *_words(options), *words],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the program that drives the arm, which still has to hold it
        )
    with process:
        try:
            yield EmulatorProcess(process, Addresses.of(_line_of(process)))
        finally:
            _end(process)


def _words(options: Mapping[str, object]) -> Iterator[str]:
    """Yield options as the words of a command; what is None or False is left out."""
    for name, value in options.items():
        if value is not None and value is not False:
            yield f"--{name.replace('_', '-')}"
            yield from () if value is True else map(str, value if isinstance(value, tuple) else (value,))  # pyright: ignore


def _line_of(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise BadInputError(_why(process))
    try:
        return json.loads(line)
    except ValueError as error:
        raise BadInputError(f"The emulator said {line.strip()!r} where its addresses should be.") from error


def _why(process: "subprocess.Popen[str]") -> str:
    _, err = process.communicate(timeout=END_S)
    return f"The emulator ended with exit code {process.returncode}: {err.strip()}"


def _end(process: "subprocess.Popen[str]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(timeout=END_S)
    except subprocess.TimeoutExpired:
        process.kill()

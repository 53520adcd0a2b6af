"""The console of an emulated arm: commands from stdin, answers to stdout."""

import json
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

from roarm_lab.cli.references import error_as_typed
from roarm_lab.core.errors import RoarmLabError
from roarm_lab.core.shown import shown_text

if TYPE_CHECKING:
    from roarm_lab.emulator.control import Control
    from roarm_lab.emulator.serving import Serving

NAMES = {"serial": "serial port", "rfc2217": "RFC 2217", "http": "web server", "websocket": "WebSocket"}


class EmulatorConsole:
    """Reads commands and says what came of them: to people in words, to programs in JSON, a line for a line."""

    def __init__(self, commands: TextIO, out: TextIO, *, as_json: bool, end_with_input: bool) -> None:
        self._commands = commands
        self._out = out
        self._as_json, self._end_with_input = as_json, end_with_input
        self._control: Control | None = None

    def start(self, control: "Control", serving: "Serving") -> None:
        """Say where the arm is, and obey from now on in a thread of its own."""
        from roarm_lab.emulator.serving import StoppedError

        self._control = control

        def work() -> None:
            try:
                with suppress(StoppedError, BrokenPipeError):  # who started this may be gone before it hears anything
                    self.obey("addresses")
                    for line in self._commands:
                        if line.strip():
                            self.obey(line)
            finally:
                if self._end_with_input:
                    serving.stop()

        threading.Thread(target=work, name="commands", daemon=True).start()

    def obey(self, line: str) -> None:
        """Do one command and print its answer."""
        from roarm_lab.emulator.serving import StoppedError

        assert self._control is not None
        try:
            answer = {"ok": True, **self._control.obey(line)}
        except StoppedError:
            raise
        except RoarmLabError as error:
            answer = {"ok": False, "error": error_as_typed(error)}
        self._out.write((json.dumps(answer) if self._as_json else shown_text(in_words(answer))) + "\n")
        self._out.flush()


def in_words(answer: dict[str, Any]) -> str:
    """Return an answer as a person reads it."""
    if "error" in answer or "help" in answer:
        return str(answer.get("error", answer.get("help")))
    if "faults" in answer:
        faults = [f"{name} {value}" for name, value in answer["faults"].items()]
        return f"faults      {', '.join(faults) or 'none'}"
    if "firmware" in answer:
        return "\n".join(f"{name:<12}{answer[key]}" for key, name in NAMES.items() if answer[key])
    if "servos" in answer:
        return json.dumps(answer, indent=2)
    return "done"

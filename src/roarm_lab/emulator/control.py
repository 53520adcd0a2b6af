"""What can be done to a running emulator, one line of text each: pull the cable, break a servo, switch the supply off.

The same lines come from a person's keyboard (a console) and from a program (`EmulatorProcess.command`).
"""

from collections.abc import Callable
from typing import Any

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.emulator.fault_parser import FAULT_WORDS, with_fault, without_fault
from roarm_lab.emulator.faults import Faults
from roarm_lab.emulator.serving import Serving
from roarm_lab.emulator.snapshot import snapshot
from roarm_lab.emulator.table import boxes_now, place

HELP = """unplug           pull the USB cable; the arm itself goes on
replug           plug it in again: a new device behind the same link
fault NAME [N]   switch a fault on, N is its number: a servo's ID, a share, volts, seconds
clear [NAME]     switch one fault off, or all of them
faults           what is wrong now
addresses        where the arm can be reached
state            what is true inside: registers, memory, the true pose
boxes            where the boxes on its table are, and which jaws touch them
place NAME ...   put a box down: x y z in m, quaternion w i j k
help             this list
quit             end"""

Answer = dict[str, Any]
"""What there is to say about a command, in words JSON knows."""


class Control:
    """The commands of one running emulator."""

    def __init__(self, serving: Serving, addresses: Callable[[], Answer]) -> None:
        """Know what to steer.

        Args:
            serving: The loop; every command runs in its thread.
            addresses: Says where the arm can be reached now.
        """
        self._serving = serving
        self._addresses = addresses
        self._commands: dict[str, Callable[[list[str]], Answer]] = {
            "unplug": self._unplug,
            "replug": self._replug,
            "fault": self._fault,
            "clear": self._clear,
            "faults": self._faults,
            "state": lambda _: {"received_lines": self._serving.received_lines, **snapshot(self._serving.board)},
            "boxes": lambda _: boxes_now(self._serving.board.world),
            "place": lambda words: place(self._serving.board.world, words),
            "addresses": lambda _: self._addresses(),
            "help": lambda _: {"help": f"{HELP}\n\nfaults:\n{fault_list()}"},
            "quit": self._quit,
        }

    def obey(self, line: str) -> Answer:
        """Do what a line says and return what there is to say about it.

        Raises:
            BadInputError: There is no such command or fault, or it needs other words.
        """
        name, *words = line.split() or [""]
        if name not in self._commands:
            raise UnknownNameError("command", name, self._commands)
        return self._serving.ask(lambda: self._commands[name](words))

    def _unplug(self, _: list[str]) -> Answer:
        self._serving.unplug()
        return {}

    def _replug(self, _: list[str]) -> Answer:
        self._serving.replug()
        return self._addresses()

    def _fault(self, words: list[str]) -> Answer:
        self._serving.board.faults = with_fault(self._serving.board.faults, " ".join(words))
        return self._faults(words)

    def _clear(self, words: list[str]) -> Answer:
        faults = self._serving.board.faults
        if len(words) > 1:
            raise BadInputError(f"clear takes one name of a fault or none, got {' '.join(words)!r}.")
        self._serving.board.faults = without_fault(faults, words[0]) if words else Faults(seed=faults.seed)
        return self._faults(words)

    def _faults(self, _: list[str]) -> Answer:
        faults, well = self._serving.board.faults, Faults()
        values = {name: getattr(faults, word.field) for name, word in FAULT_WORDS.items()}
        return {"faults": {n: v for n, v in values.items() if v != getattr(well, FAULT_WORDS[n].field)}}

    def _quit(self, _: list[str]) -> Answer:
        self._serving.stop()
        return {}


def fault_list() -> str:
    """Return one line for each fault: its name, its number where it has one, what it does."""
    numbers = {name: "" if word.amount is None else f"[{word.amount:g}]" for name, word in FAULT_WORDS.items()}
    return "\n".join(f"  {name:<16} {numbers[name]:<7} {word.help}" for name, word in FAULT_WORDS.items())

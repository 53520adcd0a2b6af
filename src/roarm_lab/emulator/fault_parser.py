"""Faults by the names a person types: `dead-servo 14`, `garbled-lines 0.05`, `bus-unpowered`."""

from dataclasses import dataclass, replace

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.emulator.faults import Faults


@dataclass(frozen=True)
class FaultWord:
    """One fault as it is typed."""

    field: str
    """The field of `Faults` it sets."""
    amount: float | None
    """What it is set to where no number is given; None for a switch that is on or off."""
    help: str


FAULT_WORDS = {
    "bus-unpowered": FaultWord("bus_unpowered", None, "no 12 V at the servos: none answers, all are limp"),
    "dead-servo": FaultWord("dead_servos", 14.0, "ID of a servo that neither answers nor pulls; may be given again"),
    "frozen-feedback": FaultWord("frozen_feedback", None, "feedback stays as it is while the arm moves"),
    "supply-volts": FaultWord("supply_v", 7.0, "supply voltage"),
    "garbled-lines": FaultWord("garbled_share", 0.05, "share of lines sent with one byte replaced"),
    "half-lines": FaultWord("half_line_share", 0.05, "share of lines that break off, without line end"),
    "stray-lines": FaultWord("stray_line_share", 0.05, "share of lines before which a line of noise is sent"),
    "dropped-lines": FaultWord("dropped_share", 0.05, "share of lines that are not sent"),
    "garbled-commands": FaultWord("garbled_command_share", 0.05, "share of lines received with one byte replaced"),
    "stalls": FaultWord("stall_every_s", 2.0, "the firmware pauses for 0.2 s this often, in seconds"),
    "brown-out": FaultWord("brown_out_in_motion", None, "the next motion resets the computer, once"),
}
"""The name -> what it does. Every field of `Faults` but the seed and the length of a stall has one."""


def with_fault(faults: Faults, text: str) -> Faults:
    """Return the faults and one more.

    Args:
        faults: What is wrong already.
        text: A name and, where the fault has one, a number: `dead-servo 14` or `dead-servo=14`.

    Raises:
        BadInputError: There is no such fault, or the number is none or out of range.
    """
    name, *numbers = text.replace("=", " ").split() or [""]
    word = _word(name)
    if word.amount is None:
        if numbers:
            raise BadInputError(f"The fault {name} takes no number, got {' '.join(numbers)!r}.")
        return replace(faults, **{word.field: True})
    amount = _number(name, numbers, word.amount)
    if word.field == "dead_servos":
        return replace(faults, dead_servos=tuple(sorted({*faults.dead_servos, _servo_id(amount)})))
    return replace(faults, **{word.field: amount})


def without_fault(faults: Faults, name: str) -> Faults:
    """Return the faults without one.

    Raises:
        UnknownNameError: There is no fault of that name.
    """
    field = _word(name).field
    return replace(faults, **{field: getattr(Faults(), field)})


def _word(name: str) -> FaultWord:
    if name not in FAULT_WORDS:
        raise UnknownNameError("fault", name, FAULT_WORDS)
    return FAULT_WORDS[name]


def _number(name: str, numbers: list[str], default: float) -> float:
    if not numbers:
        return default
    try:
        (text,) = numbers
        return float(text)
    except ValueError as error:
        raise BadInputError(f"The fault {name} takes one number, got {' '.join(numbers)!r}.") from error


def _servo_id(amount: float) -> int:
    if not amount.is_integer():
        raise BadInputError(f"A servo's ID is a whole number, got {amount:g}.")
    return int(amount)

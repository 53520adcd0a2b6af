"""JSON as the firmware's library writes and reads it: number texts, document size, and what a field becomes.

Independent of the driver on purpose: the driver is judged against this. Source: rules found by replaying captured
feedback lines, which they give character for character.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

MAX_DECIMALS = 9
"""Decimals of a number below 10; each further digit before the point costs one."""
EXPONENT_AT, EXPONENT_BELOW = 1e7, 1e-5
"""From the one upwards and from the other downwards numbers are written with an exponent."""
SLOT_BYTES = 16
"""What one member takes of a fixed document; strings come on top, each different one once."""


def number_text(value: float) -> str:
    """Return a number as the firmware prints it: nine decimals at most, no trailing zeros, `null` for NaN and inf."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return "null"
    sign = "-" if value < 0.0 else ""
    mantissa, exponent = _normalized(abs(value))
    whole = int(mantissa)
    places = max(MAX_DECIMALS - max(len(str(whole)) - 1, 0), 0)
    scaled = (mantissa - whole) * 10**places
    decimals = int(scaled)
    decimals += int((scaled - decimals) * 2.0)  # rounds halves up
    if decimals >= 10**places:
        whole, decimals = whole + 1, 0
        if exponent and whole >= 10:
            whole, exponent = 1, exponent + 1
    fraction = f"{decimals:0{places}d}".rstrip("0") if places else ""
    return sign + str(whole) + ("." + fraction if fraction else "") + (f"e{exponent}" if exponent else "")


def _normalized(value: float) -> tuple[float, int]:
    """Return mantissa and exponent; the exponent is 0 for numbers that are written without one."""
    if value == 0.0 or EXPONENT_BELOW < value < EXPONENT_AT:
        return value, 0
    exponent = math.floor(math.log10(value))
    mantissa = value * 10.0**-exponent if exponent < 0 else value / 10.0**exponent
    if mantissa >= 10.0:
        return mantissa / 10.0, exponent + 1
    return (mantissa * 10.0, exponent - 1) if mantissa < 1.0 else (mantissa, exponent)


def object_text(members: Mapping[str, Any]) -> str:
    """Return a flat object without spaces, its members in their order."""
    parts = (f"{json.dumps(key)}:{_value_text(value)}" for key, value in members.items())
    return "{" + ",".join(parts) + "}"


def _value_text(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number_text(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def parsed(line: str, max_bytes: int = 0) -> dict[str, Any] | None:
    """Return the document of a line, or None when the firmware does not understand it.

    What follows a complete value is ignored. A value that is no object has no members: all of them read as 0.

    Args:
        line: The text.
        max_bytes: Size of the fixed document; 0 for no limit.
    """
    try:
        value, _ = json.JSONDecoder(parse_constant=_refuse).raw_decode(line.strip())
    except (ValueError, RecursionError):
        return None
    if max_bytes and _size(value) > max_bytes:
        return None
    return value if isinstance(value, dict) else {}


def _refuse(name: str) -> float:
    raise ValueError(name)


def _size(value: Any) -> int:
    strings: set[str] = set()
    members = _count(value, strings)
    return members * SLOT_BYTES + sum(len(text.encode()) + 1 for text in strings)


def _count(value: Any, strings: set[str]) -> int:
    if isinstance(value, str):
        strings.add(value)
    if isinstance(value, dict):
        strings.update(value)
        return sum(1 + _count(one, strings) for one in value.values())
    return sum(1 + _count(one, strings) for one in value) if isinstance(value, list) else 0


class Command:
    """A received document; members are read as a C type, and what does not fit or is missing reads as 0."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self.members = members

    @property
    def code(self) -> int:
        """Which command: `T`. A document without `T` is an emergency stop, as 0 is."""
        return self.i32("T")

    def real(self, key: str) -> float:
        """Return a floating-point member."""
        value = self.members.get(key)
        if isinstance(value, str):
            return _number_in(value)
        return float(value) if isinstance(value, (int, float)) and abs(value) < 1e300 else 0.0

    def u8(self, key: str) -> int:
        """Return a member as an unsigned 8-bit integer."""
        return self._integer(key, 0, 255)

    def u16(self, key: str) -> int:
        """Return a member as an unsigned 16-bit integer."""
        return self._integer(key, 0, 65535)

    def i32(self, key: str) -> int:
        """Return a member as a signed 32-bit integer."""
        return self._integer(key, -(2**31), 2**31 - 1)

    def text(self, key: str) -> str:
        """Return a text member; anything else is empty."""
        value = self.members.get(key)
        return value if isinstance(value, str) else ""

    def _integer(self, key: str, lowest: int, highest: int) -> int:
        whole = math.trunc(self.real(key))
        return whole if lowest <= whole <= highest else 0


def _number_in(text: str) -> float:
    """Return the number a text holds, else 0. The newer library versions do this; not verified on an arm."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0

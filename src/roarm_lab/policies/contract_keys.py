"""What a contract must say, part by part, and since which schema; what another one says is refused by name."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from roarm_lab.core.errors import BadInputError, UnknownKeyError
from roarm_lab.core.json_objects import told

SCHEMA = 2
"""What is written. 2: every term says what it means, and boxes how they touch."""
READ = (1, 2)
"""What is read."""
PARTS = ("schema", "interface", "provenance", "evaluation")

TERM = ("kind", "params", "meaning")
JOINT = (
    "name", "lower_rad", "upper_rad", "target_lower_rad", "max_speed_rad_s", "max_accel_rad_s2", "max_lead_rad",
)  # fmt: skip
ENTRIES: dict[str, tuple[str, ...]] = {
    "joints": JOINT,
    "observations": ("name", "source", "unit", "components", "size", *TERM),
    "actions": ("name", "size", "joints", *TERM),
    "output": ("name", "shape", "low", "high", "step_s"),
    "commands": ("size", *TERM),
    "boxes": ("name", "size_m", "mass_kg", "contact"),
    "start": TERM,
    "terminations": ("name", *TERM),
    "success": TERM,
}
"""Keys of every entry of a part; of `output` and `success`, which are one entry, of the part itself."""
ONE = ("output", "success")
INTERFACE = (
    "robot",
    "task",
    "control_dt_s",
    "episode_s",
    *ENTRIES,
    "keyframes",
    "gripping_faces",
    "meanings",
)
"""What an interface says; `envs.interface` writes it."""
MAY = ("changes",)
"""What an interface says only where there is something to say: by path, what the training changed in the task."""
SINCE_2 = {
    *(("interface", part) for part in ("terminations", "gripping_faces", "meanings")),
    *((part, "meaning") for part in ("observations", "commands", "start", "success")),
    ("boxes", "contact"),
}
"""(part, key) that a contract of schema 1 does not have."""
FOR_READING = ("changes", "meaning", "meanings", "contact", "gripping_faces", "terminations")
"""Keys anywhere in an interface that are not compared: words, and what the hashes of model and task already tell."""


TYPES: dict[str, tuple[type, str]] = {
    "robot": (str, "text"),
    "task": (str, "text"),
    "name": (str, "text"),
    "kind": (str, "text"),
    "source": (str, "text"),
    "unit": (str, "text"),
    "meaning": (str, "text"),
    "components": (list, "a list"),
    "joints": (list, "a list"),
    "shape": (list, "a list"),
    "params": (Mapping, "a JSON object"),
    "changes": (Mapping, "a JSON object"),
    "contact": (Mapping, "a JSON object"),
    "keyframes": (Mapping, "a JSON object"),
    "gripping_faces": (Mapping, "a JSON object"),
    "meanings": (Mapping, "a JSON object"),
}
"""What the value under a key must be; numbers are under `NUMBERS`."""
NUMBERS = {"size", "step_s", "control_dt_s", "episode_s", "low", "high", "size_m", "mass_kg", *JOINT} - {"name"}


def keys_of(part: str, schema: int) -> tuple[str, ...]:
    """Return the keys of a part's entries, or of the interface, in a schema."""
    keys = INTERFACE if part == "interface" else ENTRIES[part]
    return tuple(key for key in keys if schema > 1 or (part, key) not in SINCE_2)


def check_entries(interface: Mapping[str, Any], where: str, schema: int) -> None:
    """Refuse an interface with a key that means nothing, or an entry that leaves something open.

    Raises:
        UnknownKeyError: Names place and key.
        BadInputError: Names what is missing, or is not what it should be.
    """
    _check(interface, where, keys_of("interface", schema), MAY)
    for part in ENTRIES.keys() & interface.keys():
        for place, entry in _entries(part, interface[part], f"{where}.{part}"):
            if not isinstance(entry, Mapping):
                raise BadInputError(f"{place} must be a JSON object, got {told(entry)}.")
            _check(cast("Mapping[str, Any]", entry), place, keys_of(part, schema))


def _check(entry: Mapping[str, Any], where: str, keys: Sequence[str], may: Sequence[str] = ()) -> None:
    for key in entry:
        if key not in keys and key not in may:
            raise UnknownKeyError(where, key, keys)
    if missing := [key for key in keys if key not in entry]:
        raise BadInputError(f"{where} does not say: {', '.join(missing)}.")
    for key, value in entry.items():
        kind, words = TYPES.get(key, (object, ""))
        if not isinstance(value, kind):
            raise BadInputError(f"{where}.{key} must be {words}, got {told(value)}.")
        if key in NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise BadInputError(f"{where}.{key} must be a number, got {told(value)}.")


def _entries(part: str, value: object, where: str) -> Iterator[tuple[str, object]]:
    """Yield the entries of a part, each with its place.

    Raises:
        BadInputError: The part is no list, or no object where it should be one.
    """
    if part in ONE:
        yield where, value
    elif part == "commands" and isinstance(value, Mapping):
        yield from ((f"{where}.{name}", entry) for name, entry in cast("Mapping[str, object]", value).items())
    elif part != "commands" and isinstance(value, list | tuple):
        yield from ((f"{where}[{index}]", entry) for index, entry in enumerate(cast("list[object]", value)))
    else:
        kind = "a JSON object" if part == "commands" else "a list"
        raise BadInputError(f"{where} must be {kind}, got {told(value)}.")


def compared(value: object) -> object:
    """Return an interface, or a part of it, without what is only for reading."""
    if isinstance(value, Mapping):
        table = cast("Mapping[str, object]", value)
        return {key: compared(item) for key, item in table.items() if key not in FOR_READING}
    return [compared(item) for item in cast("list[object]", value)] if isinstance(value, list | tuple) else value

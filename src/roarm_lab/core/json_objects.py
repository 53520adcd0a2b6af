"""JSON objects that this package wrote earlier, read strictly: what is not as it was written is said, never guessed."""

import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, cast

from roarm_lab.core.errors import BadInputError, UnknownKeyError

SHOWN = 60
"""Letters of a value in an error."""


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        BadInputError: The file can not be read, is not JSON, or holds something else than an object.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} can not be read: {error}.") from error
    return parse_object(text, str(path))


def parse_object(text: str, where: str) -> dict[str, Any]:
    """Return the JSON object in `text`; `where` names its file in errors.

    Raises:
        BadInputError: It is not JSON (NaN and Infinity are not), has a key twice, or is something else than an object.
    """
    try:
        data: object = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_each_key_once)
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{where} can not be read: it is not valid JSON: {error}.") from error
    if not isinstance(data, dict):
        raise BadInputError(f"{where} must hold a JSON object, got {type(data).__name__}.")
    return cast("dict[str, Any]", data)


def check_schema(data: Mapping[str, Any], where: str, *known: int) -> int:
    """Return the schema of a file; refuse one that this version does not read.

    Raises:
        BadInputError: There is none, it is no whole number, or another one.
    """
    schema = data.get("schema")
    if type(schema) is not int or schema not in known:  # true is 1 to Python
        reads = " and ".join(map(str, known))
        raise BadInputError(
            f"{where} has schema {told(schema)}; this version of RoArm Lab reads {reads}. Another version may have "
            "written it."
        )
    return schema


def check_keys(data: Mapping[str, Any], where: str, needed: Collection[str], optional: Collection[str] = ()) -> None:
    """Refuse an object that lacks a key, or has one that nobody reads.

    Raises:
        UnknownKeyError: Names the key, and the closest of those that are known.
        BadInputError: Names what is missing.
    """
    known = [*needed, *optional]
    for key in data:
        if key not in known:
            raise UnknownKeyError(where, key, known)
    if missing := [key for key in needed if key not in data]:
        raise BadInputError(f"{where} is damaged: it lacks {', '.join(map(repr, missing))}.")


def object_or_empty(value: object) -> dict[str, Any]:
    """Return a value that is an object, and an empty one for whatever else there is."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def finite_number(value: object) -> float | None:
    """Return a finite number, or None for whatever else there is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def told(value: object) -> str:
    """Return a value as it stands in the file, cut off where it would fill the screen."""
    text = json.dumps(value, default=repr)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _refuse_constant(name: str) -> object:
    """Refuse what Python reads and JSON does not know."""
    raise ValueError(f"{name} is not a number")


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object of which only the last of two values would count."""
    table = dict(pairs)
    if len(table) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} comes twice")
    return table

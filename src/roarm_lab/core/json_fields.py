"""JSON objects from disk, read with checks: what is not as expected is named with its file and key."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.json_objects import check_keys, read_object


@dataclass(frozen=True)
class Fields:
    """A JSON object and where it stands."""

    data: Mapping[str, Any]
    where: str
    """File, and path inside it, for errors."""

    def only(self, *known: str) -> None:
        """Refuse keys that nobody reads.

        Raises:
            UnknownKeyError: Names the first one.
        """
        check_keys(self.data, self.where, (), known)

    def has(self, key: str) -> bool:
        """Whether there is a value that is not null."""
        return self.data.get(key) is not None

    def number(self, key: str, low: float = -math.inf, high: float = math.inf) -> float:
        """Return a finite number from `low` to `high`."""
        value = self.data.get(key)
        good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not good or not low <= cast("float", value) <= high:
            limits = "" if math.isinf(low) else f" from {low:g}" + ("" if math.isinf(high) else f" to {high:g}")
            raise self.damaged(key, f"a number{limits}")
        return float(cast("float", value))

    def whole(self, key: str, low: int = 0) -> int:
        """Return a whole number of at least `low`."""
        value = self.data.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            raise self.damaged(key, f"a whole number from {low}")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self.data.get(key)
        if not isinstance(value, bool):
            raise self.damaged(key, "true or false")
        return value

    def text(self, key: str) -> str:
        """Return a text."""
        value = self.data.get(key)
        if not isinstance(value, str):
            raise self.damaged(key, "a text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self._list(key)
        if not all(isinstance(item, str) for item in value):
            raise self.damaged(key, "a list of texts")
        return tuple(cast("list[str]", value))

    def interval(self, key: str) -> tuple[float, float]:
        """Return two ascending shares, each from 0 to 1."""
        value = self._list(key)
        pair = Fields(dict(zip(("low", "high"), value, strict=False)), f"{self.where}: {key}")
        low = pair.number("low", 0.0, 1.0)
        return low, pair.number("high", low, 1.0)

    def fields(self, key: str) -> "Fields":
        """Return the object under a key."""
        value = self.data.get(key)
        if not isinstance(value, dict):
            raise self.damaged(key, "an object")
        return Fields(cast("dict[str, Any]", value), f"{self.where}: {key}")

    def rows(self, key: str) -> tuple["Fields", ...]:
        """Return a list of objects."""
        listed = {str(index): item for index, item in enumerate(self._list(key))}
        whole = Fields(listed, f"{self.where}: {key}")
        return tuple(whole.fields(index) for index in listed)

    def damaged(self, key: str, expected: str) -> BadInputError:
        """Return the error for a value that is not what was expected."""
        got = repr(self.data[key])[:80] if key in self.data else "nothing"
        return BadInputError(f"{self.where} is damaged: {key!r} must be {expected}, got {got}.")

    def _list(self, key: str) -> list[Any]:
        value = self.data.get(key)
        if not isinstance(value, list):
            raise self.damaged(key, "a list")
        return cast("list[Any]", value)


def read_fields(path: Path) -> Fields:
    """Return the JSON object in a file.

    Raises:
        BadInputError: The file can not be read, is not JSON, or holds something else than an object.
    """
    return Fields(read_object(path), str(path))

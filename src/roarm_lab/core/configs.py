"""Typed configurations to plain data and back: for files, hashes and the policy contract.

A configuration is a frozen dataclass. `to_plain` writes it with the class names of its parts; `override` changes
fields from a file that a person wrote, and says by its full path what does not fit.
"""

import dataclasses
import math
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml

from roarm_lab.core.errors import BadInputError, UnknownKeyError

T = TypeVar("T")

LARGEST = sys.float_info.max
SHOWN = 60
"""Characters of a value in an error."""


@dataclasses.dataclass(frozen=True)
class Range:
    """A closed range of a number."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse a reversed range and what is not a number."""
        if not -math.inf < self.low <= self.high < math.inf:
            raise BadInputError(f"A range needs finite low <= high, got low = {self.low}, high = {self.high}.")


def to_plain(value: object) -> Any:
    """Return `value` as dicts, lists, strings and numbers that JSON can hold.

    A dataclass gets its class name under `kind`, a function becomes its name, an infinity the text `inf`.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in cast("Mapping[object, object]", value).items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in cast("list[object]", value)]
    if isinstance(value, Path):
        return str(value)
    if callable(value):
        return f"{value.__module__}:{value.__qualname__}"
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)


class _Loader(yaml.SafeLoader):
    """YAML whose numbers may be written as 1e-3: YAML 1.1 takes that for text, for want of a point.

    A key that is there twice is refused: of two tables of limits only the last would count, without a word. So is one
    that is no text: a camera named `on` would be called True.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping, each of whose keys is there once."""
        keys = [key.value for key, _ in node.value]  # before `<<` adds those of another mapping
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(
                problem=f"the key {twice!r} comes twice", problem_mark=node.start_mark
            )
        mapping = super().construct_mapping(node, deep)
        for key, _ in node.value:
            self._refuse_unless_text(key)
        return mapping

    def _refuse_unless_text(self, key: yaml.Node) -> None:
        """Refuse a name that YAML reads as something else: on, yes, no, 1, null, 2026-12-01."""
        value: object = self.construct_object(key, deep=True)
        if not isinstance(value, str):
            raise yaml.constructor.ConstructorError(
                problem=f"the key {key.value} reads as {value!r}, not as a name; write it in quotes: '{key.value}'",
                problem_mark=key.start_mark,
            )


class _Dumper(yaml.SafeDumper):
    """Writes what `_Loader` reads back as it was: a text that looks like 1e-3 is put in quotes."""


for _resolver in (_Loader, _Dumper):
    _resolver.add_implicit_resolver(  # of these classes alone
        "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+\Z"), list("-+.0123456789")
    )


def dump_yaml(plain: Mapping[str, Any], *, flow: bool | None = False) -> str:
    """Return plain data as YAML that `load_yaml` reads back as it was, in its order.

    Args:
        plain: What to write.
        flow: Whether inner lists and mappings stand on one line (None: those that hold nothing else).
    """
    return yaml.dump(dict(plain), Dumper=_Dumper, sort_keys=False, default_flow_style=flow, allow_unicode=True)


def load_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises:
        BadInputError: The file is missing, is not YAML or is not a mapping.
    """
    try:
        data: object = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a safe one)
    except FileNotFoundError:
        raise BadInputError(f"There is no file {path}.") from None
    except OSError as error:
        raise BadInputError(f"{path} can not be read: {error.strerror}.") from error
    # The reader lets errors of Python through for values that only look right: a 13th month, `!!bool 7`.
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        raise BadInputError(f"{path} can not be read as YAML: {error}") from error
    if data is None:
        raise BadInputError(f"{path} is empty; it must hold a mapping (`name: value` lines).")
    if not isinstance(data, dict):
        raise BadInputError(f"{path} must hold a mapping (`name: value` lines), got {type(data).__name__}.")
    return cast("dict[str, Any]", data)


def override(value: T, changes: object, where: str) -> T:
    """Return `value` with the fields named in `changes` replaced, checked against the types they have now.

    Args:
        value: A frozen dataclass, a mapping of them, or a plain value.
        changes: What a person wrote: a mapping of field names, or the new plain value.
        where: How to name this place in an error, for instance `rewards.near`.

    Raises:
        UnknownKeyError: A key is not a field.
        BadInputError: A value has the wrong type or is not a finite number.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = {f.name for f in dataclasses.fields(value)}
        new = {
            key: override(getattr(value, key), item, f"{where}.{key}")
            for key, item in _keys(changes, names, where).items()
        }
        try:
            return cast("T", dataclasses.replace(value, **new))
        except BadInputError as error:
            raise BadInputError(f"{where}: {error}") from None
    if isinstance(value, Mapping):
        table = dict(cast("Mapping[str, Any]", value))
        given = _keys(changes, set(table), where)
        return cast("T", table | {key: override(table[key], item, f"{where}.{key}") for key, item in given.items()})
    return _plain(value, changes, where)


def restored(value: T, plain: object, where: str) -> T:
    """Return what `to_plain` wrote, as a value like `value`: of the same class, with every field and nothing else.

    Its numbers are finite.

    Raises:
        UnknownKeyError: A key is not a field.
        BadInputError: A field is missing, a value has the wrong type, or it is of another class.
    """
    return override(value, _whole(value, plain, where), where)


def _whole(value: object, plain: object, where: str) -> object:
    """Return plain data without the names of classes; refuse what `override` would leave as it was."""
    if not isinstance(plain, Mapping):
        return plain
    given = dict(cast("Mapping[str, object]", plain))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if (kind := given.pop("kind", None)) != type(value).__name__:
            raise BadInputError(f"{where} must be of the kind {type(value).__name__!r}, got {kind!r}.")
        parts: Mapping[str, object] = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    elif isinstance(value, Mapping):
        parts = cast("Mapping[str, object]", value)
    else:
        return plain
    if missing := [name for name in parts if name not in given]:
        raise BadInputError(f"{where} lacks {', '.join(map(repr, missing))}; another version may have written it.")
    return {key: _whole(parts[key], item, f"{where}.{key}") if key in parts else item for key, item in given.items()}


def _keys(changes: object, known: set[str], where: str) -> dict[str, Any]:
    if not isinstance(changes, Mapping):
        raise BadInputError(f"{where} must be a mapping with keys among {sorted(known)}, got {changes!r}.")
    given = {str(key): item for key, item in cast("Mapping[object, object]", changes).items()}
    for key in given:
        if key not in known:
            raise UnknownKeyError(where, key, known)
    return given


def _plain(value: T, new: object, where: str) -> T:
    if isinstance(value, bool) or isinstance(new, bool):
        if type(value) is not type(new):
            raise _of_wrong_type(value, new, where)
        return cast("T", new)
    if isinstance(value, float) and isinstance(new, int | float):
        if not -LARGEST <= new <= LARGEST:
            raise BadInputError(f"{where} must be a finite number, got {_short(new)}.")
        return cast("T", float(new))
    if isinstance(value, tuple) and isinstance(new, list | tuple):
        old, items = cast("tuple[Any, ...]", value), cast("list[Any]", new)
        if len(old) != len(items):
            raise BadInputError(f"{where} must have {len(old)} values, got {len(items)}.")
        return cast(
            "T", tuple(override(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(zip(old, items, strict=True)))
        )
    if type(value) is not type(new):
        raise _of_wrong_type(value, new, where)
    return cast("T", new)


def _of_wrong_type(value: object, new: object, where: str) -> BadInputError:
    """Say what is expected in words that are no Python."""
    words: dict[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    expected = words.get(type(value), type(value).__name__)
    if isinstance(value, tuple):
        expected = f"a list of {len(cast('tuple[Any, ...]', value))} values"
    return BadInputError(f"{where} must be {expected}, got {_short(new)}.")


def _short(value: object) -> str:
    """Return what a person wrote, cut off where it would fill the screen."""
    if isinstance(value, int) and not isinstance(value, bool) and not -LARGEST <= value <= LARGEST:
        return f"a number of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."

"""What `set=` changes in a single training: of the task by a path, of the algorithm by the name of the setting."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from roarm_lab.core.errors import BadInputError, UnknownKeyError
from roarm_lab.envs.changes import PARTS
from roarm_lab.runs.sweep_grid import parse_value

if TYPE_CHECKING:
    from roarm_lab.rl.settings import S

WHERE = "`set=`"


def parse_changes(texts: Sequence[str]) -> dict[str, Any]:
    """Return name -> value of texts like `gamma=0.9` or `rewards.near.weight=0.5`.

    Raises:
        BadInputError: A text does not say a name and a value, or a name comes twice.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not (name and equals and value.strip()):
            raise BadInputError(
                f"{WHERE} takes a name and a value, for instance gamma=0.9 or rewards.near.weight=0.5; got {text!r}."
            )
        if name in found:
            raise BadInputError(f"{WHERE} {name} is given twice.")
        found[name] = parse_value(text, value)
    return found


def of_task(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return those changes that are of the task: paths, and the names of its own numbers."""
    return {name: value for name, value in changes.items() if _is_of_task(name)}


def of_algorithm(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return those changes that are of the algorithm."""
    return {name: value for name, value in changes.items() if not _is_of_task(name)}


def with_settings(settings: "S", changes: Mapping[str, Any], given: Iterable[str], trainer: str) -> "S":
    """Return the settings of the algorithm with what is changed.

    Args:
        settings: As they are.
        changes: Name -> value.
        given: Settings that the request gives by an option of their own.
        trainer: Whose algorithm learns.

    Raises:
        BadInputError: A name or a value can not be used, or a setting is given twice.
    """
    from roarm_lab.rl.settings import ALGORITHMS, with_changes

    anywhere = {field.name for kind in ALGORITHMS.values() for field in fields(kind)}
    for name in changes:
        if name not in anywhere:
            raise UnknownKeyError(WHERE, name, {*PARTS, *(field.name for field in fields(settings))})
    for name in given:
        if name in changes:
            raise BadInputError(f"Give either {WHERE} {name}=... or `{name}=`: both say the same.")
    return with_changes(settings, changes, WHERE, trainer) if changes else settings


def _is_of_task(name: str) -> bool:
    return "." in name or name in PARTS

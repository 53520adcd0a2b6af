"""Terms from a contract: the same classes that a policy was trained with, made from plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from math import inf
from typing import Any, TypeVar, cast

from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError, UnknownKeyError, UnknownNameError
from roarm_lab.mdp.actions import ACTIONS
from roarm_lab.mdp.commands import PositionNearBox, ReachablePosition
from roarm_lab.mdp.events import StartPose
from roarm_lab.mdp.object_events import BoxOnTable
from roarm_lab.mdp.object_observations import BOX_OBSERVATIONS
from roarm_lab.mdp.observations import OBSERVATIONS
from roarm_lab.mdp.success import BoxHeldAtGoal, SiteHeldAtGoal
from roarm_lab.mdp.terms import ActionTerm, CommandTerm, EventTerm, ObservationTerm, SuccessTerm

COMMANDS: dict[str, type[CommandTerm]] = {term.__name__: term for term in (ReachablePosition, PositionNearBox)}
SUCCESSES: dict[str, type[SuccessTerm]] = {term.__name__: term for term in (SiteHeldAtGoal, BoxHeldAtGoal)}
STARTS: dict[str, type[EventTerm]] = {term.__name__: term for term in (StartPose, BoxOnTable)}

T = TypeVar("T")


def observation_terms(entries: Sequence[Mapping[str, Any]]) -> dict[str, ObservationTerm]:
    """Return the observation terms of a contract's list, by name, in order."""
    return {str(entry["name"]): _make("observation", OBSERVATIONS | BOX_OBSERVATIONS, entry) for entry in entries}


def action_terms(entries: Sequence[Mapping[str, Any]]) -> dict[str, ActionTerm]:
    """Return the action terms of a contract's list, by name, in order."""
    return {str(entry["name"]): _make("action", ACTIONS, entry) for entry in entries}


def command_terms(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, CommandTerm]:
    """Return the command terms of a contract, by name."""
    return {name: _make("command", COMMANDS, entry) for name, entry in entries.items()}


def start_terms(entries: Sequence[Mapping[str, Any]]) -> list[EventTerm]:
    """Return the event terms with which an episode begins, from a contract's list, in order."""
    return [_make("start", STARTS, entry) for entry in entries]


def success_term(entry: Mapping[str, Any]) -> SuccessTerm:
    """Return the success term of a contract."""
    return _make("success term", SUCCESSES, entry)


def _make(what: str, table: Mapping[str, type[T]], entry: Mapping[str, Any]) -> T:
    kind = str(entry.get("kind"))
    if kind not in table:
        raise UnknownNameError(what, kind, table)
    params: Mapping[str, Any] = entry.get("params", {})
    try:
        known = {part.name for part in fields(cast("Any", table[kind]))}
        if unknown := [key for key in params if key not in known]:
            raise UnknownKeyError(f"The contract's {what} {kind!r}", unknown[0], known)
        return table[kind](**{key: _value(value) for key, value in params.items()})
    except (KeyError, TypeError) as error:
        raise BadInputError(
            f"The contract's {what} {kind!r} can not be made from its parameters: {error}. Was it written by another "
            "version?"
        ) from error


def _value(plain: object) -> object:
    if isinstance(plain, list):
        return tuple(_value(item) for item in cast("list[object]", plain))
    if isinstance(plain, Mapping):
        table = cast("Mapping[str, Any]", plain)
        return Range(table["low"], table["high"])
    return inf if plain == "inf" else plain

"""What a sweep is made of: settings that are compared, each trained with several seeds."""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from roarm_lab.core.errors import BadInputError

SEPARATORS = {"[": 1, "]": -1}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One of the things that are compared: a trainer, and what is changed for it."""

    trainer: str
    changes: Mapping[str, Any]
    """Settings of the hyper-parameter file by name."""

    @property
    def name(self) -> str:
        """What tables and pictures call it, for instance `sb3 gamma=0.9`."""
        return " ".join([self.trainer, *(f"{name}={_short(value)}" for name, value in self.changes.items())])


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training of a sweep."""

    number: int
    """From 0, in the order in which they begin."""
    setting: int
    """Index into the settings of the sweep."""
    seed: int
    folder: str
    """Name of its run folder."""


def parse_grid(texts: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Return the values of each setting, from texts like `gamma=0.9,0.95` or `hidden=[64,64],[128,128]`.

    Raises:
        BadInputError: A text does not say a name and values, or says something twice.
    """
    grid: dict[str, tuple[Any, ...]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        name = name.strip()
        if not (name and equals and values.strip()):
            raise BadInputError(f"`set=` takes a name and values, for instance gamma=0.9,0.95; got {text!r}.")
        if name in grid:
            raise BadInputError(f"`set=` {name} is given twice; write all its values at once: {name}=A,B.")
        grid[name] = _values(text, values)
    return grid


def settings_of(trainers: Sequence[str], grid: Mapping[str, Sequence[Any]]) -> tuple[Setting, ...]:
    """Return every combination of a trainer and one value of each setting.

    Raises:
        BadInputError: There is none, or a trainer is named twice.
    """
    _refuse_twice("`trainers=`", trainers)
    if not trainers:
        raise BadInputError("`trainers=` must name at least one trainer.")
    return tuple(
        Setting(trainer=trainer, changes=dict(zip(grid, values, strict=True)))
        for trainer in trainers
        for values in itertools.product(*grid.values())
    )


def trials_of(settings: Sequence[Setting], seeds: Sequence[int]) -> tuple[Trial, ...]:
    """Return the trainings: every setting with the first seed, then with the next, so that all have results soon.

    Raises:
        BadInputError: There is no seed, or one is negative or given twice.
    """
    if not seeds:
        raise BadInputError("`seeds=` must name at least one seed, for instance `seeds=(0, 1, 2)`.")
    for seed in seeds:
        if seed < 0:
            raise BadInputError(f"`seeds=` must be 0 or more, got {seed}.")
    _refuse_twice("`seeds=`", seeds)
    pairs = itertools.product(seeds, enumerate(settings))
    return tuple(
        Trial(number=number, setting=index, seed=seed, folder=f"{number:03d}-{setting.trainer}-seed{seed}")
        for number, (seed, (index, setting)) in enumerate(pairs)
    )


def _values(text: str, values: str) -> tuple[Any, ...]:
    found = [parse_value(text, part) for part in _parts(values)]
    if len({repr(value) for value in found}) < len(found):
        raise BadInputError(f"`set=` {text} names a value twice.")
    return tuple(found)


def _parts(values: str) -> list[str]:
    """Return what stands between commas, those inside of brackets not counted."""
    parts, depth = [""], 0
    for letter in values:
        depth += SEPARATORS.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def parse_value(text: str, part: str) -> Any:
    """Return the value in a part of what was given to `set=`.

    Raises:
        BadInputError: It is none; `text` is all that was given.
    """
    try:
        value: Any = yaml.safe_load(part)
    except yaml.YAMLError:
        value = None
    if value is None:
        raise BadInputError(f"`set=` {text}: {part.strip()!r} is not a value.")
    return _number(value) if isinstance(value, str) else value


def as_text(value: object) -> str:
    """Return a value as `parse_value` reads it."""
    return json.dumps(value, allow_nan=False)


def _number(word: str) -> float | str:
    """Return a number that YAML does not take for one, such as 1e-3 or 2e6; else the word."""
    try:
        value = float(word)
    except ValueError:
        return word
    return int(value) if value.is_integer() else value


def _short(value: object) -> str:
    return str(value).replace(" ", "")


def _refuse_twice(flag: str, given: Sequence[object]) -> None:
    for value in given:
        if given.count(value) > 1:
            raise BadInputError(f"{flag} names {value} twice.")

"""A sweep on disk: `sweeps/<time>-<task>/` with everything that was asked for and what came of it.

sweep.json      what was asked for: settings, seeds, and for every trial its words for `roarm train`
inputs/         the YAML files that the trials read: copies of those that were given, one of each setting
runs/<trial>/   an ordinary run folder per trial
logs/<trial>.txt  what a trial printed
results.csv     one row per trial, written anew whenever one ends
summary.md      the table per setting
curves.html     the learning curves
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import new_folder, new_timed_folder, write_atomic
from roarm_lab.core.json_objects import check_keys, check_schema, read_object, told
from roarm_lab.core.shown import shell_words
from roarm_lab.runs.sweep_grid import Setting, Trial

PLAN, SCHEMA = "sweep.json", 1
RECORD = ("command", "provenance")
"""Keys that are there for the record alone."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was asked for."""

    task: str
    settings: tuple[Setting, ...]
    trials: tuple[Trial, ...]
    words: tuple[tuple[str, ...], ...]
    """Per trial the words of `roarm train`; files are named relative to the folder of the sweep."""
    total_timesteps: tuple[int, ...]
    """Environment steps per trial."""


@dataclass(frozen=True)
class SweepFolder:
    """The paths of one sweep."""

    path: Path

    @classmethod
    def create(cls, root: Path, name: str | None, task: str) -> "SweepFolder":
        """Return a new folder: `<root>/<name>`, or `<root>/<time>-<task>`.

        Raises:
            BadInputError: It is there already, or can not be made.
        """
        if name is None:
            return cls(new_timed_folder(root, task))
        again = shell_words(["roarm", "sweep", "--resume", root / name])
        return cls(new_folder(root / name, hint=f"go on with it: {again}"))

    @classmethod
    def open(cls, path: Path) -> "SweepFolder":
        """Return an existing sweep.

        Raises:
            BadInputError: It is not the folder of a sweep.
        """
        if not (path / PLAN).is_file():
            raise BadInputError(f"{path} is not a sweep: it has no {PLAN}. `roarm sweep` makes them under sweeps/.")
        return cls(path)

    @property
    def inputs(self) -> Path:
        """The YAML files that trials read."""
        return self.path / "inputs"

    def run(self, trial: Trial) -> Path:
        """Return the run folder of a trial."""
        return self.path / "runs" / trial.folder

    def log(self, trial: Trial) -> Path:
        """Return the file of what a trial prints."""
        return self.path / "logs" / f"{trial.folder}.txt"

    def write_text(self, name: str, text: str) -> Path:
        """Write a file of the sweep and return its path."""
        return write_atomic(self.path / name, text, overwrite=True)

    def write_plan(self, plan: Plan, more: Mapping[str, Any]) -> None:
        """Write what was asked for, and `more` for the record."""
        data = {"schema": SCHEMA, "kind": "sweep", **asdict(plan), **more}
        self.write_text(PLAN, json.dumps(data, indent=1, allow_nan=False) + "\n")

    def plan(self) -> Plan:
        """Return what was asked for.

        Raises:
            BadInputError: The file is damaged.
        """
        path = self.path / PLAN
        data = read_object(path)
        check_schema(data, str(path), SCHEMA)
        check_keys(data, str(path), ("schema", "kind", *_names(Plan)), RECORD)
        try:
            return _plan(data, str(path))
        except (ValueError, KeyError, TypeError) as error:
            raise BadInputError(f"{path} is damaged: {error!r}.") from error


def _names(kind: type[Plan | Setting | Trial]) -> tuple[str, ...]:
    return tuple(part.name for part in fields(kind))


def _plan(data: Mapping[str, Any], where: str) -> Plan:
    for part, kind in (("settings", Setting), ("trials", Trial)):
        for index, item in enumerate(_list(data[part])):
            place = f"{where}: {part}[{index}]"
            if not isinstance(item, Mapping):
                raise BadInputError(f"{place} must be an object, got {told(item)}.")
            check_keys(cast("Mapping[str, Any]", item), place, _names(kind))
    settings = tuple(Setting(**item) for item in _list(data["settings"]))
    trials = tuple(Trial(**item) for item in _list(data["trials"]))
    words = tuple(tuple(map(str, item)) for item in _list(data["words"]))
    steps = tuple(int(item) for item in _list(data["total_timesteps"]))
    if not (trials and len(trials) == len(words) == len(steps)):
        raise ValueError("trials, words and total_timesteps must have the same length, 1 or more")
    if not all(0 <= trial.setting < len(settings) for trial in trials):
        raise ValueError("a trial has a setting that is not listed")
    return Plan(task=str(data["task"]), settings=settings, trials=trials, words=words, total_timesteps=steps)


def _list(value: object) -> Sequence[Any]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {type(value).__name__}")
    return cast("list[Any]", value)

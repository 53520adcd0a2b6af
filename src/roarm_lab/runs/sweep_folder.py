"""A sweep on disk: `sweeps/<time>-<task>/` with everything that was asked for and what came of it.

sweep.json      what was asked for: settings, seeds, and for every trial what it trains
inputs/         the YAML files that the trials read: copies of those that were given, one of each setting
runs/<trial>/   an ordinary run folder per trial
logs/<trial>.txt  what a trial printed
results.csv     one row per trial, written anew whenever one ends
summary.md      the table per setting
curves.html     the learning curves
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import starmap
from pathlib import Path
from typing import Any, cast

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import new_folder, new_timed_folder, write_atomic
from roarm_lab.core.json_objects import check_keys, check_schema, read_object, told
from roarm_lab.runs.sweep_grid import Setting, Trial

PLAN, SCHEMA = "sweep.json", 2
NUMBER, TEXTS = re.compile(r"-?\d+"), ("wandb", "device")
RECORD = ("command", "provenance")
"""Keys that are there for the record alone."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was asked for."""

    task: str
    settings: tuple[Setting, ...]
    trials: tuple[Trial, ...]
    requests: tuple[Mapping[str, Any], ...]
    """Per trial the fields of its training that are not the usual ones, as plain data; files are named relative to the
    folder of the sweep."""
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
        return cls(new_folder(root / name, hint=f"go on with it: `sweep(resume={str(root / name)!r})`"))

    @classmethod
    def open(cls, path: Path) -> "SweepFolder":
        """Return an existing sweep.

        Raises:
            BadInputError: It is not the folder of a sweep.
        """
        if not (path / PLAN).is_file():
            raise BadInputError(f"{path} is not a sweep: it has no {PLAN}.")
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
        if check_schema(data, str(path), 1, SCHEMA) == 1:
            data = _renewed(data, str(path))
        check_keys(data, str(path), ("schema", "kind", *_names(Plan)), RECORD)
        try:
            return _plan(data, str(path))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInputError(f"{path} is damaged: {error!r}.") from error


def _names(kind: type[Plan | Setting | Trial]) -> tuple[str, ...]:
    return tuple(part.name for part in fields(kind))


def _renewed(data: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a plan of schema 1 as one of today: there a trial was the words of a command, its task first."""
    try:
        words = [[str(word) for word in trial] for trial in _list(data["words"])]
        requests = [
            {"task": task} | dict(starmap(_option, zip(rest[::2], rest[1::2], strict=True))) for task, *rest in words
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{where} is damaged: {error!r}.") from error
    return {**{name: value for name, value in data.items() if name != "words"}, "requests": requests}


def _option(flag: str, value: str) -> tuple[str, str | int]:
    """Return the field and the value that two words of a command say."""
    name = flag.removeprefix("--").replace("-", "_")
    return name, value if name in TEXTS or not NUMBER.fullmatch(value) else int(value)


def _plan(data: Mapping[str, Any], where: str) -> Plan:
    for part, kind in (("settings", Setting), ("trials", Trial)):
        for index, item in enumerate(_list(data[part])):
            place = f"{where}: {part}[{index}]"
            if not isinstance(item, Mapping):
                raise BadInputError(f"{place} must be an object, got {told(item)}.")
            check_keys(cast("Mapping[str, Any]", item), place, _names(kind))
    settings = tuple(Setting(**item) for item in _list(data["settings"]))
    trials = tuple(Trial(**item) for item in _list(data["trials"]))
    requests = tuple({str(name): value for name, value in item.items()} for item in _list(data["requests"]))
    steps = tuple(int(item) for item in _list(data["total_timesteps"]))
    if not (trials and len(trials) == len(requests) == len(steps)):
        raise ValueError("trials, requests and total_timesteps must have the same length, 1 or more")
    if not all(0 <= trial.setting < len(settings) for trial in trials):
        raise ValueError("a trial has a setting that is not listed")
    return Plan(task=str(data["task"]), settings=settings, trials=trials, requests=requests, total_timesteps=steps)


def _list(value: object) -> Sequence[Any]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {type(value).__name__}")
    return cast("list[Any]", value)

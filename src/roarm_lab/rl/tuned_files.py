"""The tuned settings on disk: which file counts for a task, an algorithm, a trainer and a device.

`tuned/<task>.<algorithm>.<trainer>.<device>.yaml` holds what was tuned, `<task>-randomized` for worlds that differ from
each other. There are files only for what somebody has tuned; anything else takes the nearest one. First the device is
given up (cuda takes what cpu has), then the trainer (it takes what sb3 has, and what `tuned/<algorithm>.<trainer>.yaml`
changes on every task, because it measures in its own way), then that worlds differ. A task of a user's own has no file:
it takes the defaults of the class, and what `tuned/<algorithm>.<trainer>.yaml` changes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from roarm_lab.core.configs import load_yaml, override
from roarm_lab.core.errors import UnknownNameError

TUNED = Path(__file__).with_name("tuned")
RANDOMIZED = "-randomized"
FIRST_TRAINER, FIRST_DEVICE = "sb3", "cpu"

T = TypeVar("T")


def tuned_settings(
    start: T, task: str | None, algorithm: str, *, randomized: bool = False, trainer: str = "sb3", device: str = "cpu"
) -> T:
    """Return `start` with what the tuned files change.

    Raises:
        UnknownNameError: Nobody has tuned that task.
    """
    settings = start
    for path in tuned_files(task, algorithm, randomized=randomized, trainer=trainer, device=device):
        settings = override(settings, load_yaml(path), str(path))
    return settings


def tuned_files(
    task: str | None, algorithm: str, *, randomized: bool = False, trainer: str = "sb3", device: str = "cpu"
) -> tuple[Path, ...]:
    """Return the files that count, in this order: the later one changes the earlier one.

    Raises:
        UnknownNameError: Nobody has tuned that task.
    """
    if task is None:
        return _of_every_task(algorithm, trainer)
    known = tuned_tasks(algorithm)
    if task not in known:
        raise UnknownNameError("tuned task" if algorithm == "ppo" else f"task tuned for {algorithm}", task, known)
    names = (task + RANDOMIZED, task) if randomized else (task,)
    for name in names:
        for files in _by_nearness(name, algorithm, trainer, device):
            if files[0].exists():
                return tuple(path for path in files if path.exists())
    raise UnknownNameError("tuned task", task, known)  # not for a task that is known: see tuned_tasks


def tuned_tasks(algorithm: str) -> set[str]:
    """Return the tasks that everybody can train: those with a file for the first trainer on the first device."""
    ending = f".{algorithm}.{FIRST_TRAINER}.{FIRST_DEVICE}.yaml"
    names = {path.name.removesuffix(ending) for path in TUNED.glob(f"*{ending}")}
    return {name for name in names if not name.endswith(RANDOMIZED)}


def _by_nearness(name: str, algorithm: str, trainer: str, device: str) -> Iterator[tuple[Path, ...]]:
    """Yield what may count for a task, the nearest first."""
    for whose in dict.fromkeys((trainer, FIRST_TRAINER)):
        changes = () if whose == trainer else _of_every_task(algorithm, trainer)
        for where in dict.fromkeys((device, FIRST_DEVICE)):
            yield TUNED / f"{name}.{algorithm}.{whose}.{where}.yaml", *changes


def _of_every_task(algorithm: str, trainer: str) -> tuple[Path, ...]:
    """Return what a trainer changes on every task, because it measures in its own way."""
    path = TUNED / f"{algorithm}.{trainer}.yaml"
    return (path,) if path.exists() else ()

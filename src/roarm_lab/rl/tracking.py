"""Whether what a training logs also goes to a server, and to which; the run folder remembers."""

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Protocol

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.json_objects import check_keys, read_object
from roarm_lab.evaluation.evaluate import Evaluation
from roarm_lab.rl.train_job import TrainJob
from roarm_lab.runs.run_folder import TRACKED, RunFolder

NAME = r"[^/\\#?%:\s][^/\\#?%:]*"
"""Letters that Weights & Biases takes in the name of a project."""
LONGEST = 128


class RemoteLog(Protocol):
    """Is told what a training logs."""

    def row(self, row: Mapping[str, float]) -> None:
        """Send a row of the curve."""
        ...

    def result(self, evaluation: Evaluation) -> None:
        """Send what came out."""
        ...


Open = Callable[[RunFolder, TrainJob], AbstractContextManager[RemoteLog]]


def remote_log(project: str | None, run: RunFolder | None) -> Open:
    """Return what opens the log of a training, for as long as it trains.

    Args:
        project: Of Weights & Biases, for a new run; None: nowhere.
        run: A run to go on with, which may have a project already.

    Raises:
        BadInputError: The project is none, or what the run keeps of it is damaged.
        ImportError: The library is not installed.
    """
    kept = _kept(run) if run is not None else None
    if project is None and kept is None:
        return _nowhere
    if project is not None:
        _check(project)
    return import_module("roarm_lab.rl.wandb_tracking").opened(project, kept)


class _Nowhere:
    def row(self, row: Mapping[str, float]) -> None:
        del row

    def result(self, evaluation: Evaluation) -> None:
        del evaluation


@contextmanager
def _nowhere(run: RunFolder, job: TrainJob) -> Generator[RemoteLog]:
    del run, job
    yield _Nowhere()


def _check(project: str) -> None:
    team, slash, name = project.rpartition("/")
    if not re.fullmatch(NAME, name) or len(name) > LONGEST or (slash and not re.fullmatch(NAME, team)):
        raise BadInputError(
            f"`wandb=` takes PROJECT or TEAM/PROJECT, each without / \\ # ? % : and at most {LONGEST} letters; "
            f"got {project!r}."
        )


def _kept(run: RunFolder) -> dict[str, str] | None:
    """Return project and id that a run has at Weights & Biases; None if it has none."""
    path = run.path / TRACKED
    if not path.exists():
        return None
    try:
        data = read_object(path)
        check_keys(data, str(path), ("project", "id"))
        if not all(isinstance(value, str) for value in data.values()):
            raise BadInputError(f"{path} is damaged: project and id must be texts.")
    except BadInputError as error:
        raise BadInputError(f"{error} Without it, the run goes on without W&B.") from error
    return data

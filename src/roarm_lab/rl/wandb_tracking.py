"""Weights & Biases: the same numbers as in TensorBoard and `curve.csv`.

`WANDB_MODE=offline` keeps them in the run folder, below `wandb/`, until `wandb sync` sends them.
"""

import secrets
import shutil
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict
from math import isfinite
from typing import Any

import wandb
import wandb.errors

from roarm_lab import __version__
from roarm_lab.core.errors import MissingError
from roarm_lab.evaluation.evaluate import Evaluation
from roarm_lab.rl.tensorboard_log import heard
from roarm_lab.rl.train_job import TrainJob
from roarm_lab.runs.run_folder import TRACKED, RunFolder

STEPS = "steps"
"""The horizontal axis. Not W&B's own count of steps: that one can not go back to a checkpoint."""
QUIET: dict[str, Any] = {
    "console": "off",
    "disable_git": True,
    "disable_code": True,
    "disable_job_creation": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
}
"""What W&B would send besides: what the program prints, its code, which packages there are, how busy the machine is."""


def opened(
    project: str | None, kept: Mapping[str, str] | None
) -> Callable[[RunFolder, TrainJob], AbstractContextManager["WandbLog"]]:
    """Return what opens the log of a run: a new one in `project`, or the one that the run folder has kept."""
    where = {"project": str(project), "id": secrets.token_hex(8)} if kept is None else dict(kept)

    @contextmanager
    def log(run: RunFolder, job: TrainJob) -> Generator[WandbLog]:
        remote = _begun(run, job, where)
        told, code = WandbLog(remote, after_steps=_sent(run)), 1
        try:
            with heard(run.path / "tensorboard", told.scalars):
                yield told
            code = 0
        finally:
            remote.finish(exit_code=code)

    return log


class WandbLog:
    """Tells W&B. When it can not be told any more, training goes on without it, which is said once."""

    def __init__(self, run: Any, after_steps: int = 0) -> None:
        """Send to a run of W&B what comes after `after_steps`: what was sent before a crash can not be taken back."""
        self._run, self._after_steps = run, after_steps

    def row(self, row: Mapping[str, float]) -> None:
        """Send a row of the curve, as `curve/<column>`."""
        self.scalars({f"curve/{name}": value for name, value in row.items()}, int(row[STEPS]))

    def scalars(self, values: Mapping[str, float], steps: int) -> None:
        """Send what is known of the values."""
        if steps <= self._after_steps:
            return
        known = {name: value for name, value in values.items() if isfinite(value)}
        self._tell(lambda run: run.log({**known, STEPS: steps}))

    def result(self, evaluation: Evaluation) -> None:
        """Send the rate and its interval as the summary of the run."""
        low, high = evaluation.interval
        found = {
            "evaluation/success_rate": evaluation.success_rate,
            "evaluation/success_low": low,
            "evaluation/success_high": high,
            "evaluation/episodes": evaluation.episodes,
        }
        self._tell(lambda run: run.summary.update(found))

    def _tell(self, tell: Callable[[Any], object]) -> None:
        if self._run is None:
            return
        try:
            tell(self._run)
        except (wandb.errors.Error, OSError) as error:
            self._run = None
            sys.stderr.write(f"Weights & Biases is not told any more: {error}\n")


def _sent(run: RunFolder) -> int:
    """Return up to which steps an earlier process has told W&B; the curve is cut only later."""
    return int(max(run.read_curve().get(STEPS, []), default=0))


def _begun(run: RunFolder, job: TrainJob, where: Mapping[str, str]) -> Any:
    """Return the run of W&B, after keeping its id.

    Raises:
        MissingError: W&B does not take it: nobody is logged in, or there is no network.
    """
    team, _, project = where["project"].rpartition("/")
    try:
        remote = wandb.init(
            project=project,
            entity=team or None,
            id=where["id"],
            name=run.path.resolve().name,
            dir=run.path,
            resume="allow",
            config={
                "task": job.env.task,
                "trainer": job.trainer,
                "seed": job.seed,
                "roarm_lab": __version__,
                **asdict(job.settings),
            },
            allow_val_change=True,  # a resumed run may train longer
            settings=wandb.Settings(**QUIET),
        )
    except wandb.errors.Error as error:
        _take_back(run)
        raise MissingError(
            f"`wandb={where['project']!r}`: {error} Type `wandb login`, or set WANDB_MODE=offline and send it later."
        ) from error
    run.write_json(TRACKED, dict(where))
    remote.define_metric(STEPS)
    remote.define_metric("*", step_metric=STEPS)
    return remote


def _take_back(run: RunFolder) -> None:
    """Delete what W&B has made in a run folder that has nothing else yet."""
    if not (run.path / "meta.json").exists():
        shutil.rmtree(run.path / "wandb", ignore_errors=True)
        with suppress(OSError):  # there is something else
            run.path.rmdir()

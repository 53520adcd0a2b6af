"""One training of a sweep, in the process that Ray starts for it, perhaps on another computer."""

import os
import shlex
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from roarm_lab.core.errors import BadInputError, RoarmLabError
from roarm_lab.core.folder_lock import locked
from roarm_lab.core.rendering import choose_renderer
from roarm_lab.workflows.learning.multi_gpu import threads_wait_passively
from roarm_lab.workflows.learning.train_request import TrainRequest


@dataclass(frozen=True, kw_only=True)
class TrialOrder:
    """What a process is asked to train. Paths are absolute: it may have another working folder."""

    request: TrainRequest
    command: tuple[str, ...]
    """For the record: what trains the same."""
    run: Path
    """Its run folder, which may be there already."""
    log: Path


def run_trial(order: TrialOrder) -> str | None:
    """Train what is ordered; return why it failed, None when it did not.

    Raises:
        KeyboardInterrupt: It was told to stop; saved.
    """
    if not order.log.parent.is_dir():
        return f"this computer does not see {order.log.parent}: those of a cluster must share the folder of the sweep"
    with _printing_to(order.log):
        sys.stderr.write(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S %z} {shlex.join(order.command)}\n")
        threads_wait_passively()
        choose_renderer()
        try:
            _train(order)
        except (RoarmLabError, ImportError, OSError) as error:
            sys.stderr.write(f"{error}\n")
            return " ".join(str(error).split()) or type(error).__name__
    return None


def _train(order: TrialOrder) -> None:
    """Train anew, or go on from a checkpoint."""
    from roarm_lab.core.files import new_folder
    from roarm_lab.rl.tracking import remote_log
    from roarm_lab.rl.train import train
    from roarm_lab.runs.run_folder import RunFolder
    from roarm_lab.workflows.learning.train_job import new_job, resumed_job

    run, request = RunFolder(order.run), order.request
    resume = bool(run.checkpoints())
    remote = remote_log(request.wandb, run)
    if resume:
        again = TrainRequest(resume=run.path, threads=request.threads)
        job, _ = resumed_job(again, order.command)
    else:
        _clear(run.path)
        job = new_job(request, order.command)
        new_folder(run.path)
    with locked(run.path, "is being trained"), remote(run, job) as told:
        told.result(train(job, run, resume=resume, note=told.row).evaluation)


def _clear(run: Path) -> None:
    """Delete what a process left that ended before its first checkpoint."""
    try:
        shutil.rmtree(run)
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInputError(f"{run} can not be deleted to begin anew: {error.strerror}.") from error


@contextmanager
def _printing_to(path: Path) -> Generator[None]:
    """Let this process print to the end of a file, what libraries print beside Python too."""
    with path.open("a", encoding="utf-8") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    before = sys.stdout, sys.stderr
    with os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as own:
        sys.stdout = sys.stderr = own
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before

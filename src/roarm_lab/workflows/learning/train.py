"""Train a policy: from a request to a run folder with a bundle, told to a front end on the way."""

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from roarm_lab.core.errors import BadInputError, DiskError
from roarm_lab.core.folder_lock import locked
from roarm_lab.core.shown import shown
from roarm_lab.evaluation.evaluate import Evaluation
from roarm_lab.rl.process_group import ALONE, ProcessGroup
from roarm_lab.workflows.bundle_check import check_task
from roarm_lab.workflows.frontend import (
    UNATTENDED,
    CancelledError,
    Frontend,
    Notice,
    Progress,
    Written,
    end_if_cancelled,
)
from roarm_lab.workflows.learning.multi_gpu import join_group, threads_wait_passively
from roarm_lab.workflows.learning.train_job import prepare_job
from roarm_lab.workflows.learning.train_request import TrainRequest

if TYPE_CHECKING:
    from roarm_lab.rl.train import Trained
    from roarm_lab.rl.train_job import TrainJob
    from roarm_lab.rl.training_log import Progress as TrainingProgress
    from roarm_lab.runs.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """What came out of a training."""

    run: Path
    """The run folder: settings, curve, checkpoints, TensorBoard's files, the bundle."""
    bundle: Path
    """The policy and its contract: what `evaluate`, `run_policy` and `load_policy` take."""
    evaluation: Evaluation
    """How often the policy succeeds, on episodes that it was not trained on."""
    domain_randomization: Path | None = None
    """By what the worlds differed; None where they did not."""
    rollouts: Path | None = None
    """Recorded episodes, where any were asked for."""


def resume_call(run: Path, gpus: int) -> str:
    """Return the call that goes on with a run."""
    return f"`train(resume={str(run)!r}{f', gpus={gpus}' * (gpus > 1)})`"


def train(
    request: TrainRequest,
    frontend: Frontend = UNATTENDED,
    *,
    command: tuple[str, ...] = (),
    group: ProcessGroup = ALONE,
    hint: Callable[[Path, int], str] = resume_call,
) -> TrainResult:
    """Train, export, evaluate; return where everything is and how good the policy is.

    When the front end cancels, or Ctrl-C comes, everything that was learned is saved and a notice says how to go on.

    Args:
        request: What to train.
        frontend: Hears how far it is; may cancel from another thread.
        command: What was typed, for the record.
        group: The processes that learn together, of which this is the first.
        hint: Makes what goes on with a run, in so many processes, when training was interrupted.

    Raises:
        BadInputError: The request makes no sense, or another process trains this run; nothing has been written then.
        BrokenLearningError: The policy's numbers became infinite or NaN.
        CancelledError: The front end cancelled; saved.
        DiskError: The run can not be written any more. The text says what was saved, and how to go on.
        ImportError: The trainer's library is not installed; nothing has been written then.
        KeyboardInterrupt: Ctrl-C; saved.
        MissingError: PyTorch is not installed, or has no CUDA where it was asked for; nothing has been written either.
    """
    request.validate()
    if request.gpus > 1 and not group.several:
        raise BadInputError(
            f"`gpus={request.gpus}` takes as many processes; from Python there is one. The command line starts them, "
            "and so does torchrun."
        )
    threads_wait_passively()
    from roarm_lab.rl.tracking import remote_log
    from roarm_lab.runs.run_folder import RunFolder

    job, run = prepare_job(request, command, group.size)
    tracked = remote_log(request.wandb, run)
    join_group(job, group)
    new = run is None
    if run is None:
        run = RunFolder.create(request.runs, job.env.name, job.seed)
    frontend.tell(Written(what="run folder", path=run.path))
    try:
        with _held(run, group), tracked(run, job) as log:
            trained = _learn(request, frontend, job, run, log.row)
            log.result(trained.evaluation)
    except KeyboardInterrupt as stop:
        how = _how_to_go_on(run, hint(run.path, group.size))
        frontend.tell(Notice(code="stopped", text=how))
        if frontend.cancelled():
            raise CancelledError(how) from stop
        raise
    except DiskError as error:
        raise DiskError(f"{error} Training has {_how_to_go_on(run, hint(run.path, group.size))}") from error
    except BadInputError:
        if new and not run.curve.exists():
            shutil.rmtree(run.path, ignore_errors=True)  # refused before anything was learned
        raise
    return TrainResult(
        run=run.path,
        bundle=trained.bundle.path,
        evaluation=trained.evaluation,
        domain_randomization=None if trained.randomization is None else run.path / "domain_randomization.yaml",
        rollouts=_record(request, trained) if request.record_rollouts else None,
    )


def trained_before(path: Path) -> TrainResult:
    """Return what came out of a finished run.

    Raises:
        BadInputError: It is no run, or has not finished.
    """
    from roarm_lab.runs.run_folder import RANDOMIZATION
    from roarm_lab.runs.run_reader import read_run

    run = read_run(path)
    if run.evaluation is None:
        raise BadInputError(f"{path} has not finished its training: `train(resume={str(path)!r})` goes on with it.")
    differ = bool(run.meta.data.get("randomization"))
    return TrainResult(
        run=path,
        bundle=path / "bundle",
        evaluation=run.evaluation,
        domain_randomization=path / RANDOMIZATION if differ else None,
    )


def _learn(
    request: TrainRequest,
    frontend: Frontend,
    job: "TrainJob",
    run: "RunFolder",
    note: Callable[[dict[str, float]], None],
) -> "Trained":
    """Train with the front end as audience."""
    from roarm_lab.evaluation.rollout_recorder import LearningRecorder
    from roarm_lab.rl.train import train as learn

    def report(state: "TrainingProgress") -> None:
        success = "-" if state.success is None else f"{state.success:.0%}"
        metrics = {"steps_per_s": state.steps_per_s} | ({} if state.success is None else {"success": state.success})
        text = f"{state.steps_per_s:,.0f} steps/s, success so far {success}"
        frontend.tell(
            Progress(stage="training", done=state.steps, total=job.settings.total_timesteps, text=text, metrics=metrics)
        )
        end_if_cancelled(frontend)

    def evaluating(done: int) -> None:
        frontend.tell(Progress(stage="evaluating", done=done, total=job.evaluation_episodes))
        end_if_cancelled(frontend)

    def say(text: str) -> None:
        frontend.tell(Notice(code="training", text=text, level="warning"))

    on_cpu = replace(job.env, sim=replace(job.env.sim, backend="mujoco_cpu"))
    return learn(
        job,
        run,
        resume=request.resume is not None,
        report=report,
        evaluating=evaluating,
        watch=LearningRecorder(on_cpu, run.path / "rollouts", say) if request.record_callback_rollouts else None,
        note=note,
        say=say,
    )


def _record(request: TrainRequest, trained: "Trained") -> Path:
    """Record episodes of the finished policy; return their folder."""
    from roarm_lab.evaluation.rollout_recorder import record

    config, _ = check_task(
        trained.bundle, allow_drift=True, threads=request.threads, randomization=trained.randomization
    )
    return record(trained.bundle, config, request.record_rollouts, trained.run.path / "rollouts")


@contextmanager
def _held(run: "RunFolder", group: ProcessGroup) -> Generator[None]:
    """Keep other trainings from the run, and save when this one is told to end; a group sees to the latter itself."""
    from roarm_lab.rl.train import terminate_is_interrupt

    with locked(run.path, "is being trained"), nullcontext() if group.several else terminate_is_interrupt():
        yield


def _how_to_go_on(run: "RunFolder", how: str) -> str:
    """Return what was saved when training was interrupted, and what goes on from there."""
    saved = run.checkpoints()
    if not saved:
        return f"stopped before anything was saved; {shown(run.path)} can be deleted."
    return f"stopped; saved at {int(saved[-1].name):,} steps. Go on with: {how}"

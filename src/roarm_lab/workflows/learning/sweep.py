"""Many trainings over seeds and settings: given to Ray, each result written at once, a table at the end."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.folder_lock import locked
from roarm_lab.core.provenance import provenance, usable_cores
from roarm_lab.runs.sweep_folder import SweepFolder
from roarm_lab.runs.sweep_grid import Trial
from roarm_lab.runs.sweep_results import Row, in_words, score_of
from roarm_lab.workflows.frontend import (
    UNATTENDED,
    CancelledError,
    Frontend,
    Notice,
    Progress,
    Written,
    end_if_cancelled,
)
from roarm_lab.workflows.learning.multi_gpu import threads_wait_passively
from roarm_lab.workflows.learning.sweep_plan import begin_sweep, plain_of, plan_sweep, request_of
from roarm_lab.workflows.learning.sweep_request import SweepRequest, check_room_on_gpus
from roarm_lab.workflows.learning.sweep_status import Scoreboard, counted, resume_call
from roarm_lab.workflows.learning.sweep_trial import TrialOrder, run_trial
from roarm_lab.workflows.learning.train_request import TrainRequest

if TYPE_CHECKING:
    from roarm_lab.workflows.ray_pool import RayPool

Record = Callable[[TrainRequest], tuple[str, ...]]
"""Returns, for the record of a run, what trains the same."""


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """What came out of a sweep."""

    folder: Path
    """Where everything is: the runs, what they printed, the files below."""
    rows: tuple[Row, ...]
    """One per training."""
    summary: Path
    """A table per setting, in Markdown."""
    results: Path
    """A table per training, as CSV."""
    curves: Path
    """The learning curves, as a page."""

    @property
    def failed(self) -> int:
        """How many trainings failed."""
        return sum(row.state == "failed" for row in self.rows)


def call_of(request: TrainRequest) -> tuple[str, ...]:
    """Return the Python that trains the same."""
    arguments = ", ".join(f"{name}={value!r}" for name, value in plain_of(request).items())
    return (f"train(TrainRequest({arguments}))",)


def sweep(
    request: SweepRequest,
    frontend: Frontend = UNATTENDED,
    *,
    command: tuple[str, ...] = (),
    record: Record = call_of,
) -> SweepResult:
    """Train every combination of settings and seeds; return what came out. A training that fails does not end it.

    Args:
        request: What to train.
        frontend: Hears how far it is and how each training ended; when it cancels, all that is done is kept.
        command: What was typed, for the record.
        record: Says for each training, for its record, what trains the same.

    Raises:
        BadInputError: Something asked for can not be; nothing has been written then.
        CancelledError: The front end cancelled; how to go on has been told.
        ImportError: Ray or a trainer's library is not installed; nothing has been written then.
        KeyboardInterrupt: Ctrl-C; likewise.
    """
    request.validate()
    threads_wait_passively()
    from roarm_lab.workflows.ray_pool import check_address, joined, started

    if request.ray is not None:
        check_address(request.ray)
    _check_local(request)
    begun, new = _begun(request), None if request.resume else plan_sweep(request)
    if begun is not None:
        if not begun.unfinished():
            return _result(begun)
        first = request_of(begun.plan.requests[0], begun.folder.path)
        check_room_on_gpus(first.backend, first.device, request.gpus_per_trial)
    with ExitStack() as stack:
        pool = stack.enter_context(started() if request.ray is None else joined(request.ray))
        cpus = _cpus(request, pool)
        if new is not None:
            folder = begin_sweep(request, new, {"command": list(command), "provenance": provenance()})
            begun = Scoreboard(folder, new.plan)
        assert begun is not None
        stack.enter_context(locked(begun.folder.path, "is being worked on"))
        frontend.tell(Written(what="sweep", path=begun.folder.path))
        begun.write()
        _train(begun, pool, (cpus, request.gpus_per_trial), frontend, record)
    return _result(begun)


def _begun(request: SweepRequest) -> Scoreboard | None:
    """Return the sweep to go on with; None for a new one."""
    if request.resume is None:
        return None
    folder = SweepFolder.open(request.resume)
    return Scoreboard(folder, folder.plan())


def _result(board: Scoreboard) -> SweepResult:
    """Write the tables and the page, and return everything."""
    board.write()
    path = board.folder.path
    return SweepResult(
        folder=path,
        rows=tuple(board.rows),
        summary=path / "summary.md",
        results=path / "results.csv",
        curves=path / "curves.html",
    )


def _train(board: Scoreboard, pool: "RayPool", share: tuple[int, float], frontend: Frontend, record: Record) -> None:
    """Train what is not done yet, each with its share of cores and GPUs."""
    from roarm_lab.rl.train import terminate_is_interrupt

    cpus, gpus = share
    trials = board.unfinished()
    total = sum(board.plan.total_timesteps)

    def ended(index: int, failure: str | None) -> None:
        row = board.end(trials[index], failure)
        text = _ended_in_words(row, board.folder.log(trials[index]), len(board.rows))
        frontend.tell(Notice(code="trial-ended", text=text, level="warning" if row.state == "failed" else "info"))

    def look() -> None:
        done = board.look()
        frontend.tell(Progress(stage="sweeping", done=done, total=total, text=counted(board.rows)))
        end_if_cancelled(frontend)

    try:
        with terminate_is_interrupt():  # Ray's own way of a polite kill would not let trainings save
            orders = [_order(board, trial, cpus, record) for trial in trials]
            pool.run(run_trial, orders, cpus=cpus, gpus=gpus, ended=ended, beat=look)
    except KeyboardInterrupt as stop:
        board.stop()
        text = f"stopped; {counted(board.rows)}. Go on with: {resume_call(board.folder)}"
        frontend.tell(Notice(code="stopped", text=text))
        if frontend.cancelled():
            raise CancelledError(text) from stop
        raise


def _order(board: Scoreboard, trial: Trial, cpus: int, record: Record) -> TrialOrder:
    plain: Any = board.plan.requests[trial.number]
    return TrialOrder(
        request=replace(request_of(plain, board.folder.path.resolve()), threads=cpus),
        command=record(replace(request_of(plain, board.folder.path), threads=cpus)),
        run=board.folder.run(trial).resolve(),
        log=board.folder.log(trial).resolve(),
    )


def _check_local(request: SweepRequest) -> None:
    cpus = request.cpus_per_trial
    if request.ray is None and cpus is not None and cpus > usable_cores():
        raise BadInputError(f"`cpus_per_trial={cpus}`: this computer has {usable_cores()} cores.")


def _cpus(request: SweepRequest, pool: "RayPool") -> int:
    """Return the cores that a trial gets, after making sure that some computer has room for one."""
    machines = [machine for machine in pool.machines() if machine.cpus > 0]
    cpus = request.cpus_per_trial or min((machine.cpus for machine in machines), default=0)
    fitting = [machine for machine in machines if machine.cpus >= cpus and machine.gpus >= request.gpus_per_trial]
    if not fitting:
        known = ", ".join(f"{machine.cpus} cores and {machine.gpus} GPUs" for machine in machines)
        raise BadInputError(
            f"No computer has room for a training with `cpus_per_trial={cpus}` and "
            f"`gpus_per_trial={request.gpus_per_trial:g}`. There is: {known or 'none with a core for Ray'}."
        )
    return cpus


def _ended_in_words(row: Row, log: Path, trials: int) -> str:
    what = f"trial {row.trial + 1} of {trials}: {row.setting}, seed {row.seed}"
    score = score_of(row)
    if score is None:
        return f"{what}: failed: {row.reason.rstrip('.')}. What it printed: {log}"
    return f"{what}: {in_words(score)}, {row.wall_s or 0.0:,.1f} s"

"""Sweeping as the command line does it: trials given to Ray, each result written at once, a table at the end."""

import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from roarm_lab.cli.learning.sweep import SweepArguments, check_room_on_gpus
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.folder_lock import locked
from roarm_lab.core.provenance import provenance, usable_cores
from roarm_lab.core.shown import shown
from roarm_lab.runs.sweep_folder import SweepFolder
from roarm_lab.runs.sweep_grid import Trial
from roarm_lab.runs.sweep_results import Row, in_words, score_of
from roarm_lab.workflows.learning.sweep_plan import begin, planned, train_arguments, words_of
from roarm_lab.workflows.learning.sweep_status import Scoreboard, counted, resume_hint
from roarm_lab.workflows.learning.sweep_trial import Order, run_trial
from roarm_lab.workflows.learning.train import progress_bar, threads_wait_passively

if TYPE_CHECKING:
    from roarm_lab.workflows.ray_pool import RayPool


def sweep(arguments: SweepArguments, command: tuple[str, ...]) -> int:
    """Train as asked, with progress on stderr and the table on stdout; return 1 if a training failed.

    Raises:
        BadInputError: Something asked for can not be; nothing has been written then.
        ImportError: Ray or a trainer's library is not installed; nothing has been written then.
        KeyboardInterrupt: Ctrl-C. How to go on has been said.
    """
    threads_wait_passively()
    from roarm_lab.workflows.ray_pool import check_address, joined, started

    if arguments.ray is not None:
        check_address(arguments.ray)
    _check_local(arguments)
    begun, new = _begun(arguments), None if arguments.resume else planned(arguments)
    if begun is not None:
        if not begun.unfinished():
            return _said(begun)
        first = train_arguments(begun.plan.words[0], begun.folder.path)
        check_room_on_gpus(first.backend, first.device, arguments.gpus_per_trial)
    with ExitStack() as stack:
        pool = stack.enter_context(started() if arguments.ray is None else joined(arguments.ray))
        cpus = _cpus(arguments, pool)
        if new is not None:
            folder = begin(arguments, new, {"command": list(command), "provenance": provenance()})
            begun = Scoreboard(folder, new.plan)
        assert begun is not None
        stack.enter_context(locked(begun.folder.path, "is being worked on"))
        sys.stderr.write(f"sweep       {shown(begun.folder.path)}\n")
        begun.write()
        _train(begun, pool, cpus, arguments.gpus_per_trial)
    return _said(begun)


def _begun(arguments: SweepArguments) -> Scoreboard | None:
    """Return the sweep to go on with; None for a new one."""
    if arguments.resume is None:
        return None
    folder = SweepFolder.open(arguments.resume)
    return Scoreboard(folder, folder.plan())


def _said(board: Scoreboard) -> int:
    """Print the table and where everything is; return the exit code."""
    board.write()
    path = board.folder.path
    sys.stdout.write((path / "summary.md").read_text(encoding="utf-8"))
    sys.stdout.write(f"\nresults     {shown(path / 'results.csv')}\ncurves      {shown(path / 'curves.html')}\n")
    return 1 if any(row.state == "failed" for row in board.rows) else 0


def _train(board: Scoreboard, pool: "RayPool", cpus: int, gpus: float) -> None:
    """Train what is not done yet."""
    trials = board.unfinished()
    orders = [_order(board, trial, cpus) for trial in trials]
    total = sum(board.plan.total_timesteps)

    def ended(index: int, failure: str | None) -> None:
        row = board.end(trials[index], failure)
        sys.stderr.write(f"{_ended_in_words(row, board.folder.log(trials[index]), len(board.rows))}\n")

    try:
        with _interrupted_by_terminate(), progress_bar("sweeping", total) as update:
            pool.run(
                run_trial,
                orders,
                cpus=cpus,
                gpus=gpus,
                ended=ended,
                beat=lambda: update(board.look(), counted(board.rows)),
            )
    except KeyboardInterrupt:
        board.stop()
        sys.stderr.write(f"\nstopped; {counted(board.rows)}. Go on with: {resume_hint(board.folder)}\n")
        raise


def _order(board: Scoreboard, trial: Trial, cpus: int) -> Order:
    words = board.plan.words[trial.number]
    shown = replace(train_arguments(words, board.folder.path), threads=cpus)
    return Order(
        arguments=replace(train_arguments(words, board.folder.path.resolve()), threads=cpus),
        command=("roarm", "train", *words_of(shown)),
        run=board.folder.run(trial).resolve(),
        log=board.folder.log(trial).resolve(),
    )


def _check_local(arguments: SweepArguments) -> None:
    cpus = arguments.cpus_per_trial
    if arguments.ray is None and cpus is not None and cpus > usable_cores():
        raise BadInputError(f"--cpus-per-trial {cpus}: this computer has {usable_cores()} cores.")


def _cpus(arguments: SweepArguments, pool: "RayPool") -> int:
    """Return the cores that a trial gets, after making sure that some computer has room for one."""
    machines = [machine for machine in pool.machines() if machine.cpus > 0]
    cpus = arguments.cpus_per_trial or min((machine.cpus for machine in machines), default=0)
    fitting = [machine for machine in machines if machine.cpus >= cpus and machine.gpus >= arguments.gpus_per_trial]
    if not fitting:
        known = ", ".join(f"{machine.cpus} cores and {machine.gpus} GPUs" for machine in machines)
        raise BadInputError(
            f"No computer has room for a training with --cpus-per-trial {cpus} and --gpus-per-trial "
            f"{arguments.gpus_per_trial:g}. There is: {known or 'none with a core for Ray'}."
        )
    return cpus


def _ended_in_words(row: Row, log: Path, trials: int) -> str:
    what = f"trial {row.trial + 1} of {trials}: {row.setting}, seed {row.seed}"
    score = score_of(row)
    if score is None:
        return f"{what}: failed: {row.reason.rstrip('.')}. What it printed: {log}"
    return f"{what}: {in_words(score)}, {row.wall_s or 0.0:,.1f} s"


@contextmanager
def _interrupted_by_terminate() -> Generator[None]:
    """Treat a polite kill like Ctrl-C; Ray's own way of it would not let trainings save."""
    from roarm_lab.rl.train import terminate_is_interrupt

    with terminate_is_interrupt():
        yield

"""Measure how fast this machine simulates and trains, alone or beside other libraries, and how an arm is driven."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roarm_lab.robots.table import get_robot
from roarm_lab.workflows.evaluation.bench_machine import machine
from roarm_lab.workflows.evaluation.bench_request import BenchRequest
from roarm_lab.workflows.frontend import UNATTENDED, Frontend, Progress, end_if_cancelled

if TYPE_CHECKING:
    from roarm_lab.rl.speed import TrainingSpeed
    from roarm_lab.workflows.evaluation.bench_against import Comparison
    from roarm_lab.workflows.evaluation.bench_sim import Row


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """What was measured, and on what."""

    machine: Mapping[str, Any]
    """Processor, cores, load before the measurement, versions."""
    trainer: str | None = None
    """Whose training was measured."""
    rows: "tuple[Row | TrainingSpeed, ...]" = ()
    """One per number of worlds and threads."""
    comparisons: "tuple[Comparison, ...]" = ()
    """One per peer and number of worlds."""
    arm: Mapping[str, Any] | None = None
    """How an arm was driven."""


def bench(request: BenchRequest, frontend: Frontend = UNATTENDED) -> BenchResult:
    """Measure what is asked for.

    Args:
        request: What to measure.
        frontend: Hears of each row as it comes; is asked before a real arm moves.

    Raises:
        BadInputError: The request, the task or the bundle can not be used; nothing has been measured then.
        CancelledError: The front end cancelled.
        MissingError: An arm, a package or a peer's Python is not there.
        NotPermittedError: A real arm may not move.
        UnsafeCommandError: The arm can not be driven.
    """
    request.validate()
    about = machine()
    if request.against or request.peer_python:
        from roarm_lab.workflows.evaluation.bench_against import compare

        comparisons = list["Comparison"]()
        for comparison in compare(request):
            comparisons.append(comparison)
            _tell(
                frontend, len(comparisons), f"{comparison.peer}: {comparison.physics_ratio:.2f} x its physics steps/s"
            )
        return BenchResult(machine=about, comparisons=tuple(comparisons))
    if request.what in {"loop", "latency"}:
        from roarm_lab.workflows.evaluation.bench_arm import measure_arm

        about, measured = measure_arm(request, frontend, get_robot(request.robot))
        return BenchResult(machine=about, arm=measured)
    from roarm_lab.workflows.evaluation.bench_sim import Row, rows_of

    rows = list["Row | TrainingSpeed"]()
    for row in rows_of(request):
        rows.append(row)
        rate = row.env_steps_per_s if isinstance(row, Row) else row.steps_per_s
        _tell(frontend, len(rows), f"{row.worlds} worlds, threads: {row.threads}, {rate:,.0f} steps/s")
    return BenchResult(machine=about, trainer=_trainer(request), rows=tuple(rows))


def _tell(frontend: Frontend, done: int, text: str) -> None:
    frontend.tell(Progress(stage="measuring", done=done, total=done, text=text))
    end_if_cancelled(frontend)


def _trainer(request: BenchRequest) -> str | None:
    if request.what != "train":
        return None
    from roarm_lab.rl.trainer import trainer_for

    return trainer_for(request.trainer, request.backend)

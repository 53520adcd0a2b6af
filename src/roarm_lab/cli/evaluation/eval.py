"""`roarm eval`: how often a policy succeeds, with an interval, and why it fails where it does."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.table import Table

from roarm_lab.cli.arguments import check_one_policy, check_share, parse
from roarm_lab.cli.console import fell_short, success_lines, terminal
from roarm_lab.cli.references import as_typed
from roarm_lab.workflows.evaluation.evaluate_request import EvaluateRequest

if TYPE_CHECKING:
    from roarm_lab.evaluation.evaluate import Evaluation

DESCRIPTION = """\
  Run a policy bundle for many fresh episodes in simulation and count how often
  it succeeds, with a 95 % Wilson interval, by kind of start, and with the
  reasons of the failures. Needs no PyTorch.

examples:
  roarm eval --demo                                a policy that comes with the package
  roarm eval runs/RUN                              2000 episodes, as tables
  roarm eval runs/RUN --episodes 500 --json        for programs
  roarm eval runs/RUN/bundle --min-success 0.95    exit code 1 when fewer than 95 % succeed
  roarm eval runs/RUN --domain-randomization dr.yaml   on worlds that differ in another way
  roarm eval runs/RUN --backend mujoco_warp        in the simulator on an NVIDIA GPU

exit codes: 0 done, 1 --min-success was missed, 2 bad input"""


@dataclass(frozen=True, kw_only=True)
class EvalArguments(EvaluateRequest):
    """What to evaluate and how."""

    bundle: Annotated[Path | None, tyro.conf.Positional] = None
    """A bundle folder, or a run folder that has one."""
    demo: bool = False
    """Evaluate the policy that comes with the package instead of one of yours."""
    json: bool = False
    """Print the result as JSON."""
    min_success: float | None = None
    """Leave with exit code 1 when the success rate is below this share (0 to 1)."""


def run(argv: list[str]) -> int:
    """Evaluate; exit code 1 when the success rate is below --min-success."""
    request = parse(EvalArguments, argv, prog="roarm eval", description=DESCRIPTION)
    check_one_policy(request.bundle, request.demo, "eval")
    check_share(request.min_success)
    request.validate()
    from roarm_lab.workflows.evaluation.evaluate import evaluate

    with terminal() as frontend:
        result = evaluate(request, frontend)
    if request.json:
        data = result.evaluation.to_plain() | {"drift": result.drift, "worlds": as_typed(result.worlds)}
        sys.stdout.write(json.dumps(data, indent=2, allow_nan=False) + "\n")
    else:
        _print_table(result.evaluation)
    return 1 if fell_short("success rate", result.evaluation.success_rate, request.min_success) else 0


def _print_table(evaluation: "Evaluation") -> None:
    """Print the result in words and tables."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(success_lines(evaluation))
    if evaluation.time_to_success_s is not None:
        times = evaluation.time_to_success_s
        console.print(f"in place    after {times['median']:.2f} s (median), {times['p90']:.2f} s (90 %)")
    distance = evaluation.final_distance_m
    console.print(
        f"distance    {distance['median'] * 1e3:.1f} mm at the end (median), {distance['p90'] * 1e3:.1f} mm (90 %)"
    )
    if evaluation.regions:
        console.print(_regions(evaluation))
    for reason, count in evaluation.failures.items():
        console.print(f"failed      {count}: {reason}")
    console.print(_rewards(evaluation))


def _regions(evaluation: "Evaluation") -> Table:
    grid = Table("start", "range", "episodes", "success", "95 % interval", title="Success by start")
    for row in evaluation.regions:
        rate = "-" if row.success_rate is None else f"{row.success_rate:.1%}"
        interval = "-" if row.interval is None else f"{row.interval[0]:.1%} to {row.interval[1]:.1%}"
        grid.add_row(row.name, row.range, str(row.episodes), rate, interval)
    return grid


def _rewards(evaluation: "Evaluation") -> Table:
    grid = Table("reward term", "mean per step", title="Rewards")
    for name, value in evaluation.reward_per_step.items():
        grid.add_row(name, f"{value:+.4f}")
    return grid

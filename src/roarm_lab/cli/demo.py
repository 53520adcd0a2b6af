"""`roarm demo`: the whole way in one command: train, evaluate, bundle, run on the simulated arm, report."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from roarm_lab.cli.arguments import parse
from roarm_lab.core.errors import BadInputError

DESCRIPTION = (
    "Train a policy on this machine, evaluate it on fresh episodes, run it on the simulated arm through the safety "
    "gate, and write a report page. Exit code 1 when fewer than --min-success of the episodes succeed."
)


@dataclass(frozen=True)
class DemoArguments:
    """What to show."""

    task: str = "reach"
    """The task."""
    seed: int = 0
    """Seed of everything random."""
    episodes: int = 2000
    """Fresh episodes of the evaluation."""
    goals: int = 50
    """Goals for the simulated arm, run as fast as it goes."""
    min_success: float = 0.9
    """Success rate that the evaluation must reach (0 to 1)."""
    total_timesteps: int | None = None
    """Environment steps of the training; the tuned number by default."""
    runs: Path = Path("runs")
    """Folder in which the run folder is made."""


def run(argv: list[str]) -> int:
    """Show the whole way; say where the report is."""
    arguments = parse(DemoArguments, argv, prog="roarm demo", description=DESCRIPTION)
    if not 0.0 <= arguments.min_success <= 1.0:
        raise BadInputError(f"--min-success must be between 0 and 1, got {arguments.min_success}.")
    if arguments.episodes < 1 or arguments.goals < 1:
        raise BadInputError("--episodes and --goals must be 1 or more.")
    from roarm_lab.cli.driving import drive, say
    from roarm_lab.cli.run import RunArguments
    from roarm_lab.cli.train import TrainArguments
    from roarm_lab.cli.training import run_training, summary
    from roarm_lab.core.files import write_atomic
    from roarm_lab.view.report import write_report

    asked = replace(
        TrainArguments(),
        task=arguments.task,
        seed=arguments.seed,
        total_timesteps=arguments.total_timesteps,
        runs=arguments.runs,
        eval_episodes=arguments.episodes,
    )
    trained = run_training(asked, command=("roarm", "demo", *argv))
    sys.stdout.write(summary(trained.evaluation) + "\n")
    folder = trained.run.path
    driven = drive(
        RunArguments(
            bundle=trained.bundle.path, episodes=arguments.goals, seed=arguments.seed, fast=True, log=folder / "arm"
        )
    )
    say(driven)
    write_atomic(folder / "arm_run.json", _json(driven), overwrite=True)
    sys.stdout.write(f"bundle      {trained.bundle.path}\nreport      {write_report(folder).resolve()}\n")
    if trained.evaluation.success_rate < arguments.min_success:
        sys.stderr.write(f"roarm: the success rate is below {arguments.min_success:.0%}.\n")
        return 1
    return 0


def _json(data: dict[str, object]) -> str:
    import json

    return json.dumps(data, indent=1) + "\n"

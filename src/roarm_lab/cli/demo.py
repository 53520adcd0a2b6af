"""`roarm demo`: the whole way in one command: train, evaluate, bundle, run on the simulated arm, report."""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from roarm_lab.cli.arguments import parse
from roarm_lab.core.digits import beside
from roarm_lab.core.errors import BadInputError

if TYPE_CHECKING:
    from roarm_lab.policies.bundle import Bundle

DESCRIPTION = """\
  The whole way in one command: train a policy on this machine, evaluate it on
  fresh episodes, run it on the simulated arm through the safety gate, and
  write a report page. Needs the extra `train`.

examples:
  roarm demo                            grasp and lift a cube: some six minutes on two CPU cores
  roarm demo --task reach               a point in the air: one minute
  roarm demo --total-timesteps 100000   a look at every step, with a policy that is not done

exit codes: 0 done, 1 --min-success was missed (on the arm: clearly), 2 bad input,
            3 something is not installed, 130 interrupted (and saved)
            (a goal at which the simulated arm had to be held counts as missed)"""


@dataclass(frozen=True)
class DemoArguments:
    """What to show."""

    task: str = "lift-cube"
    """The task."""
    seed: int = 0
    """Seed of everything random."""
    episodes: int = 2000
    """Fresh episodes of the evaluation."""
    goals: int = 50
    """Goals for the simulated arm, run as fast as it goes."""
    min_success: float = 0.9
    """Success rate that the evaluation must reach, and the share of the arm's goals (0 to 1)."""
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
    from roarm_lab.cli.reporting import report
    from roarm_lab.cli.train import TrainArguments
    from roarm_lab.cli.training import run_training, summary

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
    on_arm = _reached_on_the_arm(trained.bundle, trained.run.path, arguments)
    sys.stdout.write(f"bundle      {trained.bundle.path}\nreport      {report(trained.run.path).resolve()}\n")
    short = _short(arguments, "success rate", trained.evaluation.success_rate)
    return 1 if _short(arguments, "share of goals reached on the arm, at best,", on_arm) or short else 0


def _short(arguments: DemoArguments, what: str, share: float | None) -> bool:
    """Return whether less was reached than asked for, and say so; what was not tried does not count."""
    if share is None or share >= arguments.min_success:
        return False
    bar = arguments.min_success
    sys.stderr.write(f"roarm: the {what} {beside(share, bar)} is below --min-success {bar}.\n")
    return True


def _reached_on_the_arm(bundle: "Bundle", run: Path, arguments: DemoArguments) -> float | None:
    """Drive the simulated arm; return which share of the goals it reaches at best, None if it lacks what is needed.

    At best: the upper end of the 95 % interval, since a few missed goals out of fifty may be bad luck.
    """
    from roarm_lab.cli.driving import drive, prepared, say
    from roarm_lab.cli.run import RunArguments
    from roarm_lab.core.files import write_atomic
    from roarm_lab.evaluate.statistics import wilson_interval
    from roarm_lab.gateway.arm_policy import check_sources
    from roarm_lab.policies.contract import InterfaceError
    from roarm_lab.sim.arm import sources
    from roarm_lab.tasks.table import get_task

    try:
        check_sources(bundle, sources(get_task(arguments.task).sim))
    except InterfaceError as error:
        sys.stdout.write(f"on the arm  not tried. {error}\n")
        return None
    words = RunArguments(bundle=bundle.path, episodes=arguments.goals, seed=arguments.seed, fast=True, log=run / "arm")
    driven = drive(words, prepared(words))
    say(driven)
    write_atomic(run / "arm_run.json", json.dumps(driven, indent=1, allow_nan=False) + "\n", overwrite=True)
    return wilson_interval(driven["successes"], arguments.goals)[1]

"""`roarm demo`: the whole way in one command: train, evaluate, bundle, run on the simulated arm, report."""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from roarm_lab.cli.arguments import check_share, parse
from roarm_lab.cli.console import Terminal, fell_short, run_lines, success_lines, terminal
from roarm_lab.cli.references import as_typed
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.shown import shell_words, shown
from roarm_lab.workflows.evaluation.report_request import ReportRequest
from roarm_lab.workflows.frontend import Frontend
from roarm_lab.workflows.learning.train_request import TrainRequest

if TYPE_CHECKING:
    from roarm_lab.policies.bundle import Bundle
    from roarm_lab.workflows.learning.train import TrainResult

DESCRIPTION = """\
  The whole way in one command: train a policy on this machine, evaluate it on
  fresh episodes, run it on the simulated arm through the safety gate, and
  write a report page. Needs the extra `train`. Ctrl-C saves; `roarm demo
  --resume RUN` goes on from there.

examples:
  roarm demo                            grasp and lift a cube: some seven minutes on two idle CPU cores
  roarm demo --task reach               a point in the air: one minute there, two beside other work
  roarm demo --total-timesteps 100000   a look at every step, with a policy that is not done
  roarm demo --resume runs/RUN          go on after Ctrl-C: what is missing of training, arm and report

exit codes: 0 done, 1 --min-success was missed (on the arm: clearly), 2 bad input,
            3 something is not installed, 130 interrupted (and saved)
            (a goal at which the simulated arm had to be held counts as missed)"""

JUDGED = ("min_success", "goals")
"""Flags that belong to this process and not to the run."""


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
    resume: Path | None = None
    """A run folder to go on with; task, seed, steps and episodes are its own."""


def run(argv: list[str]) -> int:
    """Show the whole way; say where the report is."""
    arguments = parse(DemoArguments, argv, prog="roarm demo", description=DESCRIPTION)
    check_share(arguments.min_success)
    for name, number in (("episodes", arguments.episodes), ("goals", arguments.goals)):
        if number < 1:
            raise BadInputError(f"--{name} must be 1 or more, got {number}.")
    if arguments.resume is not None:
        _check_resumed(arguments)
    from roarm_lab.policies.bundle import load_bundle
    from roarm_lab.runs.run_folder import RunFolder

    with terminal() as frontend:
        trained = _trained(arguments, ("roarm", "demo", *argv), frontend)
        frontend.end_progress()
        sys.stdout.write(success_lines(trained.evaluation) + "\n")
        try:
            as_trained = replace(
                arguments, task=trained.evaluation.task, seed=int(RunFolder(trained.run).meta()["seed"])
            )
            on_arm = _reached_on_the_arm(load_bundle(trained.bundle), trained.run, as_trained)
            _end(trained, frontend)
        except KeyboardInterrupt:
            hint = _resume_hint(arguments, trained.run)
            sys.stderr.write(f"\nstopped after the training. Go on with: {hint}\n")
            raise
    short = fell_short("success rate", trained.evaluation.success_rate, arguments.min_success)
    what = "share of goals reached on the arm, at best,"
    return 1 if fell_short(what, on_arm, arguments.min_success) or short else 0


def _check_resumed(arguments: DemoArguments) -> None:
    """Refuse what the run to go on with knows itself.

    Raises:
        BadInputError: Something was given besides.
    """
    kept = {name: getattr(arguments, name) for name in ("resume", *JUDGED)}
    if replace(DemoArguments(), **kept) != arguments:
        raise BadInputError("With --resume only --goals and --min-success can be given: the run knows the rest.")


def _resume_hint(arguments: DemoArguments, run: Path) -> str:
    """Return the command that goes on with a run and judges it as asked."""
    usual, words = DemoArguments(), ["roarm", "demo", "--resume", str(run)]
    for name in JUDGED:
        value = getattr(arguments, name)
        if value != getattr(usual, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shell_words(words)


def _trained(arguments: DemoArguments, command: tuple[str, ...], frontend: Frontend) -> "TrainResult":
    """Return what was trained and evaluated, now or, of a run to go on with, before."""
    from roarm_lab.runs.run_folder import RunFolder
    from roarm_lab.workflows.learning.train import train, trained_before

    request = TrainRequest(
        task=arguments.task,
        seed=arguments.seed,
        total_timesteps=arguments.total_timesteps,
        runs=arguments.runs,
        eval_episodes=arguments.episodes,
    )
    if arguments.resume is not None:
        if RunFolder.open(arguments.resume).is_finished():
            return trained_before(arguments.resume)
        request = TrainRequest(resume=arguments.resume)
    return train(request, frontend, command=command, hint=lambda run, processes: _resume_hint(arguments, run))


def _end(trained: "TrainResult", frontend: Terminal) -> None:
    """Write the report, and say where it is and what can be done next."""
    from roarm_lab.workflows.evaluation.report import write_report

    page = write_report(ReportRequest(run=trained.run), frontend, typed=as_typed).page.resolve()
    frontend.end_progress()
    sys.stdout.write(f"bundle      {shown(trained.bundle)}\nreport      {shown(page)}\n")
    commands = (
        (["roarm", "play", str(trained.bundle)], "watch it in the browser"),
        (["python", "-m", "webbrowser", page.as_uri()], "open the report"),
        (["roarm", "run", str(trained.bundle), "--arm", "emulator"], "run it on the arm's own firmware, emulated"),
    )
    sys.stdout.write("next:\n" + "".join(f"  {shell_words(words)}  # {what}\n" for words, what in commands))


def _reached_on_the_arm(bundle: "Bundle", run: Path, arguments: DemoArguments) -> float | None:
    """Drive the simulated arm; return which share of the goals it reaches at best, None if it lacks what is needed.

    At best: the upper end of the 95 % interval, since a few missed goals out of fifty may be bad luck.
    """
    from roarm_lab.core.files import write_atomic
    from roarm_lab.evaluation.statistics import wilson_interval
    from roarm_lab.gateway.arm_policy import check_sources
    from roarm_lab.policies.contract import InterfaceError
    from roarm_lab.sim.arm import sources
    from roarm_lab.tasks.table import get_task
    from roarm_lab.workflows.deployment.run_policy import run_policy
    from roarm_lab.workflows.deployment.run_request import RunRequest

    try:
        check_sources(bundle, sources(get_task(arguments.task).sim))
    except InterfaceError as error:
        sys.stdout.write(f"on the arm  not tried. {shown(error)}\n")
        return None
    request = RunRequest(bundle=bundle.path, episodes=arguments.goals, seed=arguments.seed, fast=True, log=run / "arm")
    with terminal(quiet=True) as frontend:
        result = run_policy(request, frontend)
    sys.stdout.write(run_lines(result))
    text = json.dumps(result.to_plain(), indent=1, allow_nan=False) + "\n"
    write_atomic(run / "arm_run.json", text, overwrite=True)
    return wilson_interval(result.successes, arguments.goals)[1]

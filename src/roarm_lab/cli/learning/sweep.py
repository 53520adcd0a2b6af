"""`roarm sweep`: many trainings over seeds and settings, and a table of what came out."""

import sys
from dataclasses import dataclass
from typing import Annotated

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.console import terminal
from roarm_lab.cli.extras import extras_of_training, require
from roarm_lab.cli.offered import offered_in_words
from roarm_lab.cli.references import words_of
from roarm_lab.core.shown import shown
from roarm_lab.workflows.learning.sweep_request import SweepRequest
from roarm_lab.workflows.learning.train_request import TrainRequest

DESCRIPTION = """\
  Train every combination of settings with every seed, each as `roarm train`
  would, and compare: a table per setting and the learning curves. Everything
  goes into a new folder below sweeps/, as it comes. Ctrl-C saves; `roarm sweep
  --resume SWEEP` goes on. Ray runs it (pip install 'roarm-lab[sweep]'), here
  or on a cluster.

examples:
  roarm sweep lift-cube --seeds 0 1 2                          three seeds, one table
  roarm sweep reach --seeds 0 1 --set gamma=0.9,0.95 --set num_envs=256,512      a grid: 2 seeds x 2 x 2 settings
  roarm sweep lift-cube --trainers sb3 rsl_rl skrl --domain-randomization dr.yaml    whose PPO?
  roarm sweep reach --seeds 0 1 2 3 --cpus-per-trial 1         as many at once as there are cores
  roarm sweep reach --ray 192.168.1.5:6379                     on a cluster whose computers share this folder
  roarm sweep --resume sweeps/SWEEP                            go on after Ctrl-C or a crash; failed ones begin again

exit codes: 0 done, 1 a training failed (the others are done), 2 bad input, 3 something is not installed,
130 interrupted (and saved)"""


@dataclass(frozen=True, kw_only=True)
class SweepArguments(SweepRequest):
    """What to train, and where."""

    task: Annotated[str | None, tyro.conf.Positional] = None
    """The task: reach, or one of your own, my_tasks.py:stack_two (not given with --resume: the sweep knows it)."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """NAME=VALUE,VALUE: values to compare, of a setting of the algorithm, gamma=0.9,0.95, or of the task,
    rewards.near.weight=0.25,0.5. May be given several times: then every combination is trained."""


def run(argv: list[str]) -> int:
    """Train what is asked for and print the table; return 1 if a training failed."""
    request = parse(SweepArguments, argv, prog="roarm sweep", description=DESCRIPTION + offered_in_words("task"))
    request.validate()
    if request.resume is None:
        trainers = request.trainers or (None,)
        wanted = (extras_of_training(each, request.backend, wandb=request.wandb is not None) for each in trainers)
        require("sweep", *(extra for extras in wanted for extra in extras))
    from roarm_lab.workflows.learning.sweep import sweep

    with terminal() as frontend:
        result = sweep(request, frontend, command=("roarm", "sweep", *argv), record=_train_words)
    sys.stdout.write(result.summary.read_text(encoding="utf-8"))
    sys.stdout.write(f"\nresults     {shown(result.results)}\ncurves      {shown(result.curves)}\n")
    return 1 if result.failed else 0


def _train_words(request: TrainRequest) -> tuple[str, ...]:
    """Return the command that trains the same as one training of a sweep."""
    return ("roarm", "train", str(request.task), "--seed", str(request.seed), *words_of(request, ("task", "seed")))

"""`roarm train`: teach a policy by reinforcement learning, on the CPU if need be."""

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.console import success_lines, terminal
from roarm_lab.cli.extras import extras_of_training, require
from roarm_lab.cli.offered import offered_in_words
from roarm_lab.core.shown import shell_words, shown
from roarm_lab.workflows.learning.train_request import TrainRequest

if TYPE_CHECKING:
    from roarm_lab.workflows.learning.train import TrainResult

DESCRIPTION = """\
  Train a policy with PPO or SAC and save it as a bundle that runs without
  PyTorch. Everything goes into a new run folder. Ctrl-C saves; `roarm train
  --resume RUN` goes on from there.

examples:
  roarm train reach                                      with the tuned settings, about a minute
  roarm train reach --seed 1 --total-timesteps 2000000   another seed, longer
  roarm train my_tasks.py:stack_two                      a task of your own (docs/my-first-task.md)
  roarm train reach --set rewards.near.weight=0.5        with another weight; likewise gamma=0.9, episode_s=3
  roarm train reach --reward-config rewards.yaml         with other rewards, for instance `near: {weight: 0.5}`
  roarm train reach --trainer rsl_rl                     with RSL-RL's PPO (pip install 'roarm-lab[rsl-rl]')
  roarm train lift-cube --backend mujoco_warp            thousands of worlds on an NVIDIA GPU, with RSL-RL's PPO
  roarm train reach --algorithm sac                      with SAC, which learns from a buffer of earlier moments
  roarm train reach --hyperparameters ppo.yaml           other settings of PPO, for instance `gamma: 0.9`
  roarm train reach --domain-randomization default   on worlds that differ
  roarm train lift-cube --backend mujoco_warp --gpus 2   on two GPUs of this computer; so does
                                                         `torchrun --nproc-per-node 2 -m roarm_lab train ...`
  roarm train --resume runs/RUN                          go on after Ctrl-C or a crash

exit codes: 0 done, 1 the disk is full or learning broke down (checkpoints are kept), 2 bad input,
3 something is not installed, 130 interrupted (and saved)"""


@dataclass(frozen=True, kw_only=True)
class TrainArguments(TrainRequest):
    """What to train and how."""

    task: Annotated[str | None, tyro.conf.Positional] = None
    """The task: reach, or one of your own, my_tasks.py:stack_two (not given with --resume: the run knows it)."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """NAME=VALUE: one change of the task, rewards.near.weight=0.5, or of the algorithm, gamma=0.9.
    It counts more than the files, and may be given several times."""


def run(argv: list[str]) -> int:
    """Train and print where the policy is and how good."""
    request = parse(TrainArguments, argv, prog="roarm train", description=DESCRIPTION + offered_in_words("task"))
    request.validate()
    if request.resume is None:
        wandb = request.wandb is not None
        require(*extras_of_training(request.trainer, request.backend, gpus=request.gpus, wandb=wandb))
    from roarm_lab.rl.process_group import group_of
    from roarm_lab.workflows.learning.multi_gpu import train_for_another
    from roarm_lab.workflows.learning.multi_gpu_launcher import follow_leader, start_group
    from roarm_lab.workflows.learning.train import train

    group = group_of(os.environ)
    with terminal() as frontend:
        if request.gpus > 1 and not group.several:
            return start_group(request, frontend, ("-m", "roarm_lab", "train", *argv))
        follow_leader()
        if not group.first:
            train_for_another(request, group)
            return 0
        result = train(request, frontend, command=("roarm", "train", *argv), group=group)
    print_result(result)
    return 0


def print_result(result: "TrainResult") -> None:
    """Say how good the policy is and what to do with it."""
    bundle, worlds = shell_words([result.bundle]), ""
    if result.domain_randomization is not None:
        worlds = f" --domain-randomization {shell_words([result.domain_randomization])}"
    if result.rollouts is not None:
        sys.stdout.write(f"rollouts    {shown(result.rollouts)}\n")
    sys.stdout.write(
        f"{success_lines(result.evaluation)}\n"
        f"bundle      {shown(result.bundle)}\n"
        f"evaluate    roarm eval {bundle} --episodes 2000{worlds}\n"
        f"run it      roarm run {bundle} --arm sim\n"
    )

"""`roarm train`: teach a policy by reinforcement learning, on the CPU if need be."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.extras import extras_of_training, require
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.shown import shell_words, shown

DESCRIPTION = """\
  Train a policy with PPO or SAC and save it as a bundle that runs without
  PyTorch. Everything goes into a new run folder. Ctrl-C saves; `roarm train
  --resume RUN` goes on from there.

examples:
  roarm train reach                                      with the tuned settings, about a minute
  roarm train reach --seed 1 --total-timesteps 2000000   another seed, longer
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

LARGEST_SEED = 2**31 - 1
"""Stable-Baselines3 takes 32 bits, and a training that goes on adds its steps to the seed."""


@dataclass(frozen=True)
class TrainArguments:
    """What to train and how."""

    task: Annotated[str | None, tyro.conf.Positional] = None
    """The task, for instance reach (not given with --resume: the run knows it)."""
    algorithm: Literal["ppo", "sac"] = "ppo"
    """How it learns: PPO, or SAC (--trainer sb3 or skrl, tuned for reach). A resumed run goes on with its own."""
    trainer: Literal["sb3", "rsl_rl", "skrl"] | None = None
    """Whose PPO or SAC learns: Stable-Baselines3 (the default), RSL-RL (PPO only) or skrl. With
    mujoco_warp RSL-RL is the default. A resumed run goes on with its own."""
    backend: Literal["mujoco_cpu", "mujoco_warp"] | None = None
    """The simulator: mujoco_cpu (the default), or mujoco_warp on an NVIDIA GPU."""
    seed: int = 0
    """Seed of everything random."""
    num_envs: int | None = None
    """Worlds side by side, on each GPU if there are several; the tuned number by default."""
    total_timesteps: int | None = None
    """Environment steps, all worlds together; the tuned number by default."""
    device: str = "auto"
    """Where the networks learn, and where mujoco_warp simulates: cpu, cuda, cuda:1, ...
    auto means cpu with mujoco_cpu (the networks are small) and cuda with mujoco_warp."""
    gpus: int = 1
    """Processes that learn one policy together, each with a GPU and --num-envs worlds of its own.
    RSL-RL's PPO only. With mujoco_cpu and --device cpu they share the cores."""
    threads: int = 0
    """CPU threads of the simulation, of each process; 0 takes all."""
    hyperparameters: Path | None = None
    """YAML with changes to the settings of PPO or SAC: `name: value`.
    The tuned settings are such files too: see docs/training.md, Tuned settings."""
    reward_config: Path | None = None
    """YAML with changes to reward terms: `name: {field: value}`."""
    domain_randomization: Path | None = None
    """YAML with what differs from world to world, or default; `roarm randomization show` says what there is."""
    runs: Path = Path("runs")
    """Folder in which run folders are made."""
    resume: Path | None = None
    """A run folder to go on with."""
    eval_episodes: int = 512
    """Episodes of the evaluation at the end."""
    record_rollouts: int = 0
    """Record this many episodes of the finished policy under <run>/rollouts/."""
    record_callback_rollouts: bool = False
    """Also record the same four episodes before learning, after every tenth of the steps, and at the end."""
    wandb: str | None = None
    """Also send the numbers of the curve to Weights & Biases: PROJECT or TEAM/PROJECT.
    A resumed run goes on with its own."""


def run(argv: list[str]) -> int:
    """Train and print where the policy is and how good."""
    arguments = parse(TrainArguments, argv, prog="roarm train", description=DESCRIPTION)
    checked(arguments)
    if arguments.resume is None:
        wandb = arguments.wandb is not None
        require(*extras_of_training(arguments.trainer, arguments.backend, gpus=arguments.gpus, wandb=wandb))
    from roarm_lab.rl.process_group import team_of
    from roarm_lab.workflows.learning.multi_gpu_launcher import follow_leader, start_team
    from roarm_lab.workflows.learning.train import print_result, run_training, train_for_another

    team = team_of(os.environ)
    if arguments.gpus > 1 and not team.several:
        return start_team(arguments, argv)
    follow_leader()
    if not team.first:
        train_for_another(arguments, team)
        return 0
    trained = run_training(arguments, command=("roarm", "train", *argv), team=team)
    if arguments.record_rollouts:
        from roarm_lab.evaluation.rollout_recorder import record
        from roarm_lab.workflows.evaluation.evaluate import checked_task

        config, _ = checked_task(
            trained.bundle, allow_drift=True, threads=arguments.threads, randomization=trained.randomization
        )
        folder = record(trained.bundle, config, arguments.record_rollouts, trained.run.path / "rollouts")
        sys.stdout.write(f"rollouts    {shown(folder)}\n")
    print_result(trained)
    return 0


def resume_hint(run: Path, processes: int = 1) -> str:
    """Return the command that goes on with a run, in as many processes."""
    words = ["roarm", "train", "--resume", run]
    return shell_words(words + ["--gpus", processes] * (processes > 1))


def checked(arguments: TrainArguments) -> TrainArguments:
    """Return the arguments after refusing combinations that make no sense.

    Raises:
        BadInputError: No task, flags that a resumed run already knows, or a number that makes no sense.
    """
    if (arguments.task is None) == (arguments.resume is None):
        raise BadInputError("Give either a task (`roarm train reach`) or a run to go on with (`--resume RUN`).")
    if arguments.resume is not None:
        fixed = replace(TrainArguments(), resume=arguments.resume, total_timesteps=arguments.total_timesteps)
        fixed = replace(fixed, record_rollouts=arguments.record_rollouts, threads=arguments.threads)
        fixed = replace(fixed, record_callback_rollouts=arguments.record_callback_rollouts, gpus=arguments.gpus)
        if fixed != arguments:
            raise BadInputError(
                "With --resume only --total-timesteps, --gpus, --threads, --record-rollouts and "
                "--record-callback-rollouts may be given."
            )
    for name in ("num_envs", "total_timesteps", "eval_episodes", "gpus"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise BadInputError(f"--{name.replace('_', '-')} must be 1 or more, got {value}.")
    if arguments.gpus > 1 and ":" in arguments.device:
        raise BadInputError(
            f"--device {arguments.device} is one GPU, and --gpus {arguments.gpus} takes the first {arguments.gpus}. "
            "Leave --device out; CUDA_VISIBLE_DEVICES chooses which GPUs are counted."
        )
    for name in ("seed", "threads", "record_rollouts"):
        value = getattr(arguments, name)
        if value < 0:
            raise BadInputError(f"--{name.replace('_', '-')} must be 0 or more, got {value}.")
    if arguments.seed > LARGEST_SEED:
        raise BadInputError(f"--seed must be at most {LARGEST_SEED}, got {arguments.seed}.")
    return arguments

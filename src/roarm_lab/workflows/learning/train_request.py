"""What to train, as a value."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roarm_lab.core.errors import BadInputError, InvalidValueError
from roarm_lab.workflows.requests import at_least, refuse_changed

LARGEST_SEED = 2**31 - 1
"""Stable-Baselines3 takes 32 bits, and a training that goes on adds its steps to the seed."""


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """What to train and how."""

    task: str | None = None
    """The task: reach, or one of your own, my_tasks.py:stack_two (not given to go on with a run: it knows it)."""
    algorithm: Literal["ppo", "sac"] = "ppo"
    """How it learns: PPO, or SAC (trainer sb3 or skrl, tuned for reach). A resumed run goes on with its own."""
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
    """Processes that learn one policy together, each with a GPU and worlds of its own.
    RSL-RL's PPO only. With mujoco_cpu and the device cpu they share the cores."""
    threads: int = 0
    """CPU threads of the simulation, of each process; 0 takes all."""
    hyperparameters: Path | None = None
    """YAML with changes to the settings of PPO or SAC: `name: value`.
    The tuned settings are such files too: see docs/training.md, Tuned settings."""
    reward_config: Path | None = None
    """YAML with changes to reward terms: `name: {field: value}`."""
    set: tuple[str, ...] = ()
    """NAME=VALUE: one change of the task, `rewards.near.weight=0.5`, or of the algorithm, `gamma=0.9`.
    It counts more than the files."""
    domain_randomization: Path | None = None
    """YAML with what differs from world to world, or default."""
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

    def validate(self) -> None:
        """Refuse combinations that make no sense.

        Raises:
            BadInputError: No task, options that a resumed run already knows, or a number that makes no sense.
        """
        if (self.task is None) == (self.resume is None):
            raise BadInputError("Give either a task (`train('reach')`) or a run to go on with (`resume=`).")
        if self.resume is not None:
            refuse_changed(self, TrainRequest(), KEPT_ON_RESUME)
        at_least(self, 1, "num_envs", "total_timesteps", "eval_episodes", "gpus")
        if self.gpus > 1 and ":" in self.device:
            raise BadInputError(
                f"`device={self.device!r}` is one GPU, and `gpus={self.gpus}` takes the first {self.gpus}. "
                "Leave `device=` out; CUDA_VISIBLE_DEVICES chooses which GPUs are counted."
            )
        at_least(self, 0, "seed", "threads", "record_rollouts")
        if self.seed > LARGEST_SEED:
            raise InvalidValueError("seed", self.seed, f"must be at most {LARGEST_SEED}")


KEPT_ON_RESUME = ("total_timesteps", "gpus", "threads", "record_rollouts", "record_callback_rollouts")
"""What may be given beside `resume`: everything else is the run's own."""

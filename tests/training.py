"""A training that takes a second: too short to learn much, long enough for every part of it to run."""

from dataclasses import replace
from pathlib import Path

from roarm_lab.rl.sac_settings import SacSettings
from roarm_lab.rl.settings import PpoSettings, ppo_settings
from roarm_lab.rl.train import Trained, train
from roarm_lab.rl.train_job import TrainJob
from roarm_lab.runs.run_folder import RunFolder
from roarm_lab.tasks.reach import reach

ROLLOUT = 1024  # 64 worlds x 16 steps


def tiny(rollouts: int, **settings: object) -> PpoSettings:
    """Return settings for so many rollouts of 1024 steps."""
    tuned = replace(ppo_settings("reach"), num_envs=64, total_timesteps=rollouts * ROLLOUT, hidden=(32, 32))
    return replace(tuned, **settings)  # pyright: ignore[reportArgumentType]


def tiny_sac(rollouts: int, **settings: object) -> SacSettings:
    """Return settings of SAC for so many rows of 1024 steps; learning begins in the first one."""
    sizes = {"num_envs": 64, "total_timesteps": rollouts * ROLLOUT, "learning_starts": 512, "buffer_size": 2000}
    learning = {"batch_size": 64, "gradient_steps": 1, "learn_every": 4, "hidden": (32, 32)}
    return SacSettings(**(sizes | learning | settings))  # pyright: ignore[reportArgumentType]


def tiny_job(rollouts: int, seed: int = 0, **job: object) -> TrainJob:
    """Return a training of so many rollouts; every one of them ends with a checkpoint."""
    options = {"evaluation_episodes": 8, "checkpoint_s": 0.0} | job
    return TrainJob(env=reach(), settings=tiny(rollouts), seed=seed, **options)  # pyright: ignore[reportArgumentType]


def train_tiny(root: Path, rollouts: int = 6, seed: int = 0) -> Trained:
    """Train below `root` and return what came out."""
    return train(tiny_job(rollouts, seed), RunFolder.create(root, "reach", seed))

"""How fast training goes, and where its time goes: simulation, policy, learning."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from roarm_lab.core.arrays import Float32
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env
from roarm_lab.rl import sb3_ppo
from roarm_lab.rl.sb3_vec_env import Sb3VecEnv
from roarm_lab.rl.settings import PpoSettings

ALONE_STEPS = 16
"""Steps of the environment alone per turn, between two rounds of the loop: both meet the same load of the machine."""
WARM_UP = 2
"""Rounds that do not count."""


@dataclass(frozen=True, kw_only=True)
class TrainingSpeed:
    """One measurement. A step is a control step of one world."""

    worlds: int
    threads: int
    steps_per_s: float
    """Of the whole loop: collecting and learning."""
    alone_steps_per_s: float
    """Of the environment alone with random actions, in turn with the loop in the same process."""
    fraction: float
    """The first over the second."""
    simulation_share: float
    """Share of the loop's time inside the environment; the other two follow."""
    policy_share: float
    learning_share: float


def measure_training(config: EnvConfig, settings: PpoSettings, threads: int, seconds: float) -> TrainingSpeed:
    """Return how fast `settings` train on `config`, measured for `seconds`."""
    torch.set_num_threads(min(2, torch.get_num_threads()))
    config = replace(config, sim=replace(config.sim, threads=threads), random_age=True)
    worlds = _Timed(Env(config, settings.num_envs, seed=0))
    normalised = sb3_ppo.normalised(worlds, settings)
    alone = Env(config, settings.num_envs, seed=1)
    try:
        model: Any = sb3_ppo.make_ppo(normalised, settings, seed=0, device="cpu")
        model.set_logger(Logger(folder=None, output_formats=[]))
        watch = _Watch(worlds, _alone(alone), seconds)
        model.learn(2**62, callback=watch)
    finally:
        normalised.close()
        alone.close()
    per_rollout = settings.num_envs * settings.rollout_steps
    steps_per_s = per_rollout * watch.rollouts / watch.loop_s
    alone_per_s = settings.num_envs * ALONE_STEPS * watch.rollouts / watch.alone_s
    return TrainingSpeed(
        worlds=settings.num_envs,
        threads=threads,
        steps_per_s=steps_per_s,
        alone_steps_per_s=alone_per_s,
        fraction=steps_per_s / alone_per_s,
        simulation_share=watch.simulation_s / watch.loop_s,
        policy_share=(watch.collecting_s - watch.simulation_s) / watch.loop_s,
        learning_share=1.0 - watch.collecting_s / watch.loop_s,
    )


def _alone(env: Env) -> Callable[[], float]:
    """Return a function that steps `env` with random actions and says how long that took [s]."""
    env.reset()
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (ALONE_STEPS, env.num_envs, env.actions.size))

    def turn() -> float:
        began_s = time.perf_counter()
        for action in actions.astype(np.float32):
            env.step(action)
        return time.perf_counter() - began_s

    return turn


class _Timed(Sb3VecEnv):
    """Worlds that know how long they took."""

    spent_s = 0.0

    def step_wait(self) -> tuple[Float32, Float32, Any, list[dict[str, Any]]]:
        began_s = time.perf_counter()
        result = super().step_wait()
        self.spent_s += time.perf_counter() - began_s
        return result


class _Watch(BaseCallback):
    """Times rollouts and the updates after them; between two rounds the yardstick has its turn."""

    def __init__(self, worlds: _Timed, alone: Callable[[], float], seconds: float) -> None:
        super().__init__()
        self._worlds, self._alone, self._seconds = worlds, alone, seconds
        self._round, self._began_s, self._simulated_s = 0, 0.0, 0.0
        self.rollouts, self.loop_s, self.collecting_s, self.simulation_s, self.alone_s = 0, 0.0, 0.0, 0.0, 0.0

    def _on_rollout_start(self) -> None:
        if self._round > WARM_UP:  # a round that counts has just ended
            self.loop_s += time.perf_counter() - self._began_s
            self.rollouts += 1
            self.alone_s += self._alone()
        elif self._round == WARM_UP:
            self._alone()
        self._round += 1
        self._simulated_s, self._began_s = self._worlds.spent_s, time.perf_counter()

    def _on_rollout_end(self) -> None:
        if self._round > WARM_UP:
            self.collecting_s += time.perf_counter() - self._began_s
            self.simulation_s += self._worlds.spent_s - self._simulated_s

    def _on_step(self) -> bool:
        return self.loop_s < self._seconds

"""How fast training goes, and where its time goes: simulation, policy, learning."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from roarm_lab.core.arrays import Array, asarray_like
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env, StepResult
from roarm_lab.rl.settings import PpoSettings
from roarm_lab.rl.train import device_of
from roarm_lab.rl.trainer import Update, trainer_class

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


def measure_training(
    config: EnvConfig, settings: PpoSettings, threads: int, seconds: float, trainer: str = "sb3"
) -> TrainingSpeed:
    """Return how fast `settings` train on `config` with a trainer, measured for `seconds`.

    Raises:
        ImportError: The trainer's library is not installed.
    """
    torch.set_num_threads(min(2, torch.get_num_threads()))
    start, device = trainer_class(trainer), device_of("auto", config)
    config = replace(config, sim=replace(config.sim, threads=threads), random_age=True)
    worlds = _Timed(config, settings.num_envs, seed=0)
    alone = Env(config, settings.num_envs, seed=1)
    watch = _Watch(worlds, _alone(alone), seconds)
    try:
        start(worlds, settings, seed=0, device=device, events=None).learn(2**62, watch)
    except _EnoughMeasured:
        pass
    finally:
        worlds.close()
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
    random = np.random.default_rng(0).uniform(-1.0, 1.0, (ALONE_STEPS, env.num_envs, env.actions.size))
    actions = asarray_like(random, env.state.joint_pos)

    def turn() -> float:
        began_s = time.perf_counter()
        for action in actions:
            env.step(action)
        return time.perf_counter() - began_s

    return turn


class _Timed(Env):
    """Worlds that know how long they took."""

    spent_s = 0.0

    def step(self, action: Array) -> StepResult:
        began_s = time.perf_counter()
        result = super().step(action)
        self.spent_s += time.perf_counter() - began_s
        return result


class _EnoughMeasured(Exception):  # noqa: N818 (no error: the only way out of a trainer's loop)
    """The time is over."""


class _Watch:
    """Times rollouts and the updates after them; between two rounds the yardstick has its turn."""

    def __init__(self, worlds: _Timed, alone: Callable[[], float], seconds: float) -> None:
        self._worlds, self._alone, self._seconds = worlds, alone, seconds
        self._round, self._began_s, self._simulated_s = 0, 0.0, 0.0
        self.rollouts, self.loop_s, self.collecting_s, self.simulation_s, self.alone_s = 0, 0.0, 0.0, 0.0, 0.0

    def begin(self, steps: int) -> None:
        """Nothing to do."""

    def before_rollout(self, steps: int) -> None:
        """A round begins; the one before has ended with its update."""
        del steps
        if self._round > WARM_UP:  # a round that counts has just ended
            self.loop_s += time.perf_counter() - self._began_s
            self.rollouts += 1
            self.alone_s += self._alone()
            if self.loop_s >= self._seconds:
                raise _EnoughMeasured
        elif self._round == WARM_UP:
            self._alone()
        self._round += 1
        self._simulated_s, self._began_s = self._worlds.spent_s, time.perf_counter()

    def after_step(self, result: StepResult | None) -> None:
        """Nothing to do."""

    def after_rollout(self, steps: int, update: Update, actions: Array) -> dict[str, float]:
        """The policy's and the simulator's part of the round is done."""
        del steps, update, actions
        if self._round > WARM_UP:
            self.collecting_s += time.perf_counter() - self._began_s
            self.simulation_s += self._worlds.spent_s - self._simulated_s
        return {}

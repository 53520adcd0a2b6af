"""PPO of Stable-Baselines3 as a trainer, and what its SAC shares with it."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Generic, TypeVar

from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm

from roarm_lab.core.random_streams import seed_for
from roarm_lab.envs.env import Env
from roarm_lab.rl import sb3_ppo
from roarm_lab.rl.callback import TrainingCallback
from roarm_lab.rl.onnx_export import Mlp
from roarm_lab.rl.sac_settings import SacSettings
from roarm_lab.rl.sb3_vec_env import Sb3VecEnv
from roarm_lab.rl.settings import PpoSettings
from roarm_lab.rl.tensorboard_log import tensorboard_logger
from roarm_lab.rl.trainer import Log

S = TypeVar("S", PpoSettings, SacSettings)
M = TypeVar("M", bound=BaseAlgorithm)


class Sb3Learner(ABC, Generic[S, M]):
    """A model of the library on worlds whose observations its `VecNormalize` normalises."""

    def __init__(self, env: Env, settings: S, *, seed: int, device: str, events: Path | None) -> None:
        self._worlds, self._settings, self._seed = Sb3VecEnv(env), settings, seed
        self._device, self._events = device, events
        self._env = sb3_ppo.normalised(self._worlds, settings)
        self._model = self._make()
        self._log_events()

    @abstractmethod
    def _make(self) -> M:
        """Return an untrained model."""

    @property
    def steps(self) -> int:
        """Steps done so far, all worlds together."""
        return self._model.num_timesteps

    def save(self, folder: Path) -> None:
        """Write model and normaliser into `folder`; a buffer of earlier moments is left out.

        Raises:
            OSError: It can not be written.
        """
        sb3_ppo.save(folder, self._model, self._env)

    def _log_events(self) -> None:
        if self._events is not None:
            self._model.set_logger(tensorboard_logger(self._events))


class Sb3Trainer(Sb3Learner[PpoSettings, PPO]):
    """PPO, stepped by the library."""

    def _make(self) -> PPO:
        return sb3_ppo.make_ppo(self._env, self._settings, self._seed, self._device)

    def resume(self, folder: Path) -> None:
        """Go on from the checkpoint in `folder`.

        Raises:
            BadInputError: A file is missing or damaged.
        """
        self._model = sb3_ppo.load(folder, self._env, self._device)
        # Other episodes than those at the beginning, yet the same ones whenever this checkpoint is resumed.
        self._env.seed(seed_for(self._seed, "resume", self.steps))
        self._log_events()

    def learn(self, until: int, log: Log) -> None:
        """Collect and learn in turn until so many steps are done."""
        callback = TrainingCallback(self._worlds, self._settings, log)
        self._model.learn(until - self.steps, callback=callback, reset_num_timesteps=False)

    def network_of(self) -> Mlp:
        """Return the actor and the normaliser as plain arrays."""
        return sb3_ppo.network_of(self._model, self._env, self._settings)


TRAINER = Sb3Trainer

"""SAC of Stable-Baselines3 as a trainer: normalised observations, an actor that sees its own part, exported as ONNX."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3 import SAC
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecNormalize
from stable_baselines3.sac.policies import Actor, SACPolicy

from roarm_lab.core.arrays import Float32
from roarm_lab.core.random_streams import seed_for
from roarm_lab.rl.networks import layers_of
from roarm_lab.rl.onnx_export import Mlp
from roarm_lab.rl.sac_settings import SacSettings
from roarm_lab.rl.sb3_ppo import load_model, silent_logger
from roarm_lab.rl.sb3_trainer import Sb3Learner
from roarm_lab.rl.sb3_vec_env import Sb3VecEnv
from roarm_lab.rl.torch_trainer import tagged
from roarm_lab.rl.trainer import UNKNOWN, Log, Update

NEVER = sys.maxsize
"""Every so many episodes the library would log by itself."""


class FirstPart(BaseFeaturesExtractor):
    """The first numbers of an observation: the actor's."""

    def __init__(self, observation_space: Any, size: int) -> None:
        super().__init__(observation_space, size)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Return them [batch, size]."""
        return observations[:, : self.features_dim]


class TwoViewsPolicy(SACPolicy):
    """Actor and critics, of which the actor sees the first `actor_size` numbers of the observation only."""

    def __init__(self, *args: Any, actor_size: int, **kwargs: Any) -> None:
        self.actor_size = actor_size
        super().__init__(*args, **kwargs)

    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> Actor:
        """Return a fresh actor."""
        return super().make_actor(features_extractor or FirstPart(self.observation_space, self.actor_size))


class PatientSac(SAC):
    """Learns when the buffer holds enough, also where a training goes on and the buffer is empty again."""

    def train(self, gradient_steps: int, batch_size: int = 64) -> None:
        """Learn, or wait."""
        buffer: Any = self.replay_buffer
        if buffer.size() * self.n_envs >= self.learning_starts:
            super().train(gradient_steps, batch_size)


def make_sac(env: VecNormalize, settings: SacSettings, seed: int, device: str) -> PatientSac:
    """Return an untrained SAC on `env`, whose logger writes nothing."""
    worlds: Any = env.venv
    model = PatientSac(
        TwoViewsPolicy,
        env,
        learning_rate=settings.learning_rate,
        buffer_size=settings.buffer_rows * settings.num_envs,
        learning_starts=settings.learning_starts,
        batch_size=settings.batch_size,
        tau=settings.target_rate,
        gamma=settings.gamma,
        train_freq=(settings.learn_every, "step"),
        gradient_steps=settings.gradient_steps,
        ent_coef=f"auto_{settings.start_entropy_weight}",
        target_entropy=settings.target_entropy * worlds.env.actions.size,
        seed=seed,
        device=device,
        policy_kwargs={
            "net_arch": list(settings.hidden),
            "activation_fn": torch.nn.ReLU,
            "actor_size": worlds.actor_size,
        },
    )
    model.set_logger(silent_logger())
    return model


class RowCallback(BaseCallback):
    """Tells the log what happens, a row at a time; the library's own rollouts are the steps between two learnings."""

    def __init__(self, env: Sb3VecEnv, settings: SacSettings, log: Log) -> None:
        super().__init__()
        self._env, self._settings, self._log = env, settings, log
        self._actions: list[Float32] = []
        self._losses: list[float] = []

    def _on_training_start(self) -> None:
        self._log.begin(self.num_timesteps)

    def _on_rollout_start(self) -> None:
        loss = self.logger.name_to_value.pop("train/critic_loss", None)
        if loss is not None:
            self._losses.append(float(loss))
        if not self._actions:
            self._log.before_rollout(self.num_timesteps)

    def _on_step(self) -> bool:
        self._log.after_step(self._env.latest)
        self._actions.append(self.locals["actions"])
        return True

    def _on_rollout_end(self) -> None:
        if len(self._actions) < self._settings.rollout_steps:
            return
        # Both are of half the squared errors of two critics: the mean of one.
        value_loss = float(np.mean(self._losses)) if self._losses else UNKNOWN
        update = Update(learning_rate=self._settings.learning_rate, value_loss=value_loss)
        actions = np.stack(self._actions)
        self._actions.clear()
        self._losses.clear()
        row = self._log.after_rollout(self.num_timesteps, update, actions)
        for tag, value in tagged(row).items():
            self.logger.record(tag, value)
        self.logger.dump(self.num_timesteps)


class Sb3SacTrainer(Sb3Learner[SacSettings, PatientSac]):
    """SAC, stepped by the library; its buffer holds observations as they are."""

    def _make(self) -> PatientSac:
        return make_sac(self._env, self._settings, self._seed, self._device)

    def resume(self, folder: Path) -> None:
        """Go on from the checkpoint in `folder`, with an empty buffer.

        Raises:
            BadInputError: A file is missing or damaged.
        """
        self._model = load_model(folder, self._env, self._device, PatientSac)
        # Other episodes than those at the beginning, yet the same ones whenever this checkpoint is resumed.
        self._model.set_random_seed(seed_for(self._seed, "resume", self.steps))
        self._log_events()

    def learn(self, until: int, log: Log) -> None:
        """Collect and learn in turn until so many steps are done, in whole rows of the curve."""
        row = self._settings.row_timesteps
        steps = -(-(until - self.steps) // row) * row
        callback = RowCallback(self._worlds, self._settings, log)
        self._model.learn(steps, callback=callback, log_interval=NEVER, reset_num_timesteps=False)

    def network_of(self) -> Mlp:
        """Return the actor without noise, and the normaliser, as plain arrays."""
        statistics: Any = self._env.obs_rms
        policy: Any = self._model.policy
        size: int = policy.actor_size
        return Mlp(
            mean=np.asarray(statistics.mean[:size], np.float32),
            var=np.asarray(statistics.var[:size], np.float32),
            clip=self._settings.observation_clip,
            layers=[*layers_of(policy.actor.latent_pi), *layers_of(policy.actor.mu)],
            activation="Relu",
            output_activation="Tanh",
        )


TRAINER = Sb3SacTrainer

"""What happens around Stable-Baselines3's learning: the learning rate, and what is told to whoever keeps the log."""

import math

from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

from roarm_lab.rl.sb3_vec_env import Sb3VecEnv
from roarm_lab.rl.settings import PpoSettings
from roarm_lab.rl.trainer import UNKNOWN, Log, Update

LEARNING_RATE_FACTOR = 1.5


class TrainingCallback(BaseCallback):
    """Follows the KL divergence, and tells the log what happens."""

    def __init__(self, env: Sb3VecEnv, settings: PpoSettings, log: Log) -> None:
        super().__init__()
        self._env, self._settings, self._log = env, settings, log

    def _on_training_start(self) -> None:
        self._log.begin(self.num_timesteps)

    def _on_rollout_start(self) -> None:
        self._log.before_rollout(self.num_timesteps)

    def _on_step(self) -> bool:
        self._log.after_step(self._env.latest)
        return True

    def _on_rollout_end(self) -> None:
        self._follow_kl()
        logged, model = self.logger.name_to_value, self.model
        update = Update(
            learning_rate=float(model.policy.optimizer.param_groups[0]["lr"]),
            kl=float(logged.get("train/approx_kl", UNKNOWN)),
            value_loss=float(logged.get("train/value_loss", UNKNOWN)),
            std=float(logged.get("train/std", UNKNOWN)),
        )
        buffer = model.rollout_buffer  # pyright: ignore[reportAttributeAccessIssue] (PPO has one)
        row = self._log.after_rollout(self.num_timesteps, update, buffer.actions)
        for name, value in row.items():
            if name.startswith("reward_"):
                self.logger.record(f"reward/{name}", value)
        if math.isfinite(row.get("success", UNKNOWN)):
            self.logger.record("rollout/success_rate", row["success"])

    def _follow_kl(self) -> None:
        """Raise or lower the learning rate by the KL divergence of the last update (as RSL-RL does)."""
        kl = self.logger.name_to_value.get("train/approx_kl")
        if kl is None:
            return
        low, high = self._settings.learning_rate_range
        model = self.model
        rate = float(model.policy.optimizer.param_groups[0]["lr"])
        if kl > 2.0 * self._settings.desired_kl:
            rate = max(rate / LEARNING_RATE_FACTOR, low)
        elif kl < 0.5 * self._settings.desired_kl:
            rate = min(rate * LEARNING_RATE_FACTOR, high)
        set_learning_rate(model, rate)  # pyright: ignore[reportArgumentType]


def set_learning_rate(model: PPO, rate: float) -> None:
    """Make PPO learn with `rate` from its next update on; it is kept in checkpoints too."""
    model.learning_rate = rate
    model.lr_schedule = _Constant(rate)


class _Constant:
    """A schedule that stays the same; a class, so that a checkpoint can hold it."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __call__(self, progress_remaining: float) -> float:
        del progress_remaining
        return self.value

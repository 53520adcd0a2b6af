"""What happens around Stable-Baselines3's learning: learning rate, curve, checkpoints, progress."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback

from roarm_lab.rl.run_folder import RunFolder
from roarm_lab.rl.sb3_vec_env import Sb3VecEnv
from roarm_lab.rl.settings import PpoSettings

LEARNING_RATE_FACTOR = 1.5
WINDOW = 512
"""Episodes over which `success so far` is counted."""

LOOKS = 10
"""How often somebody who watches may look at the policy on the way, besides at the beginning and the end."""


@dataclass(frozen=True)
class Progress:
    """Where training stands."""

    steps: int
    steps_per_s: float
    success: float | None
    """Share of successes among the latest episodes, with exploration noise; None before the first ends."""


class TrainingCallback(BaseCallback):
    """Collects ended episodes, follows the KL divergence, writes curve and checkpoints, reports progress.

    `watch` is called with the steps before the first rollout and then after every tenth of all steps, between an update
    and a rollout.
    """

    def __init__(
        self,
        run: RunFolder,
        env: Sb3VecEnv,
        settings: PpoSettings,
        *,
        save: Callable[[int], None],
        checkpoint_s: float,
        report: Callable[[Progress], None],
        watch: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__()
        self._run, self._env, self._settings = run, env, settings
        self._save, self._checkpoint_s, self._report = save, checkpoint_s, report
        self._watch = watch
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._returns: dict[str, list[float]] = {}
        self._began_s = self._saved_s = time.monotonic()
        self._first_steps = self._watch_steps = 0

    def _on_training_start(self) -> None:
        self._first_steps = self.num_timesteps
        done = self.num_timesteps // self._between_looks
        self._watch_steps = (done + 1) * self._between_looks if self.num_timesteps else 0

    def _on_rollout_start(self) -> None:
        """Save here, between an update and the next rollout: nothing that was collected is lost then."""
        due = time.monotonic() - self._saved_s > self._checkpoint_s
        if due and self.num_timesteps > self._first_steps:
            self._save(self.num_timesteps)
            self._saved_s = time.monotonic()
        if self._watch is not None and self.num_timesteps >= self._watch_steps:
            self._watch(self.num_timesteps)
            self._watch_steps = (self.num_timesteps // self._between_looks + 1) * self._between_looks

    @property
    def _between_looks(self) -> int:
        return max(self._settings.total_timesteps // LOOKS, 1)

    def _on_step(self) -> bool:
        result = self._env.latest
        if result is not None and result.episodes is not None:
            self._recent.extend(result.episodes.success.tolist())
            for name, values in result.episodes.returns.items():
                self._returns.setdefault(name, []).append(
                    float(np.mean(values / np.maximum(result.episodes.length, 1)))
                )
        return True

    def _on_rollout_end(self) -> None:
        self._follow_kl()
        now_s = time.monotonic()
        steps_per_s = (self.num_timesteps - self._first_steps) / max(now_s - self._began_s, 1e-9)
        success = float(np.mean(self._recent)) if self._recent else None
        self._write_curve(now_s - self._began_s, success)
        self._report(Progress(self.num_timesteps, steps_per_s, success))

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

    def _write_curve(self, wall_s: float, success: float | None) -> None:
        logged = self.logger.name_to_value
        row: dict[str, float | int] = {
            "steps": self.num_timesteps,
            "wall_s": wall_s,
            "success": float("nan") if success is None else success,
            "learning_rate": float(self.model.policy.optimizer.param_groups[0]["lr"]),
            "kl": float(logged.get("train/approx_kl", float("nan"))),
            "value_loss": float(logged.get("train/value_loss", float("nan"))),
            "std": float(logged.get("train/std", float("nan"))),
            **self._sizes_of_actions(),
            "diverged": self._env.env.num_diverged,
        }
        for name in self._env.env.config.rewards:
            values = self._returns.get(name)
            row[f"reward_{name}"] = float(np.mean(values)) if values else float("nan")
            self.logger.record(f"reward/{name}", row[f"reward_{name}"])
        self._returns.clear()
        if success is not None:
            self.logger.record("rollout/success_rate", success)
        self._run.append_curve(row)

    def _sizes_of_actions(self) -> dict[str, float]:
        """Return how large the policy's actions were in the rollout, before the environment clips them to -1 to 1.

        Policies run away from the box unseen: what is clipped does not move the arm otherwise.
        """
        model: Any = self.model
        size = np.abs(model.rollout_buffer.actions.reshape(-1, self._env.env.actions.size))
        # Not the largest single action: that one says more about the noise of exploration.
        return {"saturated": float(np.mean(size >= 1.0)), "action_size": float(np.sqrt(np.mean(size**2, axis=0)).max())}


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

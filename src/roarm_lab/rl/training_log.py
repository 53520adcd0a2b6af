"""What is kept while a policy learns, whichever library teaches it: curve, checkpoints, progress."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from roarm_lab.core.arrays import Array, array_namespace
from roarm_lab.envs.env import Env, StepResult
from roarm_lab.rl.overflow_log import OverflowLog
from roarm_lab.rl.settings import Settings
from roarm_lab.rl.trainer import Update
from roarm_lab.runs.run_folder import RunFolder

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


class Logbook:
    """Collects ended episodes, writes curve and checkpoints, reports progress.

    `watch` is called with the steps before the first rollout and then after every tenth of all steps, between an update
    and a rollout. `note` is called with every row of the curve,
    `say` once if the simulator leaves contacts out.
    """

    def __init__(
        self,
        run: RunFolder,
        env: Env,
        settings: Settings,
        *,
        save: Callable[[int], None],
        checkpoint_s: float,
        report: Callable[[Progress], None],
        watch: Callable[[int], None] | None = None,
        note: Callable[[dict[str, float]], None] | None = None,
        say: Callable[[str], object] = lambda text: None,
    ) -> None:
        self.run, self._env, self._settings = run, env, settings
        self._save, self._checkpoint_s, self._report = save, checkpoint_s, report
        self._watch, self._note = watch, note
        self._overflows = OverflowLog(run, env, say)
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._returns: dict[str, list[float]] = {}
        self._began_s = self._saved_s = time.monotonic()
        self._first_steps = self._watch_steps = 0
        self._spent_s = 0.0
        """What earlier processes trained: the last row that is kept says it."""

    def begin(self, steps: int) -> None:
        """Learning begins, or goes on."""
        self._first_steps = steps
        self._spent_s = max(self.run.read_curve().get("wall_s", []), default=0.0) if steps else 0.0
        done = steps // self._between_looks
        self._watch_steps = (done + 1) * self._between_looks if steps else 0

    def before_rollout(self, steps: int) -> None:
        """Save here, between an update and the next rollout: nothing that was collected is lost then."""
        due = time.monotonic() - self._saved_s > self._checkpoint_s
        if due and steps > self._first_steps:
            self._save(steps)
            self._saved_s = time.monotonic()
        if self._watch is not None and steps >= self._watch_steps:
            self._watch(steps)
            self._watch_steps = (steps // self._between_looks + 1) * self._between_looks

    @property
    def _between_looks(self) -> int:
        return max(self._settings.total_timesteps // LOOKS, 1)

    def after_step(self, result: StepResult | None) -> None:
        """Keep how the episodes went that ended with this step."""
        if result is None or result.episodes is None:
            return
        self._recent.extend(result.episodes.success.tolist())
        for name, values in result.episodes.returns.items():
            self._returns.setdefault(name, []).append(float(np.mean(values / np.maximum(result.episodes.length, 1))))

    def after_rollout(self, steps: int, update: Update, actions: Array) -> dict[str, float]:
        """Write and return a row of the curve; say how far it is."""
        wall_s = time.monotonic() - self._began_s
        success = float(np.mean(self._recent)) if self._recent else None
        row: dict[str, float] = {
            "steps": steps,
            "wall_s": self._spent_s + wall_s,
            "success": float("nan") if success is None else success,
            "learning_rate": update.learning_rate,
            "kl": update.kl,
            "value_loss": update.value_loss,
            "std": update.std,
            **_sizes_of(actions),
            "diverged": self._env.num_diverged,
        }
        for name in self._env.config.rewards:
            values = self._returns.get(name)
            row[f"reward_{name}"] = float(np.mean(values)) if values else float("nan")
        self._returns.clear()
        self.run.append_curve(row)
        self._overflows.look()
        if self._note is not None:
            self._note(row)
        self._report(Progress(steps, (steps - self._first_steps) / max(wall_s, 1e-9), success))
        return row


def _sizes_of(actions: Array) -> dict[str, float]:
    """Return how large the policy's actions were in the rollout, before the environment clips them to -1 to 1.

    Policies run away from the box unseen: what is clipped does not move the arm otherwise.
    """
    xp = array_namespace(actions)
    size = xp.abs(actions.reshape(-1, actions.shape[-1]))
    # Not the largest single action: that one says more about the noise of exploration.
    saturated = xp.mean(xp.astype(size >= 1.0, size.dtype))
    return {"saturated": float(saturated), "action_size": float(xp.sqrt(xp.mean(size**2, axis=0)).max())}

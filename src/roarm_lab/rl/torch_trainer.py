"""What trainers written for PyTorch have in common: collect and learn in turn, checkpoints, TensorBoard.

How actions are drawn, how advantages are computed and how networks learn is the libraries' own work.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Generic, TypeVar

import torch

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.random_streams import seed_for
from roarm_lab.envs.env import Env
from roarm_lab.rl.distributed import present
from roarm_lab.rl.onnx_export import Mlp
from roarm_lab.rl.sac_settings import SacSettings
from roarm_lab.rl.settings import PpoSettings
from roarm_lab.rl.tensorboard_log import TensorBoardLog
from roarm_lab.rl.torch_env import NetworkInputs, TorchWorlds, Transition
from roarm_lab.rl.trainer import Log, Update

MODEL = "model.pt"
TAGS = {
    "success": "rollout/success_rate",
    "learning_rate": "train/learning_rate",
    "kl": "train/approx_kl",
    "value_loss": "train/value_loss",
    "std": "train/std",
}
"""Columns of the curve as TensorBoard has them from Stable-Baselines3: one chart for the runs of all trainers."""


S = TypeVar("S", PpoSettings, SacSettings)


class TorchTrainer(ABC, Generic[S]):
    """Steps the worlds for a library; who inherits says how it acts, remembers and learns."""

    def __init__(self, env: Env, settings: S, *, seed: int, device: str, events: Path | None) -> None:
        self.settings, self.device = settings, device
        self.worlds = TorchWorlds(env, device)
        self._seed, self._steps, self._processes = seed, 0, present().size
        self._events = None if events is None else _events_below(events)
        torch.manual_seed(seed)
        self._make(self.worlds.reset(seed))

    @property
    def steps(self) -> int:
        """Steps done so far, all worlds of all processes together."""
        return self._steps

    def learn(self, until: int, log: Log) -> None:
        """Collect and learn in turn until so many steps are done."""
        seen = self.worlds.reset(seed_for(self._seed, "resume", self._steps))
        log.begin(self._steps)
        while self._steps < until:
            log.before_rollout(self._steps)
            for _ in range(self.settings.rollout_steps):
                moved = self._step(seen)
                seen = moved.seen
                self._steps += self.settings.num_envs * self._processes
                self.worlds.env.total_steps = self._steps  # a curriculum counts the worlds of other processes too
                log.after_step(moved.result)
            self._write(log.after_rollout(self._steps, self._latest(), self._actions()))
            self._update(seen)

    def save(self, folder: Path) -> None:
        """Write networks, optimiser, normaliser and the number of steps into `folder`.

        Raises:
            OSError: It can not be written.
        """
        buffer = BytesIO()
        torch.save({"steps": self._steps, "state": self._state()}, buffer)
        (folder / MODEL).write_bytes(buffer.getvalue())

    def resume(self, folder: Path) -> None:
        """Go on from the checkpoint in `folder`, with other episodes than those at the beginning.

        Raises:
            BadInputError: The file is missing or damaged.
        """
        try:
            data = BytesIO((folder / MODEL).read_bytes())
            kept: Any = torch.load(data, map_location=self.device, weights_only=True)
            self._restore(kept["state"])
            self._steps = int(kept["steps"])
        except (OSError, KeyError, ValueError, TypeError, RuntimeError, EOFError, UnpicklingError) as error:
            raise BadInputError(f"The checkpoint {folder} can not be read: {error}.") from error
        torch.manual_seed(seed_for(self._seed, "resume", self._steps))

    def _write(self, row: Mapping[str, float]) -> None:
        if self._events is not None:
            self._events.write(tagged(row), {}, self._steps)

    @abstractmethod
    def network_of(self) -> Mlp:
        """Return the actor as it is now, with its normaliser, as plain arrays."""

    @abstractmethod
    def _make(self, seen: NetworkInputs) -> None:
        """Make networks for such observations."""

    @abstractmethod
    def _step(self, seen: NetworkInputs) -> Transition:
        """Draw actions, carry them out, remember what came of it."""

    @abstractmethod
    def _update(self, seen: NetworkInputs) -> None:
        """Learn from what is remembered; `seen` comes after it."""

    @abstractmethod
    def _latest(self) -> Update:
        """Return what the latest update was like."""

    @abstractmethod
    def _actions(self) -> torch.Tensor:
        """Return the actions of the latest rollout [step, env, action]."""

    @abstractmethod
    def _state(self) -> Mapping[str, Any]:
        """Return what has to be kept, as tensors and numbers."""

    @abstractmethod
    def _restore(self, state: Mapping[str, Any]) -> None:
        """Take up what was kept."""


def _events_below(folder: Path) -> TensorBoardLog:
    folder.mkdir(parents=True, exist_ok=True)
    return TensorBoardLog(folder)


def tagged(row: Mapping[str, float]) -> dict[str, float]:
    """Return what TensorBoard gets of a row of the curve, by its name there: what is known."""
    tags = {**TAGS, **{name: f"reward/{name}" for name in row if name.startswith("reward_")}}
    return {tags[name]: value for name, value in row.items() if name in tags and math.isfinite(value)}

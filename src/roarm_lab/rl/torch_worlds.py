"""All worlds of an `Env` as tensors, for trainers that are written for PyTorch throughout."""

from dataclasses import dataclass

import numpy as np
import torch

from roarm_lab.core.arrays import Bool, Float32
from roarm_lab.envs.env import Env, Observations, StepResult
from roarm_lab.envs.gymnasium_api import flat


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the networks see of one moment."""

    actor: torch.Tensor
    """[env, size]"""
    extra: torch.Tensor | None
    """What only the critic sees besides [env, size]; None where it sees no more than the actor."""

    @property
    def critic(self) -> torch.Tensor:
        """Everything the critic sees [env, size], the actor's part first."""
        return self.actor if self.extra is None else torch.cat([self.actor, self.extra], dim=1)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What a step gives, all with the environments first."""

    seen: Seen
    """Of the moment from which to go on: where an episode ended, of the next one."""
    last: Seen
    """Of the moment after the motion: where an episode ended, its last one."""
    reward: torch.Tensor
    terminated: torch.Tensor
    """The episode ended for good; nothing is worth anything after it. A diverged simulation counts as that."""
    cut_off: torch.Tensor
    """Only its time was up."""
    result: StepResult


class TorchWorlds:
    """An `Env` that takes and gives tensors."""

    def __init__(self, env: Env, device: str) -> None:
        self.env, self._device = env, device

    def reset(self, seed: int) -> Seen:
        """Start episodes in all worlds."""
        return self._seen(self.env.reset(seed))

    def step(self, actions: torch.Tensor) -> Moved:
        """Carry out actions [env, action]."""
        result = self.env.step(actions.cpu().numpy())
        seen = self._seen(result.observations)
        last = seen if result.final_observations is None else self._seen(result.final_observations)
        diverged = np.zeros(self.env.num_envs, dtype=bool)
        if result.episodes is not None:
            diverged[result.episodes.world] = result.episodes.diverged
        return Moved(
            seen=seen,
            last=last,
            reward=self._tensor(result.reward),
            terminated=self._tensor(result.terminated | diverged),
            cut_off=self._tensor(result.truncated & ~diverged),
            result=result,
        )

    def _seen(self, groups: Observations) -> Seen:
        others = [flat(groups[name]) for name in groups if name != "actor"]
        extra = self._tensor(np.concatenate(others, axis=1)) if others else None
        return Seen(actor=self._tensor(flat(groups["actor"])), extra=extra)

    def _tensor(self, values: Float32 | Bool) -> torch.Tensor:
        return torch.from_numpy(values).to(self._device)

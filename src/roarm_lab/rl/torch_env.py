"""All worlds of an `Env` as tensors, for trainers that are written for PyTorch throughout."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from roarm_lab.core.arrays import Array, is_torch_array
from roarm_lab.envs.env import Env, Observations, StepResult


@dataclass(frozen=True, kw_only=True)
class NetworkInputs:
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
class Transition:
    """What a step gives, all with the environments first."""

    seen: NetworkInputs
    """Of the moment from which to go on: where an episode ended, of the next one."""
    last: NetworkInputs
    """Of the moment after the motion: where an episode ended, its last one."""
    reward: torch.Tensor
    terminated: torch.Tensor
    """The episode ended for good; nothing is worth anything after it. A diverged simulation counts as that."""
    cut_off: torch.Tensor
    """Only its time was up."""
    result: StepResult


class TorchWorlds:
    """An `Env` that takes and gives tensors, whichever arrays it has itself. Its own tensors are not copied."""

    def __init__(self, env: Env, device: str) -> None:
        self.env, self._device = env, device
        self._nobody = torch.zeros(env.num_envs, dtype=torch.bool, device=device)

    def reset(self, seed: int) -> NetworkInputs:
        """Start episodes in all worlds."""
        return self._seen(self.env.reset(seed))

    def step(self, actions: torch.Tensor) -> Transition:
        """Carry out actions [env, action]."""
        result = self.env.step(actions)
        seen = self._seen(result.observations)
        last = seen if result.final_observations is None else self._seen(result.final_observations)
        diverged = self._nobody
        if result.divergences:
            diverged = diverged.clone()
            diverged[[divergence.world for divergence in result.divergences]] = True
        return Transition(
            seen=seen,
            last=last,
            reward=self._tensor(result.reward),
            terminated=self._tensor(result.terminated) | diverged,
            cut_off=self._tensor(result.truncated) & ~diverged,
            result=result,
        )

    def _seen(self, groups: Observations) -> NetworkInputs:
        others = [terms for name in groups if name != "actor" for terms in groups[name].values()]
        return NetworkInputs(
            actor=self._side_by_side(groups["actor"].values()), extra=self._side_by_side(others) if others else None
        )

    def _side_by_side(self, terms: Iterable[Array]) -> torch.Tensor:
        return torch.cat([self._tensor(values) for values in terms], dim=1)

    def _tensor(self, values: Array) -> torch.Tensor:
        return (values if is_torch_array(values) else torch.from_numpy(values)).to(self._device)

"""SAC of skrl as a trainer: its agent, memory and normaliser, with our settings.

skrl brings a Gaussian policy without bounds; the tanh that SAC wants around it, with its part of the probability, is in
our model. What differs from Stable-Baselines3: the normaliser learns from what is drawn out of the memory.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from skrl.agents.torch.sac import SAC, SAC_CFG
from skrl.memories.torch import RandomMemory
from skrl.models.torch import GaussianMixin, Model

from roarm_lab.rl.networks import layers_of, stacked
from roarm_lab.rl.onnx_export import Mlp
from roarm_lab.rl.sac_settings import SacSettings
from roarm_lab.rl.skrl_parts import Critic, SkrlLearner
from roarm_lab.rl.torch_env import NetworkInputs, Transition
from roarm_lab.rl.trainer import UNKNOWN, Update

CRITIC_LOSS = "Loss / Critic loss"
NEVER = 2**62
"""Every so many steps skrl would write what it tracks by itself."""
ENTROPY = "log_entropy_coefficient"


class SquashedActor(GaussianMixin, Model):
    """Actions -1 to 1: a Gaussian whose mean and deviation come from a network, through tanh."""

    def __init__(self, hidden: tuple[int, ...], **options: Any) -> None:
        Model.__init__(self, **options)
        GaussianMixin.__init__(self)
        self.network = stacked(self.num_observations, hidden, torch.nn.ReLU)
        self.mean = torch.nn.Linear(hidden[-1], self.num_actions)
        self.log_std = torch.nn.Linear(hidden[-1], self.num_actions)

    def compute(self, inputs: dict[str, Any], *args: Any, role: str = "") -> tuple[torch.Tensor, dict[str, Any]]:
        """Return means [env, action] before tanh, and the logarithm of the deviations."""
        del args, role  # its mixins give the role by position, its base class declares a keyword
        latent = self.network(inputs["observations"])
        return self.mean(latent), {"log_std": self.log_std(latent)}

    def act(self, inputs: dict[str, Any], *, role: str = "") -> tuple[torch.Tensor, dict[str, Any]]:
        """Return actions; their logarithmic probability is that after tanh."""
        wide, outputs = super().act(inputs, role=role)
        # log(1 - tanh(x)^2) in a form that stays a number where tanh has reached 1.
        slope = 2.0 * (math.log(2.0) - wide - torch.nn.functional.softplus(-2.0 * wide))
        outputs["log_prob"] = outputs["log_prob"] - slope.sum(dim=-1, keepdim=True)
        outputs["mean_actions"] = torch.tanh(outputs["mean_actions"])
        return torch.tanh(wide), outputs

    def random_act(self, inputs: dict[str, Any], *, role: str = "") -> tuple[torch.Tensor, dict[str, Any]]:
        """Return actions -1 to 1 that follow torch's seed; skrl's own follow none."""
        del role
        size = (len(inputs["observations"]), self.num_actions)
        return 2.0 * torch.rand(size, device=self.device) - 1.0, {}


class SkrlSacTrainer(SkrlLearner[SacSettings]):
    """skrl's SAC, stepped by us."""

    def _make(self, seen: NetworkInputs) -> None:
        super()._make(seen)
        self._due = False
        self._losses: list[float] = []
        self._done: list[torch.Tensor] = []

    def _agent_for(self, common: dict[str, Any]) -> SAC:
        settings = self.settings
        critics = ("critic_1", "critic_2", "target_critic_1", "target_critic_2")
        models: dict[str, Any] = {
            "policy": SquashedActor(settings.hidden, **common),
            **{name: Critic(settings.hidden, torch.nn.ReLU, of_actions=True, **common) for name in critics},
        }
        # With replacement: a permutation of the whole memory for every batch would take most of the time.
        memory = RandomMemory(
            memory_size=settings.buffer_rows, num_envs=settings.num_envs, device=self.device, replacement=True
        )
        rows = -(-settings.learning_starts // settings.num_envs)
        configuration = SAC_CFG(
            gradient_steps=settings.gradient_steps,
            batch_size=settings.batch_size,
            polyak=settings.target_rate,
            random_timesteps=rows,
            learning_starts=rows,
            initial_entropy_value=settings.start_entropy_weight,
            target_entropy=settings.target_entropy * self.worlds.env.actions.size,
            **self._options(common),
        )
        return SAC(models=models, memory=memory, cfg=configuration, **common)

    def _step(self, seen: NetworkInputs) -> Transition:
        self._learn_if_due()  # from the step before; after the last one of a row it is `_update` that learns
        actions, moved = self._acted(seen)
        self._round += 1
        self._due = self._round % self.settings.learn_every == 0
        self._done.append(actions)
        return moved

    def _update(self, seen: NetworkInputs) -> None:
        del seen  # the memory has it
        self._learn_if_due()
        self._value_loss = float(np.mean(self._losses)) if self._losses else UNKNOWN
        self._losses.clear()
        self._done.clear()

    def _learn_if_due(self) -> None:
        if not self._due:
            return
        self._due = False
        self._agent.write_interval = NEVER  # it tells its losses only to those who would write them
        self._agent.post_interaction(**self._when)
        self._agent.write_interval = 0
        self._losses += self._agent.tracking_data[CRITIC_LOSS]
        self._agent.tracking_data.clear()

    def _latest(self) -> Update:
        rate = float(self._agent.policy_optimizer.param_groups[0]["lr"])
        return Update(learning_rate=rate, value_loss=self._value_loss)

    def _actions(self) -> torch.Tensor:
        return torch.stack(self._done)

    def _state(self) -> Mapping[str, Any]:
        return {**super()._state(), ENTROPY: self._agent.log_entropy_coefficient.detach()}

    def _restore(self, state: Mapping[str, Any]) -> None:
        super()._restore(state)
        entropy = self._agent.log_entropy_coefficient
        with torch.no_grad():
            entropy.copy_(state[ENTROPY])
        self._agent._entropy_coefficient = torch.exp(entropy.detach())  # skrl keeps it apart
        self._agent.cfg.random_timesteps = 0  # the memory is filled again by what the policy does

    def network_of(self) -> Mlp:
        """Return the actor without noise, with its normaliser, as plain arrays."""
        actor: Any = self._agent.policy
        return self._exported([*layers_of(actor.network), *layers_of(actor.mean)], "Relu", "Tanh")


TRAINER = SkrlSacTrainer

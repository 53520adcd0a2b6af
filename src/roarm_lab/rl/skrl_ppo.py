"""PPO of skrl as a trainer: its agent, memory, normaliser and learning rate schedule, with our settings.

The penalty on action means hangs in the policy's entropy, which skrl lets a model define. What differs from
Stable-Baselines3: the learning rate changes after every epoch; the normaliser learns during the first epoch of an
update, from its minibatches.
"""

from typing import Any

import numpy as np
import torch
from skrl.agents.torch.ppo import PPO, PPO_CFG
from skrl.memories.torch import RandomMemory
from skrl.models.torch import GaussianMixin, Model
from skrl.resources.schedulers.torch import KLAdaptiveLR

from roarm_lab.rl.networks import begin_small, layers_of, outside_the_box, stacked
from roarm_lab.rl.onnx_export import Mlp
from roarm_lab.rl.settings import PpoSettings
from roarm_lab.rl.skrl_parts import Critic, SkrlLearner
from roarm_lab.rl.torch_env import NetworkInputs, Transition
from roarm_lab.rl.trainer import UNKNOWN, Update

VALUE_LOSS = "Loss / Value loss"


class Actor(GaussianMixin, Model):
    """Means from a network, deviations that do not depend on what is seen; means are kept inside -1 to 1."""

    def __init__(self, hidden: tuple[int, ...], start_std: float, bound_over_entropy: float, **options: Any) -> None:
        Model.__init__(self, **options)
        GaussianMixin.__init__(self)
        self.network = stacked(self.num_observations, hidden, torch.nn.ELU, self.num_actions)
        self.log_std = torch.nn.Parameter(torch.full((self.num_actions,), float(np.log(start_std))))
        self.bound_over_entropy = bound_over_entropy
        begin_small(self.network)

    def compute(self, inputs: dict[str, Any], *args: Any, role: str = "") -> tuple[torch.Tensor, dict[str, Any]]:
        """Return means [env, action] and the logarithm of the deviations."""
        del args, role  # its mixins give the role by position, its base class declares a keyword
        return self.network(inputs["observations"]), {"log_std": self.log_std}

    def get_entropy(self, *, role: str = "") -> torch.Tensor:
        """Return the entropy [env, 1], which PPO raises, less the penalty on means outside the box."""
        outside = outside_the_box(self.distribution(role=role).mean)[:, None]
        return super().get_entropy(role=role) - self.bound_over_entropy * outside


class RememberingSchedule(KLAdaptiveLR):
    """skrl's schedule; keeps the divergence of the latest epoch, which is logged nowhere else."""

    kl = UNKNOWN

    def step(self, kl: torch.Tensor | float | None = None, *, epoch: int | None = None) -> None:
        """Raise or lower the learning rate."""
        super().step(kl, epoch=epoch)
        if kl is not None:
            self.kl = float(kl)


class SkrlTrainer(SkrlLearner[PpoSettings]):
    """skrl's PPO, stepped by us."""

    def _agent_for(self, common: dict[str, Any]) -> PPO:
        settings = self.settings
        bound = settings.mean_bound_weight / settings.entropy_weight
        models: dict[str, Any] = {
            "policy": Actor(settings.hidden, settings.start_std, bound, **common),
            "value": Critic(settings.hidden, torch.nn.ELU, of_actions=False, **common),
        }
        memory = RandomMemory(memory_size=settings.rollout_steps, num_envs=settings.num_envs, device=self.device)
        low, high = settings.learning_rate_range
        configuration = PPO_CFG(
            rollouts=settings.rollout_steps,
            learning_epochs=settings.epochs,
            mini_batches=settings.minibatches,
            gae_lambda=settings.gae_lambda,
            learning_rate_scheduler=RememberingSchedule,
            learning_rate_scheduler_kwargs={"kl_threshold": settings.desired_kl, "min_lr": low, "max_lr": high},
            grad_norm_clip=settings.max_grad_norm,
            ratio_clip=settings.clip,
            value_clip=0.0,
            entropy_loss_scale=settings.entropy_weight,
            value_loss_scale=settings.value_weight,
            time_limit_bootstrap=True,
            **self._options(common),
        )
        return PPO(models=models, memory=memory, cfg=configuration, **common)

    def _step(self, seen: NetworkInputs) -> Transition:
        if self._round % self.settings.rollout_steps:
            self._agent.post_interaction(**self._when)  # of the step before; after the last one it learns
        self._round += 1
        _, moved = self._acted(seen)
        return moved

    def _update(self, seen: NetworkInputs) -> None:
        del seen  # skrl keeps the moment after the rollout itself; where an episode has ended, it is not asked for it
        self._agent.post_interaction(**self._when)
        self._value_loss = float(np.mean(self._agent.tracking_data[VALUE_LOSS])) / self.settings.value_weight
        self._agent.tracking_data.clear()

    def _latest(self) -> Update:
        agent = self._agent
        return Update(
            learning_rate=float(agent.optimizer.param_groups[0]["lr"]),
            kl=agent.scheduler.kl,
            value_loss=self._value_loss,
            std=float(agent.policy.log_std.detach().exp().mean()),
        )

    def _actions(self) -> torch.Tensor:
        return self._agent.memory.get_tensor_by_name("actions")

    def network_of(self) -> Mlp:
        """Return the actor as it is now, with its normaliser, as plain arrays."""
        return self._exported(layers_of(self._agent.policy.network), "Elu")


TRAINER = SkrlTrainer

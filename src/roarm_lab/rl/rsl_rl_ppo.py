"""PPO of RSL-RL as a trainer: its algorithm and networks, with our settings.

Two small classes hang in the places that RSL-RL has for them: a distribution that keeps action means inside the box,
and networks that limit normalised observations and remember the KL divergence. What differs from Stable-Baselines3:
the learning rate changes before every minibatch, between 1e-5 and 1e-2, which the library fixes; gradients of actor and
critic are limited each for itself; what a time limit cuts off is valued at the moment before the last action; the
normaliser adds 0.01 to deviations.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from rsl_rl.algorithms import PPO
from rsl_rl.models import MLPModel
from rsl_rl.modules.distribution import GaussianDistribution
from rsl_rl.storage import RolloutStorage
from tensordict import TensorDict

from roarm_lab.rl.distributed import multi_gpu, present
from roarm_lab.rl.networks import begin_small, layers_of, outside_the_box
from roarm_lab.rl.onnx_export import Mlp, variance_of
from roarm_lab.rl.settings import PpoSettings
from roarm_lab.rl.torch_env import NetworkInputs, Transition
from roarm_lab.rl.torch_trainer import TorchTrainer
from roarm_lab.rl.trainer import UNKNOWN, Update


class BoundedMeans(GaussianDistribution):
    """Its entropy, which PPO raises, is lowered where means leave the box: the penalty needs no other training loop."""

    def __init__(self, output_dim: int, bound_over_entropy: float, **options: Any) -> None:
        super().__init__(output_dim, **options)
        self.bound_over_entropy = bound_over_entropy

    @property
    def entropy(self) -> torch.Tensor:
        """Entropy [batch], less the penalty."""
        return super().entropy - self.bound_over_entropy * outside_the_box(self.mean)

    def sample(self) -> torch.Tensor:
        """Return random actions [batch, action], through which no gradient flows.

        RSL-RL's own way, `torch.normal` of a tensor of deviations, looks whether the smallest of them is negative. On a
        GPU that waits for all that it has been told, in every step and for every minibatch.
        """
        with torch.no_grad():
            return self.mean + self.std * torch.randn_like(self.mean)

    def init_mlp_weights(self, mlp: torch.nn.Module) -> None:
        """Let a fresh actor ask for little."""
        begin_small(mlp)


class LimitedModel(MLPModel):
    """A network whose normalised observations are limited, and that remembers the divergences it was asked for."""

    def __init__(self, *args: Any, observation_clip: float, **options: Any) -> None:
        super().__init__(*args, **options)
        self.observation_clip = observation_clip
        self.divergences: list[torch.Tensor] = []

    def get_latent(self, *args: Any, **options: Any) -> torch.Tensor:
        """Return normalised observations [batch, size]."""
        return super().get_latent(*args, **options).clamp(-self.observation_clip, self.observation_clip)

    def get_kl_divergence(self, old_params: Any, new_params: Any) -> torch.Tensor:
        """Return the divergence [batch]; PPO asks once per minibatch."""
        divergence = super().get_kl_divergence(old_params, new_params)
        self.divergences.append(divergence.mean())
        return divergence


class RslRlTrainer(TorchTrainer[PpoSettings]):
    """RSL-RL's PPO, stepped by us."""

    def _make(self, seen: NetworkInputs) -> None:
        self._actor, critic = self._networks(_groups(seen))
        self._storage = RolloutStorage(
            "rl",
            self.settings.num_envs,
            self.settings.rollout_steps,
            _groups(seen),
            [self.worlds.env.actions.size],
            self.device,
        )
        self._ppo = self._algorithm(critic)
        if self.device != "cpu":  # one kernel instead of many: a GPU waits for commands, not for numbers
            self._ppo.optimizer = torch.optim.Adam(self._ppo.optimizer.param_groups, fused=True)
        if present().several:
            self._ppo.broadcast_parameters()  # seeds differ, so that worlds and noise do
        self._ppo.train_mode()
        self._kl = self._value_loss = UNKNOWN

    def _networks(self, observations: TensorDict) -> tuple[LimitedModel, LimitedModel]:
        """Return actor and critic."""
        settings = self.settings
        groups = {"actor": ["actor"], "critic": list(observations.keys())}
        network: dict[str, Any] = {
            "hidden_dims": settings.hidden,
            "activation": "elu",
            "obs_normalization": True,
            "observation_clip": settings.observation_clip,
        }
        distribution = {
            "class_name": BoundedMeans,
            "init_std": settings.start_std,
            "std_type": "log",
            "bound_over_entropy": settings.mean_bound_weight / settings.entropy_weight,
        }
        size = self.worlds.env.actions.size
        actor = LimitedModel(observations, groups, "actor", size, distribution_cfg=distribution, **network)
        return actor, LimitedModel(observations, groups, "critic", 1, **network)

    def _algorithm(self, critic: LimitedModel) -> PPO:
        settings = self.settings
        return PPO(
            self._actor,
            critic,
            self._storage,
            num_learning_epochs=settings.epochs,
            num_mini_batches=settings.minibatches,
            clip_param=settings.clip,
            gamma=settings.gamma,
            lam=settings.gae_lambda,
            value_loss_coef=settings.value_weight,
            entropy_coef=settings.entropy_weight,
            learning_rate=settings.learning_rate,
            max_grad_norm=settings.max_grad_norm,
            use_clipped_value_loss=False,
            schedule="adaptive",
            desired_kl=settings.desired_kl,
            device=self.device,
            multi_gpu_cfg=multi_gpu(present()),
        )

    def _step(self, seen: NetworkInputs) -> Transition:
        with torch.inference_mode():
            actions = self._ppo.act(_groups(seen))
        # Outside: what is made in that mode, worlds on a GPU could not change.
        moved = self.worlds.step(actions.clone())
        with torch.inference_mode():
            self._ppo.process_env_step(
                _groups(moved.seen), moved.reward, moved.terminated | moved.cut_off, {"time_outs": moved.cut_off}
            )
        return moved

    def _update(self, seen: NetworkInputs) -> None:
        with torch.inference_mode():
            self._ppo.compute_returns(_groups(seen))
        self._value_loss = self._ppo.update()["value"]
        last_epoch = self._actor.divergences[-self.settings.minibatches :]
        self._kl = float(torch.stack(last_epoch).mean())
        self._actor.divergences.clear()

    def _latest(self) -> Update:
        distribution: Any = self._actor.distribution
        std = float(distribution.log_std_param.detach().exp().mean())
        return Update(learning_rate=self._ppo.learning_rate, kl=self._kl, value_loss=self._value_loss, std=std)

    def _actions(self) -> torch.Tensor:
        return self._storage.actions

    def _state(self) -> Mapping[str, Any]:
        return self._ppo.save()

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._ppo.load(dict(state), None, strict=True)

    def network_of(self) -> Mlp:
        """Return the actor as it is now, with its normaliser, as plain arrays."""
        normaliser: Any = self._actor.obs_normalizer
        deviation = normaliser.std.detach().cpu().numpy().astype(np.float64)
        return Mlp(
            mean=normaliser.mean.detach().cpu().numpy(),
            var=variance_of(deviation + normaliser.eps),
            clip=self.settings.observation_clip,
            layers=layers_of(self._actor.mlp),
            activation="Elu",
        )


def _groups(seen: NetworkInputs) -> TensorDict:
    """Return the observation groups as RSL-RL takes them; the critic sees all of them, the actor its own."""
    groups = {"actor": seen.actor} | ({} if seen.extra is None else {"critic": seen.extra})
    return TensorDict(groups, batch_size=[len(seen.actor)])


TRAINER = RslRlTrainer

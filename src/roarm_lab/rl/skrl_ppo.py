"""PPO of skrl as a trainer: its agent, memory, normaliser and learning rate schedule, with our settings.

The penalty on action means hangs in the policy's entropy, which skrl lets a model define. What differs from
Stable-Baselines3: the learning rate changes after every epoch; the normaliser learns during the first epoch of an
update, from its minibatches.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from skrl.agents.torch.ppo import PPO, PPO_CFG
from skrl.memories.torch import RandomMemory
from skrl.models.torch import DeterministicMixin, GaussianMixin, Model
from skrl.resources.preprocessors.torch import RunningStandardScaler
from skrl.resources.schedulers.torch import KLAdaptiveLR

from roarm_lab.rl.onnx_export import Mlp
from roarm_lab.rl.settings import PpoSettings
from roarm_lab.rl.skrl_parts import SCALER_EPSILON, box, mean_and_var, network, with_output
from roarm_lab.rl.torch_trainer import TorchTrainer, layers_of, outside_the_box
from roarm_lab.rl.torch_worlds import Moved, Seen
from roarm_lab.rl.trainer import UNKNOWN, Update

FIRST_ACTIONS = 0.05
"""By this the last layer of a fresh actor is scaled: it begins by exploring around standing still."""
VALUE_LOSS = "Loss / Value loss"


class Actor(GaussianMixin, Model):
    """Means from a network, deviations that do not depend on what is seen; means are kept inside -1 to 1."""

    def __init__(self, hidden: tuple[int, ...], start_std: float, bound_over_entropy: float, **options: Any) -> None:
        Model.__init__(self, **options)
        GaussianMixin.__init__(self)
        self.network = with_output(network(self.num_observations, hidden, torch.nn.ELU), hidden[-1], self.num_actions)
        self.log_std = torch.nn.Parameter(torch.full((self.num_actions,), float(np.log(start_std))))
        self.bound_over_entropy = bound_over_entropy
        last: Any = self.network[-1]
        with torch.no_grad():
            last.weight.mul_(FIRST_ACTIONS)
            last.bias.zero_()

    def compute(self, inputs: dict[str, Any], *args: Any, role: str = "") -> tuple[torch.Tensor, dict[str, Any]]:
        """Return means [env, action] and the logarithm of the deviations."""
        del args, role  # its mixins give the role by position, its base class declares a keyword
        return self.network(inputs["observations"]), {"log_std": self.log_std}

    def get_entropy(self, *, role: str = "") -> torch.Tensor:
        """Return the entropy [env, 1], which PPO raises, less the penalty on means outside the box."""
        outside = outside_the_box(self.distribution(role=role).mean)[:, None]
        return super().get_entropy(role=role) - self.bound_over_entropy * outside


class Critic(DeterministicMixin, Model):
    """The value of a moment; sees what skrl calls the state where there is one."""

    def __init__(self, hidden: tuple[int, ...], **options: Any) -> None:
        Model.__init__(self, **options)
        DeterministicMixin.__init__(self)
        self.sees = "observations" if self.state_space is None else "states"
        self.network = with_output(
            network(self.num_states or self.num_observations, hidden, torch.nn.ELU), hidden[-1], 1
        )

    def compute(self, inputs: dict[str, Any], *args: Any, role: str = "") -> tuple[torch.Tensor, dict[str, Any]]:
        """Return the value [env, 1]."""
        del args, role  # its mixins give the role by position, its base class declares a keyword
        return self.network(inputs[self.sees]), {}


class RememberingSchedule(KLAdaptiveLR):
    """skrl's schedule; keeps the divergence of the latest epoch, which is logged nowhere else."""

    kl = UNKNOWN

    def step(self, kl: torch.Tensor | float | None = None, *, epoch: int | None = None) -> None:
        """Raise or lower the learning rate."""
        super().step(kl, epoch=epoch)
        if kl is not None:
            self.kl = float(kl)


class SkrlTrainer(TorchTrainer[PpoSettings]):
    """skrl's PPO, stepped by us."""

    def _make(self, seen: Seen) -> None:
        observation, action = box(seen.actor.shape[1]), box(self.worlds.env.actions.size, 1.0)
        state = None if seen.extra is None else box(seen.critic.shape[1])
        common: dict[str, Any] = {
            "observation_space": observation,
            "state_space": state,
            "action_space": action,
            "device": self.device,
        }
        settings = self.settings
        bound = settings.mean_bound_weight / settings.entropy_weight
        models: dict[str, Any] = {
            "policy": Actor(settings.hidden, settings.start_std, bound, **common),
            "value": Critic(settings.hidden, **common),
        }
        self._memory = RandomMemory(memory_size=settings.rollout_steps, num_envs=settings.num_envs, device=self.device)
        self._agent = PPO(models=models, memory=self._memory, cfg=self._configuration(observation, state), **common)
        self._agent.init()
        self._agent.enable_training_mode(True)
        self._round, self._value_loss = 0, UNKNOWN

    def _configuration(self, observation: spaces.Box, state: spaces.Box | None) -> PPO_CFG:
        settings = self.settings
        low, high = settings.learning_rate_range
        scaler = {
            "epsilon": SCALER_EPSILON,
            "clip_threshold": settings.observation_clip,
            "device": self.device,
        }
        return PPO_CFG(
            rollouts=settings.rollout_steps,
            learning_epochs=settings.epochs,
            mini_batches=settings.minibatches,
            discount_factor=settings.gamma,
            gae_lambda=settings.gae_lambda,
            learning_rate=settings.learning_rate,
            learning_rate_scheduler=RememberingSchedule,
            learning_rate_scheduler_kwargs={"kl_threshold": settings.desired_kl, "min_lr": low, "max_lr": high},
            observation_preprocessor=RunningStandardScaler,
            observation_preprocessor_kwargs={"size": observation, **scaler},
            state_preprocessor=None if state is None else RunningStandardScaler,
            state_preprocessor_kwargs={"size": state, **scaler},
            grad_norm_clip=settings.max_grad_norm,
            ratio_clip=settings.clip,
            value_clip=0.0,
            entropy_loss_scale=settings.entropy_weight,
            value_loss_scale=settings.value_weight,
            time_limit_bootstrap=True,
            experiment={"write_interval": 0, "checkpoint_interval": 0},  # pyright: ignore[reportArgumentType] (expanded)
        )

    def _step(self, seen: Seen) -> Moved:
        if self._round % self.settings.rollout_steps:
            self._agent.post_interaction(**self._when)  # of the step before; after the last one it learns
        self._round += 1
        states = None if seen.extra is None else seen.critic
        with torch.no_grad():
            actions, _ = self._agent.act(seen.actor, states, **self._when)
            moved = self.worlds.step(actions)
            last: Any = None if moved.last.extra is None else moved.last.critic
            self._agent.record_transition(
                observations=seen.actor,
                states=states,  # pyright: ignore[reportArgumentType] (None where there are none)
                actions=actions,
                rewards=moved.reward[:, None],
                # The episode's own last moment, not the next one's first: what a time limit cuts off is valued there.
                next_observations=moved.last.actor,
                next_states=last,
                terminated=moved.terminated[:, None],
                truncated=moved.cut_off[:, None],
                infos={},
                **self._when,
            )
        return moved

    @property
    def _when(self) -> dict[str, int]:
        return {"timestep": self._round, "timesteps": 0}

    def _update(self, seen: Seen) -> None:
        del seen  # skrl keeps the moment after the rollout itself; where an episode has ended, it is not asked for it
        self._agent.post_interaction(**self._when)
        self._value_loss = float(np.mean(self._agent.tracking_data[VALUE_LOSS])) / self.settings.value_weight
        self._agent.tracking_data.clear()

    def _latest(self) -> Update:
        policy, optimizer, schedule = self._policy, self._agent.optimizer, self._schedule
        return Update(
            learning_rate=float(optimizer.param_groups[0]["lr"]),
            kl=schedule.kl,
            value_loss=self._value_loss,
            std=float(policy.log_std.detach().exp().mean()),
        )

    @property
    def _policy(self) -> Actor:
        policy: Any = self._agent.policy
        return policy

    @property
    def _schedule(self) -> RememberingSchedule:
        schedule: Any = self._agent.scheduler
        return schedule

    def _actions(self) -> torch.Tensor:
        return self._memory.get_tensor_by_name("actions")

    def _state(self) -> Mapping[str, Any]:
        modules: dict[str, Any] = self._agent.checkpoint_modules
        return {name: module.state_dict() for name, module in modules.items()}

    def _restore(self, state: Mapping[str, Any]) -> None:
        modules: dict[str, Any] = self._agent.checkpoint_modules
        for name, module in modules.items():
            module.load_state_dict(state[name])

    def network_of(self) -> Mlp:
        """Return the actor as it is now, with its normaliser, as plain arrays."""
        mean, var = mean_and_var(self._agent.checkpoint_modules["observation_preprocessor"])
        return Mlp(
            mean=mean,
            var=var,
            clip=self.settings.observation_clip,
            layers=layers_of(self._policy.network),
            activation="Elu",
        )


TRAINER = SkrlTrainer

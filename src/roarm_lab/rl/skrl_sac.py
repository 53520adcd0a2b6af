"""SAC of skrl as a trainer: its agent, memory and normaliser, with our settings.

skrl brings a Gaussian policy without bounds; the tanh that SAC wants around it, with its part of the probability, is in
our model. What differs from Stable-Baselines3: the normaliser learns from what is drawn out of the memory.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from skrl.agents.torch.sac import SAC, SAC_CFG
from skrl.memories.torch import RandomMemory
from skrl.models.torch import DeterministicMixin, GaussianMixin, Model
from skrl.resources.preprocessors.torch import RunningStandardScaler

from roarm_lab.rl.onnx_export import Mlp
from roarm_lab.rl.sac_settings import SacSettings
from roarm_lab.rl.skrl_parts import SCALER_EPSILON, box, mean_and_var, network, with_output
from roarm_lab.rl.torch_trainer import TorchTrainer, layers_of
from roarm_lab.rl.torch_worlds import Moved, Seen
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
        self.network = network(self.num_observations, hidden, torch.nn.ReLU)
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


class ActionCritic(DeterministicMixin, Model):
    """The value of an action in a moment; sees what skrl calls the state where there is one."""

    def __init__(self, hidden: tuple[int, ...], **options: Any) -> None:
        Model.__init__(self, **options)
        DeterministicMixin.__init__(self)
        self.sees = "observations" if self.state_space is None else "states"
        size = (self.num_states or self.num_observations) + self.num_actions
        self.network = with_output(network(size, hidden, torch.nn.ReLU), hidden[-1], 1)

    def compute(self, inputs: dict[str, Any], *args: Any, role: str = "") -> tuple[torch.Tensor, dict[str, Any]]:
        """Return the value [env, 1]."""
        del args, role  # its mixins give the role by position, its base class declares a keyword
        return self.network(torch.cat([inputs[self.sees], inputs["taken_actions"]], dim=1)), {}


class SkrlSacTrainer(TorchTrainer[SacSettings]):
    """skrl's SAC, stepped by us."""

    def _make(self, seen: Seen) -> None:
        settings, device = self.settings, self.device
        observation, action = box(seen.actor.shape[1]), box(self.worlds.env.actions.size, 1.0)
        state = None if seen.extra is None else box(seen.critic.shape[1])
        common: dict[str, Any] = {
            "observation_space": observation,
            "state_space": state,
            "action_space": action,
            "device": device,
        }
        critics = ("critic_1", "critic_2", "target_critic_1", "target_critic_2")
        models: dict[str, Any] = {
            "policy": SquashedActor(settings.hidden, **common),
            **{name: ActionCritic(settings.hidden, **common) for name in critics},
        }
        # With replacement: a permutation of the whole memory for every batch would take most of the time.
        memory = RandomMemory(
            memory_size=settings.buffer_rows, num_envs=settings.num_envs, device=device, replacement=True
        )
        self._agent: Any = SAC(
            models=models, memory=memory, cfg=self._configuration(observation, state, action), **common
        )
        self._agent.init()
        self._agent.enable_training_mode(True)
        self._round, self._due, self._value_loss = 0, False, UNKNOWN
        self._losses: list[float] = []
        self._done: list[torch.Tensor] = []

    def _configuration(self, observation: spaces.Box, state: spaces.Box | None, action: spaces.Box) -> SAC_CFG:
        settings = self.settings
        rows = -(-settings.learning_starts // settings.num_envs)
        scaler = {"epsilon": SCALER_EPSILON, "clip_threshold": settings.observation_clip, "device": self.device}
        return SAC_CFG(
            gradient_steps=settings.gradient_steps,
            batch_size=settings.batch_size,
            discount_factor=settings.gamma,
            polyak=settings.target_rate,
            learning_rate=settings.learning_rate,
            observation_preprocessor=RunningStandardScaler,
            observation_preprocessor_kwargs={"size": observation, **scaler},
            state_preprocessor=None if state is None else RunningStandardScaler,
            state_preprocessor_kwargs={"size": state, **scaler},
            random_timesteps=rows,
            learning_starts=rows,
            initial_entropy_value=settings.start_entropy_weight,
            target_entropy=settings.target_entropy * action.shape[0],
            experiment={"write_interval": 0, "checkpoint_interval": 0},  # pyright: ignore[reportArgumentType] (expanded)
        )

    def _step(self, seen: Seen) -> Moved:
        self._learn_if_due()  # from the step before; after the last one of a row it is `_update` that learns
        states = None if seen.extra is None else seen.critic
        with torch.no_grad():
            actions, _ = self._agent.act(seen.actor, states, **self._when)
            moved = self.worlds.step(actions)
            self._agent.record_transition(
                observations=seen.actor,
                states=states,
                actions=actions,
                rewards=moved.reward[:, None],
                # The episode's own last moment, not the next one's first: what a time limit cuts off is valued there.
                next_observations=moved.last.actor,
                next_states=None if moved.last.extra is None else moved.last.critic,
                terminated=moved.terminated[:, None],
                truncated=moved.cut_off[:, None],
                infos={},
                **self._when,
            )
        self._round += 1
        self._due = self._round % self.settings.learn_every == 0
        self._done.append(actions)
        return moved

    def _update(self, seen: Seen) -> None:
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

    @property
    def _when(self) -> dict[str, int]:
        return {"timestep": self._round, "timesteps": 0}

    def _latest(self) -> Update:
        rate = float(self._agent.policy_optimizer.param_groups[0]["lr"])
        return Update(learning_rate=rate, value_loss=self._value_loss)

    def _actions(self) -> torch.Tensor:
        return torch.stack(self._done)

    def _state(self) -> Mapping[str, Any]:
        modules = {name: module.state_dict() for name, module in self._agent.checkpoint_modules.items()}
        return {**modules, ENTROPY: self._agent.log_entropy_coefficient.detach()}

    def _restore(self, state: Mapping[str, Any]) -> None:
        for name, module in self._agent.checkpoint_modules.items():
            module.load_state_dict(state[name])
        entropy = self._agent.log_entropy_coefficient
        with torch.no_grad():
            entropy.copy_(state[ENTROPY])
        self._agent._entropy_coefficient = torch.exp(entropy.detach())  # skrl keeps it apart
        self._agent.cfg.random_timesteps = 0  # the memory is filled again by what the policy does

    def network_of(self) -> Mlp:
        """Return the actor without noise, with its normaliser, as plain arrays."""
        actor: Any = self._agent.policy
        mean, var = mean_and_var(self._agent.checkpoint_modules["observation_preprocessor"])
        return Mlp(
            mean=mean,
            var=var,
            clip=self.settings.observation_clip,
            layers=[*layers_of(actor.network), *layers_of(actor.mean)],
            activation="Relu",
            output_activation="Tanh",
        )


TRAINER = SkrlSacTrainer

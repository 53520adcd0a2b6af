"""What skrl's trainers have in common: spaces, critics, the step that is remembered, the normaliser, checkpoints."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from gymnasium import spaces
from skrl.models.torch import DeterministicMixin, Model
from skrl.resources.preprocessors.torch import RunningStandardScaler

from roarm_lab.core.arrays import Float32
from roarm_lab.rl.networks import stacked
from roarm_lab.rl.onnx_export import EPSILON, Mlp, variance_of
from roarm_lab.rl.sac_settings import SacSettings
from roarm_lab.rl.settings import PpoSettings
from roarm_lab.rl.torch_env import NetworkInputs, Transition
from roarm_lab.rl.torch_trainer import TorchTrainer
from roarm_lab.rl.trainer import UNKNOWN

SCALER_EPSILON = EPSILON**0.5
"""Added to the deviation; below it the exported network, which adds to the variance, could not follow."""

S = TypeVar("S", PpoSettings, SacSettings)


class Critic(DeterministicMixin, Model):
    """The value of a moment, or of an action in it; sees what skrl calls the state where there is one."""

    def __init__(
        self, hidden: tuple[int, ...], activation: type[torch.nn.Module], *, of_actions: bool, **options: Any
    ) -> None:
        Model.__init__(self, **options)
        DeterministicMixin.__init__(self)
        self.sees = ["observations" if self.state_space is None else "states"]
        size = self.num_states or self.num_observations
        if of_actions:
            self.sees.append("taken_actions")
            size += self.num_actions
        self.network = stacked(size, hidden, activation, 1)

    def compute(self, inputs: dict[str, Any], *args: Any, role: str = "") -> tuple[torch.Tensor, dict[str, Any]]:
        """Return the value [env, 1]."""
        del args, role  # its mixins give the role by position, its base class declares a keyword
        return self.network(torch.cat([inputs[name] for name in self.sees], dim=1)), {}


class SkrlLearner(TorchTrainer[S]):
    """An agent of skrl, stepped by us."""

    def _make(self, seen: NetworkInputs) -> None:
        common: dict[str, Any] = {
            "observation_space": _box(seen.actor.shape[1]),
            "state_space": None if seen.extra is None else _box(seen.critic.shape[1]),
            "action_space": _box(self.worlds.env.actions.size, 1.0),
            "device": self.device,
        }
        self._agent: Any = self._agent_for(common)
        self._agent.init()
        self._agent.enable_training_mode(True)
        self._round, self._value_loss = 0, UNKNOWN

    @abstractmethod
    def _agent_for(self, common: dict[str, Any]) -> Any:
        """Return an agent of the library; `common` is what it and its models take: spaces and device."""

    def _options(self, common: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the configurations of all agents have: normalisers, and that nothing is written."""
        state, settings = common["state_space"], self.settings
        scaler = {"epsilon": SCALER_EPSILON, "clip_threshold": settings.observation_clip, "device": self.device}
        return {
            "discount_factor": settings.gamma,
            "learning_rate": settings.learning_rate,
            "observation_preprocessor": RunningStandardScaler,
            "observation_preprocessor_kwargs": {"size": common["observation_space"], **scaler},
            "state_preprocessor": None if state is None else RunningStandardScaler,
            "state_preprocessor_kwargs": {"size": state, **scaler},
            "experiment": {"write_interval": 0, "checkpoint_interval": 0},
        }

    def _acted(self, seen: NetworkInputs) -> tuple[torch.Tensor, Transition]:
        """Draw actions, carry them out and put what came of it into the memory; return both."""
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
        return actions, moved

    @property
    def _when(self) -> dict[str, int]:
        return {"timestep": self._round, "timesteps": 0}

    def _state(self) -> Mapping[str, Any]:
        return {name: module.state_dict() for name, module in self._agent.checkpoint_modules.items()}

    def _restore(self, state: Mapping[str, Any]) -> None:
        for name, module in self._agent.checkpoint_modules.items():
            module.load_state_dict(state[name])

    def _exported(self, layers: list[tuple[Float32, Float32]], activation: str, output: str | None = None) -> Mlp:
        """Return an actor of these layers behind the normaliser."""
        scaler = self._agent.checkpoint_modules["observation_preprocessor"]
        return Mlp(
            mean=scaler.running_mean.cpu().numpy().astype(np.float32),
            var=variance_of(scaler.running_variance.cpu().numpy() ** 0.5 + scaler.epsilon),
            clip=self.settings.observation_clip,
            layers=layers,
            activation=activation,
            output_activation=output,
        )


def _box(size: int, bound: float = np.inf) -> spaces.Box:
    """Return the space of so many numbers between -bound and bound."""
    return spaces.Box(-bound, bound, (size,), np.float32)

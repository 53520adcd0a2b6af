"""PPO of Stable-Baselines3 with our settings: normalised observations, bounded action means, exported as ONNX."""

from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecNormalize

from roarm_lab.core.errors import BadInputError
from roarm_lab.rl.networks import layers_of, outside_the_box, stacked
from roarm_lab.rl.onnx_export import Mlp
from roarm_lab.rl.sac_settings import SacSettings
from roarm_lab.rl.sb3_vec_env import Sb3VecEnv
from roarm_lab.rl.settings import PpoSettings

MODEL, NORMALISER = "model.zip", "normaliser.npz"

Model = TypeVar("Model", bound=BaseAlgorithm)


class BoundedMeanPolicy(ActorCriticPolicy):
    """An actor and a critic whose action means are kept inside -1 to 1.

    PPO maximises `entropy_weight * entropy`; the penalty on means outside the box travels in the entropy that
    `evaluate_actions` returns, divided by that weight, so that PPO's own training loop needs no change.
    """

    def __init__(
        self, *args: Any, bound_over_entropy: float = 0.0, actor_size: int | None = None, **kwargs: Any
    ) -> None:
        self.actor_size = actor_size
        self.bound_over_entropy = bound_over_entropy
        super().__init__(*args, **kwargs)

    def _build_mlp_extractor(self) -> None:
        """Make the two networks; the actor's sees the first `actor_size` numbers of the observation only."""
        size = self.features_dim
        self.mlp_extractor: Any = TwoNetworks(self.actor_size or size, size, self.net_arch, self.activation_fn)

    def evaluate_actions(
        self, obs: Any, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Return values, log-probabilities, and the entropy less the penalty."""
        features: Any = self.extract_features(obs)
        latent_pi, latent_vf = self.mlp_extractor(features)
        distribution: Any = self._get_action_dist_from_latent(latent_pi)
        mean = distribution.distribution.mean
        entropy = distribution.entropy() - self.bound_over_entropy * outside_the_box(mean)
        return self.value_net(latent_vf), distribution.log_prob(actions), entropy


class TwoNetworks(torch.nn.Module):
    """Hidden layers of actor and critic, which see different parts of the observation.

    Method names are those that Stable-Baselines3 calls.
    """

    def __init__(self, actor_size: int, size: int, widths: Any, activation: type[torch.nn.Module]) -> None:
        super().__init__()
        self.actor_size = actor_size
        self.policy_net = stacked(actor_size, widths["pi"], activation)
        self.value_net = stacked(size, widths["vf"], activation)
        self.latent_dim_pi, self.latent_dim_vf = widths["pi"][-1], widths["vf"][-1]

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the last hidden values of actor and critic."""
        return self.forward_actor(features), self.forward_critic(features)

    def forward_actor(self, features: torch.Tensor) -> torch.Tensor:
        """Return the last hidden values of the actor."""
        return self.policy_net(features[:, : self.actor_size])

    def forward_critic(self, features: torch.Tensor) -> torch.Tensor:
        """Return the last hidden values of the critic."""
        return self.value_net(features)


def make_ppo(env: VecNormalize, settings: PpoSettings, seed: int, device: str) -> PPO:
    """Return an untrained PPO on `env`, whose logger writes nothing: its own would litter the temporary folder."""
    worlds: Any = env.venv
    batch = settings.num_envs * settings.rollout_steps
    model = PPO(
        BoundedMeanPolicy,
        env,
        learning_rate=settings.learning_rate,
        n_steps=settings.rollout_steps,
        batch_size=max(batch // settings.minibatches, 2),
        n_epochs=settings.epochs,
        gamma=settings.gamma,
        gae_lambda=settings.gae_lambda,
        clip_range=settings.clip,
        ent_coef=settings.entropy_weight,
        vf_coef=settings.value_weight,
        max_grad_norm=settings.max_grad_norm,
        seed=seed,
        device=device,
        policy_kwargs={
            "net_arch": {"pi": list(settings.hidden), "vf": list(settings.hidden)},
            "activation_fn": torch.nn.ELU,
            "log_std_init": float(np.log(settings.start_std)),
            "actor_size": worlds.actor_size,
            "bound_over_entropy": settings.mean_bound_weight / settings.entropy_weight,
        },
    )
    model.set_logger(silent_logger())
    return model


def silent_logger() -> Logger:
    """Return a logger that keeps what it is told until the next rollout, and writes nothing."""
    return Logger(None, [])


def normalised(env: Sb3VecEnv, settings: PpoSettings | SacSettings) -> VecNormalize:
    """Return `env` with observations scaled by their running mean and variance; rewards stay as they are."""
    return VecNormalize(env, norm_reward=False, clip_obs=settings.observation_clip, gamma=settings.gamma)


def save(folder: Path, model: BaseAlgorithm, env: VecNormalize) -> None:
    """Write the model, its optimiser and the normaliser into `folder`.

    Raises:
        OSError: It can not be written.
    """
    statistics: Any = env.obs_rms
    network, normaliser = BytesIO(), BytesIO()
    model.save(network)
    np.savez(normaliser, mean=statistics.mean, var=statistics.var, count=statistics.count)
    # Both are whole before anything is written: an archive that is cut off by a full disk complains when it is deleted.
    (folder / MODEL).write_bytes(network.getvalue())
    (folder / NORMALISER).write_bytes(normaliser.getvalue())


def load(folder: Path, env: VecNormalize, device: str) -> PPO:
    """Return the PPO in `folder`: see `load_model`."""
    return load_model(folder, env, device, PPO)


def load_model(folder: Path, env: VecNormalize, device: str, algorithm: type[Model]) -> Model:
    """Return the model in `folder`, going on with `env`, whose normaliser is set from the same folder.

    Raises:
        BadInputError: A file is missing or damaged.
    """
    try:
        with np.load(folder / NORMALISER) as kept:
            statistics: Any = env.obs_rms
            statistics.mean, statistics.var = kept["mean"], kept["var"]
            statistics.count = float(kept["count"])
        model = algorithm.load(folder / MODEL, env=env, device=device)
    except (OSError, KeyError, ValueError, RuntimeError, EOFError, AssertionError, BadZipFile) as error:
        raise BadInputError(f"The checkpoint {folder} can not be read: {error}.") from error
    model.set_logger(silent_logger())
    return model


def network_of(model: PPO, env: VecNormalize, settings: PpoSettings) -> Mlp:
    """Return the actor's layers and the normaliser as plain arrays."""
    statistics: Any = env.obs_rms
    policy: Any = model.policy
    return Mlp(
        mean=np.asarray(statistics.mean[: policy.actor_size], np.float32),
        var=np.asarray(statistics.var[: policy.actor_size], np.float32),
        clip=settings.observation_clip,
        layers=[*layers_of(policy.mlp_extractor.policy_net), *layers_of(policy.action_net)],
        activation="Elu",
    )

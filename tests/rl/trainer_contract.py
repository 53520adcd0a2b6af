"""What the tests of all trainers share: every library with every algorithm it has, and one short training of each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from roarm_lab.core.arrays import Float32
from roarm_lab.envs.env import Env
from roarm_lab.rl.train import Trained
from roarm_lab.rl.train_job import TrainJob
from roarm_lab.rl.trainer import BY_ALGORITHM, kind_of, trainer_class
from tests.training import tiny, tiny_job, tiny_sac

LIBRARIES = {"sb3": "stable_baselines3", "rsl_rl": "rsl_rl", "skrl": "skrl"}
ROLLOUTS = 5
FLOAT32 = 1e-5  # ONNX Runtime and torch add up float32 in another order


@dataclass(frozen=True)
class Case:
    """A library with an algorithm."""

    library: str
    algorithm: str

    @property
    def label(self) -> str:
        """Its name in contracts and run folders."""
        return kind_of(self.library, self.algorithm).label

    def settings(self, rollouts: int, **changed: object) -> Any:
        """Return settings for so many rollouts of 1024 steps."""
        return {"ppo": tiny, "sac": tiny_sac}[self.algorithm](rollouts, **changed)

    def job(self, rollouts: int = ROLLOUTS, seed: int = 0, **job: object) -> TrainJob:
        """Return a training of so many rollouts."""
        return replace(tiny_job(rollouts, seed, **job), trainer=self.library, settings=self.settings(rollouts))

    def fresh(self, env: Env, seed: int = 9, **changed: object) -> Any:
        """Return a trainer that nobody has trained."""
        settings = self.settings(1, **{"num_envs": env.num_envs, **changed})
        factory = trainer_class(self.library, self.algorithm)
        return factory(env, settings, seed=seed, device="cpu", events=None)

    def last_layer(self, trainer: Any) -> torch.nn.Linear:
        """Return the layer that gives the means of the actions."""
        if self.library == "rsl_rl":
            return trainer._actor.mlp[-1]
        if self.library == "sb3":
            policy = trainer._model.policy
            return policy.action_net if self.algorithm == "ppo" else policy.actor.mu
        policy = trainer._agent.policy
        return policy.network[-1] if self.algorithm == "ppo" else policy.mean

    def answers(self, trainer: Any, seen: Float32) -> Float32:
        """Return what the library's own policy does without noise, asked with raw observations."""
        if self.library == "sb3":
            actions, _ = trainer._model.predict(trainer._env.normalize_obs(seen), deterministic=True)
            return actions
        with torch.no_grad():
            if self.library == "rsl_rl":
                from tensordict import TensorDict

                means = trainer._actor(TensorDict({"actor": torch.from_numpy(seen)}, batch_size=[len(seen)])).numpy()
            else:  # after so many steps SAC no longer begins with random actions
                _, outputs = trainer._agent.act(torch.from_numpy(seen), None, timestep=2**31, timesteps=0)
                means = outputs["mean_actions"].numpy()
        return np.clip(means, -1.0, 1.0)


Training = Callable[[Case], Trained]
CASES = [Case(library, algorithm) for algorithm, known in BY_ALGORITHM.items() for library in known]


def each(*algorithms: str, without: tuple[str, ...] = ()) -> pytest.MarkDecorator:
    """Return what runs a test with every library, or where algorithms are named with those that have them."""
    cases = [c for c in CASES if c.algorithm in (algorithms or BY_ALGORITHM) and c.library not in without]
    return pytest.mark.parametrize("case", [pytest.param(case, marks=_marks(case), id=case.label) for case in cases])


def _marks(case: Case) -> list[pytest.MarkDecorator]:
    module = LIBRARIES[case.library]
    return [pytest.mark.skipif(find_spec(module) is None, reason=f"{module} is not installed")]


def odd_observations(size: int) -> Float32:
    """Return ordinary observations [500, size], and among them some that the normaliser has to clip."""
    rng = np.random.default_rng(1)
    seen = rng.normal(0.0, 1.0, (500, size))
    return np.where(rng.random(seen.shape) < 0.02, 100.0 * seen, seen).astype(np.float32)


def spoilt(checkpoint: Path, damage: str, into: Path) -> Path:
    """Copy a checkpoint into a folder, with its model damaged; return the folder."""
    for path in checkpoint.iterdir():
        data = path.read_bytes()
        if path.name.startswith("model"):
            data = {"missing": None, "cut": data[: len(data) // 2], "garbage": bytes(range(256)) * 40, "empty": b""}[
                damage
            ]
        if data is not None:
            (into / path.name).write_bytes(data)
    return into

"""The same task on both simulators with the very same random numbers, and how far apart they are."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Array, asarray_like, to_numpy
from roarm_lab.core.random_streams import random_stream
from roarm_lab.envs import env as env_module
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env


class NumpyRandomStream:
    """NumPy's random numbers in any library."""

    def __init__(self, seed: Sequence[int], like: Array) -> None:
        self._numpy, self._like = random_stream(seed, np.zeros(1, dtype=np.float32)), like

    def uniform(self, *shape: int) -> Array:
        return asarray_like(self._numpy.uniform(*shape), self._like)

    def normal(self, *shape: int) -> Array:
        return asarray_like(self._numpy.normal(*shape), self._like)


def twins(config: EnvConfig, num_envs: int, seed: int, device: str, monkeypatch: Any) -> dict[str, Env]:
    """Return the task on both simulators, MuJoCo Warp's on `device`, reset, by the simulator's name."""
    monkeypatch.setattr(env_module, "random_stream", NumpyRandomStream)
    monkeypatch.setattr(env_module, "stream", lambda like: None)  # on a GPU too, each step has its numbers from NumPy
    found: dict[str, Env] = {}
    backends = {"mujoco_cpu": {"threads": 1}, "mujoco_warp": {"device": device}}
    for name, options in backends.items():
        found[name] = Env(replace(config, sim=replace(config.sim, backend=name, **options)), num_envs, seed)
        found[name].reset()
    return found


def seen(env: Env) -> dict[str, np.ndarray]:
    """Return positions and speeds, every observation and every reward term after the latest step."""
    assert env.latest is not None
    numbers = {name: to_numpy(env.backend.get(name)) for name in ("qpos", "qvel")}
    for group, terms in env.latest.observations.items():
        numbers |= {f"{group}.{name}": to_numpy(values) for name, values in terms.items()}
    for name, term in env.config.rewards.items():
        numbers[f"reward.{name}"] = term.weight * to_numpy(term.bind(env.scene)(env.moved))
    return numbers


def apart(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the largest difference of each."""
    return {name: float(np.abs(one[name].astype(np.float64) - other[name]).max()) for name in one}

"""Stable-Baselines3 directly on the batch: its `VecEnv` in terms of ours, without a process or copy per world."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv

from roarm_lab.core.arrays import Float32
from roarm_lab.envs.env import Env, Observations, StepResult
from roarm_lab.envs.gymnasium_api import flat, spaces_of


class Sb3VecEnv(VecEnv):
    """All worlds of an `Env` as one `VecEnv`; keeps the latest step for callbacks.

    An observation is the actor's group, followed by what only the critic sees.
    """

    def __init__(self, env: Env) -> None:
        self.env = env
        self.latest: StepResult | None = None
        self._action: Float32 = np.zeros((env.num_envs, env.actions.size), np.float32)
        self._nothing: list[dict[str, Any]] = [{} for _ in range(env.num_envs)]
        _, action = spaces_of(env)
        self.actor_size = sum(env.observations["actor"].sizes.values())
        size = sum(sum(group.sizes.values()) for group in env.observations.values())
        observation = spaces.Box(-np.inf, np.inf, (size,), np.float32)
        super().__init__(env.num_envs, observation, action)

    def reset(self) -> Float32:
        """Start episodes in all worlds."""
        seed = self._seeds[0]
        self._reset_seeds()
        return _all(self.env.reset(seed))

    def step_async(self, actions: Float32) -> None:
        """Take the actions."""
        self._action = actions

    def step_wait(self) -> tuple[Float32, Float32, Any, list[dict[str, Any]]]:
        """Carry them out."""
        self.latest = result = self.env.step(self._action)
        infos = self._nothing
        if result.episodes is not None and result.final_observations is not None:
            infos = list(self._nothing)
            final = _all(result.final_observations)
            for row, world in enumerate(result.episodes.world):
                infos[world] = {
                    "terminal_observation": final[world],
                    "TimeLimit.truncated": bool(result.truncated[world] and not result.episodes.diverged[row]),
                }
        return _all(result.observations), result.reward, result.terminated | result.truncated, infos

    def close(self) -> None:
        """Free the simulator."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return the attribute once per asked world: all worlds share one environment."""
        if attr_name == "render_mode":
            return [None] * self._count(indices)
        return [getattr(self.env, attr_name)] * self._count(indices)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: worlds of a batch have no attributes of their own."""
        raise AttributeError(f"{attr_name!r} can not be set on single worlds of a batch.")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Refuse: worlds of a batch have no methods of their own."""
        raise AttributeError(f"{method_name!r} can not be called on single worlds of a batch.")

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Any = None) -> list[bool]:
        """Return False per world: nothing is wrapped."""
        del wrapper_class
        return [False] * self._count(indices)

    def _count(self, indices: Any) -> int:
        if indices is None:
            return self.num_envs
        return len(indices) if isinstance(indices, Sequence) else 1


def _all(groups: Observations) -> Float32:
    """Return the actor's terms and then the critic's side by side [env, size]."""
    return np.concatenate([flat(groups["actor"]), *(flat(groups[name]) for name in groups if name != "actor")], axis=1)

"""The same environment through Gymnasium: one world, or many that are stepped natively together."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from roarm_lab.core.arrays import Float32
from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env, Episodes


def flat(group: dict[str, Float32]) -> Float32:
    """Return the terms of an observation group side by side [env, size], in the group's order."""
    return np.concatenate(list(group.values()), axis=1)


def spaces_of(env: Env) -> tuple[Any, Any]:
    """Return the observation space of the actor group and the action space of one world."""
    size = sum(env.observations["actor"].sizes.values())
    return spaces.Box(-np.inf, np.inf, (size,), np.float32), spaces.Box(-1.0, 1.0, (env.actions.size,), np.float32)


def any_seed() -> int:
    """Return a seed nobody has chosen: environments that are not seeded differ, as Gymnasium's do."""
    return int(np.random.default_rng().integers(2**32))


def picture_of(env: Env, world: int) -> Any:
    """Return a picture [height, width, 3] uint8 of a world, with the commanded positions as markers."""
    markers = {name: value[world] for name, value in env.state.commands.items() if value.shape[1] == 3}
    return env.backend.render(world, markers=markers)


def check_render_mode(render_mode: str | None) -> str | None:
    """Return the mode.

    Raises:
        BadInputError: It is not one we have.
    """
    if render_mode not in (None, "rgb_array"):
        raise BadInputError(f"render_mode must be 'rgb_array' or None, got {render_mode!r}.")
    return render_mode


class RoarmEnv(gymnasium.Env[Float32, Float32]):
    """One world. Observations are the actor group as one vector [size]; actions [action], each -1 to 1."""

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}  # noqa: RUF012 (Gymnasium's own form)

    def __init__(self, config: EnvConfig, render_mode: str | None = None) -> None:
        self.render_mode = check_render_mode(render_mode)
        self.env = Env(config, 1, any_seed(), autoreset=False)
        self.metadata = {**self.metadata, "render_fps": round(1.0 / config.control_dt_s)}
        self.observation_space, self.action_space = spaces_of(self.env)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32, dict[str, Any]]:
        """Start an episode; return the observation and an empty info."""
        super().reset(seed=seed, options=options)
        return flat(self.env.reset(seed)["actor"])[0], {}

    def step(self, action: Float32) -> tuple[Float32, float, bool, bool, dict[str, Any]]:
        """Carry out an action; `info` has `success` and `episode_returns` when the episode ends."""
        result = self.env.step(np.asarray(action)[None])
        info: dict[str, Any] = {}
        if result.episodes is not None:
            info = {
                "success": bool(result.episodes.success[0]),
                "is_success": bool(result.episodes.success[0]),
                "episode_returns": {name: float(value[0]) for name, value in result.episodes.returns.items()},
            }
        return (
            flat(result.observations["actor"])[0],
            float(result.reward[0]),
            bool(result.terminated[0]),
            bool(result.truncated[0]),
            info,
        )

    def render(self) -> Any:
        """Return a picture [height, width, 3] uint8, with the commanded positions as markers."""
        return None if self.render_mode is None else picture_of(self.env, 0)

    def close(self) -> None:
        """Free the simulator."""
        self.env.close()


class RoarmVectorEnv(VectorEnv[Float32, Float32, Float32]):
    """Many worlds stepped together; an ended world is reset in the same step (`AutoresetMode.SAME_STEP`).

    The last observations of ended episodes are in `info["final_obs"]`, who ended in `info["_final_obs"]`, their success
    in `info["success"]`.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": ["rgb_array"]}  # noqa: RUF012

    def __init__(self, num_envs: int, config: EnvConfig, render_mode: str | None = None) -> None:
        self.render_mode = check_render_mode(render_mode)
        self.metadata = {**self.metadata, "render_fps": round(1.0 / config.control_dt_s)}
        self.env = Env(config, num_envs, any_seed())
        self.num_envs = num_envs
        self.single_observation_space, self.single_action_space = spaces_of(self.env)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32, dict[str, Any]]:
        """Start episodes in all worlds."""
        super().reset(seed=seed, options=options)
        return flat(self.env.reset(seed)["actor"]), {}

    def step(self, actions: Float32) -> tuple[Float32, Float32, Any, Any, dict[str, Any]]:
        """Carry out actions [env, action]."""
        result = self.env.step(actions)
        info: dict[str, Any] = {}
        if result.episodes is not None and result.final_observations is not None:
            info = self._final_info(result.episodes, flat(result.final_observations["actor"]))
        return flat(result.observations["actor"]), result.reward, result.terminated, result.truncated, info

    def _final_info(self, episodes: Episodes, final: Float32) -> dict[str, Any]:
        ended = np.zeros(self.num_envs, dtype=bool)
        ended[episodes.world] = True
        rows = np.full(self.num_envs, None, dtype=object)
        for world in episodes.world:
            rows[world] = final[world]
        success = np.zeros(self.num_envs, dtype=bool)
        success[episodes.world] = episodes.success
        return {
            "final_obs": rows,
            "_final_obs": ended,
            "final_info": {"success": success, "_success": ended},
            "_final_info": ended,
            "success": success,
            "_success": ended,
        }

    def render(self) -> Any:
        """Return a picture of every world; one that has just ended shows its next episode."""
        return None if self.render_mode is None else tuple(picture_of(self.env, i) for i in range(self.num_envs))

    def close_extras(self, **kwargs: Any) -> None:
        """Free the simulator."""
        del kwargs
        self.env.close()

"""The same environment through Gymnasium: one world, or many that are stepped natively together.

Both can be pickled and copied: what comes out is a new environment of the same configuration, to be reset.
"""

import copy
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from roarm_lab.core.arrays import Array, Bool, Float32
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


def check_autoreset(mode: AutoresetMode | str) -> AutoresetMode:
    """Return the mode, which may be given as Gymnasium writes it.

    Raises:
        BadInputError: Gymnasium has no such mode.
    """
    try:
        return AutoresetMode(mode)
    except ValueError:
        known = ", ".join(f"{mode.name} ({mode.value!r})" for mode in AutoresetMode)
        raise BadInputError(f"autoreset_mode must be one of {known}, got {mode!r}.") from None


class Described:
    """What Gymnasium knows about an environment that it has made, its `spec`, says how long an episode is.

    The environment itself truncates. Said in the table of ids instead, it would make Gymnasium add a second time limit,
    which does not follow when the length of the episode is changed.
    """

    env: Env
    _spec: EnvSpec | None = None

    @property
    def spec(self) -> EnvSpec | None:
        """What Gymnasium knows, with the length of an episode; None unless Gymnasium made the environment."""
        if self._spec is None or self._spec.max_episode_steps is not None:
            return self._spec
        spec = copy.copy(self._spec)
        spec.max_episode_steps = self.env.config.episode_steps
        return spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        self._spec = spec


class RoarmEnv(Described, gymnasium.Env[Float32, Float32]):  # pyright: ignore[reportIncompatibleVariableOverride]
    """One world. Observations are the actor group as one vector [size]; actions [action], each -1 to 1."""

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}  # noqa: RUF012 (Gymnasium's own form)

    def __init__(self, config: EnvConfig, render_mode: str | None = None) -> None:
        self.render_mode = check_render_mode(render_mode)
        self.env = Env(config, 1, any_seed(), autoreset=False)
        self.metadata = {**self.metadata, "render_fps": round(1.0 / config.control_dt_s)}
        self.observation_space, self.action_space = spaces_of(self.env)

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep what makes the environment, not its state, which is the simulator's."""
        return type(self), (self.env.config, self.render_mode), {"_spec": self.spec}

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


class RoarmVectorEnv(  # pyright: ignore[reportIncompatibleVariableOverride]
    Described, VectorEnv[Float32, Float32, Float32]
):
    """Many worlds stepped together; `autoreset_mode` says what happens to one whose episode has ended.

    - SAME_STEP (unless another is asked for): it is reset in the same step. Its last observation is in
      `info["final_obs"]`, who ended in `info["_final_obs"]`.
    - NEXT_STEP: it is reset in the next step, whose action it does not follow; that step's reward is 0.
    - DISABLED: it waits for `reset(options={"reset_mask": ended})`.

    In each mode the success of who ended is in `info["success"]`.
    """

    metadata: dict[str, Any] = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": ["rgb_array"]}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int,
        config: EnvConfig,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    ) -> None:
        self.render_mode, self.autoreset_mode = check_render_mode(render_mode), check_autoreset(autoreset_mode)
        rate = {"render_fps": round(1.0 / config.control_dt_s)}
        self.metadata = {**self.metadata, **rate, "autoreset_mode": self.autoreset_mode}
        self.env = Env(config, num_envs, any_seed(), autoreset=self.autoreset_mode is AutoresetMode.SAME_STEP)
        self.num_envs = self.env.num_envs
        self.single_observation_space, self.single_action_space = spaces_of(self.env)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._over = np.zeros(self.num_envs, dtype=bool)
        """Whose episode is over and has not been reset [env]."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep what makes the environment, not its state, which is the simulator's."""
        made_of = (self.num_envs, self.env.config, self.render_mode, self.autoreset_mode)
        return type(self), made_of, {"_spec": self.spec}

    def reset(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32, dict[str, Any]]:
        """Start episodes in all worlds, or in those of `options["reset_mask"]` bool [env].

        Raises:
            BadInputError: The mask does not fit, or comes with a seed, which is one for all worlds.
        """
        mask = (options or {}).get("reset_mask")
        if mask is not None:
            who = self._checked_mask(mask, seed)
            self._over = self._over & ~who
            return flat(self.env.restart(who)["actor"]), {}
        super().reset(seed=seed, options=options)
        self._over = np.zeros(self.num_envs, dtype=bool)
        return flat(self.env.reset(seed)["actor"]), {}

    def step(self, actions: Float32) -> tuple[Float32, Float32, Any, Any, dict[str, Any]]:
        """Carry out actions [env, action].

        Raises:
            BadInputError: An action does not fit, or nothing resets a world whose episode is over.
        """
        waiting = self._over
        if waiting.any():
            return self._step_of_a_reset(actions, waiting)
        result = self.env.step(actions)
        info = {} if result.episodes is None else self._success(result.episodes, ~waiting)
        if result.final_observations is not None:
            info |= self._final(info, flat(result.final_observations["actor"]))
        self._note_ended(result.terminated | result.truncated)
        return flat(result.observations["actor"]), result.reward, result.terminated, result.truncated, info

    def _step_of_a_reset(self, actions: Float32, waiting: Bool) -> tuple[Float32, Float32, Any, Any, dict[str, Any]]:
        """Carry out actions [env, action] where episodes go on, and begin new ones in worlds `waiting` [env].

        All worlds move together, so these move too, without an action, before they are put back.
        """
        if self.autoreset_mode is AutoresetMode.DISABLED:
            raise BadInputError(
                f"The episode of world {int(waiting.argmax())} is over. With autoreset_mode DISABLED call "
                'reset(options={"reset_mask": terminated | truncated}) before the next step.'
            )
        result = self.env.step(np.where(waiting[:, None], np.float32(0.0), actions))
        terminated, truncated = result.terminated & ~waiting, result.truncated & ~waiting
        info = {} if result.episodes is None else self._success(result.episodes, ~waiting)
        self._note_ended(terminated | truncated)
        reward = np.where(waiting, np.float32(0.0), result.reward)
        return flat(self.env.restart(waiting)["actor"]), reward, terminated, truncated, info

    def _note_ended(self, ended: Array) -> None:
        if not self.env.autoreset:
            self._over = ended

    def _checked_mask(self, mask: Any, seed: int | None) -> Bool:
        if seed is not None:
            raise BadInputError("A seed is one for all worlds: give a seed or a reset_mask, not both.")
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != (self.num_envs,):
            raise BadInputError(f"reset_mask must be a bool array of shape ({self.num_envs},), got {mask!r}.")
        return mask

    def _success(self, episodes: Episodes, known: Bool) -> dict[str, Any]:
        """Return who of the worlds `known` [env] has ended, and with what success."""
        ended, success = np.zeros(self.num_envs, dtype=bool), np.zeros(self.num_envs, dtype=bool)
        ended[episodes.world], success[episodes.world] = True, episodes.success
        ended &= known
        return {"success": success & ended, "_success": ended} if ended.any() else {}

    def _final(self, info: dict[str, Any], final: Float32) -> dict[str, Any]:
        """Return what Gymnasium's SAME_STEP wants to be told about worlds that were reset, besides `info`."""
        ended = info["_success"]
        rows = np.full(self.num_envs, None, dtype=object)
        for world in np.flatnonzero(ended):
            rows[world] = final[world]
        return {"final_obs": rows, "_final_obs": ended, "final_info": dict(info), "_final_info": ended}

    def render(self) -> Any:
        """Return a picture of every world; with SAME_STEP one that has just ended shows its next episode."""
        return None if self.render_mode is None else tuple(picture_of(self.env, i) for i in range(self.num_envs))

    def close_extras(self, **kwargs: Any) -> None:
        """Free the simulator."""
        del kwargs
        self.env.close()

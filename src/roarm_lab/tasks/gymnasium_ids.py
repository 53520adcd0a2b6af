"""What the Gymnasium ids of `roarm_lab.envs` point to."""

from dataclasses import fields, replace
from typing import Any

from gymnasium.vector import AutoresetMode

from roarm_lab.core.errors import UnknownNameError
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.gymnasium_api import RoarmEnv, RoarmVectorEnv
from roarm_lab.tasks.table import get_task


def single(task: str, render_mode: str | None = None, **changes: Any) -> RoarmEnv:
    """Return one world of a task; `changes` replace fields of its `EnvConfig`."""
    return RoarmEnv(_changed(task, changes), render_mode)


def vector(
    num_envs: int,
    task: str,
    render_mode: str | None = None,
    autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    max_episode_steps: int | None = None,
    **changes: Any,
) -> RoarmVectorEnv:
    """Return `num_envs` worlds of a task, stepped natively together.

    `gymnasium.make_vec` leaves a limit of the steps to the class, so that it is kept here: it makes episodes shorter,
    and never longer, as Gymnasium's own does.
    """
    config = _changed(task, changes)
    if max_episode_steps is not None:
        config = replace(config, episode_s=min(max_episode_steps * config.control_dt_s, config.episode_s))
    return RoarmVectorEnv(num_envs, config, render_mode, autoreset_mode)


def _changed(task: str, changes: dict[str, Any]) -> EnvConfig:
    known = [field.name for field in fields(EnvConfig)]
    for name in changes:
        if name not in known:
            raise UnknownNameError("field of EnvConfig", name, known)
    return replace(get_task(task), **changes)

"""What the Gymnasium ids of `roarm_lab.envs` point to."""

from dataclasses import replace
from typing import Any

from roarm_lab.envs.gymnasium_api import RoarmEnv, RoarmVectorEnv
from roarm_lab.tasks.table import get_task


def single(task: str, render_mode: str | None = None, **changes: Any) -> RoarmEnv:
    """Return one world of a task; `changes` replace fields of its `EnvConfig`."""
    return RoarmEnv(replace(get_task(task), **changes), render_mode)


def vector(num_envs: int, task: str, **changes: Any) -> RoarmVectorEnv:
    """Return `num_envs` worlds of a task, stepped natively together."""
    return RoarmVectorEnv(num_envs, replace(get_task(task), **changes))

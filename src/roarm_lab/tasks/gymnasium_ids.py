"""What the Gymnasium ids of `roarm_lab.envs` point to."""

from dataclasses import fields, replace
from typing import Any

from roarm_lab.core.errors import UnknownNameError
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.gymnasium_api import RoarmEnv, RoarmVectorEnv
from roarm_lab.tasks.table import get_task


def single(task: str, render_mode: str | None = None, **changes: Any) -> RoarmEnv:
    """Return one world of a task; `changes` replace fields of its `EnvConfig`."""
    return RoarmEnv(_changed(task, changes), render_mode)


def vector(num_envs: int, task: str, render_mode: str | None = None, **changes: Any) -> RoarmVectorEnv:
    """Return `num_envs` worlds of a task, stepped natively together."""
    return RoarmVectorEnv(num_envs, _changed(task, changes), render_mode)


def _changed(task: str, changes: dict[str, Any]) -> EnvConfig:
    known = [field.name for field in fields(EnvConfig)]
    for name in changes:
        if name not in known:
            raise UnknownNameError("field of EnvConfig", name, known)
    return replace(get_task(task), **changes)

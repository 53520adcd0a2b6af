"""The tasks by name."""

from collections.abc import Callable

from roarm_lab.core.errors import UnknownNameError
from roarm_lab.envs.config import EnvConfig
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach

TASKS: dict[str, Callable[[], EnvConfig]] = {"reach": reach, "lift-cube": lift_cube}


def get_task(name: str) -> EnvConfig:
    """Return the configuration of a task.

    Raises:
        UnknownNameError: No task has that name.
    """
    if name not in TASKS:
        raise UnknownNameError("task", name, TASKS)
    return TASKS[name]()

"""The tasks by name."""

from collections.abc import Callable
from dataclasses import replace

from roarm_lab.core.object_references import offered
from roarm_lab.envs.config import EnvConfig
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach
from roarm_lab.tasks.references import GROUP, own_task

TASKS: dict[str, Callable[[], EnvConfig]] = {"reach": reach, "lift-cube": lift_cube}


def task_names() -> list[str]:
    """Return the names of the tasks of the table and of installed packages; nothing is loaded."""
    return [*TASKS, *(name for name in offered(GROUP) if name not in TASKS)]


def table_name(config: EnvConfig) -> str | None:
    """Return the name of a task that the table has; None for one of a user's own."""
    return config.task if config.task in TASKS else None


def get_task(name: str) -> EnvConfig:
    """Return the configuration of a task.

    Args:
        name: A name of the table, of an installed package's entry point in the group `roarm_lab.tasks`, or a reference:
            `my_tasks.py:stack_two`, `package.module:stack_two`.

    Raises:
        UnknownNameError: No task has that name.
        BadInputError: Its file can not be loaded, or what is named there is no task.
    """
    return TASKS[name]() if name in TASKS else own_task(name, TASKS)


def task_called(name: str) -> EnvConfig:
    """Return the task of a policy or a recording, named as there, also where its file has moved since.

    Raises:
        UnknownNameError, BadInputError: As `get_task`.
    """
    return replace(get_task(name), task=name)

"""A task from outside the table: `my_tasks.py:stack_two`, `package.module:stack_two`, or of an installed package."""

import inspect
from collections.abc import Iterable
from dataclasses import replace

from roarm_lab.core.errors import BadInputError, RoarmLabError
from roarm_lab.core.object_references import Kind, find_object, raised_in_words
from roarm_lab.envs.config import EnvConfig

GROUP = "roarm_lab.tasks"
"""The group of entry points under which an installed package offers tasks: functions that return an `EnvConfig`."""
WANTED = "a task is a function that can be called without arguments and returns an EnvConfig"


def _may_be_task(found: object, module: str) -> bool:
    if not (inspect.isfunction(found) and found.__module__ == module):
        return False
    returned = found.__annotations__.get("return", "EnvConfig")
    return "EnvConfig" in str(returned) and not _needed(found)


KIND = Kind(noun="task", group=GROUP, example="my_tasks.py:stack_two", fits=_may_be_task)


def own_task(reference: str, table: Iterable[str]) -> EnvConfig:
    """Return the configuration of a task that the table does not have; its `task` names it from every folder.

    Args:
        reference: How it is named.
        table: The names that the table has, for the error.

    Raises:
        UnknownNameError: There is no such task.
        BadInputError: Its file can not be loaded, or what is named there is no task.
    """
    reference, found = find_object(KIND, reference, table)
    if not inspect.isfunction(found):
        raise BadInputError(f"{reference} is of the type {type(found).__name__}; {WANTED}.")
    if needed := _needed(found):
        raise BadInputError(f"{reference} needs arguments ({', '.join(needed)}); {WANTED}.")
    file = found.__code__.co_filename
    try:
        config: object = found()
    except RoarmLabError as error:
        raise BadInputError(f"{reference} can not be made: {raised_in_words(error, file)}") from error
    except (Exception, SystemExit) as error:
        raise BadInputError(f"{reference} raised an error: {raised_in_words(error, file)}") from error
    if not isinstance(config, EnvConfig):
        raise BadInputError(f"{reference} returns a value of the type {type(config).__name__}; {WANTED}.")
    return replace(config, task=reference)


def _needed(found: object) -> list[str]:
    """Return the arguments without which a function can not be called."""
    assert inspect.isfunction(found)
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(found).parameters.values()
    return [part.name for part in parameters if part.default is inspect.Parameter.empty and part.kind not in kinds]

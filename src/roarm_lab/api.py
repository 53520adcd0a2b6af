"""The public names of RoArm Lab: `import roarm_lab as roarm`, then `roarm.train(roarm.TrainRequest(...))`.

Every use case is a function of a request and a front end that returns a result; requests and results are frozen
dataclasses. A name is loaded when it is first asked for, so that a computer beside an arm loads no simulator.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roarm_lab.core.errors import BadInputError, InvalidValueError, MissingError, RoarmLabError
    from roarm_lab.workflows.frontend import UNATTENDED, Frontend, Notebook, Unattended
    from roarm_lab.workflows.load_policy import load_policy
    from roarm_lab.workflows.make_env import make_env

__all__ = [
    "UNATTENDED",
    "BadInputError",
    "Frontend",
    "InvalidValueError",
    "MissingError",
    "Notebook",
    "RoarmLabError",
    "Unattended",
    "load_policy",
    "make_env",
]

FILES = {
    "core.errors": ("BadInputError", "InvalidValueError", "MissingError", "RoarmLabError"),
    "workflows.frontend": ("UNATTENDED", "Frontend", "Notebook", "Unattended"),
    "workflows.load_policy": ("load_policy",),
    "workflows.make_env": ("make_env",),
}
"""File -> the public names that live in it."""
_FILE_OF = {name: file for file, names in FILES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name from its file.

    Raises:
        AttributeError: There is no such name.
    """
    if name not in _FILE_OF:
        raise AttributeError(f"module 'roarm_lab' has no attribute {name!r}")
    return getattr(import_module(f"roarm_lab.{_FILE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__

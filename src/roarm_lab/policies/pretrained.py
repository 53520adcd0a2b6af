"""Policies that come with the package, for a first look without any training."""

from pathlib import Path

from roarm_lab.core.errors import UnknownNameError

SHIPPED = Path(__file__).with_name("shipped")
"""Folder with one bundle per task. The contract of each holds the command and the seed that made it."""
DEMO = "lift-cube"
"""The task of the policy that is shown first."""


def shipped_bundle(task: str = DEMO) -> Path:
    """Return the folder of the policy that comes with the package for a task.

    Raises:
        UnknownNameError: There is none for that task.
    """
    known = sorted(path.name for path in SHIPPED.iterdir() if path.is_dir())
    if task not in known:
        raise UnknownNameError("policy in this package for the task", task, known)
    return SHIPPED / task

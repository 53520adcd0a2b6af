"""The table of robots: a name, its facts. And robots from outside: of a user's file, of an installed package."""

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.object_references import Kind, find_object, offered
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.robot import Robot

ROBOTS: dict[str, Robot] = {robot.name: robot for robot in (ROARM_M3,)}
GROUP = "roarm_lab.robots"
"""The group of entry points under which an installed package offers robots: values of the class `Robot`."""
KIND = Kind(
    noun="robot",
    group=GROUP,
    example="my_robot.py:ROBOT",
    fits=lambda found, module: isinstance(found, Robot),
)


def robot_names() -> list[str]:
    """Return the names of the robots of the table and of installed packages; nothing is loaded."""
    return [*ROBOTS, *(name for name in offered(GROUP) if name not in ROBOTS)]


def get_robot(name: str) -> Robot:
    """Return the facts of the robot called `name`.

    Args:
        name: A name of the table, of an installed package's entry point in the group `roarm_lab.robots`, or a
            reference: `my_robot.py:ROBOT`, `package.module:ROBOT`.

    Raises:
        UnknownNameError: There is no such robot.
        BadInputError: Its file can not be loaded, or what is named there is no `Robot`.
    """
    if name in ROBOTS:
        return ROBOTS[name]
    reference, found = find_object(KIND, name, ROBOTS)
    if not isinstance(found, Robot):
        raise BadInputError(
            f"{reference} is of the type {type(found).__name__}; a robot is a value of the class Robot."
        )
    return found

"""The table of robots: a name, its facts."""

from roarm_lab.core.errors import UnknownNameError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.robot import Robot

ROBOTS: dict[str, Robot] = {robot.name: robot for robot in (ROARM_M3,)}


def get_robot(name: str) -> Robot:
    """Return the facts of the robot called `name`.

    Raises:
        UnknownNameError: The table has no such robot.
    """
    if name not in ROBOTS:
        raise UnknownNameError("robot", name, ROBOTS)
    return ROBOTS[name]

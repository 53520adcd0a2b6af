"""The model as a file for other programs."""

from pathlib import Path

from roarm_lab.core.errors import UnknownNameError
from roarm_lab.core.files import write_atomic
from roarm_lab.robots.robot import Robot
from roarm_lab.robots.urdf import urdf_text

FORMATS = ("mjcf", "urdf")


def mjcf_text(robot: Robot) -> str:
    """Return the robot on its table, with cameras, light and options, as MJCF that MuJoCo loads on its own."""
    from roarm_lab.sim.builder import scene_spec  # noqa: PLC0415 (a URDF needs no MuJoCo)

    spec = scene_spec(robot)
    spec.compile()  # refuses a broken model and fills in what the text needs
    return spec.to_xml()


def export_mjcf(robot: Robot, path: Path | str, *, overwrite: bool = False) -> Path:
    """Write the robot on its table as MJCF and return the path.

    Raises:
        BadInputError: The file exists and `overwrite` is False, or it can not be written.
    """
    return write_atomic(path, mjcf_text(robot), overwrite=overwrite)


def export_robot(robot: Robot, fmt: str, path: Path | str, *, overwrite: bool = False) -> Path:
    """Write the robot in a format, `mjcf` (with table) or `urdf` (alone), and return the path.

    Raises:
        UnknownNameError: There is no such format.
        BadInputError: The file exists and `overwrite` is False, or it can not be written.
    """
    match fmt:
        case "mjcf":
            return export_mjcf(robot, path, overwrite=overwrite)
        case "urdf":
            return write_atomic(path, urdf_text(robot), overwrite=overwrite)
        case _:
            raise UnknownNameError("format", fmt, FORMATS)

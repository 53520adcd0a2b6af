"""The model as a file for other programs."""

from pathlib import Path
from typing import Literal

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.core.files import write_atomic
from roarm_lab.robots.robot import Robot
from roarm_lab.robots.urdf import urdf_text

FORMATS = ("auto", "mjcf", "urdf")
SUFFIXES = {".xml": "mjcf", ".mjcf": "mjcf", ".urdf": "urdf"}
"""What a file's name says about its format."""

Contact = Literal["train", "hold"]


def format_of(path: Path | str) -> str:
    """Return the format that a file's name stands for.

    Raises:
        BadInputError: The name stands for none.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise BadInputError(
            f"The name {Path(path).name!r} does not say which format is meant. Call the file something.xml (MJCF) or "
            "something.urdf, or add `format='mjcf'` or `format='urdf'`."
        )
    return SUFFIXES[suffix]


def mjcf_text(robot: Robot, contact: Contact = "train") -> str:
    """Return the robot on its table, with cameras, light and options, as MJCF that MuJoCo 3.2 and newer load.

    Args:
        robot: The facts.
        contact: See `SimConfig.contact`.
    """
    from roarm_lab.sim.builder import scene_spec  # noqa: PLC0415 (a URDF needs no MuJoCo)
    from roarm_lab.sim.mjcf import mjcf_of  # noqa: PLC0415 (likewise)

    return mjcf_of(scene_spec(robot, contact=contact))


def export_mjcf(robot: Robot, path: Path | str, *, contact: Contact = "train", overwrite: bool = False) -> Path:
    """Write the robot on its table as MJCF and return the path.

    Raises:
        BadInputError: The file exists and `overwrite` is False, or it can not be written.
    """
    return write_atomic(path, mjcf_text(robot, contact), overwrite=overwrite)


def export_robot(
    robot: Robot, fmt: str, path: Path | str, *, contact: Contact = "train", overwrite: bool = False
) -> Path:
    """Write the robot as `mjcf` (with table), `urdf` (alone) or `auto` (as the file's name says); return the path.

    Raises:
        UnknownNameError: There is no such format.
        BadInputError: The name says no format, the file exists and `overwrite` is False, it can not be written, or the
            format has no word for this contact.
    """
    match format_of(path) if fmt == "auto" else fmt:
        case "mjcf":
            return export_mjcf(robot, path, contact=contact, overwrite=overwrite)
        case "urdf" if contact != "train":
            raise BadInputError(f"A URDF can not say how things touch; leave out contact {contact!r}, or take mjcf.")
        case "urdf":
            return write_atomic(path, urdf_text(robot), overwrite=overwrite)
        case _:
            raise UnknownNameError("format", fmt, FORMATS)

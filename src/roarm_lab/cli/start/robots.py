"""`roarm robots`: which arms there are, their facts, and their models as files for other programs."""

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.text import Text

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.console import grid
from roarm_lab.core.errors import BadInputError, RoarmLabError
from roarm_lab.core.object_references import is_reference
from roarm_lab.core.shown import shown
from roarm_lab.robots.robot import Joint, Robot
from roarm_lab.robots.table import ROBOTS, get_robot, robot_names

DESCRIPTION = """\
  The arms this package knows: list them, show the facts of one, or export its
  model.

examples:
  roarm robots list
  roarm robots show roarm_m3
  roarm robots export arm.urdf                       the arm alone
  roarm robots export arm.xml                        for MuJoCo (3.2 or newer), with table, cameras and light
  roarm robots export roarm_m3 arm.xml --contact hold    for long grasps

exit codes: 0 done, 2 bad input or a file that exists already"""
JOINT_COLUMNS = (
    "joint",
    "lower\nrad",
    "upper\nrad",
    "speed\nrad/s",
    "torque\nN m",
    "stiffness\nN m\n/rad",
    "damping\nN m\ns/rad",
)
NARROWEST = 60
"""Columns that the tables need. A narrower terminal breaks the lines itself, which loses no digit."""


@dataclass(frozen=True)
class ListRobots:
    """List the names of the arms."""


@dataclass(frozen=True)
class ShowRobot:
    """Show joints, limits, servos, mass and keyframes of an arm."""

    robot: Annotated[str, tyro.conf.Positional]
    """Its name, as `roarm robots list` prints it, or one of your own: my_robot.py:ROBOT."""


@dataclass(frozen=True)
class ExportRobot:
    """Write the model of an arm to a file for other programs."""

    robot: Annotated[str, tyro.conf.Positional]
    """Its name, as `roarm robots list` prints it. While there is but one it can be left out."""
    out: Annotated[str, tyro.conf.Positional] = ""
    """The file to write."""
    format: Literal["auto", "mjcf", "urdf"] = "auto"
    """mjcf: with table, cameras and light, as it is simulated here. urdf: the arm alone. auto: as the file's name says,
    .xml or .urdf."""
    contact: Literal["train", "hold"] = "train"
    """Of an mjcf. train: as in training, a gripped cube creeps by 0.1 mm/s. hold: a gripped cube stays."""
    overwrite: bool = False
    """Replace the file if it exists."""


Action = (
    Annotated[ListRobots, tyro.conf.subcommand("list")]
    | Annotated[ShowRobot, tyro.conf.subcommand("show")]
    | Annotated[ExportRobot, tyro.conf.subcommand("export")]
)


@dataclass(frozen=True)
class Robots:
    """What to do."""

    action: tyro.conf.OmitSubcommandPrefixes[tyro.conf.OmitArgPrefixes[Action]]


def run(argv: list[str]) -> int:
    """List, show or export; return 0."""
    match parse(Robots, argv or ["--help"], prog="roarm robots", description=DESCRIPTION).action:
        case ShowRobot(robot):
            console = Console(highlight=False)
            console.width = max(console.width, NARROWEST)
            show(get_robot(robot), console)
        case ExportRobot(word, out, fmt, contact, overwrite):
            from roarm_lab.sim.export import export_robot

            robot, path = robot_and_file(word, out)
            export_robot(robot, fmt, path, contact=contact, overwrite=overwrite)
            print(f"wrote {shown(path)}")
        case ListRobots():
            for name in robot_names():
                print(name, title_of(name), sep="\t")
    return 0


def title_of(name: str) -> str:
    """Return the title of an arm; why it has none where an installed package is broken."""
    try:
        return get_robot(name).title
    except RoarmLabError as error:
        return str(error)


def robot_and_file(word: str, out: str) -> tuple[Robot, Path]:
    """Return the arm and the file that `ROBOT OUT` mean, or `OUT` alone while there is but one arm.

    Raises:
        BadInputError: No file is named.
    """
    if out:
        return get_robot(word), Path(out)
    if word in ROBOTS or is_reference(word) or len(ROBOTS) != 1:
        raise BadInputError(f"Say into which file, for instance: roarm robots export {word} arm.xml")
    return next(iter(ROBOTS.values())), Path(word)


def show(robot: Robot, console: Console) -> None:
    """Print the facts of one arm."""
    mass_kg = sum(link.mass_kg for link in robot.links)
    payload = f", carries up to {robot.payload_kg:g} kg" if isfinite(robot.payload_kg) else ""
    console.print(Text(f"{robot.title} ({robot.name}): {len(robot.joints)} joints, {mass_kg:.3f} kg{payload}"))
    console.print(Text(f"end effector: site {robot.ee_site!r}; gripper: joint {robot.gripper_joint!r}"))
    console.print("", grid(JOINT_COLUMNS, map(joint_cells, robot.joints)), "", sep="\n")
    keyframes = ([name, *(f"{angle:.3f}" for angle in angles)] for name, angles in robot.keyframes)
    console.print(grid(("keyframe\nrad", *robot.joint_names), keyframes))


def joint_cells(joint: Joint) -> list[str]:
    """Return the cells of one joint, in the order of `JOINT_COLUMNS`."""
    servo = joint.servo
    numbers = (servo.force_limit_nm, servo.stiffness_nm_per_rad, servo.damping_nms_per_rad)
    limits = (f"{joint.lower_rad:.4f}", f"{joint.upper_rad:.4f}", f"{joint.max_speed_rad_s:g}")
    return [joint.name, *limits, *(f"{number:.3g}" for number in numbers)]

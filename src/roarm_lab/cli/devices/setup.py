"""`roarm setup`: one arm at one place, checked step by step; what is found goes into `station.yaml`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roarm_lab.cli.arguments import parse
from roarm_lab.robots.station import FILE

STEPS = {
    "port": "find the arm, and know it again by the serial number of its USB chip",
    "firmware": "which of the two firmwares answers",
    "servos": "has it power, are all six joints read; like `roarm doctor --arm`",
    "zero": "by how much its angles are off: the arm goes home, and you say where it stands by eye",
    "motion": "each joint moves 0.1 rad to and fro, slowly and through the gate: does it follow, and the right way?",
    "limits": "joint ranges, table height and the box for the hand: tighter than the hardware's, never wider",
    "cameras": "a name for each camera, and its fingerprint",
    "stop": "the stop file: while it exists, nothing is sent",
}
"""Step -> what it does, in the order in which they are done."""

DESCRIPTION = """\
  Set up an arm at its place, step by step, and write station.yaml, which the
  verbs that use a real arm read. Every step can be repeated alone; what was
  set before is the default then. The file is written after each step, so
  Ctrl-C keeps what was done. Before the arm moves you are asked.

steps:
{steps}

examples:
  roarm setup                                     all steps, with the arm on USB
  roarm setup --arm http:192.168.4.1              over its own Wi-Fi
  roarm setup --step limits                       one step again
  roarm setup --list                              what the steps are, and what the file says now
  roarm setup --yes --limits base -1 1            ask nothing: defaults, and what the flags say
  roarm setup --station other.yaml --name bench   a second arm, or a second place

exit codes: 0 done, 1 said no, all left out, or a step found something wrong, 2 bad input, 3 no arm, 130 Ctrl-C"""

Step = Literal["port", "firmware", "servos", "zero", "motion", "limits", "cameras", "stop"]


@dataclass(frozen=True)
class SetupArguments:
    """What to set up and how."""

    arm: str = ""
    """Where the arm is (see roarm arm --help); by default what the station file says, otherwise the one on USB."""
    station: Path = FILE
    """The file to write, and whose values are the defaults when it exists."""
    step: Step | None = None
    """Do this step alone."""
    list: bool = False
    """Say what the steps are and what the file says now, and do nothing."""
    yes: bool = False
    """Ask nothing: take the defaults, overwrite the file, move the arm. For programs."""
    name: str | None = None
    """What to call this place."""
    zero_deg: tuple[tuple[str, float], ...] = ()
    """Where joints stand by eye while the arm is at home, in degrees beyond home, for instance elbow 2 wrist -1."""
    limits: tuple[tuple[str, float, float], ...] = ()
    """Range of joints in rad, for instance base -1 1 elbow 0.2 2.5."""
    table_height_m: float | None = None
    """Height of the table above the arm's foot."""
    workspace_m: tuple[float, float, float, float, float, float] | None = None
    """The box for the hand: smallest x y z, then largest x y z."""
    camera: tuple[tuple[str, str], ...] = ()
    """Cameras by name and fingerprint, for instance front usb:045e:097d."""
    stop_file: str | None = None
    """The stop file; an empty text for none."""
    listing: Path = Path("/sys/class/video4linux")
    """Where Linux lists cameras; another folder for a container or a test."""


def run(argv: list[str]) -> int:
    """Do the steps; return 0, or 1 where a person said no."""
    steps = "\n".join(f"  {name:<10}{text}" for name, text in STEPS.items())
    arguments = parse(SetupArguments, argv, prog="roarm setup", description=DESCRIPTION.format(steps=steps))
    from roarm_lab.workflows.devices import setup

    if arguments.list:
        sys.stdout.write(f"{steps}\n\n{setup.told(arguments.station)}")
        return 0
    return setup.set_up(arguments)

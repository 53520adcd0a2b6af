"""What to set up of an arm at its place, as a value."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roarm_lab.robots.station import FILE

STEPS = {
    "port": "find the arm, and know it again by the serial number of its USB chip",
    "firmware": "which of the two firmwares answers",
    "servos": "has it power, are all six joints read; like `diagnose()`",
    "zero": "by how much its angles are off: the arm goes home, and you say where it stands by eye",
    "motion": "each joint moves 0.1 rad to and fro, slowly and through the gate: does it follow, and the right way?",
    "limits": "joint ranges, table height and the box for the hand: tighter than the hardware's, never wider",
    "cameras": "a name for each camera, and its fingerprint",
    "stop": "the stop file: while it exists, nothing is sent",
}
"""Step -> what it does, in the order in which they are done."""


Step = Literal["port", "firmware", "servos", "zero", "motion", "limits", "cameras", "stop"]


@dataclass(frozen=True, kw_only=True)
class SetupRequest:
    """What to set up and how."""

    arm: str = ""
    """Where the arm is (as for every verb); by default what the station file says, otherwise the one on USB."""
    station: Path = FILE
    """The file to write, and whose values are the defaults when it exists."""
    step: Step | None = None
    """Do this step alone."""
    robot: str = "roarm_m3"
    """What kind of arm it is."""
    attended: bool = True
    """Whether somebody stands beside the arm and sees where its joints stand."""
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

    def validate(self) -> None:
        """Refuse nothing yet: what does not fit the arm or the file is refused when the file has been read."""

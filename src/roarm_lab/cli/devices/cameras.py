"""`roarm cameras`: which cameras there are, what they see, how well they keep time, and whether it is the right one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from roarm_lab.cli.arguments import parse

DESCRIPTION = """Find, watch, measure and recognise cameras.

A camera is named by its source:
  usb:0              the camera at /dev/video0
  usb:045e:097d      the camera with that fingerprint, wherever it is plugged in
  usb:045e:097d#2    one of several in that device: the infrared one beside it
  kinect:0           an Azure Kinect, with depth
  file:clip.mp4      a video, played in real time as if it were a camera
  rtsp://host/path   a camera on the network
  sim:front          a camera of the simulated arm: front, side, wrist

examples:
  roarm cameras list
  roarm cameras preview usb:0 --size 1280 720 --fourcc MJPG
  roarm cameras measure sim:front --seconds 3
  roarm cameras check usb:0 --fingerprint 045e:097d

exit codes: 0 done, 1 a finding (not the wanted camera, or no picture while measuring), 2 bad input,
3 a camera or a package is not there, 130 ended with Ctrl-C"""


@dataclass(frozen=True)
class ListCameras:
    """List the cameras on USB: number, name, fingerprint, formats."""

    json: bool = False
    """Print JSON for programs: every size and rate too."""
    listing: Path = Path("/sys/class/video4linux")
    """Where Linux lists them; another folder for a container or a test."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of a USB camera or a Kinect; what is left out stays as the camera has it."""

    size: tuple[int, int] | None = None
    """Width and height, for instance 1280 720."""
    rate_hz: float | None = None
    """Pictures a second."""
    fourcc: str = ""
    """Format, for instance MJPG: without compression most cameras are slow at large sizes."""
    exposure_s: float | None = None
    """Fixed exposure, for instance 0.01; brightness then does not depend on what is in view."""
    white_balance_k: float | None = None
    """Fixed colour temperature, for instance 4600."""


@dataclass(frozen=True, kw_only=True)
class PreviewCamera(Asked):
    """Show what a camera sees in the browser."""

    source: Annotated[str, tyro.conf.Positional]
    """Which camera, for instance usb:0."""
    port: int = 8080
    """Port of the page; 0 takes any free one."""
    host: str = "127.0.0.1"
    """Address of the page. By default only this computer can open it."""


@dataclass(frozen=True, kw_only=True)
class MeasureCamera(Asked):
    """Measure the true rate, how much it varies, how old pictures are, and how many are lost."""

    source: Annotated[str, tyro.conf.Positional]
    """Which camera, for instance usb:0."""
    seconds: float = 5.0
    """How long."""
    json: bool = False
    """Print JSON for programs."""


@dataclass(frozen=True, kw_only=True)
class CheckCamera:
    """Check that a USB camera is the wanted one: another plug, another number."""

    source: Annotated[str, tyro.conf.Positional]
    """Which camera, for instance usb:0."""
    fingerprint: str
    """VENDOR:PRODUCT[:SERIAL][@PORT][#INTERFACE] as `roarm cameras list` prints it; what is left out is not
    compared, but without an interface only a colour camera fits."""
    listing: Path = Path("/sys/class/video4linux")
    """Where Linux lists cameras; another folder for a container or a test."""


Action = (
    Annotated[ListCameras, tyro.conf.subcommand("list")]
    | Annotated[PreviewCamera, tyro.conf.subcommand("preview")]
    | Annotated[MeasureCamera, tyro.conf.subcommand("measure")]
    | Annotated[CheckCamera, tyro.conf.subcommand("check")]
)


@dataclass(frozen=True)
class Cameras:
    """What to do."""

    action: tyro.conf.OmitSubcommandPrefixes[tyro.conf.OmitArgPrefixes[Action]]


def run(argv: list[str]) -> int:
    """List, preview, measure or check; return 0, or 1 for a finding."""
    action = parse(Cameras, argv or ["--help"], prog="roarm cameras", description=DESCRIPTION).action
    from roarm_lab.workflows.devices import cameras as verb

    match action:
        case ListCameras():
            return verb.list_cameras(action)
        case PreviewCamera():
            return verb.preview(action)
        case MeasureCamera():
            return verb.measure_camera(action)
        case CheckCamera():
            return verb.check(action)

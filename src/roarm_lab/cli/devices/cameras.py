"""`roarm cameras`: which cameras there are, what they see, how well they keep time, and whether it is the right one."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.console import terminal
from roarm_lab.workflows.devices.camera_requests import (
    LISTING,
    CheckCameraRequest,
    MeasureCameraRequest,
    PreviewCameraRequest,
)

if TYPE_CHECKING:
    from roarm_lab.hardware.camera_fingerprint import FoundCamera
    from roarm_lab.hardware.camera_timing import FrameTiming

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


SHOWN_MODES = 8
"""So many formats are listed for people; `--json` has all."""


@dataclass(frozen=True)
class ListCameras:
    """List the cameras on USB: number, name, fingerprint, formats."""

    json: bool = False
    """Print JSON for programs: every size and rate too."""
    listing: Path = LISTING
    """Where Linux lists them; another folder for a container or a test."""


@dataclass(frozen=True, kw_only=True)
class PreviewCamera(PreviewCameraRequest):
    """Show what a camera sees in the browser."""

    source: Annotated[str, tyro.conf.Positional]
    """Which camera, for instance usb:0."""


@dataclass(frozen=True, kw_only=True)
class MeasureCamera(MeasureCameraRequest):
    """Measure the true rate, how much it varies, how old pictures are, and how many are lost."""

    source: Annotated[str, tyro.conf.Positional]
    """Which camera, for instance usb:0."""
    json: bool = False
    """Print JSON for programs."""


@dataclass(frozen=True, kw_only=True)
class CheckCamera(CheckCameraRequest):
    """Check that a USB camera is the wanted one: another plug, another number."""

    source: Annotated[str, tyro.conf.Positional]
    """Which camera, for instance usb:0."""


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
    from roarm_lab.workflows.devices.cameras import check_camera, list_cameras, measure_camera, preview_camera

    match action:
        case ListCameras():
            found = list_cameras(action.listing)
            lines = [line for camera in found for line in _lines(camera)] or ["no camera is plugged in"]
            print(json.dumps([*map(_plain, found)], indent=2) if action.json else "\n".join(lines))
        case PreviewCamera():
            with terminal() as frontend:
                preview_camera(action, frontend)
        case MeasureCamera():
            timing = measure_camera(action)
            print(json.dumps(asdict(timing), indent=2) if action.json else "\n".join(_words(timing)))
            return 1 if timing.failed_reads else 0
        case CheckCamera():
            check = check_camera(action)
            named = f"{check.found.fingerprint.name} ({check.found.fingerprint})"
            if not check.differences:
                print(f"{action.source} is {named}")
                return 0
            print(f"{action.source} is not the wanted camera: it is {named}.")
            print("\n".join(f"  {words}" for words in check.differences))
            others = [f"the wanted one is usb:{one.index}" for one in check.fitting]
            print("\n".join(others) or "the wanted one is not plugged in")
            return 1
    return 0


def _plain(camera: "FoundCamera") -> dict[str, object]:
    return {
        "source": f"usb:{camera.index}",
        "device": str(camera.path),
        "fingerprint": str(camera.fingerprint),
        "identity": camera.fingerprint.to_plain(),
        "modes": [asdict(mode) for mode in camera.modes],
        "trouble": camera.trouble,
    }


def _lines(camera: "FoundCamera") -> list[str]:
    shown = [f"    {mode}" for mode in camera.modes[:SHOWN_MODES]]
    more = len(camera.modes) - len(shown)
    rest = [f"    and {more} more (--json)"] if more > 0 else []
    trouble = [f"    formats unknown: {camera.trouble}"] if camera.trouble else []
    kind = "  infrared or depth" if camera.colourless else ""
    head = f"usb:{camera.index}  {camera.fingerprint.name}  {str(camera.fingerprint) or 'not on USB'}{kind}"
    return [head, *shown, *rest, *trouble]


def _words(timing: "FrameTiming") -> list[str]:
    width_px, height_px = timing.size_px
    rows = [
        ("size", f"{width_px} x {height_px}{', with depth' if timing.depth else ''}"),
        ("rate", f"{timing.rate_hz:.2f} Hz, from {timing.frames} pictures in {timing.seconds:g} s"),
        ("interval", f"{timing.interval_s * 1e3:.1f} ms, longest {timing.longest_s * 1e3:.1f} ms"),
        ("jitter", f"{timing.jitter_s * 1e3:.1f} ms"),
        ("age", f"{timing.age_s * 1e3:.1f} ms, oldest {timing.oldest_s * 1e3:.1f} ms"),
        ("lost", str(timing.dropped)),
    ]
    if timing.failed_reads:
        rows.append(("failed", f"{timing.failed_reads} readings; the last: {timing.reason}"))
    return [f"{name:<10}{value}" for name, value in rows]

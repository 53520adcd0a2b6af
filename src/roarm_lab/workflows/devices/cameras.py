"""Cameras as the command line uses them: a source becomes an open camera, what is found becomes lines or JSON."""

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict

from roarm_lab.cli.devices.cameras import Asked, CheckCamera, ListCameras, MeasureCamera, PreviewCamera
from roarm_lab.core.errors import BadInputError
from roarm_lab.hardware.camera_fingerprint import CameraFingerprint, FoundCamera, camera_at, found_cameras, several_fit
from roarm_lab.hardware.camera_settings import CameraSettings
from roarm_lab.hardware.camera_source import Source, open_camera, parse_source
from roarm_lab.hardware.camera_timing import FrameTiming, measure
from roarm_lab.hardware.opencv_camera import usb_path
from roarm_lab.robots.camera import Camera, wait_for_frame

FFMPEG_QUIET = "-8"
"""FFmpeg would print words of its own about every stream and file that does not open."""
SHOWN_MODES = 8
"""So many formats are listed for people; `--json` has all."""


def list_cameras(arguments: ListCameras) -> int:
    """Print the cameras that are plugged in; return 0, also where there is none."""
    cameras = found_cameras(arguments.listing)
    if arguments.json:
        print(json.dumps([_plain(camera) for camera in cameras], indent=2))
        return 0
    for camera in cameras:
        print("\n".join(_lines(camera)))
    if not cameras:
        print("no camera is plugged in")
    return 0


def preview(arguments: PreviewCamera) -> int:
    """Show a camera in the browser until Ctrl-C.

    Raises:
        BadInputError: The source or the port can not be used.
        MissingError: The camera is not there.
    """
    source, settings = parse_source(arguments.source), _settings(arguments)
    from roarm_lab.cli.console import Terminal
    from roarm_lab.view.camera_page import CameraPage
    from roarm_lab.view.serving import refuse_taken, serving
    from roarm_lab.workflows.live_pages import tell_where

    refuse_taken(arguments.host, arguments.port)  # before a camera lights up
    with (
        opened(source, settings, depth=True) as camera,
        serving(arguments.host, arguments.port, f"RoArm Lab: {camera.name}") as server,
    ):
        page = CameraPage(server, camera)
        tell_where(Terminal(), "camera", arguments.host, server)
        page.run()
    return 0


def measure_camera(arguments: MeasureCamera) -> int:
    """Print how a camera keeps time; return 0, or 1 when it failed meanwhile.

    Raises:
        BadInputError: The source or the time can not be used.
        MissingError: The camera is not there, or gives nothing.
    """
    with opened(parse_source(arguments.source), _settings(arguments)) as camera:
        wait_for_frame(camera)
        timing = measure(camera, arguments.seconds)
    print(json.dumps(asdict(timing), indent=2) if arguments.json else "\n".join(_words(timing)))
    return 1 if timing.failed_reads else 0


def check(arguments: CheckCamera) -> int:
    """Say whether a camera is the wanted one; return 0 if it is, 1 if not.

    Raises:
        BadInputError: The source is not a USB camera, the fingerprint is not written as one, or it fits several cameras
            of this very device.
        MissingError: There is no camera there.
    """
    source = parse_source(arguments.source)
    if source.kind != "usb":
        raise BadInputError(f"Only a USB camera has a fingerprint, as in usb:0; got {arguments.source!r}.")
    wanted = CameraFingerprint.from_text(arguments.fingerprint)
    found = camera_at(usb_path(source.device, arguments.listing), arguments.listing)
    fitting = [camera for camera in found_cameras(arguments.listing) if not camera.differences(wanted)]
    differences = found.differences(wanted)
    if not differences:
        beside = [one for one in fitting if one.fingerprint.bus_path == found.fingerprint.bus_path]
        if len(beside) > 1:
            raise several_fit(wanted, beside)
        print(f"{arguments.source} is {found.fingerprint.name} ({found.fingerprint})")
        return 0
    print(f"{arguments.source} is not the wanted camera: it is {found.fingerprint.name} ({found.fingerprint}).")
    print("\n".join(f"  {words}" for words in differences))
    print("\n".join(f"the wanted one is usb:{one.index}" for one in fitting) or "the wanted one is not plugged in")
    return 1


@contextmanager
def opened(source: Source, settings: CameraSettings, *, depth: bool = False) -> Generator[Camera]:
    """Yield an open camera; it is closed with the context. A simulated one draws depth only if `depth` asks for it.

    Raises:
        BadInputError: The source does not exist, or the settings do not fit.
        MissingError: The camera is not there, or something is not installed.
    """
    if source.kind == "sim" and settings == CameraSettings():
        with _simulated(source.where, depth=depth) as camera:
            yield camera
        return
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", FFMPEG_QUIET)
    camera = open_camera(source, settings)
    try:
        yield camera
    finally:
        camera.close()


@contextmanager
def _simulated(name: str, *, depth: bool) -> Generator[Camera]:
    """Yield a camera that sees the simulated arm, at home, and a cube."""
    from roarm_lab.core.clock import MonotonicClock
    from roarm_lab.robots.roarm_m3 import ROARM_M3
    from roarm_lab.sim.arm import SimArm
    from roarm_lab.sim.backend import Box, SimConfig
    from roarm_lab.sim.rendered_camera import RenderedCamera

    arm = SimArm(ROARM_M3, clock=MonotonicClock(), config=SimConfig(boxes=(Box(name="cube"),)))
    try:
        yield RenderedCamera(arm, name, depth=depth)
    finally:
        arm.close()


def _settings(asked: Asked) -> CameraSettings:
    return CameraSettings(
        size_px=asked.size,
        rate_hz=asked.rate_hz,
        fourcc=asked.fourcc,
        exposure_s=asked.exposure_s,
        white_balance_k=asked.white_balance_k,
    )


def _plain(camera: FoundCamera) -> dict[str, object]:
    return {
        "source": f"usb:{camera.index}",
        "device": str(camera.path),
        "fingerprint": str(camera.fingerprint),
        "identity": camera.fingerprint.to_plain(),
        "modes": [asdict(mode) for mode in camera.modes],
        "trouble": camera.trouble,
    }


def _lines(camera: FoundCamera) -> list[str]:
    shown = [f"    {mode}" for mode in camera.modes[:SHOWN_MODES]]
    more = len(camera.modes) - len(shown)
    rest = [f"    and {more} more (--json)"] if more > 0 else []
    trouble = [f"    formats unknown: {camera.trouble}"] if camera.trouble else []
    kind = "  infrared or depth" if camera.colourless else ""
    head = f"usb:{camera.index}  {camera.fingerprint.name}  {str(camera.fingerprint) or 'not on USB'}{kind}"
    return [head, *shown, *rest, *trouble]


def _words(timing: FrameTiming) -> list[str]:
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

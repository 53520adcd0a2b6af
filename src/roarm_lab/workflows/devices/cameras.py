"""Find, watch, measure and recognise cameras."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from roarm_lab.core.errors import BadInputError
from roarm_lab.hardware.camera_fingerprint import CameraFingerprint, FoundCamera, camera_at, found_cameras, several_fit
from roarm_lab.hardware.camera_settings import CameraSettings
from roarm_lab.hardware.camera_source import Source, open_camera, parse_source
from roarm_lab.hardware.camera_timing import FrameTiming, measure
from roarm_lab.hardware.opencv_camera import usb_path
from roarm_lab.robots.camera import Camera, wait_for_frame
from roarm_lab.workflows.devices.camera_requests import (
    LISTING,
    CameraRequest,
    CheckCameraRequest,
    MeasureCameraRequest,
    PreviewCameraRequest,
)
from roarm_lab.workflows.frontend import UNATTENDED, Frontend

FFMPEG_QUIET = "-8"
"""FFmpeg would print words of its own about every stream and file that does not open."""


@dataclass(frozen=True, kw_only=True)
class CameraCheck:
    """Whether a camera is the wanted one."""

    found: FoundCamera
    """The camera that is there."""
    differences: tuple[str, ...]
    """In what it is another one, in words; nothing where it is the wanted one."""
    fitting: tuple[FoundCamera, ...]
    """The cameras that fit."""


def list_cameras(listing: Path = LISTING) -> tuple[FoundCamera, ...]:
    """Return the cameras on USB: number, name, fingerprint, formats.

    Args:
        listing: Where Linux lists them; another folder for a container or a test.
    """
    return tuple(found_cameras(listing))


def preview_camera(request: PreviewCameraRequest, frontend: Frontend = UNATTENDED) -> None:
    """Show a camera in the browser until the front end cancels.

    Raises:
        BadInputError: The source or the port can not be used.
        MissingError: The camera is not there.
    """
    source, settings = parse_source(request.source), _settings(request)
    from roarm_lab.view.camera_page import CameraPage
    from roarm_lab.view.serving import refuse_taken, serving
    from roarm_lab.workflows.live_pages import tell_where

    refuse_taken(request.host, request.port)  # before a camera lights up
    with (
        opened(source, settings, depth=True) as camera,
        serving(request.host, request.port, f"RoArm Lab: {camera.name}") as server,
    ):
        page = CameraPage(server, camera)
        tell_where(frontend, "camera", request.host, server)
        page.run(cancelled=frontend.cancelled)


def measure_camera(request: MeasureCameraRequest) -> FrameTiming:
    """Return how a camera keeps time.

    Raises:
        BadInputError: The source or the time can not be used.
        MissingError: The camera is not there, or gives nothing.
    """
    with opened(parse_source(request.source), _settings(request)) as camera:
        wait_for_frame(camera)
        return measure(camera, request.seconds)


def check_camera(request: CheckCameraRequest) -> CameraCheck:
    """Return whether a camera is the wanted one.

    Raises:
        BadInputError: The source is not a USB camera, the fingerprint is not written as one, or it fits several cameras
            of this very device.
        MissingError: There is no camera there.
    """
    source = parse_source(request.source)
    if source.kind != "usb":
        raise BadInputError(f"Only a USB camera has a fingerprint, as in usb:0; got {request.source!r}.")
    wanted = CameraFingerprint.from_text(request.fingerprint)
    found = camera_at(usb_path(source.device, request.listing), request.listing)
    fitting = tuple(camera for camera in found_cameras(request.listing) if not camera.differences(wanted))
    differences = tuple(found.differences(wanted))
    if not differences:
        beside = [one for one in fitting if one.fingerprint.bus_path == found.fingerprint.bus_path]
        if len(beside) > 1:
            raise several_fit(wanted, beside)
    return CameraCheck(found=found, differences=differences, fitting=fitting)


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


def _settings(request: CameraRequest) -> CameraSettings:
    return CameraSettings(
        size_px=request.size,
        rate_hz=request.rate_hz,
        fourcc=request.fourcc,
        exposure_s=request.exposure_s,
        white_balance_k=request.white_balance_k,
    )

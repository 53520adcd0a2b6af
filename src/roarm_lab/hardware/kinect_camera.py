"""The Azure Kinect: colour, and depth as seen from the colour camera. Through `pyk4a` and Microsoft's SDK (K4A 1.4).

Written from their documentation and not yet tried on a Kinect.
"""

import threading
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roarm_lab.core.arrays import Float32
from roarm_lab.core.clock import MonotonicClock
from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.hardware.camera import Shot, ThreadedCamera, lost_between, stamped_s
from roarm_lab.hardware.camera_settings import CameraSettings

NEEDS = (
    "An Azure Kinect needs Microsoft's Azure Kinect Sensor SDK 1.4 (packages libk4a1.4 and libk4a1.4-dev, and its udev "
    "rules so that the Kinect may be opened), then: pip install 'roarm-lab[kinect]'. Its colour alone works without "
    "all this, as a USB camera: see `list_cameras()`."
)
WAIT_S = 1.0
"""A Kinect that gives nothing for so long has lost its cable or its power supply."""
SIZES_PX = {
    (1280, 720): "RES_720P",
    (1920, 1080): "RES_1080P",
    (2560, 1440): "RES_1440P",
    (2048, 1536): "RES_1536P",
    (3840, 2160): "RES_2160P",
}
RATES_HZ = (30, 15, 5)
EXPOSURE_UNIT_S = 1e-6


def kinect_camera(number: int = 0, settings: CameraSettings | None = None, **timing: float) -> ThreadedCamera:
    """Return the Kinect of that number, counted from 0; without settings 1280 by 720, 30 pictures a second.

    Raises:
        BadInputError: A Kinect does not offer such pictures.
        MissingError: The SDK, pyk4a or the Kinect is missing; says what to install.
    """
    asked = settings or CameraSettings()
    size_px, rate_hz = asked.size_px or next(iter(SIZES_PX)), asked.rate_hz or RATES_HZ[0]
    if size_px not in SIZES_PX or rate_hz not in RATES_HZ or asked.fourcc:
        sizes = ", ".join(f"{width}x{height}" for width, height in SIZES_PX)
        raise BadInputError(
            f"A Kinect gives pictures of {sizes} at {', '.join(map(str, RATES_HZ))} Hz, without a choice of formats; "
            f"got {size_px[0]}x{size_px[1]} at {rate_hz:g} Hz {asked.fourcc}".rstrip()
            + "."
        )
    open_device = partial(_Kinect, number, replace(asked, size_px=size_px, rate_hz=rate_hz))
    return ThreadedCamera(f"kinect:{number}", open_device, **timing)


def rgb_of(bgra: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a Kinect's colour picture [height, width, 4] as [height, width, 3], red first."""
    return np.ascontiguousarray(bgra[..., 2::-1])


def depth_m_of(depth_mm: NDArray[np.uint16]) -> Float32:
    """Return a Kinect's depth [height, width] in metres; 0 where it measured nothing stays 0."""
    return depth_mm.astype(np.float32) * np.float32(1e-3)


class _Kinect:
    """An open Kinect."""

    def __init__(self, number: int, settings: CameraSettings) -> None:
        self._k4a, self._clock = _sdk(), MonotonicClock()
        self._rate_hz, self._last_s = settings.rate_hz or 0.0, float("nan")
        try:
            self._device = self._k4a.PyK4A(_config(self._k4a, settings), device_id=number)
            self._device.start()
            if settings.exposure_s is not None:
                self._device.exposure = round(settings.exposure_s / EXPOSURE_UNIT_S)
            if settings.white_balance_k is not None:
                self._device.whitebalance = round(settings.white_balance_k)
        except self._k4a.K4AException as error:
            raise MissingError(
                f"Kinect {number} does not start ({error}). It needs its own power supply and a USB 3 port, and no "
                "other program may use it."
            ) from error

    def grab(self, stop: threading.Event) -> Shot:
        """Return the next picture with its depth."""
        del stop  # it waits a second at most
        try:
            capture = self._device.get_capture(timeout=int(1e3 * WAIT_S))
            bgra, depth_mm = capture.color, capture.transformed_depth
        except self._k4a.K4AException as error:
            raise MissingError(f"the Kinect gives no picture ({type(error).__name__}; unplugged?)") from error
        if bgra is None or depth_mm is None:
            raise MissingError("the Kinect gave half a picture: colour or depth is missing")
        taken_s = stamped_s(1e-9 * capture.color_system_timestamp_nsec, self._clock)
        lost = 0 if np.isnan(self._last_s) else lost_between(self._last_s, taken_s, self._rate_hz)
        self._last_s = taken_s
        return Shot(taken_s, rgb_of(bgra), depth_m_of(depth_mm), lost)

    def close(self) -> None:
        """Let go of it."""
        try:
            self._device.stop()
        except self._k4a.K4AException:
            return  # it is gone already


def _config(k4a: Any, settings: CameraSettings) -> Any:
    """Return the settings in pyk4a's words: colours as they are, depth at its full 640 by 576, both of one moment."""
    return k4a.Config(
        color_resolution=getattr(k4a.ColorResolution, SIZES_PX[settings.size_px or (0, 0)]),
        color_format=k4a.ImageFormat.COLOR_BGRA32,
        depth_mode=k4a.DepthMode.NFOV_UNBINNED,
        camera_fps=getattr(k4a.FPS, f"FPS_{settings.rate_hz:.0f}"),
        synchronized_images_only=True,
    )


def _sdk() -> Any:
    """Return pyk4a.

    Raises:
        MissingError: It, or the SDK below it, is not installed.
    """
    try:
        import pyk4a  # noqa: PLC0415 (an extra)  # pyright: ignore[reportMissingImports]
    except ImportError as error:  # also where pyk4a is there and the SDK's library is not
        raise MissingError(f"{NEEDS} ({error})") from error
    return pyk4a

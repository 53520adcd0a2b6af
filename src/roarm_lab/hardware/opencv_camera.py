"""USB cameras, streams and video files through OpenCV, which comes with the extra `cameras`.

A video file plays at its own rate, as a camera would: it is how programs are tried without one. When it ends, that is a
camera that was pulled, and like one it is opened again.
"""

import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from roarm_lab.core.access import VIDEO, how_to_open
from roarm_lab.core.clock import MonotonicClock
from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.hardware.camera import Device, Shot, ThreadedCamera, lost_between, stamped_s
from roarm_lab.hardware.camera_fingerprint import DEVICES, LISTING, CameraFingerprint, find_camera
from roarm_lab.hardware.camera_settings import CameraSettings
from roarm_lab.hardware.video4linux import VideoNode

TIMEOUT_S = 5.0
"""A stream that says nothing for so long is lost."""
DEFAULT_RATE_HZ, FASTEST_HZ = 30.0, 1000.0
"""Of a file that does not say its rate, or says nonsense."""
FFMPEG_OPTIONS, FFMPEG_DEFAULT, NO_PROXY = "OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_flags;prefer_tcp", "http_proxy;none"
"""Where OpenCV reads FFmpeg's options, what it takes when there are none, and the one that asks no proxy."""
RATE_SLACK = 0.02
"""29.97 is 30: the names of rates are rounded."""


def usb_camera(device: int | str, settings: CameraSettings | None = None, **timing: float) -> ThreadedCamera:
    """Return a USB camera by number, path or fingerprint; by its fingerprint it is found again on another port.

    Raises:
        MissingError: There is none, or it is in use.
        BadInputError: It does not do what the settings ask for, or the fingerprint fits two.
    """
    open_device = partial(_open_usb, device, settings or CameraSettings())
    return ThreadedCamera(f"usb:{device}", open_device, **timing)


def usb_path(device: int | str, listing: Path = LISTING, devices: Path = DEVICES) -> Path:
    """Return the device of a camera that is given by number, path or fingerprint (045e:097d).

    Raises:
        MissingError: No camera has that fingerprint.
        BadInputError: It is none of the three, or two cameras have it.
    """
    if isinstance(device, int):
        return devices / f"video{device}"
    if device.startswith("/"):
        return Path(device)
    return find_camera(CameraFingerprint.from_text(device), listing, devices).path


def file_camera(path: Path, **timing: float) -> ThreadedCamera:
    """Return a video file as a camera.

    Raises:
        BadInputError: There is no such file, or it is not a video.
    """
    return ThreadedCamera(f"file:{path}", partial(_open_file, path), **timing)


def stream_camera(url: str, **timing: float) -> ThreadedCamera:
    """Return a stream from the network (rtsp, http) as a camera. Its delay is not known and not in a picture's age.

    It is asked directly: the proxy variables of the environment are for the internet. A proxy that is meant for cameras
    stands in OPENCV_FFMPEG_CAPTURE_OPTIONS, as `http_proxy;http://HOST:PORT`.

    Raises:
        MissingError: It can not be reached.
    """
    _ask_no_proxy()
    return ThreadedCamera(_without_password(url), partial(_open_stream, url), **timing)


class _Live:
    """A camera or stream that gives pictures at its own pace."""

    def __init__(self, capture: Any, name: str) -> None:
        self._capture, self._name, self._clock = capture, name, MonotonicClock()
        self._rate_hz, self._last_s = _rate_hz(capture), float("nan")

    def grab(self, stop: threading.Event) -> Shot:
        """Return the next picture."""
        del stop  # the driver gives up by itself
        rgb = _read(self._capture, f"{self._name} gives no picture (unplugged?)")
        taken_s = stamped_s(_stamp_s(self._capture), self._clock)
        lost = 0 if np.isnan(self._last_s) else lost_between(self._last_s, taken_s, self._rate_hz)
        self._last_s = taken_s
        return Shot(taken_s, rgb, lost=lost)

    def close(self) -> None:
        """Let go of it."""
        self._capture.release()


class _Film:
    """A video file that plays in real time. A program that is late misses pictures, as with a camera."""

    def __init__(self, capture: Any, path: Path) -> None:
        self._capture, self._path, self._clock = capture, path, MonotonicClock()
        rate_hz = _rate_hz(capture)
        self._period_s = 1.0 / (rate_hz if rate_hz > 0.0 else DEFAULT_RATE_HZ)
        self._due_s = self._clock.now_s()

    def grab(self, stop: threading.Event) -> Shot:
        """Return the next picture when it is due."""
        lost = 0
        while self._due_s + self._period_s < self._clock.now_s() and self._capture.grab():
            self._due_s += self._period_s
            lost += 1
        stop.wait(max(self._due_s - self._clock.now_s(), 0.0))
        rgb = _read(self._capture, f"{self._path} has ended")
        self._due_s += self._period_s
        return Shot(self._clock.now_s(), rgb, lost=lost)

    def close(self) -> None:
        """Let go of it."""
        self._capture.release()


def _open_usb(device: int | str, settings: CameraSettings) -> Device:
    path = usb_path(device)
    if sys.platform == "linux" and not path.exists():
        raise MissingError(f"There is no camera at {path}. `list_cameras()` shows those that are plugged in.")
    import cv2  # noqa: PLC0415 (an extra)

    on_linux = sys.platform == "linux"
    capture = _capture(str(path) if on_linux else device, cv2.CAP_V4L2 if on_linux else cv2.CAP_ANY)
    if not capture.isOpened():
        raise MissingError(f"The camera at {path} {_why_closed(path)}")
    try:
        _ask_for(capture, path, settings)
        if settings.exposure_s is not None or settings.white_balance_k is not None:
            with VideoNode(path) as node:
                node.fix(exposure_s=settings.exposure_s, white_balance_k=settings.white_balance_k)
    except (BadInputError, MissingError):
        capture.release()
        raise
    return _Live(capture, str(path))


def _why_closed(path: Path) -> str:
    """Return why a camera does not open, as far as one look tells."""
    if sys.platform == "linux" and not os.access(path, os.R_OK | os.W_OK):
        return f"may not be opened. {how_to_open(path, VIDEO)}"
    hint = "does `list_cameras()` show it?" if sys.platform == "linux" else "do the privacy settings allow cameras?"
    return f"does not open. Another program may use it; or {hint}"


def _open_file(path: Path) -> Device:
    if not path.is_file():
        raise BadInputError(f"There is no video file {path}.")
    import cv2  # noqa: PLC0415 (an extra)

    capture = _capture(str(path), cv2.CAP_ANY)
    if not capture.isOpened():
        raise BadInputError(f"{path} is not a video that OpenCV can read; try MP4 or AVI.")
    return _Film(capture, path)


def _open_stream(url: str) -> Device:
    import cv2  # noqa: PLC0415 (an extra)

    wait_ms = int(1e3 * TIMEOUT_S)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, wait_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, wait_ms]
    capture = _capture(url, cv2.CAP_FFMPEG, limits)
    if not capture.isOpened():
        raise MissingError(f"The stream {_without_password(url)} can not be opened. Is its camera on, and reachable?")
    return _Live(capture, _without_password(url))


def _ask_no_proxy() -> None:
    options = os.environ.get(FFMPEG_OPTIONS) or FFMPEG_DEFAULT
    if "http_proxy" not in options:
        os.environ[FFMPEG_OPTIONS] = f"{options}|{NO_PROXY}"


def _capture(*words: Any) -> Any:
    """Return OpenCV's capture. Its warnings are switched off: a missing camera is said once, in our words."""
    import cv2  # noqa: PLC0415 (an extra)

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2.VideoCapture(*words)


def _ask_for(capture: Any, path: Path, settings: CameraSettings) -> None:
    """Set format, size and rate, in the order that drivers want, and see what came of it.

    Raises:
        BadInputError: The camera does something else.
    """
    import cv2  # noqa: PLC0415 (an extra)

    wanted: list[tuple[str, int, float, Callable[[float], str]]] = []
    if settings.fourcc:
        code = cv2.VideoWriter.fourcc(*settings.fourcc)
        wanted.append(("the format", cv2.CAP_PROP_FOURCC, code, _letters))
    if settings.size_px is not None:
        wanted.append(("a width", cv2.CAP_PROP_FRAME_WIDTH, settings.size_px[0], "{:g}".format))
        wanted.append(("a height", cv2.CAP_PROP_FRAME_HEIGHT, settings.size_px[1], "{:g}".format))
    if settings.rate_hz is not None:
        wanted.append(("a rate", cv2.CAP_PROP_FPS, settings.rate_hz, "{:g}".format))
    for _, key, value, _ in wanted:
        capture.set(key, value)
    for what, key, value, shown in wanted:
        found = capture.get(key)
        if not abs(found - value) <= RATE_SLACK * value * (key == cv2.CAP_PROP_FPS):
            raise BadInputError(
                f"The camera at {path} was asked for {what} of {shown(value)} and has {shown(found)}. "
                "`list_cameras()` shows what it can do."
            )


def _read(capture: Any, reason: str) -> Any:
    """Return the next picture [height, width, 3], red first.

    Raises:
        MissingError: There is none.
    """
    import cv2  # noqa: PLC0415 (an extra)

    try:
        found, bgr = capture.read()
        if found and bgr is not None:
            return cv2.cvtColor(bgr, cv2.COLOR_GRAY2RGB if bgr.ndim == 2 else cv2.COLOR_BGR2RGB)
    except cv2.error as error:  # a driver that gives half a picture
        raise MissingError(f"{reason}: {error.err}") from error
    raise MissingError(reason)


def _stamp_s(capture: Any) -> float:
    import cv2  # noqa: PLC0415 (an extra)

    return 1e-3 * capture.get(cv2.CAP_PROP_POS_MSEC)  # of a V4L2 camera: the driver's time of the picture


def _rate_hz(capture: Any) -> float:
    import cv2  # noqa: PLC0415 (an extra)

    rate_hz = float(capture.get(cv2.CAP_PROP_FPS))
    return rate_hz if 0.0 < rate_hz <= FASTEST_HZ else 0.0


def _letters(code: float) -> str:
    return int(code).to_bytes(4, "little", signed=False).decode("ascii", "replace")


def _without_password(url: str) -> str:
    """Return an address that may be shown."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

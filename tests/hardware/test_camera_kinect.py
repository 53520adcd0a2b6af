"""The Kinect: its pictures in our units, what is missing said in words, and the calls that pyk4a documents."""

import sys
import threading
import time
from contextlib import closing
from enum import IntEnum
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.hardware.camera_settings import CameraSettings
from roarm_lab.hardware.kinect_camera import depth_m_of, kinect_camera, rgb_of
from roarm_lab.robots.camera import wait_for_frame
from tests.hardware.clips import wait_until


class K4AException(Exception):  # noqa: N818 (its name)
    """As pyk4a's."""


class Sdk(ModuleType):
    """pyk4a as its documentation has it: names, arguments and types of what is used here, one Kinect."""

    K4AException = K4AException
    ImageFormat = IntEnum("ImageFormat", {"COLOR_BGRA32": 3})
    ColorResolution = IntEnum("ColorResolution", {"RES_720P": 1, "RES_1080P": 2})
    DepthMode = IntEnum("DepthMode", {"NFOV_UNBINNED": 2})
    FPS = IntEnum("FPS", {"FPS_5": 0, "FPS_15": 1, "FPS_30": 2})
    pulled = threading.Event()

    class Config(SimpleNamespace):
        """Holds what it is given."""

    class PyK4A:
        """One Kinect."""

        def __init__(self, config: Any, device_id: int = 0) -> None:
            self.config, self.exposure, self.whitebalance = config, 0, 0
            self._number = device_id

        def start(self) -> None:
            if self._number:
                raise K4AException("Result.Failed")

        def stop(self) -> None:
            """Nothing."""

        def get_capture(self, timeout: int = -1) -> Any:
            if Sdk.pulled.wait(0.01):
                raise K4AException
            return SimpleNamespace(
                color=np.full((4, 6, 4), (10, 20, 30, 255), np.uint8),
                transformed_depth=np.full((4, 6), 750, np.uint16),
                color_system_timestamp_nsec=time.perf_counter_ns(),
            )


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    Sdk.pulled.clear()
    monkeypatch.setitem(sys.modules, "pyk4a", Sdk("pyk4a"))


def test_colours_are_turned_round_and_depth_is_in_metres() -> None:
    bgra = np.array([[[1, 2, 3, 255]]], np.uint8)
    np.testing.assert_array_equal(rgb_of(bgra), [[[3, 2, 1]]])
    depth_m = depth_m_of(np.array([[0, 1500]], np.uint16))
    assert depth_m.dtype == np.float32
    np.testing.assert_allclose(depth_m, [[0.0, 1.5]])


def test_without_the_sdk_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyk4a", None)
    with pytest.raises(MissingError, match=r"libk4a1.4.*pip install 'roarm-lab\[kinect\]'.*as a USB camera"):
        kinect_camera()


@pytest.mark.usefixtures("sdk")
def test_a_kinect_gives_colour_and_depth_of_one_size() -> None:
    with closing(kinect_camera(settings=CameraSettings(exposure_s=0.008, white_balance_k=4500.0))) as camera:
        frame = wait_for_frame(camera)
    assert frame.rgb[0, 0].tolist() == [30, 20, 10]
    assert frame.depth_m is not None
    np.testing.assert_allclose(frame.depth_m, 0.75)


@pytest.mark.usefixtures("sdk")
def test_a_kinect_that_is_pulled_fails_and_one_that_is_not_there_is_missing() -> None:
    with closing(kinect_camera(first_retry_s=0.01)) as camera:
        wait_for_frame(camera)
        Sdk.pulled.set()
        wait_until(lambda: "the Kinect gives no picture (K4AException; unplugged?)" in camera.read().reason)
    with pytest.raises(MissingError, match=r"Kinect 1 does not start \(Result.Failed\).*own power supply"):
        kinect_camera(1)


@pytest.mark.parametrize(
    ("settings", "got"),
    [
        (CameraSettings(size_px=(640, 480)), "640x480 at 30 Hz"),
        (CameraSettings(rate_hz=60.0), "1280x720 at 60 Hz"),
        (CameraSettings(fourcc="MJPG"), "1280x720 at 30 Hz MJPG"),
    ],
)
def test_pictures_that_no_kinect_gives_are_refused(settings: CameraSettings, got: str) -> None:
    with pytest.raises(BadInputError, match=f"pictures of 1280x720, 1920x1080.*at 30, 15, 5 Hz.*got {got}\\."):
        kinect_camera(settings=settings)

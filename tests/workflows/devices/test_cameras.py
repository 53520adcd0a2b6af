"""Cameras that are listed, recognised, measured and shown: what comes back, and what is refused."""

import re
import socket
from contextlib import closing
from pathlib import Path

import pytest

from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.workflows.devices.camera_requests import (
    CheckCameraRequest,
    MeasureCameraRequest,
    PreviewCameraRequest,
)
from roarm_lab.workflows.devices.cameras import check_camera, list_cameras, measure_camera, preview_camera
from roarm_lab.workflows.frontend import Event, Served
from tests.frontends import Heard
from tests.hardware.clips import greys, list_camera, write_clip

KINECT, LAPTOP = ("045e", "097d", "000123"), ("0bda", "5634", "")


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    """Return a listing in which the laptop's own camera comes before the Kinect. Their devices are not there."""
    list_camera(tmp_path, 90, "Integrated_Webcam_HD", usb=LAPTOP)
    return list_camera(tmp_path, 92, "Azure Kinect 4K Camera", usb=KINECT, port="2-1")


def test_cameras_come_in_the_order_of_their_numbers(listing: Path, tmp_path: Path) -> None:
    webcam, kinect = list_cameras(listing)
    assert (webcam.index, webcam.fingerprint.name, str(webcam.fingerprint)) == (
        90,
        "Integrated_Webcam_HD",
        "0bda:5634@1-4#0",
    )
    assert (kinect.index, str(kinect.fingerprint)) == (92, "045e:097d:000123@2-1#0")
    assert (kinect.modes, kinect.trouble.startswith("/dev/video92 can not be opened")) == ((), True)
    assert list_cameras(tmp_path / "nowhere") == ()


def test_a_camera_is_the_wanted_one_or_says_in_what_it_is_another(listing: Path) -> None:
    right = check_camera(CheckCameraRequest(source="usb:92", fingerprint="045e:097d:000123@2-1", listing=listing))
    assert (right.found.index, right.differences) == (92, ())
    wrong = check_camera(CheckCameraRequest(source="usb:90", fingerprint="045E:097D", listing=listing))
    assert (wrong.found.index, wrong.differences) == (90, ("maker and product: 0bda:5634, not 045e:097d",))
    assert [camera.index for camera in wrong.fitting] == [92]
    nowhere = check_camera(CheckCameraRequest(source="usb:90", fingerprint="1111:2222", listing=listing))
    assert nowhere.fitting == ()


def test_one_of_two_cameras_in_a_device_needs_its_interface(tmp_path: Path) -> None:
    list_camera(tmp_path, 90, "Webcam", usb=LAPTOP)
    listing = list_camera(tmp_path, 92, "Webcam", usb=LAPTOP, interface=2)
    first = check_camera(CheckCameraRequest(source="usb:92", fingerprint="0bda:5634@1-4#0", listing=listing))
    assert first.differences == ("interface: 2, not 0",)
    assert [camera.index for camera in first.fitting] == [90]
    with pytest.raises(BadInputError, match="2 cameras are 0bda:5634@1-4"):  # either may be meant
        check_camera(CheckCameraRequest(source="usb:92", fingerprint="0bda:5634@1-4", listing=listing))


@pytest.mark.parametrize(
    ("source", "fingerprint", "kind", "message"),
    [
        ("usb:91", "045e:097d", MissingError, "no camera at /dev/video91"),
        ("usb:90", "kinect", BadInputError, "is written VENDOR:PRODUCT"),
        ("file:a.mp4", "045e:097d", BadInputError, "Only a USB camera has a fingerprint"),
    ],
)
def test_what_can_not_be_recognised_is_said(
    source: str, fingerprint: str, kind: type[Exception], message: str, listing: Path
) -> None:
    with pytest.raises(kind, match=message):
        check_camera(CheckCameraRequest(source=source, fingerprint=fingerprint, listing=listing))


def test_a_camera_is_measured(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi", greys(25) * 8, rate_hz=20.0)
    timing = measure_camera(MeasureCameraRequest(source=f"file:{clip}", seconds=1.0))
    assert (timing.size_px, timing.seconds, timing.failed_reads) == ((64, 48), 1.0, 0)
    assert 0 < timing.frames <= 22
    assert timing.rate_hz < 25.0  # never faster than the video is


def test_a_camera_that_is_lost_meanwhile_says_why(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi", greys(6), rate_hz=10.0)
    timing = measure_camera(MeasureCameraRequest(source=f"file:{clip}", seconds=1.5))
    assert timing.failed_reads > 0
    assert "clip.avi has ended" in timing.reason


@pytest.mark.parametrize(
    ("request_", "kind", "message"),
    [
        (MeasureCameraRequest(source="video0"), BadInputError, "'video0' is no camera. Write one of: usb:0"),
        (MeasureCameraRequest(source="usb:91"), MissingError, "no camera at /dev/video91"),
        (MeasureCameraRequest(source="usb:91", rate_hz=float("nan")), BadInputError, "rate_hz must be positive"),
        (MeasureCameraRequest(source="sim:front", fourcc="MJPG"), BadInputError, "not sim:"),
        (MeasureCameraRequest(source="file:none.mp4"), BadInputError, "There is no video file none.mp4"),
    ],
)
def test_what_can_not_be_measured_is_said(request_: MeasureCameraRequest, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=re.escape(message)):
        measure_camera(request_)


def test_a_preview_tells_where_it_is_and_ends_when_its_front_end_wants(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi", greys(20))

    def served(event: Event) -> bool:
        return isinstance(event, Served)

    frontend = Heard(cancel=served)
    preview_camera(PreviewCameraRequest(source=f"file:{clip}", port=0), frontend)
    (page,) = frontend.events
    assert isinstance(page, Served)
    assert page.what == "camera"
    assert re.match(r"http://127\.0\.0\.1:\d+", page.url)


def test_a_port_in_use_is_refused_before_the_camera_is_opened() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        request = PreviewCameraRequest(source="usb:91", port=other.getsockname()[1])
        with pytest.raises(BadInputError, match="is in use by another program"):
            preview_camera(request, Heard())

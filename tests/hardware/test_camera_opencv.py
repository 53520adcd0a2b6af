"""What OpenCV is asked for and what comes of it; streams and files that are not what they should be."""

import os
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from roarm_lab.core.clock import SimulatedClock
from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.hardware import opencv_camera
from roarm_lab.hardware.camera_settings import CameraSettings
from roarm_lab.hardware.opencv_camera import (
    FFMPEG_DEFAULT,
    FFMPEG_OPTIONS,
    _ask_for,
    _open_file,
    file_camera,
    stream_camera,
    usb_camera,
    usb_path,
)
from tests.dead_proxies import name_dead_proxies
from tests.hardware.clips import SIZE_PX, greys, list_camera, write_clip

LOSSY = 4  # of 255; the next picture is 10 away


def test_a_late_program_misses_pictures_and_knows_how_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimulatedClock()
    monkeypatch.setattr(opencv_camera, "MonotonicClock", lambda: clock)
    film = _open_file(write_clip(tmp_path / "clip.avi", greys(20), rate_hz=10.0))
    clock.sleep_until_s(0.35)
    shot = film.grab(threading.Event())
    film.close()
    assert shot.lost == 3
    assert shot.rgb.mean() == pytest.approx(10 * shot.lost, abs=LOSSY)


def test_a_video_without_a_rate_that_makes_sense_still_plays(tmp_path: Path) -> None:
    picture = tmp_path / "one.png"
    cv2.imwrite(str(picture), np.full((8, 8, 3), (0, 0, 200), np.uint8))
    film = _open_file(picture)
    shot = film.grab(threading.Event())
    film.close()
    assert shot.rgb[0, 0].tolist() == [200, 0, 0]


def test_what_is_no_video_is_said_so(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    with pytest.raises(BadInputError, match=r"notes.mp4 is not a video that OpenCV can read; try MP4 or AVI"):
        file_camera(text)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (CameraSettings(size_px=(1280, 720)), f"was asked for a width of 1280 and has {SIZE_PX[0]}"),
        (CameraSettings(rate_hz=120.0), "was asked for a rate of 120 and has 30"),
        (CameraSettings(fourcc="YUYV"), "was asked for the format of YUYV and has MJPG"),
    ],
)
def test_a_wish_that_is_not_granted_is_an_error(settings: CameraSettings, message: str, tmp_path: Path) -> None:
    capture = cv2.VideoCapture(str(write_clip(tmp_path / "clip.avi", greys(3))))
    with pytest.raises(BadInputError, match=f"{message}.*list_cameras"):
        _ask_for(capture, Path("/dev/video0"), settings)
    _ask_for(capture, Path("/dev/video0"), CameraSettings(size_px=SIZE_PX, rate_hz=30.0, fourcc="MJPG"))
    capture.release()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rate_hz": float("nan")}, "rate_hz must be positive and finite, got nan"),
        ({"exposure_s": 0.0}, "exposure_s must be positive"),
        ({"white_balance_k": -1.0}, "white_balance_k must be positive"),
        ({"size_px": (0, 480)}, r"size_px must be width and height, got \(0, 480\)"),
        ({"fourcc": "MJPEG"}, "fourcc must be four letters as in MJPG, got 'MJPEG'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        CameraSettings(**values)  # type: ignore[arg-type]


def test_a_usb_camera_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"There is no camera at .*video7. `list_cameras\(\)`"):
        usb_camera(str(tmp_path / "video7"))
    other = tmp_path / "video8"
    other.write_text("")
    with pytest.raises(MissingError, match=r"video8 does not open. Another program may use it; or does `list_cameras"):
        usb_camera(str(other))


@pytest.mark.skipif(sys.platform != "linux", reason="groups of Linux")
def test_a_camera_that_this_user_may_not_open_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = tmp_path / "video8"
    camera.write_text("")
    camera.chmod(0o660)
    monkeypatch.setattr(os, "access", lambda *asked: False)  # root may open everything
    monkeypatch.setattr(opencv_camera, "how_to_open", lambda path, kind: f"{path.name} {kind.groups}")
    with pytest.raises(MissingError, match=r"video8 may not be opened. video8 \('video',\)"):
        usb_camera(str(camera))


def test_a_camera_is_opened_by_its_fingerprint_wherever_it_is(tmp_path: Path) -> None:
    listing = list_camera(tmp_path, 0, "Webcam", usb=("0bda", "5634", ""))
    with pytest.raises(MissingError, match="The camera 045e:097d is not plugged in. Plugged in: Webcam 0bda:5634@1-4"):
        usb_path("045e:097d", listing, tmp_path)
    list_camera(tmp_path, 3, "Azure Kinect", usb=("045e", "097d", "1"), port="2-1")
    assert usb_path("045e:097d", listing, tmp_path) == tmp_path / "video3"
    list_camera(tmp_path, 4, "Azure Kinect", usb=("045e", "097d", "2"), port="2-2")
    with pytest.raises(
        BadInputError, match="2 cameras are 045e:097d: .*045e:097d:1@2-1#0, .*045e:097d:2@2-2#0. Add the serial"
    ):
        usb_path("045e:097d", listing, tmp_path)
    assert usb_path("045e:097d:2", listing, tmp_path) == tmp_path / "video4"
    assert (usb_path(7), usb_path("/dev/video9")) == (Path("/dev/video7"), Path("/dev/video9"))


def test_a_stream_that_can_not_be_reached_is_said_without_its_password() -> None:
    with pytest.raises(MissingError, match="The stream rtsp://127.0.0.1:9/x can not be opened") as found:
        stream_camera("rtsp://me:secret@127.0.0.1:9/x")  # nobody listens on port 9
    assert "secret" not in str(found.value)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        del words


def test_a_camera_on_the_network_is_asked_directly_though_the_shell_names_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_dead_proxies(monkeypatch)
    monkeypatch.setenv(FFMPEG_OPTIONS, "")
    write_clip(tmp_path / "clip.avi", greys(20))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            stream_camera(f"http://127.0.0.1:{server.server_port}/clip.avi").close()
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("given", "then"),
    [
        ("", f"{FFMPEG_DEFAULT}|http_proxy;none"),
        ("rtsp_transport;udp", "rtsp_transport;udp|http_proxy;none"),
        ("http_proxy;http://10.0.0.1:3128", "http_proxy;http://10.0.0.1:3128"),
    ],
)
def test_options_that_somebody_gave_to_ffmpeg_stay(given: str, then: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FFMPEG_OPTIONS, given)
    for _ in range(2):
        with pytest.raises(MissingError):
            stream_camera("http://127.0.0.1:9/x")
        assert os.environ[FFMPEG_OPTIONS] == then

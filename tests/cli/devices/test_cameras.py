"""`roarm cameras`: what is plugged in, whether it is the right one, and how well it keeps time."""

import json
import re
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from roarm_lab.cli.main import main
from tests.cli.evaluation.test_play import START_S, started
from tests.hardware.clips import greys, list_camera, write_clip

KINECT, LAPTOP = ("045e", "097d", "000123"), ("0bda", "5634", "")


@pytest.fixture
def listing(tmp_path: Path) -> str:
    """Return a listing in which the laptop's own camera comes before the Kinect. Their devices are not there."""
    list_camera(tmp_path, 90, "Integrated_Webcam_HD", usb=LAPTOP)
    return str(list_camera(tmp_path, 92, "Azure Kinect 4K Camera", usb=KINECT, port="2-1"))


def test_the_list_has_number_name_and_fingerprint(listing: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cameras", "list", "--listing", listing]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "usb:90  Integrated_Webcam_HD  0bda:5634@1-4#0"
    assert lines[1].startswith("    formats unknown: /dev/video90 can not be opened")
    assert lines[2] == "usb:92  Azure Kinect 4K Camera  045e:097d:000123@2-1#0"


def test_the_list_for_programs_can_be_stored(listing: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cameras", "list", "--json", "--listing", listing]) == 0
    kinect = json.loads(capsys.readouterr().out)[1]
    assert kinect["source"] == "usb:92"
    assert kinect["identity"] == {
        "name": "Azure Kinect 4K Camera",
        "usb_id": "045e:097d",
        "serial": "000123",
        "bus_path": "2-1",
        "interface": "0",
    }
    assert kinect["modes"] == []


def test_no_camera_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cameras", "list", "--listing", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no camera is plugged in\n"


def test_the_wanted_camera_is_recognised(listing: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["cameras", "check", "usb:92", "--listing", listing, "--fingerprint"]
    assert main([*words, "045e:097d:000123@2-1"]) == 0
    assert capsys.readouterr().out == "usb:92 is Azure Kinect 4K Camera (045e:097d:000123@2-1#0)\n"


def test_the_laptops_camera_is_not_the_kinect(listing: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cameras", "check", "usb:90", "--listing", listing, "--fingerprint", "045E:097D"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "usb:90 is not the wanted camera: it is Integrated_Webcam_HD (0bda:5634@1-4#0).",
        "  maker and product: 0bda:5634, not 045e:097d",
        "the wanted one is usb:92",
    ]
    assert main(["cameras", "check", "usb:90", "--listing", listing, "--fingerprint", "1111:2222"]) == 1
    assert "the wanted one is not plugged in" in capsys.readouterr().out


def test_the_second_camera_of_a_device_is_not_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    list_camera(tmp_path, 90, "Webcam", usb=LAPTOP)
    listing = str(list_camera(tmp_path, 92, "Webcam", usb=LAPTOP, interface=2))
    check = ["cameras", "check", "usb:92", "--listing", listing, "--fingerprint"]
    assert main([*check, "0bda:5634@1-4#0"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == ["  interface: 2, not 0", "the wanted one is usb:90"]
    assert main([*check, "0bda:5634@1-4#2"]) == 0
    assert main([*check, "0bda:5634@1-4"]) == 2  # their formats are not known here: either may be meant
    assert "2 cameras are 0bda:5634@1-4" in (said := capsys.readouterr().err)
    assert "Add the interface." in said


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("check", "usb:91", "--fingerprint", "045e:097d"), 3, "no camera at /dev/video91"),
        (("check", "usb:90", "--fingerprint", "kinect"), 2, "is written VENDOR:PRODUCT"),
        (("check", "file:a.mp4", "--fingerprint", "045e:097d"), 2, "Only a USB camera has a fingerprint"),
        (("measure", "usb:91"), 3, "no camera at /dev/video91"),
        (("measure", "usb:ffff:fffe"), 3, "The camera ffff:fffe is not plugged in"),
        (("measure", "video0"), 2, "'video0' is no camera. Write one of: usb:0"),
        (("measure", "usb:front"), 2, "is written VENDOR:PRODUCT"),
        (("measure", "kinect:a"), 2, "a number counted from 0"),
        (("measure", "file:none.mp4"), 2, "There is no video file none.mp4"),
        (("measure", "file:a.mp4", "--exposure-s", "0.01"), 2, "can be set on usb: and kinect: only, not file:"),
        (("measure", "sim:front", "--fourcc", "MJPG"), 2, "can be set on usb: and kinect: only, not sim:"),
        (("measure", "usb:91", "--rate-hz", "nan"), 2, "rate_hz must be positive"),
        (("preview", "file:none.mp4", "--port", "0"), 2, "There is no video file"),
    ],
)
def test_what_can_not_be_done_is_said_in_one_line(
    words: tuple[str, ...], code: int, message: str, one_line: Callable[..., str]
) -> None:
    assert message in one_line("cameras", *words, code=code)


def test_a_kinect_without_its_software_says_what_to_install(
    one_line: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyk4a", None)
    assert "pip install 'roarm-lab[kinect]'" in one_line("cameras", "measure", "kinect:0", code=3)


def test_a_camera_is_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_clip(folder / "clip.avi", greys(25) * 8, rate_hz=20.0)
    assert main(["cameras", "measure", "file:clip.avi", "--seconds", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["size_px"] == [64, 48]
    assert 0 < found["frames"] <= 22
    assert found["rate_hz"] < 25.0  # never faster than the video is
    assert found["failed_reads"] == 0
    assert main(["cameras", "measure", "file:clip.avi", "--seconds", "0.3"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == ["size", "rate", "interval", "jitter", "age", "lost"]


def test_a_camera_that_is_lost_meanwhile_is_a_finding(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_clip(folder / "clip.avi", greys(6), rate_hz=10.0)
    assert main(["cameras", "measure", "file:clip.avi", "--seconds", "1.5"]) == 1
    captured = capsys.readouterr()
    assert re.search(r"failed    \d+ readings; the last: clip.avi has ended", captured.out)
    assert captured.err == ""


def test_a_simulated_camera_is_measured_like_a_real_one(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["cameras", "measure", "sim:wrist", "--seconds", "0.5", "--json"])
    captured = capsys.readouterr()
    if code == 3 and "Pictures can not be drawn here" in captured.err:
        pytest.skip(captured.err)
    assert code == 0
    assert json.loads(captured.out)["size_px"] == [640, 480]


def test_a_port_in_use_is_refused_before_the_camera_is_opened(one_line: Callable[..., str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = str(other.getsockname()[1])
        assert "is in use by another program" in one_line("cameras", "preview", "usb:91", "--port", port)


def test_a_preview_is_served_until_ctrl_c(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi", greys(20))
    process = started("cameras", "preview", f"file:{clip}")
    try:
        assert process.stdout is not None
        assert re.match(r"open        http://127\.0\.0\.1:\d+\n", process.stdout.readline())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=START_S)
        assert (process.returncode, err) == (130, "roarm: interrupted\n")
    finally:
        process.kill()


def test_help_names_the_sources_and_every_action(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cameras"]) == 0
    shown = capsys.readouterr().out
    for words in ("usb:0", "kinect:0", "file:clip.mp4", "sim:front", "list", "preview", "measure", "check"):
        assert words in shown
    assert main(["cameras", "preview", "--help"]) == 0
    assert "--white-balance-k" in capsys.readouterr().out

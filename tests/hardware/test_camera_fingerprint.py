"""A camera is recognised by what does not change with the next plug."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.hardware import camera_fingerprint
from roarm_lab.hardware.camera_fingerprint import CameraFingerprint, camera_at, find_camera, found_cameras
from roarm_lab.hardware.video4linux import Mode
from tests.hardware.clips import list_camera

KINECT = CameraFingerprint(
    name="Azure Kinect 4K Camera", usb_id="045e:097d", serial="000123", bus_path="2-1.3", interface="0"
)
LAPTOP = ("0bda", "5634", "")


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    """Return a listing: the laptop's camera with its second device, a Kinect behind a hub, a camera of software."""
    list_camera(tmp_path, 0, "Integrated_Webcam_HD", usb=LAPTOP)
    list_camera(tmp_path, 1, "Integrated_Webcam_HD", usb=LAPTOP, node=1)
    list_camera(tmp_path, 10, "Dummy video device")
    return list_camera(tmp_path, 2, KINECT.name, usb=("045E", "097d", "000123"), port="2-1.3")


def test_cameras_are_found_with_what_identifies_them(listing: Path, tmp_path: Path) -> None:
    found = found_cameras(listing, tmp_path)
    assert [camera.index for camera in found] == [0, 2, 10]  # not the device that gives no pictures
    assert found[1].fingerprint == KINECT
    assert str(found[0].fingerprint) == "0bda:5634@1-4#0"
    assert str(found[1].fingerprint) == "045e:097d:000123@2-1.3#0"
    assert str(found[2].fingerprint) == ""
    assert found[2].fingerprint.name == "Dummy video device"
    assert "video0 can not be opened: No such file" in found[0].trouble


def test_where_there_are_none_the_list_is_empty(tmp_path: Path) -> None:
    assert found_cameras(tmp_path / "class") == []


def test_a_camera_is_found_by_its_path_links_followed(listing: Path, tmp_path: Path) -> None:
    (tmp_path / "by-id").symlink_to(tmp_path / "video2")
    assert camera_at(tmp_path / "by-id", listing, tmp_path).fingerprint == KINECT
    with pytest.raises(MissingError, match=r"There is no camera at .*video5. Plugged in: .*video0, .*video2"):
        camera_at(tmp_path / "video5", listing, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "045e:097d",
        "045e:097d:000123",
        "045e:097d@2-1.3",
        "045e:097d:000123@2-1.3",
        "045e:097d#0",
        "045e:097d:000123@2-1.3#0",
    ],
)
def test_a_fingerprint_reads_as_it_is_written(text: str) -> None:
    wanted = CameraFingerprint.from_text(text)
    assert str(wanted) == text
    assert wanted.differences(KINECT) == []
    assert CameraFingerprint(**wanted.to_plain()) == wanted


def test_the_wrong_camera_is_told_by_every_part() -> None:
    laptop = CameraFingerprint(name="Integrated_Webcam_HD", usb_id="0bda:5634", bus_path="1-4")
    assert KINECT.differences(laptop) == [
        "name: Integrated_Webcam_HD, not Azure Kinect 4K Camera",
        "maker and product: 0bda:5634, not 045e:097d",
        "serial number: not known, not 000123",
        "USB port: 1-4, not 2-1.3",
        "interface: not known, not 0",
    ]
    assert CameraFingerprint(usb_id="045e:097d").differences(KINECT) == []  # what is not said is not compared


@pytest.mark.parametrize("serial", ["A#1", "A@B", "A:B", "A@1#2"])
def test_a_serial_number_may_have_any_letters(serial: str) -> None:
    kinect = replace(KINECT, name="", serial=serial)
    assert CameraFingerprint.from_text(str(kinect)) == kinect


def two_in_one(root: Path) -> Path:
    """Return a listing of a laptop's camera that is two: one for colour, one for infrared, two devices each."""
    for index, (interface, node) in enumerate([(0, 0), (0, 1), (2, 0), (2, 1)]):
        list_camera(root, index, "Integrated_Webcam_HD", usb=LAPTOP, interface=interface, node=node)
    return root / "class" / "video4linux"


class Answers:
    """Devices as the kernel describes them: number -> formats; those that are not named give no pictures."""

    formats: ClassVar[dict[str, tuple[str, ...]]] = {"video0": ("MJPG", "YUYV"), "video2": ("GREY",)}

    def __init__(self, path: Path) -> None:
        self._fourccs = self.formats.get(path.name, ())

    def __enter__(self) -> "Answers":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def takes_pictures(self) -> bool:
        return bool(self._fourccs)

    def modes(self) -> tuple[Mode, ...]:
        return tuple(Mode(fourcc, 640, 360) for fourcc in self._fourccs)


def test_two_cameras_of_one_usb_device_can_each_be_named_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_fingerprint, "VideoNode", Answers)
    listing = two_in_one(tmp_path)
    colour, infrared = found_cameras(listing, tmp_path)
    assert (str(colour.fingerprint), str(infrared.fingerprint)) == ("0bda:5634@1-4#0", "0bda:5634@1-4#2")
    for camera in (colour, infrared):
        assert find_camera(CameraFingerprint.from_text(str(camera.fingerprint)), listing, tmp_path) == camera
    assert find_camera(CameraFingerprint.from_text("0bda:5634#2"), listing, tmp_path) == infrared


@pytest.mark.parametrize("text", ["0bda:5634", "0bda:5634@1-4"])
def test_the_infrared_camera_never_passes_for_the_one_that_was_named_without_an_interface(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_fingerprint, "VideoNode", Answers)
    listing, wanted = two_in_one(tmp_path), CameraFingerprint.from_text(text)
    colour, infrared = found_cameras(listing, tmp_path)
    assert find_camera(wanted, listing, tmp_path) == colour
    (why,) = infrared.differences(wanted)
    assert why == f"it gives no colour: infrared or depth, and named with its interface: {text}#2"
    monkeypatch.setattr(Answers, "formats", {"video2": ("GREY",)})  # the colour camera's driver has let go
    with pytest.raises(MissingError, match=r"Plugged in: .*0bda:5634@1-4#2 \(infrared or depth\)"):
        find_camera(wanted, listing, tmp_path)


def test_cameras_of_one_device_that_both_look_like_colour_are_told_apart_by_their_interface(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"2 cameras are 0bda:5634: .*@1-4#0, .*@1-4#2. Add the interface."):
        find_camera(CameraFingerprint.from_text("0bda:5634"), two_in_one(tmp_path), tmp_path)  # formats are not known


def test_a_further_stream_of_one_interface_has_a_name_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_fingerprint, "VideoNode", Answers)
    list_camera(tmp_path, 0, "Depth camera", usb=LAPTOP)
    listing = list_camera(tmp_path, 2, "Depth camera", usb=LAPTOP, node=2)
    assert [str(one.fingerprint) for one in found_cameras(listing, tmp_path)] == [
        "0bda:5634@1-4#0",
        "0bda:5634@1-4#0.2",
    ]


def test_a_camera_on_a_slow_port_lacks_sizes() -> None:
    wanted = replace(KINECT, modes=("MJPG 1280x720", "MJPG 3840x2160"))
    found = replace(KINECT, modes=("MJPG 1280x720", "YUYV 640x480"))
    assert wanted.differences(found) == ["it does not offer MJPG 3840x2160 (on a slow USB port?)"]
    assert wanted.to_plain()["modes"] == ["MJPG 1280x720", "MJPG 3840x2160"]


@pytest.mark.parametrize("text", ["", "045e", "45e:97d", "045e:zzzz", "Azure Kinect", "045e:097d#infrared"])
def test_what_is_no_fingerprint_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(BadInputError, match=r"is written VENDOR:PRODUCT\[:SERIAL\]\[@PORT\]\[#INTERFACE\]"):
        CameraFingerprint.from_text(text)

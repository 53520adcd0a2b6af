"""The kernel's interface: requests and structures as its header has them, and a driver that answers like one."""

import errno
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.hardware import video4linux as v4l
from roarm_lab.hardware.video4linux import Mode, VideoNode

READ, WRITE = 2, 1
MODES = {b"MJPG": {(1280, 720): (30, 15), (640, 480): (30,)}, b"YUYV": {(640, 480): (30,)}}


class Driver:
    """Answers requests as the UVC driver does: formats, sizes and rates by index, controls by number."""

    def __init__(self, capabilities: int = v4l.CAPTURE) -> None:
        self.capabilities, self.gone = capabilities, False
        self.controls = {v4l.EXPOSURE_AUTO: 3, v4l.EXPOSURE_ABSOLUTE: 156, v4l.WHITE_BALANCE_AUTO: 1}
        self.most = 5000

    def __call__(self, _file: int, request: int, buffer: bytearray) -> int:
        if self.gone:
            raise OSError(errno.ENODEV, "No such device")
        answers: dict[int, Callable[[bytearray], None]] = {
            v4l.QUERYCAP: lambda b: struct.pack_into("=I", b, 88, self.capabilities),
            v4l.ENUM_FMT: self._format,
            v4l.ENUM_FRAMESIZES: self._size,
            v4l.ENUM_FRAMEINTERVALS: self._interval,
            v4l.G_CTRL: self._get,
            v4l.S_CTRL: self._set,
        }
        try:
            answers[request](buffer)
        except (IndexError, KeyError) as error:
            raise OSError(errno.EINVAL, "Invalid argument") from error
        return 0

    def _format(self, buffer: bytearray) -> None:
        index, kind = struct.unpack_from("=II", buffer)
        assert kind == 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE
        buffer[44:48] = list(MODES)[index]

    def _size(self, buffer: bytearray) -> None:
        (index,) = struct.unpack_from("=I", buffer)
        struct.pack_into("=III", buffer, 8, 1, *list(MODES[bytes(buffer[4:8])])[index])

    def _interval(self, buffer: bytearray) -> None:
        index, _, width, height = struct.unpack_from("=IIII", buffer)
        rate_hz = MODES[bytes(buffer[4:8])][width, height][index]
        struct.pack_into("=III", buffer, 16, 1, 1, rate_hz)

    def _get(self, buffer: bytearray) -> None:
        (control,) = struct.unpack_from("=I", buffer)
        struct.pack_into("=i", buffer, 4, self.controls[control])

    def _set(self, buffer: bytearray) -> None:
        control, value = struct.unpack("=Ii", buffer)
        self.controls[control] = min(value, self.most) if control in self.controls else self.controls[control]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file that can be opened; a driver answers for it."""
    path = tmp_path / "video0"
    path.write_text("")
    return path


@pytest.mark.parametrize(
    ("request_", "direction", "number", "size"),
    [
        (v4l.QUERYCAP, READ, 0, 104),
        (v4l.ENUM_FMT, READ | WRITE, 2, 64),
        (v4l.ENUM_FRAMESIZES, READ | WRITE, 74, 44),
        (v4l.ENUM_FRAMEINTERVALS, READ | WRITE, 75, 52),
        (v4l.G_CTRL, READ | WRITE, 27, 8),
        (v4l.S_CTRL, READ | WRITE, 28, 8),
    ],
)
def test_requests_are_those_of_the_kernels_header(request_: int, direction: int, number: int, size: int) -> None:
    # asm-generic/ioctl.h: direction, size, letter and number from the top; sizes from a C compiler.
    assert request_ == direction << 30 | size << 16 | ord("V") << 8 | number


def test_all_formats_sizes_and_rates_are_listed(path: Path) -> None:
    with VideoNode(path, Driver()) as node:
        assert node.takes_pictures()
        assert node.modes() == (
            Mode("MJPG", 640, 480, (30.0,)),
            Mode("MJPG", 1280, 720, (30.0, 15.0)),
            Mode("YUYV", 640, 480, (30.0,)),
        )
    assert str(Mode("MJPG", 1280, 720, (30.0, 7.5))) == "MJPG 1280x720 30 7.5"


def test_a_device_for_data_about_pictures_takes_none(path: Path) -> None:
    with VideoNode(path, Driver(capabilities=0x00800000)) as node:  # V4L2_CAP_META_CAPTURE
        assert not node.takes_pictures()


def test_exposure_is_fixed_in_steps_of_a_tenth_of_a_millisecond(path: Path) -> None:
    driver = Driver()
    with VideoNode(path, driver) as node:
        node.fix(exposure_s=0.01)
    assert driver.controls[v4l.EXPOSURE_AUTO] == 1  # V4L2_EXPOSURE_MANUAL
    assert driver.controls[v4l.EXPOSURE_ABSOLUTE] == 100
    assert driver.controls[v4l.WHITE_BALANCE_AUTO] == 1  # left alone


def test_what_a_camera_can_not_or_will_not_is_refused(path: Path) -> None:
    driver = Driver()
    with VideoNode(path, driver) as node:
        with pytest.raises(BadInputError, match=r"video0 does not offer a white balance of 4600 K"):
            node.fix(white_balance_k=4600.0)
        driver.most = 300
        with pytest.raises(BadInputError, match=r"asked for an exposure of 0.05 s.*\(500\) and took 300"):
            node.fix(exposure_s=0.05)


def test_a_camera_that_is_pulled_meanwhile_is_missing(path: Path) -> None:
    driver = Driver()
    with VideoNode(path, driver) as node:
        driver.gone = True
        with pytest.raises(MissingError, match="video0 is gone: No such device"):
            node.modes()


def test_the_kernel_says_of_a_plain_file_that_it_is_no_camera(path: Path) -> None:
    with VideoNode(path) as node:
        assert not node.takes_pictures()
        assert node.modes() == ()
    with pytest.raises(MissingError, match="none can not be opened: No such file"):
        VideoNode(path.with_name("none"))

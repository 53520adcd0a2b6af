"""What a Linux video device says about itself, and its exposure: the kernel's own interface (V4L2), no library.

Numbers and structures are those of <linux/videodev2.h>; the kernel promises to keep them.
"""

import errno
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from roarm_lab.core.access import VIDEO, how_to_open
from roarm_lab.core.errors import BadInputError, MissingError

Ioctl = Callable[[int, int, bytearray], object]
"""File descriptor, request, structure that is read and written."""

QUERYCAP, ENUM_FMT, ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS = 0x80685600, 0xC0405602, 0xC02C564A, 0xC034564B
G_CTRL, S_CTRL = 0xC008561B, 0xC008561C
CAPTURE = 0x1
"""V4L2_CAP_VIDEO_CAPTURE, and V4L2_BUF_TYPE_VIDEO_CAPTURE."""
DISCRETE = 1
EXPOSURE_AUTO, EXPOSURE_ABSOLUTE = 0x009A0901, 0x009A0902
EXPOSURE_MANUAL, EXPOSURE_UNIT_S = 1, 1e-4
WHITE_BALANCE_AUTO, WHITE_BALANCE_K = 0x0098090C, 0x0098091A
MOST = 256
"""A driver that lists more formats, sizes or rates than this goes round in circles."""


@dataclass(frozen=True, order=True)
class Mode:
    """A picture that a camera can give."""

    fourcc: str
    width_px: int
    height_px: int
    rates_hz: tuple[float, ...] = ()
    """Falling; empty where the driver does not say."""

    def __str__(self) -> str:
        """Return it as `MJPG 1280x720 30 15`."""
        return " ".join([self.fourcc, f"{self.width_px}x{self.height_px}", *(f"{rate:g}" for rate in self.rates_hz)])


class VideoNode:
    """A video device, open for questions; pictures are taken elsewhere. Use it as a context."""

    def __init__(self, path: Path, ioctl: Ioctl | None = None) -> None:
        """Open the device.

        Raises:
            MissingError: It is not there, not ours to open, or this is not Linux.
        """
        self._path, self._ioctl = path, ioctl or _kernel()
        try:
            self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        except OSError as error:
            way = f" {how_to_open(path, VIDEO)}" if isinstance(error, PermissionError) else ""
            raise MissingError(f"{path} can not be opened: {error.strerror}.{way}") from error

    def __enter__(self) -> "VideoNode":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def takes_pictures(self) -> bool:
        """Return whether it is for pictures: most cameras have a second device for data about them."""
        found = self._ask(QUERYCAP, bytearray(104))
        return found is not None and bool(struct.unpack_from("=I", found, 88)[0] & CAPTURE)

    def modes(self) -> tuple[Mode, ...]:
        """Return all formats and sizes with their rates, in order; of a range of sizes the smallest and largest."""
        return tuple(
            sorted(
                Mode(fourcc, width, height, tuple(self._rates_hz(code, width, height)))
                for code, fourcc in self._formats()
                for width, height in self._sizes_px(code)
            )
        )

    def fix(self, *, exposure_s: float | None = None, white_balance_k: float | None = None) -> None:
        """Switch the camera's own judgement off and set exposure and colour temperature; None leaves one alone.

        Raises:
            BadInputError: The camera can not, or takes another value.
        """
        if exposure_s is not None:
            self._set(EXPOSURE_AUTO, EXPOSURE_MANUAL, "a fixed exposure")
            units = round(exposure_s / EXPOSURE_UNIT_S)
            self._set(EXPOSURE_ABSOLUTE, units, f"an exposure of {exposure_s:g} s, in steps of {EXPOSURE_UNIT_S:g} s")
        if white_balance_k is not None:
            self._set(WHITE_BALANCE_AUTO, 0, "a fixed white balance")
            self._set(WHITE_BALANCE_K, round(white_balance_k), f"a white balance of {white_balance_k:g} K")

    def _formats(self) -> Iterator[tuple[int, str]]:
        for found in self._listed(ENUM_FMT, 64, "=II", CAPTURE):
            (code,) = struct.unpack_from("=I", found, 44)
            yield code, code.to_bytes(4, "little").decode("ascii", "replace").strip()

    def _sizes_px(self, code: int) -> Iterator[tuple[int, int]]:
        for found in self._listed(ENUM_FRAMESIZES, 44, "=II", code):
            (kind,) = struct.unpack_from("=I", found, 8)
            if kind == DISCRETE:
                yield struct.unpack_from("=II", found, 12)
            else:
                least_x, most_x, _, least_y, most_y, _ = struct.unpack_from("=6I", found, 12)
                yield from ((least_x, least_y), (most_x, most_y))
                return

    def _rates_hz(self, code: int, width: int, height: int) -> Iterator[float]:
        for found in self._listed(ENUM_FRAMEINTERVALS, 52, "=IIII", code, width, height):
            kind, above, below = struct.unpack_from("=III", found, 16)
            if kind == DISCRETE and above:
                yield round(below / above, 3)  # the interval is a fraction of a second

    def _listed(self, request: int, size: int, layout: str, *asked: int) -> Iterator[bytearray]:
        """Yield the answers to one question about 0, 1, 2 and so on, until there is none."""
        for index in range(MOST):
            buffer = bytearray(size)
            struct.pack_into(layout, buffer, 0, index, *asked)
            if self._ask(request, buffer) is None:
                return
            yield buffer

    def _set(self, control: int, value: int, what: str) -> None:
        buffer = bytearray(struct.pack("=Ii", control, value))
        found = self._ask(S_CTRL, buffer) and self._ask(G_CTRL, bytearray(struct.pack("=Ii", control, 0)))
        if found is None:
            raise BadInputError(f"The camera at {self._path} does not offer {what}.")
        (taken,) = struct.unpack_from("=i", found, 4)
        if taken != value:
            raise BadInputError(f"The camera at {self._path} was asked for {what} ({value}) and took {taken}.")

    def _ask(self, request: int, buffer: bytearray) -> bytearray | None:
        """Return the answer of the driver, None if it has none.

        Raises:
            MissingError: The device is gone.
        """
        try:
            self._ioctl(self._file, request, buffer)
        except OSError as error:
            if error.errno in (errno.ENODEV, errno.EIO, errno.EBADF):
                raise MissingError(f"{self._path} is gone: {error.strerror}.") from error
            return None  # EINVAL: no such index or control; ENOTTY: not a camera; ERANGE: not within its range
        return buffer


def _kernel() -> Ioctl:
    try:
        import fcntl  # noqa: PLC0415 (not on every system)
    except ImportError as error:
        raise MissingError("What a camera can do is asked from Linux; this is another system.") from error
    return fcntl.ioctl

"""A frame is a picture or a reason, never both, and nobody can paint on it."""

import numpy as np
import pytest

from roarm_lab.core.clock import SimulatedClock
from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.robots.camera import Frame, wait_for_frame

PICTURE = np.zeros((4, 6, 3), np.uint8)


class SlowStarter:
    """A camera that gives its first picture at a time of its clock."""

    def __init__(self, first_s: float) -> None:
        self.name, self.clock, self._first_s = "usb:0", SimulatedClock(), first_s

    def read(self) -> Frame:
        now_s = self.clock.now_s()
        if now_s < self._first_s:
            return Frame.failed(now_s, "it warms up")
        return Frame.of(now_s, PICTURE, number=1)

    def close(self) -> None:
        """Nothing to let go of."""


def test_a_picture_can_not_be_painted_on() -> None:
    depth_m = np.ones((4, 6), np.float32)
    frame = Frame.of(2.0, PICTURE, depth_m, number=3, dropped=1)
    assert frame.valid
    assert frame.age_s(2.5) == 0.5
    assert (frame.number, frame.dropped, frame.reason) == (3, 1, "")
    assert frame.depth_m is not None
    for pixels in (frame.rgb, frame.depth_m):
        with pytest.raises(ValueError, match="read-only"):
            pixels[0, 0] = 1
    assert PICTURE.flags.writeable  # what was given stays as it was


def test_a_failed_reading_has_no_picture_and_says_why() -> None:
    frame = Frame.failed(2.0, "unplugged", number=7, dropped=2)
    assert not frame.valid
    assert (frame.number, frame.dropped) == (7, 2)
    for ask in (lambda: frame.rgb, lambda: frame.depth_m):
        with pytest.raises(MissingError, match="There is no picture: unplugged"):
            ask()
    assert "failed: unplugged" in repr(frame)


def test_a_camera_without_depth_says_so_by_none() -> None:
    assert Frame.of(0.0, PICTURE, number=1).depth_m is None


@pytest.mark.parametrize(
    ("rgb", "depth_m", "message"),
    [
        (PICTURE[..., 0], None, r"must be uint8 \[height, width, 3\], got uint8 \[4, 6\]"),
        (PICTURE.astype(np.float32), None, "got float32"),
        (PICTURE[:0], None, r"got uint8 \[0, 6, 3\]"),
        (PICTURE, np.ones((6, 4)), r"Depth must have the picture's size \[4, 6\], got \[6, 4\]"),
    ],
)
def test_what_is_no_picture_is_refused(rgb: np.ndarray, depth_m: np.ndarray | None, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Frame.of(0.0, rgb, depth_m, number=1)


def test_the_first_picture_is_waited_for_and_not_forever() -> None:
    assert wait_for_frame(SlowStarter(first_s=2.0)).captured_at_s == pytest.approx(2.0, abs=0.01)
    with pytest.raises(MissingError, match="Camera usb:0 gave no picture within 5 s: it warms up"):
        wait_for_frame(SlowStarter(first_s=6.0))

"""The page of a camera: pictures keep their shape, numbers are true, and a lost camera leaves no picture."""

from collections.abc import Iterator

import numpy as np
import pytest

from roarm_lab.core.clock import SimulatedClock
from roarm_lab.robots.camera import Frame
from roarm_lab.view import camera_page
from roarm_lab.view.camera_page import FAR_M, MARGIN, NEAR_M, CameraPage, grey_of, letterboxed
from roarm_lab.view.serving import Server, serving

PICTURE = np.full((48, 64, 3), 200, np.uint8)


class Steady:
    """A camera of ten pictures a second, whose tenth is taken at 1 s."""

    def __init__(self) -> None:
        self.name, self.clock = "usb:0", SimulatedClock()

    def read(self) -> Frame:
        return Frame.of(self.clock.now_s(), PICTURE, number=round(10 * self.clock.now_s()), dropped=2)

    def close(self) -> None:
        """Nothing to let go of."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("127.0.0.1", 0, "test") as server:
        yield server


@pytest.mark.parametrize(
    ("aspect", "shape", "first"), [(4 / 3, (48, 64), (0, 0)), (2.0, (48, 96), (0, 16)), (0.5, (128, 64), (40, 0))]
)
def test_a_picture_gets_margins_and_is_not_stretched(
    aspect: float, shape: tuple[int, int], first: tuple[int, int]
) -> None:
    wide = letterboxed(PICTURE, aspect)
    assert wide.shape == (*shape, 3)
    inside = wide[first[0] : first[0] + 48, first[1] : first[1] + 64]
    np.testing.assert_array_equal(inside, PICTURE)
    assert (wide == MARGIN).sum() == wide.size - PICTURE.size


def test_a_window_that_is_not_open_yet_changes_nothing() -> None:
    assert letterboxed(PICTURE, 0.0) is PICTURE


def test_near_is_white_and_what_was_not_measured_is_black() -> None:
    middle_m = (NEAR_M + FAR_M) / 2
    grey = grey_of(np.array([[NEAR_M, middle_m, FAR_M, 0.0, np.nan]], np.float32))
    assert grey[0, :, 0].tolist() == [255, 127, 0, 0, 0]
    assert grey.shape == (1, 5, 3)


def test_the_words_say_size_rate_age_and_losses(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_page, "WORDS_EVERY_S", 0.0)
    camera = Steady()
    page = CameraPage(server, camera)
    for tenth in range(21):
        camera.clock.sleep_until_s(tenth / 10)
        page.show(camera.read())
    for words in ("| size | 64 x 48 |", "| rate | 10.0 Hz |", "| age | 0 ms |", "| pictures | 20, 2 lost |"):
        assert words in page.words


def test_a_camera_that_is_lost_is_said_at_once_and_leaves_no_picture(server: Server) -> None:
    camera = Steady()
    page = CameraPage(server, camera)
    page.show(camera.read())
    failed = Frame.failed(1.0, "/dev/video0 gives no picture (unplugged?)", number=10)
    page.show(failed)
    assert page.words == "**No picture:** /dev/video0 gives no picture (unplugged?)."
    assert page._picture(failed) is None


def test_depth_can_be_switched_on_where_there_is_some(server: Server) -> None:
    page = CameraPage(server, Steady())
    page.show(Frame.of(0.0, PICTURE, number=1))
    assert not page._depth.visible
    with_depth = Frame.of(0.0, PICTURE, np.full(PICTURE.shape[:2], NEAR_M, np.float32), number=2)
    page.show(with_depth)
    assert page._depth.visible
    assert page._picture(with_depth) is with_depth.rgb
    page._depth.value = True
    shown = page._picture(with_depth)
    assert shown is not None
    assert (shown == 255).all()


def test_it_ends_when_it_is_told_to(server: Server) -> None:
    page = CameraPage(server, Steady())
    page.stop()
    page.run()

"""A camera in the background: the newest picture at once, and a pulled plug is a reason, not an exception."""

import re
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.clock import MonotonicClock, SimulatedClock
from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.hardware.camera import Shot, ThreadedCamera, lost_between, stamped_s
from roarm_lab.hardware.opencv_camera import file_camera
from roarm_lab.robots.camera import Frame, wait_for_frame
from tests.hardware.clips import SIZE_PX, WAIT_S, greys, wait_until, write_clip

LOSSY = 6  # of 255: a video is compressed
RETRY_S = 0.02


@pytest.fixture
def complaints() -> Iterator[list[object]]:
    """Return what threads could not handle."""
    found: list[object] = []
    before, threading.excepthook = threading.excepthook, found.append
    yield found
    threading.excepthook = before


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Return a video of 0.4 s."""
    return write_clip(tmp_path / "clip.avi", greys(12))


class Stuck:
    """A device that gives pictures of some times at once and then nothing, as a driver that hangs."""

    def __init__(self, *times_s: float) -> None:
        self._times_s, self.closed = list(times_s), False

    def grab(self, stop: threading.Event) -> Shot:
        if self._times_s:
            return Shot(self._times_s.pop(0), np.zeros((2, 2, 3), np.uint8))
        stop.wait()
        raise MissingError("stopped")

    def close(self) -> None:
        self.closed = True


def test_a_pictures_number_and_those_lost_say_which_it_is(tmp_path: Path) -> None:
    colors = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]  # red first
    seen: dict[int, Frame] = {}
    with closing(file_camera(write_clip(tmp_path / "a.avi", colors, rate_hz=5.0), first_retry_s=9.0)) as camera:

        def has_ended() -> bool:
            frame = camera.read()
            if frame.valid:
                seen[frame.number] = frame
            return "has ended" in frame.reason

        wait_until(has_ended)
    assert seen
    for frame in seen.values():
        assert frame.rgb.shape == (SIZE_PX[1], SIZE_PX[0], 3)
        np.testing.assert_allclose(frame.rgb.mean(axis=(0, 1)), colors[frame.number + frame.dropped - 1], atol=LOSSY)


def test_reading_gives_the_newest_and_waits_for_nothing(clip: Path) -> None:
    with closing(file_camera(clip)) as camera:
        frame = wait_for_frame(camera)
        assert 0.0 <= frame.age_s(camera.clock.now_s()) < 1.0  # older ones are not given out
        wait_until(lambda: camera.read().number > frame.number)
        assert frame.number >= 1
        assert camera.read().captured_at_s > frame.captured_at_s


def test_a_camera_that_ends_fails_with_a_reason_and_is_opened_again(clip: Path, complaints: list[object]) -> None:
    with closing(file_camera(clip, first_retry_s=RETRY_S)) as camera:
        reasons: set[str] = set()

        def back_again() -> bool:
            frame = camera.read()
            reasons.add(frame.reason)
            return camera.attempts > 0 and frame.valid

        wait_until(back_again)
        assert f"{clip} has ended" in reasons
        before = camera.read().number
        wait_until(lambda: camera.read().number > before)  # the count goes on
        assert before > 1
    assert complaints == []


def test_a_camera_that_is_away_is_looked_for_until_it_is_back(
    clip: Path, complaints: list[object], capfd: pytest.CaptureFixture[str]
) -> None:
    with closing(file_camera(clip, first_retry_s=RETRY_S)) as camera:
        wait_for_frame(camera)
        away = clip.rename(clip.with_name("away.avi"))
        wait_until(lambda: "There is no video file" in camera.read().reason)
        attempts, number = camera.attempts, camera.read().number
        wait_until(lambda: camera.attempts > attempts + 1)
        assert not camera.read().valid
        away.rename(clip)
        wait_until(lambda: camera.read().number > number)
    assert complaints == []
    assert capfd.readouterr() == ("", "")


def test_a_camera_that_hangs_gives_no_old_picture() -> None:
    with closing(ThreadedCamera("usb:0", Stuck)) as silent:
        assert silent.read().reason == "no picture has come yet"
    now_s = MonotonicClock().now_s()
    with closing(ThreadedCamera("usb:0", lambda: Stuck(now_s), max_age_s=0.05)) as camera:
        wait_until(lambda: "no picture has come for" in camera.read().reason)
        assert camera.read().number == 1


def test_a_closed_camera_lets_go_and_fails(clip: Path) -> None:
    device = Stuck()
    camera = ThreadedCamera("usb:0", lambda: device)
    camera.close()
    camera.close()
    assert device.closed
    assert camera.read().reason == "the camera was closed"
    plays = file_camera(clip)
    wait_for_frame(plays)
    plays.close()
    assert not plays.read().valid
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("camera ")] == []


def test_a_camera_that_never_was_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="There is no video file .*none.avi"):
        file_camera(tmp_path / "none.avi")


def test_the_rate_is_what_really_comes() -> None:
    now_s = MonotonicClock().now_s()
    with closing(ThreadedCamera("usb:0", lambda: Stuck(now_s))) as one:
        wait_until(lambda: one.read().number == 1)
        assert one.rate_hz == 0.0
    times_s = [now_s - gap_s for gap_s in (0.4, 0.3, 0.2, 0.0)]  # 3 intervals in 0.4 s
    with closing(ThreadedCamera("usb:0", lambda: Stuck(*times_s), max_age_s=WAIT_S)) as camera:
        wait_until(lambda: camera.read().number == 4)
        assert camera.rate_hz == pytest.approx(7.5)


@pytest.mark.parametrize(("stamp_s", "taken_s"), [(99.98, 99.98), (100.5, 100.0), (0.0, 100.0), (float("nan"), 100.0)])
def test_a_drivers_time_counts_only_where_it_can_be_true(stamp_s: float, taken_s: float) -> None:
    assert stamped_s(stamp_s, SimulatedClock(100.0)) == taken_s


@pytest.mark.parametrize(
    ("gap_s", "rate_hz", "lost"), [(0.033, 30.0, 0), (0.1, 30.0, 2), (0.045, 30.0, 0), (9.0, 0.0, 0)]
)
def test_a_gap_in_time_is_pictures_lost(gap_s: float, rate_hz: float, lost: int) -> None:
    assert lost_between(5.0, 5.0 + gap_s, rate_hz) == lost


def test_the_example_in_the_documentation_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "cameras.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found
    write_clip(tmp_path / "clip.mp4", greys(25) * 4)
    monkeypatch.chdir(tmp_path)
    exec(found[1], {})
    assert capsys.readouterr().out.startswith("(48, 64, 3) ")

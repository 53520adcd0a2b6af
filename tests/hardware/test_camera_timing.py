"""How a camera keeps time, against numbers worked out by hand."""

import numpy as np
import pytest

from roarm_lab.core.clock import SimulatedClock
from roarm_lab.core.errors import BadInputError
from roarm_lab.hardware.camera_timing import measure
from roarm_lab.robots.camera import POLL_S, Frame

LATE_S = 0.03  # between the moment of a picture and that at which it can be read


class Timetable:
    """A camera whose pictures are taken at given times; it is away in between two others."""

    def __init__(self, *taken_s: float, away_s: tuple[float, float] = (9.0, 9.0)) -> None:
        self.name, self.clock, self._taken_s, self._away_s = "usb:0", SimulatedClock(), taken_s, away_s

    def read(self) -> Frame:
        now_s = self.clock.now_s()
        there = [taken_s for taken_s in self._taken_s if taken_s + LATE_S <= now_s]
        if not there or self._away_s[0] <= now_s < self._away_s[1]:
            return Frame.failed(now_s, "away", number=len(there))
        dropped = 2 * (there[-1] > 0.5)
        return Frame.of(there[-1], np.zeros((3, 5, 3), np.uint8), number=len(there), dropped=dropped)

    def close(self) -> None:
        """Nothing to let go of."""


def test_rate_interval_jitter_age_and_losses() -> None:
    camera = Timetable(-0.1, 0.0, 0.1, 0.2, 0.3, 0.6)
    timing = measure(camera, 0.7)
    assert timing.frames == 5  # the first was there already
    assert timing.size_px == (5, 3)
    assert timing.rate_hz == pytest.approx(4 / 0.6)
    assert timing.interval_s == pytest.approx(0.1)
    assert timing.longest_s == pytest.approx(0.3)
    assert timing.jitter_s == pytest.approx(0.0866, abs=1e-4)  # of 0.1, 0.1, 0.1, 0.3: the root of 0.03 / 4
    assert LATE_S <= timing.age_s <= timing.oldest_s <= LATE_S + POLL_S + 1e-9
    assert (timing.dropped, timing.failed_reads, timing.reason) == (2, 0, "")
    assert not timing.depth


def test_failures_are_counted_and_the_last_reason_is_kept() -> None:
    timing = measure(Timetable(-0.1, 0.0, 0.1, 0.2, away_s=(0.15, 0.25)), 0.5)
    assert timing.failed_reads == pytest.approx(0.1 / POLL_S, abs=1)
    assert timing.reason == "away"
    assert timing.frames == 3


def test_a_camera_without_pictures_has_no_rate() -> None:
    timing = measure(Timetable(), 0.1)
    assert (timing.frames, timing.rate_hz, timing.interval_s, timing.age_s) == (0, 0.0, 0.0, 0.0)
    assert timing.failed_reads > 0


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), 1e9])
def test_a_time_that_makes_no_sense_is_refused(seconds: float) -> None:
    with pytest.raises(BadInputError, match="must be above 0 and at most 3600 s"):
        measure(Timetable(), seconds)

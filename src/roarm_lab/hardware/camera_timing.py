"""How well a camera keeps time, in numbers: what it really gives, not what it says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.camera import POLL_S, Camera

MAX_MEASURE_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class FrameTiming:
    """What was measured. Numbers about intervals are 0 with less than two pictures."""

    seconds: float
    """How long."""
    frames: int
    """How many pictures came."""
    rate_hz: float
    """Pictures a second, from the first to the last."""
    interval_s: float
    """Time between two pictures, the median."""
    jitter_s: float
    """How much that time varies: its standard deviation."""
    longest_s: float
    """The longest time between two pictures."""
    age_s: float
    """How old a picture is when it can first be read, the median; looked for every 5 ms, so half of that is waiting."""
    oldest_s: float
    """The same, of the worst picture."""
    size_px: tuple[int, int] = (0, 0)
    """Width and height; 0 without a picture."""
    depth: bool = False
    """Whether pictures come with depth."""
    dropped: int = 0
    """How many pictures were lost on the way."""
    failed_reads: int = 0
    """How many readings failed, of the many that were made."""
    reason: str = ""
    """Why the last of them failed."""


class _Seen(NamedTuple):
    """A picture without its pixels: thousands are measured."""

    number: int
    captured_at_s: float
    age_s: float


def measure(camera: Camera, seconds: float = 5.0) -> FrameTiming:
    """Read a camera for a while, every few milliseconds, and return how it kept time.

    Raises:
        BadInputError: The time makes no sense.
    """
    if not 0.0 < seconds <= MAX_MEASURE_S:
        raise BadInputError(f"The time to measure must be above 0 and at most {MAX_MEASURE_S:g} s, got {seconds}.")
    clock, before = camera.clock, camera.read()
    end_s, seen, last, failures = clock.now_s() + seconds, list[_Seen](), before, list[str]()
    size_px, depth = (0, 0), False
    while clock.now_s() < end_s:
        last = camera.read()
        if not last.valid:
            failures.append(last.reason)
        elif not seen or last.number != seen[-1].number:
            seen.append(_Seen(last.number, last.captured_at_s, last.age_s(clock.now_s())))
            size_px, depth = last.rgb.shape[1::-1], last.depth_m is not None
        clock.sleep_until_s(clock.now_s() + POLL_S)
    reason = failures[-1] if failures else ""
    timing = _timing(seen[1:], seconds)  # how old the first was when it could be read is not known
    return replace(
        timing,
        size_px=size_px,
        depth=depth,
        dropped=last.dropped - before.dropped,
        failed_reads=len(failures),
        reason=reason,
    )


def _timing(seen: Sequence[_Seen], seconds: float) -> FrameTiming:
    """Return what the times of pictures say."""
    pairs = [(a, b) for a, b in pairwise(seen) if b.number == a.number + 1]
    intervals_s = np.array([b.captured_at_s - a.captured_at_s for a, b in pairs] or [0.0])
    ages_s = np.array([one.age_s for one in seen] or [0.0])
    whole_s = seen[-1].captured_at_s - seen[0].captured_at_s if seen else 0.0
    return FrameTiming(
        seconds=seconds,
        frames=seen[-1].number - seen[0].number + 1 if seen else 0,
        rate_hz=(seen[-1].number - seen[0].number) / whole_s if whole_s > 0.0 else 0.0,
        interval_s=float(np.median(intervals_s)),
        jitter_s=float(np.std(intervals_s)),
        longest_s=float(np.max(intervals_s)),
        age_s=float(np.median(ages_s)),
        oldest_s=float(np.max(ages_s)),
    )

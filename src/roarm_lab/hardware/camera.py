"""A camera that is read in the background: the newest picture is always at hand, and a pulled plug raises nothing."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from roarm_lab.core.arrays import Float32
from roarm_lab.core.clock import Clock, MonotonicClock
from roarm_lab.core.errors import RoarmLabError
from roarm_lab.robots.camera import Frame

MAX_AGE_S = 1.0
"""A picture older than this is not given out any more: the camera hangs, and the world has moved on."""
FIRST_RETRY_S, LAST_RETRY_S = 0.25, 5.0
"""Wait before a lost camera is opened again; doubled after every failure, up to the second number."""
RATE_OVER = 60
"""The rate is measured over so many of the last pictures."""
JOIN_S = 2.0
"""A driver may keep a thread for many seconds; it is not waited for longer than this."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture as a device gave it."""

    captured_at_s: float
    """On the monotonic clock."""
    rgb: NDArray[np.uint8]
    depth_m: Float32 | None = None
    lost: int = 0
    """How many pictures were lost between the last one and this."""


class Device(Protocol):
    """An open camera; used by one thread."""

    def grab(self, stop: threading.Event) -> Shot:
        """Wait for the next picture and return it; end soon when `stop` is set.

        Raises:
            RoarmLabError: There is none: the device is gone, the file has ended, nothing came in time.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class ThreadedCamera:
    """Takes pictures in a thread of its own and keeps the newest; opens the device again when it is lost."""

    def __init__(
        self,
        name: str,
        open_device: Callable[[], Device],
        *,
        max_age_s: float = MAX_AGE_S,
        first_retry_s: float = FIRST_RETRY_S,
    ) -> None:
        """Open the device and begin.

        Args:
            name: Where the pictures come from.
            open_device: Opens the device, now and whenever it was lost.
            max_age_s: A picture older than this is not given out.
            first_retry_s: Wait before a lost device is opened again.

        Raises:
            RoarmLabError: It can not be opened. Later, that is a failed frame.
        """
        self.name, self.clock = name, MonotonicClock()
        self.attempts = 0
        """How often a lost device was tried to be opened again."""
        self._open, self._max_age_s, self._first_retry_s = open_device, max_age_s, first_retry_s
        self._frame = Frame.failed(self.clock.now_s(), "no picture has come yet")
        self._times_s: deque[float] = deque(maxlen=RATE_OVER)
        self._stop = threading.Event()
        device = open_device()
        self._thread = threading.Thread(target=self._run, args=(device,), name=f"camera {name}", daemon=True)
        self._thread.start()

    def read(self) -> Frame:
        """Return the newest picture, or why there is none. Never waits and never raises."""
        frame, now_s = self._frame, self.clock.now_s()
        if self._stop.is_set():
            return Frame.failed(now_s, "the camera was closed", number=frame.number, dropped=frame.dropped)
        if frame.valid and not frame.age_s(now_s) <= self._max_age_s:
            reason = f"no picture has come for {frame.age_s(now_s):.1f} s"
            return Frame.failed(now_s, reason, number=frame.number, dropped=frame.dropped)
        return frame

    @property
    def rate_hz(self) -> float:
        """How many pictures a second really come, over the last ones since it was opened; 0 before the second."""
        times_s = list(self._times_s)
        return (len(times_s) - 1) / (times_s[-1] - times_s[0]) if len(times_s) > 1 else 0.0

    def close(self) -> None:
        """End the thread, which lets go of the device."""
        self._stop.set()
        self._thread.join(JOIN_S)

    def _run(self, first: Device) -> None:
        device: Device | None = first
        retry_s = self._first_retry_s
        while not self._stop.is_set():
            try:
                if device is None:
                    self.attempts += 1
                    device = self._open()
                self._take(device.grab(self._stop))
                retry_s = self._first_retry_s
            except RoarmLabError as error:
                self._fail(str(error).rstrip("."))
                if device is not None:
                    device.close()
                device = None
                self._stop.wait(retry_s)
                retry_s = min(2.0 * retry_s, max(LAST_RETRY_S, retry_s))
        if device is not None:
            device.close()

    def _take(self, shot: Shot) -> None:
        last = self._frame
        if not last.valid:
            self._times_s.clear()  # the time without a camera is not one of its intervals
        self._times_s.append(shot.captured_at_s)
        number, dropped = last.number + 1, last.dropped + shot.lost
        self._frame = Frame.of(shot.captured_at_s, shot.rgb, shot.depth_m, number=number, dropped=dropped)

    def _fail(self, reason: str) -> None:
        last = self._frame
        self._frame = Frame.failed(self.clock.now_s(), reason, number=last.number, dropped=last.dropped)


def stamped_s(stamp_s: float, clock: Clock) -> float:
    """Return a driver's time stamp if it can be one of the monotonic clock, the present otherwise.

    Drivers say on another clock, or not at all, when a picture was taken. A true stamp is a little in the past.
    """
    now_s = clock.now_s()
    return stamp_s if 0.0 <= now_s - stamp_s <= MAX_AGE_S else now_s


def lost_between(before_s: float, after_s: float, rate_hz: float) -> int:
    """Return how many pictures are missing between two, from the time between them; 0 where the rate is unknown."""
    return max(round((after_s - before_s) * rate_hz) - 1, 0) if rate_hz > 0.0 else 0

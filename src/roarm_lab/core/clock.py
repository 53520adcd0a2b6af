"""Time that loops run on: the real one, or a simulated one that jumps ahead instead of sleeping."""

import math
import time
from typing import Protocol

from roarm_lab.core.errors import BadInputError

WAKE_EARLY_S = 0.001
"""A sleeping process wakes late, by tenths of a millisecond as a rule: the rest of the wait is spent awake."""


class Clock(Protocol):
    """A time that never goes back, with an origin of its own: only differences mean something."""

    def now_s(self) -> float:
        """Return the time [s]."""
        ...

    def sleep_until_s(self, time_s: float) -> None:
        """Return when `now_s` has reached a time [s]; at once when it already has."""
        ...


class MonotonicClock:
    """Real time, untouched by changes of the computer's date."""

    def now_s(self) -> float:
        """Return the time [s] since some moment in the past."""
        return time.monotonic()

    def sleep_until_s(self, time_s: float) -> None:
        """Sleep until a time [s], accurate to well under a millisecond."""
        _refuse_endless(time_s)
        if (rest_s := time_s - time.monotonic()) > WAKE_EARLY_S:
            time.sleep(rest_s - WAKE_EARLY_S)
        while time.monotonic() < time_s:
            time.sleep(0.0)  # lets other threads go on


class SimulatedClock:
    """Time that passes only when somebody waits, and then at once: programs run as fast as they can."""

    def __init__(self, start_s: float = 0.0) -> None:
        _refuse_endless(start_s)
        self._now_s = start_s

    def now_s(self) -> float:
        """Return the simulated time [s]."""
        return self._now_s

    def sleep_until_s(self, time_s: float) -> None:
        """Make it that time [s]; never goes back."""
        _refuse_endless(time_s)
        self._now_s = max(self._now_s, time_s)


class Ticker:
    """Ticks at a fixed rate without drift: tick k is due at `start + k * period_s`, whatever happened before.

    A turn that took too long is followed at once by the next tick. Whole periods that went by meanwhile are skipped and
    counted: no burst of ticks makes up for them, because an arm must not be sent several targets at once.
    """

    def __init__(self, clock: Clock, period_s: float) -> None:
        """Start counting now.

        Raises:
            BadInputError: The period is not positive and finite.
        """
        if not 0.0 < period_s < math.inf:
            raise BadInputError(f"The period of a loop must be positive and finite, got {period_s} s.")
        self.clock = clock
        self.period_s = period_s
        self.start_s = clock.now_s()
        self.ticks = 0
        """How many ticks there were."""
        self.overruns = 0
        """How many of them were due before anybody waited for them."""
        self.missed = 0
        """How many periods went by without a tick."""
        self.worst_late_s = 0.0
        """How late the latest of all ticks was [s]."""
        self.behind_s = 0.0
        """How late the latest tick would have been, had no period been skipped [s]."""
        self._due = 0

    def wait(self) -> float:
        """Wait for the next tick and return how late it is [s]. The first is due one period after the start."""
        self._due += 1
        first_due_s, now_s = self._due_s(), self.clock.now_s()
        if now_s > self._due_s():
            self.overruns += 1
            skipped = int((now_s - self._due_s()) / self.period_s)
            self.missed += skipped
            self._due += skipped
        else:
            self.clock.sleep_until_s(self._due_s())
        self.ticks += 1
        now_s = self.clock.now_s()
        late_s, self.behind_s = now_s - self._due_s(), now_s - first_due_s
        self.worst_late_s = max(self.worst_late_s, late_s)
        return late_s

    def _due_s(self) -> float:
        return self.start_s + self._due * self.period_s


def _refuse_endless(time_s: float) -> None:
    if not -math.inf < time_s < math.inf:
        raise BadInputError(f"A time must be a finite number of seconds, got {time_s}.")

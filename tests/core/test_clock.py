"""Loops that neither drift nor catch up in bursts."""

import math
import time

import pytest

from roarm_lab.core import clock as core_clock
from roarm_lab.core.clock import Clock, MonotonicClock, SimulatedClock, Ticker
from roarm_lab.core.errors import BadInputError


def test_simulated_time_jumps_and_never_goes_back() -> None:
    clock = SimulatedClock()
    clock.sleep_until_s(2.5)
    clock.sleep_until_s(1.0)
    assert clock.now_s() == 2.5


class FakeTime:
    """Stands in for the module `time`: sleeps `late_s` longer than it is told to, and a look takes a microsecond."""

    def __init__(self, late_s: float = 0.0) -> None:
        self.now_s, self.slept_s, self._late_s = 1000.0, list[float](), late_s

    def monotonic(self) -> float:
        self.now_s += 1e-6
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds + (self._late_s if seconds else 1e-6)


def test_a_simulated_hour_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it slept"))
    ticker = Ticker(SimulatedClock(), 0.05)
    for _ in range(72_000):
        ticker.wait()
    assert ticker.clock.now_s() == pytest.approx(3600.0)


def test_real_sleep_is_never_short() -> None:
    clock = MonotonicClock()
    due_s = clock.now_s() + 0.03
    clock.sleep_until_s(due_s)
    assert clock.now_s() >= due_s


@pytest.mark.parametrize("late_s", [0.0, 0.0005, 0.0009])  # what a system is late by as a rule
def test_a_system_that_wakes_late_makes_nobody_late(monkeypatch: pytest.MonkeyPatch, late_s: float) -> None:
    fake = FakeTime(late_s)
    monkeypatch.setattr(core_clock, "time", fake)
    clock = MonotonicClock()
    due_s = clock.now_s() + 0.03
    clock.sleep_until_s(due_s)
    assert 0.0 <= clock.now_s() - due_s < 1e-5
    assert max(fake.slept_s) == pytest.approx(0.03 - core_clock.WAKE_EARLY_S, abs=1e-5)


def test_real_sleep_until_the_past_does_not_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeTime()
    monkeypatch.setattr(core_clock, "time", fake)
    MonotonicClock().sleep_until_s(fake.now_s - 10.0)
    assert fake.slept_s == []


@pytest.mark.parametrize("clock", [MonotonicClock(), SimulatedClock()], ids=["monotonic", "simulated"])
@pytest.mark.parametrize("time_s", [math.nan, math.inf])
def test_no_clock_waits_for_ever(clock: Clock, time_s: float) -> None:
    with pytest.raises(BadInputError, match=f"must be a finite number of seconds, got {time_s}"):
        clock.sleep_until_s(time_s)


def test_ticks_do_not_drift() -> None:
    clock = SimulatedClock(start_s=100.0)
    ticker = Ticker(clock, 0.1)
    for _ in range(1000):
        clock.sleep_until_s(clock.now_s() + 0.03)  # work
        assert ticker.wait() == 0.0
    assert clock.now_s() == 100.0 + 1000 * 0.1
    assert (ticker.ticks, ticker.overruns, ticker.missed) == (1000, 0, 0)


def test_a_long_turn_is_followed_at_once_by_the_next_which_says_how_late_it_is() -> None:
    clock = SimulatedClock()
    ticker = Ticker(clock, 1.0)
    clock.sleep_until_s(1.25)
    assert ticker.wait() == 0.25
    assert clock.now_s() == 1.25
    assert ticker.wait() == 0.0
    assert clock.now_s() == 2.0
    assert (ticker.overruns, ticker.missed, ticker.worst_late_s) == (1, 0, 0.25)


def test_a_tick_after_a_pause_says_how_late_it_is_in_all() -> None:
    clock = SimulatedClock()
    ticker = Ticker(clock, 0.05)
    ticker.wait()
    assert ticker.behind_s == pytest.approx(0.0)
    clock.sleep_until_s(1.17)
    assert ticker.wait() == pytest.approx(0.02)
    assert ticker.behind_s == pytest.approx(1.07)
    ticker.wait()
    assert ticker.behind_s == pytest.approx(0.0)


def test_whole_periods_that_went_by_are_skipped_and_counted() -> None:
    clock = SimulatedClock()
    ticker = Ticker(clock, 1.0)
    clock.sleep_until_s(4.5)  # ticks 1, 2 and 3 are gone; tick 4 is half a period late
    assert ticker.wait() == 0.5
    ticker.wait()
    assert clock.now_s() == 5.0
    assert (ticker.ticks, ticker.overruns, ticker.missed) == (2, 1, 3)


@pytest.mark.parametrize("period_s", [0.0, -1.0, math.nan, math.inf])
def test_a_loop_without_a_period_is_refused(period_s: float) -> None:
    with pytest.raises(BadInputError, match=f"must be positive and finite, got {period_s} s"):
        Ticker(SimulatedClock(), period_s)

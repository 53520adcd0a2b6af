"""Loops that neither drift nor catch up in bursts."""

import math
import time

import pytest

from roarm_lab.core.clock import Clock, MonotonicClock, SimulatedClock, Ticker
from roarm_lab.core.errors import BadInputError

SCHEDULER_S = 0.05  # how late a busy machine may wake us


def test_simulated_time_jumps_and_never_goes_back() -> None:
    clock = SimulatedClock()
    clock.sleep_until_s(2.5)
    clock.sleep_until_s(1.0)
    assert clock.now_s() == 2.5


def test_a_simulated_hour_takes_no_time() -> None:
    ticker, began_s = Ticker(SimulatedClock(), 0.05), time.monotonic()
    for _ in range(72_000):
        ticker.wait()
    assert ticker.clock.now_s() == pytest.approx(3600.0)
    assert time.monotonic() - began_s < 5.0  # measured 0.1 s


def test_real_sleep_is_never_short_and_hardly_late() -> None:
    clock = MonotonicClock()
    due_s = clock.now_s() + 0.03
    clock.sleep_until_s(due_s)
    assert 0.0 <= clock.now_s() - due_s < SCHEDULER_S


def test_real_sleep_until_the_past_returns_at_once() -> None:
    clock = MonotonicClock()
    now_s = clock.now_s()
    clock.sleep_until_s(now_s - 10.0)
    assert clock.now_s() - now_s < SCHEDULER_S


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

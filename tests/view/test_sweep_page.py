"""The page of a sweep: means and ranges over the seeds by hand, and what is on the page."""

import re
from math import nan

import numpy as np
import pytest

from roarm_lab.view.chart import LOOKS, Axis, Band, Line, line_chart
from roarm_lab.view.sweep_page import Curve, Rate, Shown, Spread, spread_of, sweep_page

RATE = Rate(rate=0.9, interval=(0.85, 0.95))


def shown(name: str, *curves: Curve, rate: Rate | None = RATE) -> Shown:
    worst = None if rate is None else 3
    return Shown(name=name, curves=curves, done=2, asked=3, pooled=rate, worst=rate, worst_seed=worst)


def test_a_line_is_the_mean_and_its_band_reaches_to_the_best_and_the_worst_seed() -> None:
    curves = [Curve(steps=[0, 10, 20], success=[0.0, 0.2, 0.4]), Curve(steps=[0, 10, 20], success=[0.0, 0.6, 0.8])]
    spread = spread_of(curves)
    assert spread.steps == [0, 10, 20]
    np.testing.assert_allclose(spread.mean, [0.0, 0.4, 0.6])
    np.testing.assert_allclose(spread.low, [0.0, 0.2, 0.4])
    np.testing.assert_allclose(spread.high, [0.0, 0.6, 0.8])


def test_seeds_are_compared_at_the_same_steps_and_only_where_all_of_them_are_known() -> None:
    curves = [Curve(steps=[0, 20, 40], success=[nan, 0.2, 0.4]), Curve(steps=[0, 30], success=[0.0, 0.6])]
    spread = spread_of(curves)  # from 20, where the first is known, to 30, where the second ends
    assert spread.steps == [20, 30]
    np.testing.assert_allclose(spread.low, [0.2, 0.3])  # 0.3: between 0.2 at 20 and 0.4 at 40
    np.testing.assert_allclose(spread.high, [0.4, 0.6])  # 0.4: between 0.0 at 0 and 0.6 at 30


def test_without_a_known_value_there_is_no_line() -> None:
    assert spread_of([Curve(steps=[10], success=[nan])]) == Spread(steps=[], mean=[], low=[], high=[])


def test_seeds_that_never_overlap_give_no_line_and_no_complaint() -> None:
    curves = [Curve(steps=[0, 10], success=[0.1, 0.2]), Curve(steps=[20, 30], success=[0.1, 0.2])]
    assert spread_of(curves).steps == []


def test_long_curves_are_thinned() -> None:
    steps = list(range(5000))
    spread = spread_of([Curve(steps=steps, success=[0.5] * 5000)])
    assert len(spread.steps) == 400
    assert (spread.steps[0], spread.steps[-1]) == (0, 4999)


def test_a_page_has_a_line_and_a_band_per_setting_and_says_what_the_interval_leaves_out() -> None:
    curve = Curve(steps=[0, 1000], success=[0.0, 0.5])
    text = sweep_page("Sweep of <reach>", [shown("sb3 a", curve), shown("sb3 b", curve)], "Seeds differ.")
    assert "<h1>Sweep of &lt;reach&gt;</h1>" in text
    assert len(re.findall(r'class="line look\d"', text)) == 4  # two in the chart, two in its legend
    assert len(re.findall(r'class="band look\d"', text)) == 2
    assert "worst seed (3)" in text
    assert "85.0 to 95.0" in text
    assert "Seeds differ." in text


def test_more_settings_than_looks_get_another_chart() -> None:
    curve = Curve(steps=[0, 1000], success=[0.0, 0.5])
    text = sweep_page("Many", [shown(f"s{i}", curve) for i in range(LOOKS + 1)], "")
    assert text.count("<figure") == 2


@pytest.mark.parametrize("curves", [(), (Curve(steps=[10.0], success=[nan]),)])
def test_a_sweep_that_has_just_begun_has_a_page_too(curves: tuple[Curve, ...]) -> None:
    text = sweep_page("Just begun", [shown("sb3", *curves, rate=None)], "")
    assert "nothing to draw" in text
    assert "No training has been evaluated yet." in text


def test_a_band_is_drawn_there_and_back_and_leaves_gaps() -> None:
    band = Band(x=[0.0, 50.0, 60.0, 100.0], low=[0.0, 20.0, nan, 0.0], high=[10.0, 40.0, 50.0, 100.0])
    axis, up = Axis(label="x", low=0.0, high=100.0), Axis(label="y", low=0.0, high=100.0)
    text = line_chart("A title", [Line(name="a", x=[0.0, 100.0], y=[0.0, 1.0])], axis, up, bands=[band])
    (path,) = re.findall(r'd="([^"]*)" class="band look1"', text)
    assert path == "M0.0 900.0L500.0 600.0L500.0 800.0L0.0 1000.0ZM1000.0 0.0L1000.0 1000.0Z"

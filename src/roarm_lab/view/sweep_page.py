"""The page of a sweep: how its settings learned, one line each with a band over the seeds, and what came of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan

import numpy as np

from roarm_lab import __version__
from roarm_lab.view.chart import LOOKS, Axis, Band, Line, has_points, line_chart
from roarm_lab.view.curves import POINTS, step_axis
from roarm_lab.view.intervals import common_scale, interval_head, rate_cells
from roarm_lab.view.markup import Html, html, tag
from roarm_lab.view.page import number, number_head, page, section, table
from roarm_lab.view.ticks import Ticks

BAND = (
    "A line is the mean over the seeds, the band reaches from the lowest to the highest of them. Both end where the "
    "shortest of these trainings ended. Success is that of the latest episodes in training, with exploration noise."
)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """How one training went."""

    steps: Sequence[float]
    success: Sequence[float]
    """Share of 1; NaN before the first episode ended."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A success rate and its interval."""

    rate: float
    interval: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One setting."""

    name: str
    curves: Sequence[Curve]
    """Of the seeds that have begun to learn."""
    done: int
    asked: int
    pooled: Rate | None
    worst: Rate | None
    worst_seed: int | None


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Mean and range over the seeds, where all of them have a value; NaN elsewhere."""

    steps: list[float]
    mean: list[float]
    low: list[float]
    high: list[float]


def sweep_page(title: str, settings: Sequence[Shown], caveat: str) -> str:
    """Return the page as the text of an HTML file.

    Args:
        title: What was trained.
        settings: In the order in which they are shown.
        caveat: What must be known about the intervals.
    """
    body = (
        tag("header", tag("p", "RoArm Lab \u00b7 sweep", class_="kicker"), tag("h1", title)),
        _learning(settings),
        _results(settings, caveat),
        tag("footer", f"Made by roarm-lab {__version__}."),
    )
    return page(title, tag("main", *(html(part, "\n") for part in body)))


def spread_of(curves: Sequence[Curve]) -> Spread:
    """Return mean and range of curves whose rows need not be at the same steps."""
    known = [_known(curve) for curve in curves]
    known = [pair for pair in known if pair[0]]
    if not known:
        return Spread(steps=[], mean=[], low=[], high=[])
    first, last = max(x[0] for x, _ in known), min(x[-1] for x, _ in known)
    grid = sorted({x for xs, _ in known for x in xs if first <= x <= last})
    if len(grid) > POINTS:
        grid = np.linspace(grid[0], grid[-1], POINTS).tolist()
    values = np.array([np.interp(grid, xs, ys) for xs, ys in known]).reshape(len(known), len(grid))
    sides = (values.mean(axis=0), values.min(axis=0), values.max(axis=0))
    mean, low, high = (side.tolist() for side in sides)
    return Spread(steps=grid, mean=mean, low=low, high=high)


def _known(curve: Curve) -> tuple[list[float], list[float]]:
    pairs = [(x, y) for x, y in zip(curve.steps, curve.success, strict=True) if isfinite(x) and isfinite(y)]
    return [x for x, _ in pairs], [y for _, y in pairs]


def _learning(settings: Sequence[Shown]) -> Html:
    title, none = "How they learned", "No episode of a training has ended yet, so there is nothing to draw."
    spreads = [(shown.name, spread_of(shown.curves)) for shown in settings]
    last = max((spread.steps[-1] for _, spread in spreads if spread.steps), default=-inf)
    if last == -inf:
        return section(title, tag("p", none))
    charts = (_chart(spreads[i : i + LOOKS], last) for i in range(0, len(spreads), LOOKS))
    return section(title, *charts, tag("p", BAND, class_="soft small after"))


def _chart(spreads: Sequence[tuple[str, Spread]], last: float) -> Html | None:
    """Return up to six settings, on the same axes as the others of the page."""
    unit = step_axis([last])
    factor = unit.values[0] / last if last else 1.0
    lines = [
        Line(name=name, x=[factor * step for step in spread.steps], y=_percent(spread.mean)) for name, spread in spreads
    ]
    bands = [
        Band(x=line.x, low=_percent(spread.low), high=_percent(spread.high))
        for line, (_, spread) in zip(lines, spreads, strict=True)
    ]
    if not any(map(has_points, lines)):
        return None
    across = Axis(label=unit.axis.label, low=0.0, high=unit.values[0] or None)
    up = Axis(label="success [%]", low=0.0, high=100.0)
    return line_chart("Success in training", lines, across, up, bands=bands, size="large")


def _percent(shares: Sequence[float]) -> list[float]:
    return [100.0 * share if isfinite(share) else nan for share in shares]


def _results(settings: Sequence[Shown], caveat: str) -> Html:
    title = "What came of them"
    rates = [rate for shown in settings for rate in (shown.pooled, shown.worst) if rate is not None]
    if not rates:
        return section(title, tag("p", "No training has been evaluated yet."))
    scale = common_scale(rate.interval for rate in rates)
    head = ("setting", number_head("seeds"), number_head("success"), interval_head(scale))
    bodies = [tag("tbody", _heading(shown), *_rates(shown, scale)) for shown in settings]
    return section(title, table(head, *bodies), tag("p", caveat, class_="soft small after"))


def _heading(shown: Shown) -> Html:
    return tag("tr", tag("th", shown.name, scope="rowgroup", colspan=4))


def _rates(shown: Shown, scale: Ticks) -> list[Html]:
    rows: list[Html] = []
    names = ("all seeds together", f"worst seed ({shown.worst_seed})")
    for name, seeds, rate in zip(
        names, (f"{shown.done} of {shown.asked}", "1"), (shown.pooled, shown.worst), strict=True
    ):
        if rate is not None:
            cells = rate_cells(rate.rate, rate.interval, scale)
            rows.append(tag("tr", tag("th", name, scope="row"), number(seeds), *cells))
    return rows or [tag("tr", tag("td", "no seed is done", colspan=4))]

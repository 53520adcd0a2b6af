"""Line charts and interval bars as inline SVG, sharp and readable at every width.

Positions are percentages and texts have their own size, so a chart that gets narrower keeps its letters: only the lines
are stretched (an inner `<svg>` without a fixed aspect ratio). Margins and colours are in `page.css`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isfinite

from roarm_lab.core.errors import BadInputError
from roarm_lab.view.markup import Html, html, tag
from roarm_lab.view.ticks import Ticks, round_ticks

MARKERS = (
    "M-3.5 0A3.5 3.5 0 1 0 3.5 0A3.5 3.5 0 1 0 -3.5 0Z",  # dot
    "M-3.2 -3.2H3.2V3.2H-3.2Z",  # square
    "M0 -4.4L4.2 3.2H-4.2Z",  # triangle
    "M0 -4.8L4.8 0L0 4.8L-4.8 0Z",  # diamond
    "M-3.6 -3.6L3.6 3.6M-3.6 3.6L3.6 -3.6",  # cross
    "M0 -4.6V4.6M-4.6 0H4.6",  # plus
    "M0 4.4L4.2 -3.2H-4.2Z",  # triangle, point down
    "M-4.4 -2H4.4V2H-4.4Z",  # bar
)
"""Shape on a line, in pixels around a point: lines are told apart by colour, dashes and this."""
LOOKS = len(MARKERS)
"""Looks that `page.css` has; further lines begin again."""
MARKED = 3
"""How often a line is marked."""
BOX = 1000
"""Units of the inner drawing, across and up."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line through points; NaN leaves a gap."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Band:
    """What is between two lines, in the colour of the line with the same place in the list; NaN leaves a gap."""

    x: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An axis: its label with the unit, and a limit where the values do not decide."""

    label: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A single point with its interval."""

    name: str
    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Level:
    """A horizontal line to compare with."""

    name: str
    y: float


def has_points(line: Line) -> bool:
    """Whether there is anything to draw."""
    return any(_points(line))


def line_chart(
    title: str,
    lines: Sequence[Line],
    x: Axis,
    y: Axis,
    *,
    bands: Sequence[Band] = (),
    mark: Mark | None = None,
    level: Level | None = None,
    size: str = "small",
) -> Html:
    """Return a figure with the lines; a legend appears when there is more than one thing to tell apart.

    Args:
        title: What is shown, above the chart and read aloud.
        lines: At least one of them with a point.
        x: The horizontal axis; it ends where the values end.
        y: The vertical axis; it reaches the next round numbers.
        bands: Behind the lines, in their colours.
        mark: A point with its interval.
        level: A horizontal line.
        size: `small` or `large`, a class of `page.css`.

    Raises:
        BadInputError: No line has a finite point.
    """
    points = [point for line in lines for point in _points(line)]
    if not points:
        raise BadInputError(f"The chart {title!r} has nothing to draw: no line has a finite point.")
    extra_x, extra_y = _extras(mark, level)
    across = _axis_ticks(x, [point[0] for point in points] + extra_x, widen=False)
    around = [value for band in bands for side in (band.low, band.high) for value in side if isfinite(value)]
    up = _axis_ticks(y, [point[1] for point in points] + around + extra_y, widen=True)
    drawing = tag(
        "svg",
        tag("title", _spoken(title, lines, x, y)),
        _grid(across, up),
        _level(level, up),
        tag("svg", *_filled(bands, across, up), *_paths(lines, across, up), **_stretched()),
        *_markers(lines, across, up),
        _mark(mark, across, up),
        role="img",
        class_="plot",
    )
    return tag(
        "figure",
        tag("figcaption", title),
        _legend(lines, mark, level),
        tag("p", y.label, class_="axis-label", aria_hidden="true"),
        tag("div", drawing, class_="margins"),
        tag("p", x.label, class_="axis-label below", aria_hidden="true"),
        class_=f"chart {size}",
    )


def interval_bar(rate: float, interval: tuple[float, float], axis: Ticks, title: str) -> Html:
    """Return a small picture of a rate: a dot, its interval as a bar, on the scale of `axis`."""
    low, middle, high = (_percent(axis.share(value)) for value in (interval[0], rate, interval[1]))
    return tag(
        "svg",
        tag("title", title),
        tag("line", x1="0%", x2="100%", y1="50%", y2="50%", class_="track"),
        *(tag("line", x1=p, x2=p, y1="25%", y2="75%", class_="track") for p in map(_percent, _shares(axis))),
        tag("line", x1=low, x2=high, y1="50%", y2="50%", class_="span"),
        tag("circle", cx=middle, cy="50%", r=5, class_="dot"),
        role="img",
        class_="interval",
    )


def _shares(ticks: Ticks) -> list[float]:
    return [ticks.share(value) for value in ticks.values]


def _points(line: Line) -> list[tuple[float, float]]:
    return [point for point in zip(line.x, line.y, strict=True) if isfinite(point[0]) and isfinite(point[1])]


def _extras(mark: Mark | None, level: Level | None) -> tuple[list[float], list[float]]:
    """Return the positions besides the lines that must be inside of the chart."""
    levels = [level.y] if level else []
    return ([mark.x], [mark.low, mark.high, *levels]) if mark else ([], levels)


def _axis_ticks(axis: Axis, values: list[float], *, widen: bool) -> Ticks:
    low = min(values) if axis.low is None else axis.low
    high = max(values) if axis.high is None else axis.high
    return round_ticks(low, high, about=5, widen=widen)


def _grid(across: Ticks, up: Ticks) -> Html:
    parts: list[Html] = []
    for share, text in zip(_shares(up), up.texts(), strict=True):
        y = _percent(1.0 - share)
        parts += [
            tag("line", x1="0%", x2="100%", y1=y, y2=y),
            tag("text", text, x=0, dx=-8, y=y, dy="0.33em", class_="up"),
        ]
    for share, text in zip(_shares(across), across.texts(), strict=True):
        x = _percent(share)
        parts += [
            tag("line", x1=x, x2=x, y1="100%", y2="100%", class_="notch"),
            tag("text", text, x=x, y="100%", dy="1.5em", class_="across"),
        ]
    return tag("g", *parts, class_="grid", aria_hidden="true")


def _paths(lines: Sequence[Line], across: Ticks, up: Ticks) -> list[Html]:
    return [tag("path", d=_path(line, across, up), class_=f"line {_look(index)}") for index, line in enumerate(lines)]


def _markers(lines: Sequence[Line], across: Ticks, up: Ticks) -> list[Html]:
    """Return a few shapes on each line, each line's beside those of the others; nothing where there is one line."""
    if len(lines) < 2:
        return []
    drawn, parts = list[Html](), len(lines) + 1
    for index, points in enumerate(map(_points, lines)):
        spots = {len(points) * (index + 1 + turn * parts) // (MARKED * parts) for turn in range(MARKED)}
        marked = [points[spot] for spot in sorted(spots) if points]
        drawn += [_marker(index, across.share(x), 1.0 - up.share(y)) for x, y in marked]
    return drawn


def _marker(index: int, right: float, down: float) -> Html:
    """Return the shape of a look at a place, as shares of the drawing."""
    shape = tag("path", d=MARKERS[index % LOOKS])
    return tag("svg", shape, x=_percent(right), y=_percent(down), class_=f"marker {_look(index)}", aria_hidden="true")


def _filled(bands: Sequence[Band], across: Ticks, up: Ticks) -> list[Html]:
    return [
        tag("path", d=_outline(band, across, up), class_=f"band {_look(index)}") for index, band in enumerate(bands)
    ]


def _outline(band: Band, across: Ticks, up: Ticks) -> str:
    """Return the path data: per piece without a gap along the upper side and back along the lower one."""
    rows = zip(band.x, band.low, band.high, strict=True)
    pieces: list[str] = []
    for good, run in groupby(rows, key=lambda row: all(map(isfinite, row))):
        if good:
            piece = list(run)
            there = [(x, high) for x, _, high in piece]
            back = [(x, low) for x, low, _ in reversed(piece)]
            spots = [f"{BOX * across.share(x):.1f} {BOX * (1 - up.share(y)):.1f}" for x, y in there + back]
            pieces.append("M" + "L".join(spots) + "Z")
    return "".join(pieces)


def _path(line: Line, across: Ticks, up: Ticks) -> str:
    """Return the path data; after a gap the line begins anew, and a lonely point becomes a dot (a line to itself)."""
    known = groupby(zip(line.x, line.y, strict=True), key=lambda point: isfinite(point[0]) and isfinite(point[1]))
    pieces: list[str] = []
    for good, run in known:
        if good:
            spots = [f"{BOX * across.share(x):.1f} {BOX * (1 - up.share(y)):.1f}" for x, y in run]
            pieces.append("M" + "L".join(spots if len(spots) > 1 else spots * 2))
    return "".join(pieces)


def _stretched() -> dict[str, object]:
    return {
        "viewBox": f"0 0 {BOX} {BOX}",
        "preserveAspectRatio": "none",
        "width": "100%",
        "height": "100%",
        "overflow": "visible",
        "aria_hidden": "true",
    }


def _level(level: Level | None, up: Ticks) -> Html | None:
    if level is None:
        return None
    y = _percent(1.0 - up.share(level.y))
    return tag("line", x1="0%", x2="100%", y1=y, y2=y, class_="level")


def _mark(mark: Mark | None, across: Ticks, up: Ticks) -> Html | None:
    if mark is None:
        return None
    x = _percent(across.share(mark.x))
    low, middle, high = (_percent(1.0 - up.share(value)) for value in (mark.low, mark.y, mark.high))
    return tag(
        "g",
        tag("line", x1=x, x2=x, y1=low, y2=high, class_="whisker"),
        tag("circle", cx=x, cy=middle, r=3.5, class_="dot result"),
    )


def _legend(lines: Sequence[Line], mark: Mark | None, level: Level | None) -> Html | None:
    """Return the legend with a sample of each look; None for one line alone."""
    shapes = [_marker(index, 0.5, 0.5) if len(lines) > 1 else None for index in range(len(lines))]
    entries = [(line.name, _sample(f"line {_look(i)}", shapes[i])) for i, line in enumerate(lines)]
    if mark:
        entries.append(
            (mark.name, tag("svg", tag("circle", cx="50%", cy="50%", r=4, class_="dot result"), class_="sample"))
        )
    if level:
        entries.append((level.name, _sample("level")))
    if len(entries) < 2:
        return None
    return tag("ul", *(tag("li", sample, name) for name, sample in entries), class_="legend")


def _sample(look: str, marker: Html | None = None) -> Html:
    line = tag("line", x1="0%", x2="100%", y1="50%", y2="50%", class_=look)
    return tag("svg", line, marker, class_="sample", aria_hidden="true")


def _look(index: int) -> str:
    return f"look{index % LOOKS + 1}"


def _spoken(title: str, lines: Sequence[Line], x: Axis, y: Axis) -> Html:
    """Return what a screen reader says: where each line begins and ends."""
    ends = [(line.name, _points(line)[0], _points(line)[-1]) for line in lines if has_points(line)]
    told = (f"{name} from {a[1]:.3g} at {a[0]:.3g} to {b[1]:.3g} at {b[0]:.3g}" for name, a, b in ends)
    return html(f"{title}. {y.label} over {x.label}: {'; '.join(told)}.")


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"

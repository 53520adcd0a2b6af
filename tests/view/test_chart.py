"""Lines, ticks and intervals: positions worked out by hand."""

import re
import xml.etree.ElementTree as ET
from importlib.resources import files
from itertools import combinations
from math import inf, isclose, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roarm_lab import view
from roarm_lab.core.errors import BadInputError
from roarm_lab.view.chart import LOOKS, MARKERS, Axis, Level, Line, Mark, interval_bar, line_chart
from roarm_lab.view.ticks import round_ticks

ROUNDING = 1e-9  # of a step: what adding up decimal fractions costs


def figure(*lines: Line, **more: object) -> ET.Element:
    """Return a chart as a tree: what is not well formed fails here."""
    x, y = Axis(label="steps"), Axis(label="success [%]", low=0.0, high=100.0)
    return ET.fromstring(line_chart("A title", list(lines), x, y, **more))  # type: ignore[arg-type]


def paths(tree: ET.Element) -> list[str]:
    return [path.attrib["d"] for path in tree.iter("path")]


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0.0, 100.0, ["0", "20", "40", "60", "80", "100"]),
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-0.006, 0.21, ["\u22120.05", "0.00", "0.05", "0.10", "0.15", "0.20", "0.25"]),
        (0.0, 0.0153, ["0.000", "0.005", "0.010", "0.015", "0.020"]),
        (5.0, 5.0, ["2", "3", "4", "5", "6", "7", "8"]),
        (0.0, 0.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ],
)
def test_ticks_are_round_and_reach_around_the_values(low: float, high: float, texts: list[str]) -> None:
    assert list(round_ticks(low, high).texts()) == texts


def test_ticks_stay_inside_where_the_axis_ends_with_the_values() -> None:
    ticks = round_ticks(0.0, 753.664, widen=False)
    assert (ticks.values, ticks.low, ticks.high) == ((0.0, 200.0, 400.0, 600.0), 0.0, 753.664)


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_are_few_evenly_spaced_and_cover_the_range(low: float, length: float) -> None:
    high = low + length
    if not high > low + 1e-9 * abs(low):
        return  # the two are one number to within rounding
    ticks = round_ticks(low, high)
    step = ticks.values[1] - ticks.values[0]
    assert 3 <= len(ticks.values) <= 8
    assert ticks.low <= low + ROUNDING * step * 10
    assert ticks.high >= high - ROUNDING * step * 10
    assert len(set(ticks.texts())) == len(ticks.values)


def test_a_line_goes_from_corner_to_corner() -> None:
    assert paths(figure(Line(name="a", x=[0, 5, 10], y=[0, 25, 100]))) == ["M0.0 1000.0L500.0 750.0L1000.0 0.0"]


def test_nan_and_infinity_leave_gaps_and_a_lonely_point_becomes_a_dot() -> None:
    line = Line(name="a", x=[0, 1, 2, 3, 4, 5], y=[nan, 0, 100, inf, 50, nan])
    # The axis reaches from the first known point (1) to the last (4).
    assert paths(figure(line)) == ["M0.0 1000.0L333.3 0.0M1000.0 500.0L1000.0 500.0"]


def test_no_number_that_is_none_reaches_the_page() -> None:
    line = Line(name="a", x=[0, 1, 2], y=[nan, 3.0, nan])
    assert not re.search(r"\b(nan|inf)\b", ET.tostring(figure(line), encoding="unicode"))


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(BadInputError, match="'A title' has nothing to draw: no line has a finite point"):
        figure(Line(name="a", x=[0, 1], y=[nan, nan]))


def test_a_single_line_needs_no_legend_and_two_have_different_looks() -> None:
    line = Line(name="a & b", x=[0, 1], y=[0, 1])
    assert figure(line).find("ul") is None
    tree = figure(line, Line(name="<c>", x=[0, 1], y=[1, 2]))
    assert [entry.find("svg").tail for entry in tree.iter("li")] == ["a & b", "<c>"]  # type: ignore[union-attr]
    assert [path.attrib["class"] for path in tree.iter("path") if "class" in path.attrib] == [
        "line look1",
        "line look2",
    ]


def test_lines_are_marked_where_they_are_and_beside_each_other() -> None:
    ramp = list(range(9))
    tree = figure(*(Line(name=str(i), x=ramp, y=[12.5 * x for x in ramp]) for i in range(2)))
    (plot,) = (svg for svg in tree.iter("svg") if svg.attrib.get("class") == "plot")
    markers = [svg.attrib for svg in plot.iter("svg") if svg.attrib.get("class", "").startswith("marker")]
    # Of nine points a third has three: the first line's marks stand a third into it, the second line's two thirds.
    assert [(one["x"], one["y"]) for one in markers] == [
        (f"{12.5 * i:.2f}%", f"{100 - 12.5 * i:.2f}%") for i in (1, 4, 7, 2, 5, 8)
    ]
    assert [one["class"] for one in markers] == ["marker look1"] * 3 + ["marker look2"] * 3


def test_one_line_alone_has_no_shapes_in_the_chart_or_the_legend() -> None:
    tree = figure(Line(name="a", x=[0, 1], y=[0, 1]), level=Level(name="aim", y=30))
    assert [svg for svg in tree.iter("svg") if svg.attrib.get("class", "").startswith("marker")] == []
    assert len(list(tree.iter("li"))) == 2


def test_a_line_without_points_has_no_mark() -> None:
    tree = figure(Line(name="a", x=[0, 1], y=[nan, nan]), Line(name="b", x=[0, 1], y=[1, 2]))
    (plot,) = (svg for svg in tree.iter("svg") if svg.attrib.get("class") == "plot")
    classes = [svg.attrib.get("class") for svg in plot.iter("svg")]
    assert "marker look1" not in classes
    assert "marker look2" in classes


# How colours look without one kind of cone, on linear red, green, blue: Machado, Oliveira, Fernandes 2009, severity 1.
CONES = {
    "all": np.eye(3),
    "without red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "without green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "without blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])  # sRGB, D65
WHITE = np.array([0.9505, 1.0, 1.089])
STYLES = (files(view) / "page.css").read_text(encoding="utf-8")


def linear(colour: str) -> np.ndarray:
    """Return a colour like #0a6aa1 as linear red, green, blue."""
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255.0
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """Return CIELAB of linear red, green, blue."""
    share = XYZ @ np.clip(rgb, 0.0, 1.0) / WHITE
    f = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16.0 / 116.0)
    return np.array([116.0 * f[1] - 16.0, 500.0 * (f[0] - f[1]), 200.0 * (f[1] - f[2])])


def themes() -> list[tuple[str, list[str]]]:
    """Return (card, colours of the looks) of the light, the dark and the printed page."""
    blocks = [block for block in re.findall(r":root \{(.*?)\}", STYLES, re.DOTALL) if "--look1" in block]
    found: list[tuple[str, list[str]]] = []
    for block in blocks:
        (card,) = re.findall(r"--card: (#\w{6})", block)
        found.append((card, re.findall(r"--look\d: (#\w{6})", block)))
    return found


@pytest.mark.parametrize("theme", range(3))
@pytest.mark.parametrize("cones", CONES)
def test_eight_lines_have_colours_that_colour_blind_people_tell_apart(cones: str, theme: int) -> None:
    card, colours = themes()[theme]
    assert len(colours) == LOOKS == 8
    seen = [lab(np.array(CONES[cones]) @ linear(colour)) for colour in colours]
    # 2.3 is what an eye just notices side by side; lines far apart in a chart need several times that.
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)) > 20.0
    luminance = [float(XYZ[1] @ linear(colour)) for colour in (card, *colours)]
    contrasts = [(max(luminance[0], one) + 0.05) / (min(luminance[0], one) + 0.05) for one in luminance[1:]]
    assert min(contrasts) >= 3.0  # WCAG 2.2, 1.4.11: what is needed to understand a graphic


def test_eight_lines_have_different_dashes_and_shapes() -> None:
    rules = dict(re.findall(r"^\.look(\d) \{(.*?)\}", STYLES, re.MULTILINE))
    assert sorted(rules) == [str(look + 1) for look in range(LOOKS)]
    dashes = ["".join(re.findall(r"stroke-dasharray: ([\d ]+);", rule)) for rule in rules.values()]
    assert len(set(dashes)) == len(set(MARKERS)) == LOOKS


def test_mark_and_level_stand_where_they_belong() -> None:
    mark = Mark(name="evaluation", x=10, y=90, low=80, high=95)
    tree = figure(Line(name="a", x=[0, 10], y=[0, 100]), mark=mark, level=Level(name="aim", y=30))
    lines = {line.attrib.get("class"): line.attrib for line in tree.iter("line")}
    assert (lines["whisker"]["x1"], lines["whisker"]["y1"], lines["whisker"]["y2"]) == ("100.00%", "20.00%", "5.00%")
    assert (lines["level"]["y1"], lines["level"]["y2"]) == ("70.00%", "70.00%")
    dot = [circle.attrib for circle in tree.iter("circle")][-1]
    assert (dot["cx"], dot["cy"]) == ("100.00%", "10.00%")


def test_the_title_tells_a_listener_where_the_line_begins_and_ends() -> None:
    title = figure(Line(name="a", x=[0, 1, 2], y=[nan, 3.0, 97.25])).find(".//title")
    assert title is not None
    assert title.text == "A title. success [%] over steps: a from 3 at 1 to 97.2 at 2."


def test_an_interval_bar_stands_on_its_scale() -> None:
    tree = ET.fromstring(interval_bar(0.9, (0.85, 0.95), round_ticks(0.8, 1.0), "85 to 95 %"))
    span = next(line.attrib for line in tree.iter("line") if line.attrib["class"] == "span")
    assert [float(span[key].rstrip("%")) for key in ("x1", "x2")] == pytest.approx([25.0, 75.0])
    dot = tree.find("circle")
    assert dot is not None
    assert isclose(float(dot.attrib["cx"].rstrip("%")), 50.0)

"""A success rate and how sure it is, as cells of a table: all rows on one scale, which the head names."""

from collections.abc import Iterable

from roarm_lab.view import formatting
from roarm_lab.view.chart import interval_bar
from roarm_lab.view.markup import Html, tag
from roarm_lab.view.page import number
from roarm_lab.view.ticks import Ticks, round_ticks

ZOOMS = (0.9, 0.8, 0.5)
"""Where a scale may begin, if nothing is below; else it begins at 0."""
CONFIDENCE = f"95{formatting.SPACE}% interval"


def common_scale(intervals: Iterable[tuple[float, float] | None]) -> Ticks:
    """Return a scale of success rates on which all intervals can be seen; it ends at 100 %."""
    lowest = min((interval[0] for interval in intervals if interval), default=0.0)
    return round_ticks(next((zoom for zoom in ZOOMS if lowest >= zoom), 0.0), 1.0)


def interval_head(scale: Ticks) -> Html:
    """Return the column head above `rate_cells`."""
    return tag("th", tag("div", scale_ends(scale), CONFIDENCE, class_="spread"), scope="col", class_="wide")


def rate_cells(rate: float, interval: tuple[float, float], scale: Ticks) -> tuple[Html, Html]:
    """Return two cells: the rate, and its interval as picture and words."""
    text = formatting.percent_range(interval)
    picture = tag(
        "div", interval_bar(rate, interval, scale, text), tag("span", text, class_="soft small"), class_="spread"
    )
    return number(formatting.percent(rate), main=True), tag("td", picture)


def scale_ends(scale: Ticks) -> Html:
    """Return the numbers at both ends of a scale; the intervals are there in words too."""
    ends = (tag("span", formatting.percent_mark(value)) for value in (scale.low, scale.high))
    return tag("span", *ends, class_="scale soft small", aria_hidden="true")

"""One page in one file: style inside, nothing from the network, no script but one that is named by its hash."""

from collections.abc import Iterable, Sequence
from importlib.resources import files

from roarm_lab.view.markup import Html, html, tag

POLICY = "default-src 'none'; {script}style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""What a browser may load for this page: nothing but its own style and pictures."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def page(title: str, *body: object, script: str | None = None) -> str:
    """Return the text of an HTML file with this title and body.

    Args:
        title: The title.
        body: What is on the page.
        script: Hash of the only script that may run, that of a page inside this one; None runs none.
    """
    policy = POLICY.format(script=f"script-src '{script}'; " if script else "")
    style = files("roarm_lab.view").joinpath("page.css").read_text(encoding="utf-8")
    return PAGE.format(title=html(title), policy=html(policy), style=style, body=html(*body))


def section(title: str, *children: object) -> Html:
    """Return a section with its heading."""
    return tag("section", tag("h2", title), "\n", *children)


def record(rows: Iterable[tuple[str, object]], caption: str | None = None) -> Html:
    """Return a table of names and values."""
    lines = (tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in rows)
    heading = tag("h3", caption) if caption else None
    return html(heading, tag("table", tag("tbody", *lines), class_="record"))


def table(head: Sequence[object], *bodies: Html) -> Html:
    """Return a table; the heads are texts or ready `th` elements."""
    cells = (cell if isinstance(cell, Html) else tag("th", cell, scope="col") for cell in head)
    return tag("table", tag("thead", tag("tr", *cells)), *bodies)


def number_head(text: str) -> Html:
    """Return a column head for numbers, which stand at the right."""
    return tag("th", text, scope="col", class_="number")


def number(text: str, *, main: bool = False) -> Html:
    """Return a cell with a number."""
    return tag("td", text, class_="number main" if main else "number")


def note(*children: object) -> Html:
    """Return a paragraph that must not be overlooked."""
    return tag("p", *children, class_="note", role="note")


def folded(summary: str, *children: object) -> Html:
    """Return what is shown after a click."""
    return tag("details", tag("summary", summary), *children)

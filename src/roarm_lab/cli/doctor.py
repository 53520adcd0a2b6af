"""`roarm doctor`: is everything here that the other verbs need, and if not, what to type."""

import json
from dataclasses import asdict, dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.checks import Row, State, check_all
from roarm_lab.core.errors import MissingError
from roarm_lab.core.provenance import provenance

DESCRIPTION = "Check this installation. Exit code 0 when all that is needed works, 3 otherwise; a note does no harm."
STYLES = {State.FINE: "green", State.BAD: "bold red", State.NOTE: "yellow"}


@dataclass(frozen=True)
class Doctor:
    """What `roarm doctor` can be told."""

    json: bool = False
    """Print JSON for programs (and bug reports) instead of a table."""


def run(argv: list[str]) -> int:
    """Print the rows of every check; return 0 when all needed ones are fine, 3 otherwise."""
    config = parse(Doctor, argv, prog="roarm doctor", description=DESCRIPTION)
    rows = check_all()
    if config.json:
        print(json.dumps(report(rows), indent=2))
    else:
        show(rows, Console())
    return 0 if is_fine(rows) else MissingError.exit_code


def is_fine(rows: list[Row]) -> bool:
    """Whether no row is bad; notes do not count."""
    return all(row.state != State.BAD for row in rows)


def repairs(rows: list[Row]) -> dict[str, list[str]]:
    """Return what to type -> the names of the rows that it repairs."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.type_this:
            found.setdefault(row.type_this, []).append(row.name)
    return found


def report(rows: list[Row]) -> dict[str, object]:
    """Return the rows and the facts about this machine as plain JSON values."""
    return {"fine": is_fine(rows), "rows": [asdict(row) for row in rows], "machine": provenance()}


def show(rows: list[Row], console: Console) -> None:
    """Print the rows as a table, then what to type for those that are not fine, then the verdict."""
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("what", "", "found"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(Text(row.name), Text(row.state, STYLES[row.state]), Text(row.found))
    console.print(table)
    for type_this, names in repairs(rows).items():
        # Not in the table: what is to be copied must not be broken into lines.
        console.print(Text(f"{', '.join(names)}:", "bold"), Text(type_this), soft_wrap=True)
    bad = sum(row.state == State.BAD for row in rows)
    verdict = f"{bad} of {len(rows)} rows need repair." if bad else "All that is needed works."
    console.print(Text(verdict, STYLES[State.BAD if bad else State.FINE]))

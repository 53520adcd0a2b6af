"""`roarm doctor`: is everything here that the other verbs need, is the arm well, and if not, what to type."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from roarm_lab.cli.arguments import parse
from roarm_lab.core.errors import MissingError
from roarm_lab.core.provenance import provenance
from roarm_lab.workflows.start.check_install import Row, State, check_all

DESCRIPTION = """\
  Check this installation, or with --arm a real arm: listen to it for a few
  seconds and say what is wrong, by cause, with what was measured and what to
  do. The arm is not moved.

examples:
  roarm doctor                              is everything here that the other verbs need?
  roarm doctor --arm                        the arm of station.yaml, or the one on USB
  roarm doctor --arm serial:/dev/ttyUSB0    this one (addresses: roarm arm --help)
  roarm doctor --arm --json                 for programs and bug reports

exit codes: without --arm 0 all that is needed works (a note does no harm), 3 something is missing
            with --arm 0 the arm can be driven, 1 something is wrong, 2 bad input"""
STYLES = {State.FINE: "green", State.BAD: "bold red", State.NOTE: "yellow", State.SPARE: "dim"}


@dataclass(frozen=True)
class Doctor:
    """What `roarm doctor` can be told."""

    json: bool = False
    """Print JSON for programs (and bug reports) instead of a table."""
    arm: str | None = None
    """Check the arm at this address instead of the installation; without one, the station file's or the one on USB."""
    station: Path | None = None
    """Station file; by default station.yaml in the working folder, where there is one."""


def run(argv: list[str]) -> int:
    """Print the rows of every check; return 0 when all needed ones are fine, 3 otherwise (1 for an arm)."""
    config = parse(Doctor, with_address(argv), prog="roarm doctor", description=DESCRIPTION)
    if config.arm is not None or config.station is not None:
        from roarm_lab.workflows.devices.diagnose_arm import examine

        return examine(config.arm or "", config.station, as_json=config.json)
    with Console(stderr=True).status("trying every package once ..."):
        rows = check_all()
    if config.json:
        print(json.dumps(report(rows), indent=2))
    else:
        show(rows, Console())
    return 0 if is_fine(rows) else MissingError.exit_code


def with_address(argv: Sequence[str]) -> list[str]:
    """Return the words with an empty address after an `--arm` that has none."""
    words = list(argv)
    for i, word in enumerate(argv):
        if word == "--arm" and (i + 1 == len(argv) or argv[i + 1].startswith("--")):
            words[i] = "--arm="
    return words


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

"""`roarm doctor`: is everything here that the other verbs need, is the arm well, and if not, what to type."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.console import terminal
from roarm_lab.cli.references import as_typed
from roarm_lab.core.errors import MissingError
from roarm_lab.core.findings import State
from roarm_lab.core.shown import shown

if TYPE_CHECKING:
    from roarm_lab.hardware.diagnosis import Finding
    from roarm_lab.workflows.devices.diagnose_arm import Diagnosis
    from roarm_lab.workflows.start.check_install import InstallReport, Row

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
        from roarm_lab.workflows.devices.arm_target import ArmTarget
        from roarm_lab.workflows.devices.diagnose_arm import diagnose

        with terminal() as frontend:
            found = diagnose(ArmTarget(arm=config.arm or "", station=config.station), frontend)
        if config.json:
            print(json.dumps(arm_report(found), indent=2, allow_nan=False))
        else:
            show_arm(found, Console(highlight=False))
        return 0 if found.fine else 1
    from roarm_lab.workflows.start.check_install import check_install

    with terminal() as frontend:
        report = check_install(frontend)
    if config.json:
        print(json.dumps({"fine": report.fine, **asdict(report)}, indent=2))
    else:
        show(report, Console())
    return 0 if report.fine else MissingError.exit_code


def with_address(argv: Sequence[str]) -> list[str]:
    """Return the words with an empty address after an `--arm` that has none."""
    words = list(argv)
    for i, word in enumerate(argv):
        if word == "--arm" and (i + 1 == len(argv) or argv[i + 1].startswith("--")):
            words[i] = "--arm="
    return words


def repairs(rows: Iterable["Row"]) -> dict[str, list[str]]:
    """Return what to type -> the names of the rows that it repairs."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.type_this:
            found.setdefault(row.type_this, []).append(row.name)
    return found


def show(report: "InstallReport", console: Console) -> None:
    """Print the rows as a table, then what to type for those that are not fine, then the verdict."""
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("what", "", "found"):
        table.add_column(title, overflow="fold")
    for row in report.rows:
        table.add_row(Text(row.name), Text(row.state, STYLES[row.state]), Text(row.found))
    console.print(table)
    for type_this, names in repairs(report.rows).items():
        # Not in the table: what is to be copied must not be broken into lines.
        console.print(Text(f"{', '.join(names)}:", "bold"), Text(type_this), soft_wrap=True)
    _verdict(report.rows, f"of {len(report.rows)} rows need repair.", "All that is needed works.", console)


def arm_report(found: "Diagnosis") -> dict[str, object]:
    """Return a diagnosis as plain JSON values."""
    told = [{name: as_typed(value) for name, value in asdict(finding).items()} for finding in found.findings]
    return {"fine": found.fine, **asdict(found), "findings": told}


def show_arm(found: "Diagnosis", console: Console) -> None:
    """Print the findings, each with its evidence and what to do, then the verdict."""
    console.print(Text(f"The arm at {shown(found.address)}", "bold"))
    for finding in found.findings:
        console.print(Text(f"{finding.state:<5}", STYLES[finding.state]), Text(as_typed(finding.says)))
        console.print(Text(f"      measured  {as_typed(finding.evidence)}"), soft_wrap=True)
        if finding.next:
            console.print(Text(f"      next      {as_typed(finding.next)}", "bold"), soft_wrap=True)
    _verdict(found.findings, "to repair, the first one first.", "The arm can be driven.", console)


def _verdict(found: "Iterable[Row | Finding]", bad: str, fine: str, console: Console) -> None:
    count = sum(each.state is State.BAD for each in found)
    console.print(Text(f"{count} {bad}" if count else fine, STYLES[State.BAD if count else State.FINE]))

"""`roarm drift`: what a log of arms that differed from their policies says, in words."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.console import terminal
from roarm_lab.core.shown import shown_text
from roarm_lab.workflows.deployment.drift_log import DriftRequest, DriftRow, read_drift

DESCRIPTION = """\
  Read the log of arms that differed from the ones their policies were made
  for, and say which difference, since when, how often, and whose arm it was.

examples:
  roarm drift logs                the log of a policy server
  roarm drift arm_runs            that of runs on this computer
  roarm drift logs --json         for programs

exit codes: 0 no differences, 1 there are some, 2 bad input"""


@dataclass(frozen=True, kw_only=True)
class DriftArguments(DriftRequest):
    """Which log."""

    log: Annotated[Path, tyro.conf.Positional] = Path("logs")
    """The file hash_mismatch_events.jsonl, or the folder that it is in."""
    json: bool = False
    """Print the differences as JSON."""


def run(argv: list[str]) -> int:
    """Say what a log says; exit code 1 where arms differed."""
    request = parse(DriftArguments, argv, prog="roarm drift", description=DESCRIPTION)
    with terminal() as frontend:
        report = read_drift(request, frontend)
    if request.json:
        sys.stdout.write(json.dumps(asdict(report), indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(map(_in_words, report.rows)) or "No arm differed from its policy's.")
        sys.stdout.write("\n")
    return 1 if report.rows else 0


def _in_words(row: DriftRow) -> str:
    often = "once" if row.count == 1 else f"{row.count} times since {row.since[:16]}"
    allowed = f", allowed {row.allowed} times" if row.allowed else ", each time refused"
    whose = ", ".join((*row.clients, *row.stations))
    return shown_text(f"{row.last[:16]}  {row.text}\n{'':18}{often}{allowed}; {whose}")

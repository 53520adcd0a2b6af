"""`roarm report`: a run as one page that opens anywhere."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.console import terminal
from roarm_lab.cli.references import as_typed
from roarm_lab.core.shown import shown
from roarm_lab.workflows.evaluation.report_request import ReportRequest

DESCRIPTION = """\
  Write what a run has achieved as one HTML file: success rate, learning curve,
  where and why it fails, with pictures of failures and a replay in 3D. It
  opens from the disk, without network; its path is printed.

examples:
  roarm report runs/RUN                        report.html in the run folder, renewed every time
  roarm report runs/RUN --out report.html      another file

exit codes: 0 done, 2 bad input or a file that exists already"""


@dataclass(frozen=True, kw_only=True)
class ReportArguments(ReportRequest):
    """What to report and where."""

    run: Annotated[Path, tyro.conf.Positional]
    """A run folder, as `roarm train` makes them."""


def run(argv: list[str]) -> int:
    """Write the report and print its path."""
    request = parse(ReportArguments, argv, prog="roarm report", description=DESCRIPTION)
    request.validate()
    from roarm_lab.workflows.evaluation.report import write_report

    with terminal() as frontend:
        page = write_report(request, frontend, typed=as_typed).page
    sys.stdout.write(f"{shown(page)}\n")
    return 0

"""`roarm report`: a run as one page that opens anywhere."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from roarm_lab.cli.arguments import check_html, parse
from roarm_lab.core.shown import shown

DESCRIPTION = """\
  Write what a run has achieved as one HTML file: success rate, learning curve,
  where and why it fails, with pictures of failures and a replay in 3D. It
  opens from the disk, without network; its path is printed.

examples:
  roarm report runs/RUN                        report.html in the run folder, renewed every time
  roarm report runs/RUN --out report.html      another file

exit codes: 0 done, 2 bad input or a file that exists already"""


@dataclass(frozen=True)
class ReportArguments:
    """What to report and where."""

    run: Annotated[Path, tyro.conf.Positional]
    """A run folder, as `roarm train` makes them."""
    out: Path | None = None
    """The file to write. By default report.html in the run folder, which is renewed every time."""
    overwrite: bool = False
    """Replace the file given by --out if it exists."""


def run(argv: list[str]) -> int:
    """Write the report and print its path."""
    arguments = parse(ReportArguments, argv, prog="roarm report", description=DESCRIPTION)
    if arguments.out is not None:
        check_html("out", arguments.out)
    from roarm_lab.workflows.evaluation.report import report

    path = report(arguments.run, arguments.out, overwrite=arguments.out is None or arguments.overwrite)
    sys.stdout.write(f"{shown(path)}\n")
    return 0

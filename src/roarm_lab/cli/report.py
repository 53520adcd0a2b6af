"""`roarm report`: a run as one page that opens anywhere."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from roarm_lab.cli.arguments import parse

DESCRIPTION = (
    "Write what a run has achieved as one HTML file: success rate, where and why it fails, learning curve, settings. "
    "It opens from the disk, without network; its path is printed."
)


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
    from roarm_lab.view.report import write_report

    path = write_report(arguments.run, arguments.out, overwrite=arguments.out is None or arguments.overwrite)
    sys.stdout.write(f"{path}\n")
    return 0

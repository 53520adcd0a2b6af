"""Of which run to write a report, and where to, as a value."""

from dataclasses import dataclass
from pathlib import Path

from roarm_lab.workflows.requests import is_page


@dataclass(frozen=True, kw_only=True)
class ReportRequest:
    """What to report and where."""

    run: Path
    """A run folder, as a training makes them."""
    out: Path | None = None
    """The file to write. By default report.html in the run folder, which is renewed every time."""
    overwrite: bool = False
    """Replace a file that was named if it exists."""

    def validate(self) -> None:
        """Refuse a file whose name does not say that it is a page.

        Raises:
            InvalidValueError: It ends otherwise.
        """
        is_page(self, "out")


@dataclass(frozen=True, kw_only=True)
class ReportResult:
    """What was written."""

    page: Path
    """One HTML file that opens anywhere."""

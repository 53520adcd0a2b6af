"""The report of a run: one HTML file that answers how well the policy does, made from the files of the run folder."""

from collections.abc import Callable
from pathlib import Path

from roarm_lab import __version__
from roarm_lab.core.files import write_atomic
from roarm_lab.runs.run_reader import RunFiles, read_run
from roarm_lab.view.arm_section import arm_section
from roarm_lab.view.curves import learning
from roarm_lab.view.markup import html, tag
from roarm_lab.view.page import page
from roarm_lab.view.replay import script_hash
from roarm_lab.view.report_media import ReportMedia, failures_shown, replayed
from roarm_lab.view.report_results import answer, by_start, failures, question
from roarm_lab.view.settings import repeat, settings

NAME = "report.html"


def write_report(
    run: Path,
    out: Path | None = None,
    *,
    overwrite: bool = True,
    watched: ReportMedia | None = None,
    typed: Callable[[str], str] = str,
) -> Path:
    """Write the report of a run folder and return its path.

    The file needs nothing besides itself: no network, no fonts, and no script but the replay's. Parts that the run does
    not have yet are said in words. The same files give the same report.

    Args:
        run: A run folder, as a training makes them.
        out: The file to write; `report.html` in the run folder by default.
        overwrite: Whether an existing file may be replaced.
        watched: What the policy does, to be looked at; a report without it has numbers only.
        typed: Writes calls such as `train(resume='runs/a')` as its readers type them.

    Raises:
        BadInputError: It is no run folder, a file in it is damaged, or the report can not be written.
    """
    text = report_text(read_run(run), watched, typed)
    return write_atomic(run / NAME if out is None else out, text, overwrite=overwrite)


def report_text(run: RunFiles, watched: ReportMedia | None = None, typed: Callable[[str], str] = str) -> str:
    """Return the report as the text of an HTML file: the question and its answer, then how it came to it."""
    asked, exactly = question(run)
    found = run.evaluation
    header = tag(
        "header",
        tag("p", f"RoArm Lab \u00b7 run {_name(run)}", class_="kicker"),
        tag("h1", asked),
        tag("p", exactly, class_="soft") if exactly else None,
    )
    parts = (
        header,
        answer(run),
        settings(run),
        learning(run),
        by_start(found) if found else None,
        failures(found) if found else None,
        failures_shown(watched) if watched else None,
        replayed(watched) if watched else None,
        arm_section(run.arm_run, found) if run.arm_run else None,
        repeat(run, typed),
        tag("footer", f"Made by roarm-lab {__version__} from the files of {run.path}."),
    )
    body = tag("main", *(html(part, "\n") for part in parts if part is not None))
    return page(f"Run {_name(run)}", body, script=script_hash() if watched and watched.replay else None)


def _name(run: RunFiles) -> str:
    return run.path.resolve().name

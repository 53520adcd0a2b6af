"""The terminal as a front end: progress bars, sentences and questions.

What a person only looks at goes to stderr, what a verb is asked for to stdout.
"""

import sys
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table
from rich.text import Text

from roarm_lab.cli.references import as_typed
from roarm_lab.core.digits import beside
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.shown import shown, shown_text
from roarm_lab.workflows.frontend import (
    DryCycle,
    EpisodeEnded,
    Event,
    Notice,
    Progress,
    Question,
    Served,
    Written,
    in_words,
)

if TYPE_CHECKING:
    from roarm_lab.evaluation.evaluate import Evaluation
    from roarm_lab.workflows.deployment.run_request import RunResult

LINE_EVERY_S = 10.0
"""Without a terminal, progress is one line this often."""
PLACE = 12
"""How wide the first column of what is said is."""


class Terminal:
    """A person at a terminal, or a program that reads what is printed.

    Args:
        yes: Nobody is asked: what needs a permission has it, every other question gets its default.
        quiet: Episodes are not told one by one.
    """

    def __init__(self, *, yes: bool = False, quiet: bool = False) -> None:
        self.yes, self.quiet = yes, quiet
        self._bar: ProgressBar | None = None
        self._task: TaskID | None = None
        self._lines: _Lines | None = None
        self._stage = ""

    def tell(self, event: Event) -> None:
        """Print an event; a bar for progress."""
        if isinstance(event, Progress):
            self._show(event)
            return
        if not isinstance(event, Notice):
            self.end_progress()  # a notice stands above the bar
        with suppress(OSError):  # nobody reads it any more: no reason to stop
            self._print(event)

    def ask(self, question: Question) -> str | None:
        """Ask; with `yes` nobody.

        Raises:
            BadInputError: There is nobody to ask, or the input ended where a value is needed.
        """
        if self.yes:
            return question.default if question.code == "value" else "yes"
        self.end_progress()
        text = shown_text(as_typed(question.text))
        if not sys.stdin.isatty():
            raise BadInputError(f"{question.text} Nobody can be asked here: say `yes=True`.")
        try:
            if question.code == "arm-lets-go":  # a y is typed too easily
                return "yes" if input(f"{text} Type yes: ").strip().lower() == "yes" else None
            if question.code != "value":
                return "yes" if input(f"{text} [y/N] ").strip().lower() in {"y", "yes"} else None
            return input(f"{text} [{question.default or 'none'}] ").strip() or question.default
        except EOFError:  # Ctrl-D
            if question.code != "value":
                print()
                return None
            raise BadInputError("The input ended before this was answered; what was done before is kept.") from None

    def cancelled(self) -> bool:
        """Never: Ctrl-C passes as a KeyboardInterrupt."""
        return False

    def end_progress(self) -> None:
        """Leave the bar as it is and go on below it."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._lines = self._task = None
        self._stage = ""

    def _show(self, event: Progress) -> None:
        if event.stage != self._stage:
            self.end_progress()
            self._stage = event.stage
            console = Console(stderr=True)
            if not console.is_terminal:
                self._lines = _Lines()
            else:
                self._bar = ProgressBar(
                    TextColumn("{task.description}"),
                    BarColumn(),
                    TaskProgressColumn(),
                    TimeElapsedColumn(),
                    TextColumn("left"),
                    TimeRemainingColumn(),
                    TextColumn("{task.fields[text]}"),
                    console=console,
                )
                self._bar.start()
                self._task = self._bar.add_task(event.stage, total=event.total, text="")
        if self._lines is not None:
            self._lines.show(event)
        elif self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=event.done, total=event.total, text=event.text)

    def _print(self, event: Notice | Served | Written | EpisodeEnded | DryCycle) -> None:
        match event:
            case Notice(code="looking") if not sys.stderr.isatty():
                pass
            case Notice(code="looking"):
                sys.stderr.write(f"{shown_text(event.text)}\n")
            case Notice(code="step" | "no-value"):
                text = shown_text(as_typed(event.text))
                sys.stdout.write(f"  {text}\n" if event.code == "no-value" else f"{text}\n")
                sys.stdout.flush()
            case Notice(code="worlds"):
                sys.stderr.write(f"{'worlds':<{PLACE}}{shown_text(as_typed(event.text))}\n")
            case Notice():
                below = "\n" if event.code == "stopped" else ""  # the terminal has written ^C
                sys.stderr.write(f"{below}roarm: {shown_text(as_typed(event.text))}\n")
            case Written():
                sys.stderr.write(f"{event.what:<{PLACE}}{shown(event.path)}\n")
            case Served():  # an address that is no page is for programs
                served = f"{event.what:<16}{event.url}" if "://" not in event.url else _where(event)
                sys.stdout.write(f"{served}\n")
                sys.stdout.flush()
            case EpisodeEnded() | DryCycle() if self.quiet:
                pass
            case EpisodeEnded() | DryCycle():
                sys.stdout.write(f"{_episode(event) if isinstance(event, EpisodeEnded) else in_words(event)}\n")
                sys.stdout.flush()


@contextmanager
def terminal(*, yes: bool = False, quiet: bool = False) -> Generator[Terminal]:
    """Yield the terminal; a bar that is still shown ends with it."""
    frontend = Terminal(yes=yes, quiet=quiet)
    try:
        yield frontend
    finally:
        frontend.end_progress()


class _Lines:
    """Progress where there is no terminal: a line now and then. The first event says what was done before."""

    def __init__(self) -> None:
        self._began_s = self._last_s = time.monotonic()
        self._first: int | None = None

    def show(self, event: Progress) -> None:
        now_s, done, total = time.monotonic(), event.done, event.total
        self._first = done if self._first is None else self._first
        if now_s - self._last_s < LINE_EVERY_S:
            return
        self._last_s = now_s
        left_s = (now_s - self._began_s) * (total - done) / max(done - self._first, 1)
        left = f"about {left_s:.0f} s left" if self._first < done < total else ""
        parts = (f"{event.stage} {done:,}/{total:,} ({done / max(total, 1):.0%})", left, event.text)
        with suppress(OSError):  # nobody reads it any more: no reason to stop
            sys.stderr.write(", ".join(part for part in parts if part) + "\n")


def grid(titles: Iterable[str], rows: Iterable[list[str]]) -> Table:
    """Return a table whose first column is words and whose others are numbers."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(Text(cell, no_wrap=True) for cell in row))
    return table


def success_lines(evaluation: "Evaluation") -> str:
    """Return the success rate with its interval in one line, and in another one what the simulator left out."""
    from roarm_lab.evaluation.engine_faults import overflow_in_words

    low, high = evaluation.interval
    lost = overflow_in_words(evaluation.overflows, evaluation.episodes)
    line = (
        f"success     {evaluation.success_rate:.1%} [{low:.1%}, {high:.1%}]  "
        f"({evaluation.successes} of {evaluation.episodes} episodes, 95 % interval)"
    )
    return line if lost is None else f"{line}\ncontacts    {lost}"


def run_lines(result: "RunResult") -> str:
    """Return how a run on an arm went, in words."""
    done = "nothing was sent (dry run)" if result.dry_run else _rate(result)
    lines = [
        f"success     {done} on the {result.arm} arm, through the gate",
        f"cycles      {result.cycles} at {result.rate_hz:g} Hz{_pace(result)}",
        *_timing(result),
        f"log         {shown(result.log)}",
        *(f"held        {shown(as_typed(reason))}" for reason in result.held),
    ]
    if result.held and result.ended_by is None:
        lines.append(f"{'':12}Episodes in which the simulated arm was held count as failed.")
    lines += [f"note        {as_typed(note)}" for note in result.notes]
    return "\n".join(lines) + "\n"


def _rate(result: "RunResult") -> str:
    if result.cycles == 0:
        return "unknown, for nothing ran"
    if result.interval is None:
        return "unknown, for nobody could judge all episodes,"
    low, high = result.interval
    return f"{result.successes} of {result.goals} = {result.success_rate:.1%} [{low:.1%}, {high:.1%}]"


def _pace(result: "RunResult") -> str:
    late = result.cycle_late_ms
    if not result.real_time:
        return ", as fast as it goes"
    if late is None:
        return ""
    return (
        f"; late by {late['p50']:.2f} ms (median), {late['p99']:.2f} ms (99 %), {late['max']:.2f} ms (worst); "
        f"{result.missed} missed"
    )


def _timing(result: "RunResult") -> list[str]:
    age, compute = result.sample_age_ms, result.cycle_compute_ms
    if age is None or compute is None or not result.real_time:
        return []
    return [
        f"timing      samples {age['p50']:.0f} ms old (median), {age['max']:.0f} ms (worst); "
        f"{compute['p50']:.2f} ms from tick to target, {compute['max']:.2f} ms (worst)"
    ]


def fell_short(what: str, share: float | None, least: float | None) -> bool:
    """Return whether less was reached than asked for, and say so; what was not tried does not count."""
    if share is None or least is None or share >= least:
        return False
    sys.stderr.write(f"roarm: the {what} {beside(share, least)} is below --min-success {least}.\n")
    return True


def _where(page: Served) -> str:
    """Return what to do to see a page."""
    if page.tunnel is None:
        careful = "careful     every computer that can reach this one can open the page and press its buttons"
    else:
        port = page.url.rpartition(":")[2]
        careful = f"from afar   {page.tunnel}\n            then open http://localhost:{port} there"
    return f"open        {page.url}\n{careful}\nstop        Ctrl-C"


def _episode(episode: EpisodeEnded) -> str:
    judged = {True: "reached and held", False: "missed", None: "not judged"}[episode.success]
    off = "" if episode.distance_m is None else f", {episode.distance_m * 1e3:.1f} mm off at the end"
    return f"episode {episode.number + 1:3}  {'held' if episode.held else judged}{off}"

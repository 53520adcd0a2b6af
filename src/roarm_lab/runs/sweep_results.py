"""What came out of a sweep: one row per training, and per setting all seeds together beside the worst of them."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from roarm_lab.evaluation.statistics import wilson_interval

State = Literal["waiting", "running", "stopped", "failed", "done"]

RESULTS = (
    "state",
    "success",
    "success_low",
    "success_high",
    "successes",
    "episodes",
    "steps",
    "wall_s",
    "run",
    "reason",
)
"""Columns of results.csv that say what came out."""

CAVEAT = (
    "The interval of all seeds together counts every episode alike: it says how well these trained policies are known, "
    "and ignores that another seed would have given another policy. How far seeds differ is seen from the worst one."
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One training of a sweep. What is not known yet is None."""

    trial: int
    setting: str
    trainer: str
    changes: Mapping[str, Any]
    seed: int
    state: State
    run: str
    """Its run folder, relative to that of the sweep."""
    successes: int | None = None
    episodes: int | None = None
    steps: int | None = None
    wall_s: float | None = None
    """Of learning, by the clock on the wall; start and evaluation are not counted."""
    reason: str = ""
    """Why it failed."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """A success rate and how sure it is."""

    successes: int
    episodes: int

    @property
    def rate(self) -> float:
        """Share of successes."""
        return self.successes / self.episodes

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval with 95 % confidence."""
        return wilson_interval(self.successes, self.episodes)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What came out of one setting; scores are None before a seed is done."""

    setting: str
    asked: int
    """Seeds that were asked for."""
    done: int
    pooled: Score | None
    worst: Score | None
    worst_seed: int | None
    by_seed: Mapping[int, Score]
    steps: int | None
    """Environment steps of a training, the most of any seed."""
    wall_s: float | None
    """Mean over the seeds that are done."""


def score_of(row: Row) -> Score | None:
    """Return the score of a training; None before it is done."""
    if row.state != "done" or row.successes is None or not row.episodes:
        return None
    return Score(successes=row.successes, episodes=row.episodes)


def summaries_of(rows: Sequence[Row]) -> tuple[Summary, ...]:
    """Return a summary per setting, in the order of the rows."""
    settings = dict.fromkeys(row.setting for row in rows)
    return tuple(_summary(setting, [row for row in rows if row.setting == setting]) for setting in settings)


def _summary(setting: str, rows: Sequence[Row]) -> Summary:
    found = {row.seed: score for row in rows if (score := score_of(row)) is not None}
    done = [row for row in rows if row.seed in found]
    worst = min(found, key=lambda seed: found[seed].rate, default=None)
    walls = [row.wall_s for row in done if row.wall_s is not None]
    return Summary(
        setting=setting,
        asked=len(rows),
        done=len(done),
        pooled=_together(list(found.values())),
        worst=None if worst is None else found[worst],
        worst_seed=worst,
        by_seed=found,
        steps=max((row.steps for row in done if row.steps is not None), default=None),
        wall_s=sum(walls) / len(walls) if walls else None,
    )


def _together(scores: Sequence[Score]) -> Score | None:
    if not scores:
        return None
    return Score(successes=sum(s.successes for s in scores), episodes=sum(s.episodes for s in scores))


def results_csv(rows: Sequence[Row]) -> str:
    """Return the rows as CSV; cells of what is not known are empty, rates are shares of 1."""
    changed = list(rows[0].changes) if rows else []
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["trial", "trainer", *changed, "seed", *RESULTS])
    for row in rows:
        table.writerow([row.trial, row.trainer, *(row.changes[name] for name in changed), row.seed, *_results(row)])
    return text.getvalue()


def _results(row: Row) -> list[object]:
    wall_s = "" if row.wall_s is None else f"{row.wall_s:.1f}"
    counts = map(_known, (row.successes, row.episodes, row.steps))
    return [row.state, *_rates(row), *counts, wall_s, row.run, row.reason]


def _rates(row: Row) -> list[str]:
    score = score_of(row)
    return [""] * 3 if score is None else [f"{share:.6g}" for share in (score.rate, *score.interval)]


def _known(value: int | None) -> object:
    return "" if value is None else value


def summary_markdown(title: str, rows: Sequence[Row]) -> str:
    """Return the table per setting and what failed, as Markdown that can be read as plain text too."""
    head = ("setting", "seeds done", "all seeds together", "worst seed", "each seed", "steps", "mean wall time")
    cells = [head, *(_cells(summary) for summary in summaries_of(rows))]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = [_line(line, widths) for line in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    failed = [f"- trial {row.trial} ({row.setting}, seed {row.seed}): {row.reason}" for row in rows if row.reason]
    parts = [f"# {title}", "\n".join(lines), CAVEAT, *(["Failed:", "\n".join(failed)] if failed else [])]
    return "\n\n".join(parts) + "\n"


def _cells(summary: Summary) -> tuple[str, ...]:
    worst = "-" if summary.worst is None else f"{in_words(summary.worst)}, seed {summary.worst_seed}"
    return (
        summary.setting.replace("|", "\\|"),
        f"{summary.done} of {summary.asked}",
        "-" if summary.pooled is None else f"{in_words(summary.pooled)}, {summary.pooled.episodes:,} episodes",
        worst,
        ", ".join(f"{seed}: {score.rate:.1%}" for seed, score in sorted(summary.by_seed.items())) or "-",
        "-" if summary.steps is None else f"{summary.steps:,}",
        "-" if summary.wall_s is None else f"{summary.wall_s:,.1f} s",
    )


def in_words(score: Score) -> str:
    """Return a rate with its interval, for instance `97.9% [96.2%, 98.8%]`."""
    low, high = score.interval
    return f"{score.rate:.1%} [{low:.1%}, {high:.1%}]"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)) + " |"

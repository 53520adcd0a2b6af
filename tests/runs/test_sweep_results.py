"""Tables of a sweep, with numbers worked out by hand."""

import csv
import io
from typing import Any

import pytest

from roarm_lab.evaluation.statistics import wilson_interval
from roarm_lab.runs.sweep_results import CAVEAT, Row, results_csv, summaries_of, summary_markdown


def row(trial: int, setting: str, seed: int, **more: Any) -> Row:
    options: dict[str, Any] = {"state": "done", "episodes": 100, "steps": 1000, "wall_s": 10.0} | more
    run = f"runs/{trial:03d}"
    return Row(trial=trial, setting=setting, trainer="sb3", changes={"gamma": 0.9}, seed=seed, run=run, **options)


ROWS = [
    row(0, "a", 0, successes=90, wall_s=10.0),
    row(1, "b", 0, successes=100),
    row(2, "a", 1, successes=70, wall_s=20.0),
    row(3, "b", 1, state="failed", episodes=None, steps=500, reason="its process died"),
]


def test_seeds_are_pooled_and_the_worst_one_is_named() -> None:
    a, b = summaries_of(ROWS)
    assert a.pooled is not None
    assert a.worst is not None
    assert (a.pooled.successes, a.pooled.episodes, a.pooled.rate) == (160, 200, 0.8)
    assert a.pooled.interval == wilson_interval(160, 200)
    assert (a.worst_seed, a.worst.rate, a.worst.interval) == (1, 0.7, wilson_interval(70, 100))
    assert (a.wall_s, a.steps, a.done, a.asked) == (15.0, 1000, 2, 2)
    assert b.pooled is not None
    assert (b.pooled.episodes, b.done, b.asked, b.worst_seed) == (100, 1, 2, 0)


def test_a_setting_without_a_finished_seed_has_no_rate() -> None:
    (summary,) = summaries_of([row(0, "a", 0, state="running", episodes=None)])
    assert (summary.pooled, summary.worst, summary.worst_seed, summary.wall_s, summary.steps) == (None,) * 5
    assert "| a       | 0 of 1     | -" in summary_markdown("Nothing yet", [row(0, "a", 0, state="running")])


def test_the_table_says_what_its_interval_leaves_out_and_what_failed() -> None:
    text = summary_markdown("Two settings", ROWS)
    lines = text.splitlines()
    assert lines[0] == "# Two settings"
    assert "80.0% [73.9%, 85.0%], 200 episodes" in lines[4]
    assert "70.0% [60.4%, 78.1%], seed 1" in lines[4]
    assert "0: 90.0%, 1: 70.0%" in lines[4]
    assert len({len(line) for line in lines[2:6]}) == 1  # columns stand below each other
    assert CAVEAT in text
    assert "ignores that another seed would have given another policy" in text
    assert text.endswith("Failed:\n\n- trial 3 (b, seed 1): its process died\n")


def test_the_csv_has_a_row_per_trial_and_a_column_per_changed_setting() -> None:
    rows = list(csv.DictReader(io.StringIO(results_csv(ROWS))))
    assert [found["seed"] for found in rows] == ["0", "0", "1", "1"]
    first, last = rows[0], rows[3]
    assert (first["gamma"], first["trainer"], first["success"], first["wall_s"]) == ("0.9", "sb3", "0.9", "10.0")
    low, high = wilson_interval(90, 100)
    assert (float(first["success_low"]), float(first["success_high"])) == pytest.approx((low, high), abs=1e-5)
    assert (last["state"], last["success"], last["successes"], last["steps"]) == ("failed", "", "", "500")
    assert last["reason"] == "its process died"

"""What is known of a sweep from its folder, and what becomes of it."""

import csv
import shutil
from pathlib import Path

import pytest

from roarm_lab.core.errors import DiskError
from roarm_lab.rl.train import Trained
from roarm_lab.runs.sweep_folder import Plan, SweepFolder
from roarm_lab.runs.sweep_grid import settings_of, trials_of
from roarm_lab.workflows.learning.sweep_status import Scoreboard, counted
from tests.training import ROLLOUT


@pytest.fixture
def board(tiny_run: Trained, tmp_path: Path) -> Scoreboard:
    """A sweep of four: one done, one damaged, one interrupted, one that has not begun."""
    settings = settings_of(("sb3",), {"gamma": (0.9, 0.95)})
    trials = trials_of(settings, (0, 1))
    plan = Plan(task="reach", settings=settings, trials=trials, requests=({},) * 4, total_timesteps=(6 * ROLLOUT,) * 4)
    folder = SweepFolder.create(tmp_path, "a", "reach")
    (folder.path / "logs").mkdir()
    for trial in trials[:3]:
        shutil.copytree(tiny_run.run.path, folder.run(trial))
    (folder.run(trials[1]) / "evaluation.json").write_text("{}")
    (folder.run(trials[2]) / "evaluation.json").unlink()
    return Scoreboard(folder, plan)


def test_the_run_folders_say_what_is_done_and_what_is_not(board: Scoreboard) -> None:
    assert [row.state for row in board.rows] == ["done", "failed", "stopped", "waiting"]
    assert [trial.number for trial in board.unfinished()] == [1, 2, 3]
    assert counted(board.rows) == "1 of 4 done, 1 stopped, 1 failed"
    assert "evaluation.json is damaged: 'episodes' must be a whole number" in board.rows[1].reason
    assert [row.steps for row in board.rows] == [6 * ROLLOUT] * 3 + [None]
    assert board.look() == 18 * ROLLOUT


def test_a_trial_runs_when_it_has_printed_something(board: Scoreboard) -> None:
    trial = board.plan.trials[3]
    board.folder.log(trial).write_text("2026-11-21 roarm train\n")
    board.look()
    assert [row.state for row in board.rows] == ["done", "failed", "stopped", "running"]
    board.stop()  # it had not made its run folder yet
    assert [row.state for row in board.rows] == ["done", "failed", "stopped", "waiting"]


def test_what_ends_is_written_at_once(board: Scoreboard) -> None:
    board.end(board.plan.trials[2], "its process died")
    with (board.folder.path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["done", "failed", "failed", "waiting"]
    assert rows[2]["reason"] == "its process died"
    summary = (board.folder.path / "summary.md").read_text()
    assert "| sb3 gamma=0.9  | 1 of 2     |" in summary
    assert "- trial 2 (sb3 gamma=0.9, seed 1): its process died" in summary
    assert "sb3 gamma=0.95" in (board.folder.path / "curves.html").read_text()


def test_a_full_disk_is_said_with_how_to_go_on(board: Scoreboard) -> None:
    (board.folder.path / "results.csv").mkdir()  # in its way: a full disk is hard to come by
    with pytest.raises(DiskError, match=r"When there is room again, go on with: `sweep\(resume=.*/a'\)`$"):
        board.write()

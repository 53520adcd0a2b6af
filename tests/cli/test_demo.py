"""`roarm demo`: the whole way, shortened."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarm_lab.cli import demo
from roarm_lab.cli.main import main
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach
from tests.bundles import inputs_of, nan, wild_bundle, with_network
from tests.cli.commands import roarm_without


@pytest.mark.slow
def test_the_whole_way_ends_with_a_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["demo", "--task", "reach", "--total-timesteps", "8192", "--episodes", "30", "--goals", "3"]
    assert main([*words, "--min-success", "0"]) == 0
    captured = capsys.readouterr()
    (run,) = (folder / "runs").iterdir()
    assert load_bundle(run).contract.evaluation is not None
    arm = json.loads((run / "arm_run.json").read_text())
    assert (arm["goals"], arm["held"], arm["real_time"]) == (3, [], False)
    assert f"report      {run / 'report.html'}" in captured.out
    assert (run / "report.html").stat().st_size > 10_000
    assert "of 30 episodes, 95 % interval)" in captured.out
    assert "on the sim arm, through the gate" in captured.out
    assert main([*words, "--min-success", "1"]) == 1
    assert "is below --min-success 1.0" in capsys.readouterr().err


def test_a_task_with_a_cube_is_tried_on_an_arm_that_sees_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = wild_bundle(folder / "lift", lift_cube())
    reached = demo._reached_on_the_arm(bundle, folder, demo.DemoArguments(task="lift-cube", goals=2))
    assert reached == pytest.approx(3.8416 / 5.8416, abs=1e-3)  # what 0 of 2 may mean at best
    assert "success     0 of 2 = 0.0%" in capsys.readouterr().out
    assert json.loads((folder / "arm_run.json").read_text())["goals"] == 2


def test_a_task_that_needs_more_than_an_arm_has_is_not_tried(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = wild_bundle(folder / "lift", lift_cube())
    assert demo._reached_on_the_arm(bundle, folder, demo.DemoArguments(task="reach")) is None  # no cube on its table
    assert "on the arm  not tried. This arm can not provide what the policy needs: 'cube'" in capsys.readouterr().out
    assert [path.name for path in folder.iterdir()] == ["lift"]


def test_holds_on_the_simulated_arm_are_missed_goals_and_min_success_decides(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wild = wild_bundle(folder / "bundle")
    blind = load_bundle(with_network(wild, nan(inputs_of(reach()), when_moving=True), folder / "nan"))
    asked = demo.DemoArguments(task="reach", goals=2, min_success=0.7)
    reached = demo._reached_on_the_arm(blind, folder, asked)
    arm = json.loads((folder / "arm_run.json").read_text())
    assert (arm["goals"], len(arm["held"]), arm["ended_by"]) == (2, 2, None)
    assert reached == pytest.approx(3.8416 / 5.8416, abs=1e-3)  # z^2 / (n + z^2) for 0 of n, z = 1.96
    assert demo._short(asked, "share of goals reached on the arm, at best,", reached)
    assert "the share of goals reached on the arm, at best, 0.658 is below --min-success 0.7" in capsys.readouterr().err
    assert not demo._short(replace(asked, min_success=0.0), "share", reached)
    assert not demo._short(asked, "share", None)  # not tried


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--task", "raech"), "There is no task named 'raech'. Did you mean 'reach'?"),
        (("--min-success", "2"), "--min-success must be between 0 and 1, got 2.0"),
        (("--min-success", "nan"), "--min-success must be between 0 and 1, got nan"),
        (("--episodes", "0"), "--episodes and --goals must be 1 or more"),
        (("--goals", "0"), "--episodes and --goals must be 1 or more"),
        (("--total-timesteps", "0"), "--total-timesteps must be 1 or more, got 0"),
        (("--seed", "-1"), "--seed must be 0 or more, got -1"),
    ],
)
def test_what_makes_no_sense_is_refused(one_line: Callable[..., str], words: tuple[str, ...], message: str) -> None:
    assert message in one_line("demo", *words)


def test_without_torch_it_says_what_to_install(folder: Path) -> None:
    done = roarm_without("torch", "demo", folder=folder)
    assert done.returncode == 3
    assert "OMP_WAIT_POLICY=PASSIVE" in done.stderr
    assert "pip install 'roarm-lab[train]'" in done.stderr
    assert list(folder.iterdir()) == []

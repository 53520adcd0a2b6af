"""`roarm demo`: the whole way, shortened."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roarm_lab.cli.main import main
from roarm_lab.cli.start import demo
from roarm_lab.evaluation import evaluate
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach
from roarm_lab.workflows.deployment import run_policy
from tests.bundles import inputs_of, nan, wild_bundle, with_network
from tests.cli.commands import roarm_without

SHORT = ("--task", "reach", "--episodes", "30")


def interrupting(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """Let Ctrl-C arrive when a function is called for the first time."""
    real, calls = getattr(module, name), list[object]()

    def interrupted(*words: Any, **named: Any) -> Any:
        calls.append(name)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return real(*words, **named)

    monkeypatch.setattr(module, name, interrupted)


def how_to_go_on(said: str) -> list[str]:
    """Return the words of the command that a message after Ctrl-C names."""
    (command,) = (line.partition("Go on with: ")[2] for line in said.splitlines() if "Go on with: " in line)
    program, *words = shlex.split(command)
    assert program == "roarm"
    return words


def next_commands(said: str) -> list[list[str]]:
    """Return the commands that the demo offers at its end."""
    return [shlex.split(line, comments=True) for line in said.partition("next:\n")[2].splitlines()]


@pytest.mark.slow
def test_after_ctrl_c_in_training_and_on_the_arm_the_named_commands_finish_the_demo(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupting(monkeypatch, evaluate, "first_episodes")
    interrupting(monkeypatch, run_policy._PolicyRun, "drive")
    words = ("demo", *SHORT, "--total-timesteps", "8192", "--goals", "2", "--min-success", "0")
    assert main(words) == 130  # in the evaluation: everything is learned, and saved
    resumed = how_to_go_on(capsys.readouterr().err)
    (run,) = (folder / "runs").iterdir()
    assert resumed == ["demo", "--resume", f"runs/{run.name}", "--min-success", "0.0", "--goals", "2"]
    assert main(resumed) == 130  # on the arm
    assert how_to_go_on(capsys.readouterr().err) == resumed
    evaluated = (run / "evaluation.json").read_bytes()
    assert main(resumed) == 0
    captured = capsys.readouterr()
    assert "training" not in captured.err  # that was done before
    assert (run / "evaluation.json").read_bytes() == evaluated
    assert json.loads((run / "arm_run.json").read_text())["goals"] == 2
    assert [part.name for part in (folder / "runs").iterdir()] == [run.name]
    watch, look, drive = next_commands(captured.out)
    assert watch == ["roarm", "play", f"runs/{run.name}/bundle"]
    assert look == ["python", "-m", "webbrowser", (run / "report.html").as_uri()]
    assert drive == ["roarm", "run", f"runs/{run.name}/bundle", "--arm", "emulator"]
    assert load_bundle(Path(watch[2])).contract.interface["task"] == "reach"


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


def test_holds_on_the_simulated_arm_are_missed_goals(folder: Path) -> None:
    wild = wild_bundle(folder / "bundle")
    blind = load_bundle(with_network(wild, nan(inputs_of(reach()), when_moving=True), folder / "nan"))
    asked = demo.DemoArguments(task="reach", goals=2)
    reached = demo._reached_on_the_arm(blind, folder, asked)
    arm = json.loads((folder / "arm_run.json").read_text())
    assert (arm["goals"], len(arm["held"]), arm["ended_by"]) == (2, 2, None)
    assert reached == pytest.approx(3.8416 / 5.8416, abs=1e-3)  # z^2 / (n + z^2) for 0 of n, z = 1.96


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--task", "raech"), "There is no task named 'raech'. Did you mean 'reach'?"),
        (("--min-success", "2"), "--min-success must be between 0 and 1, got 2.0"),
        (("--min-success", "nan"), "--min-success must be between 0 and 1, got nan"),
        (("--episodes", "0"), "--episodes must be 1 or more, got 0"),
        (("--goals", "-3"), "--goals must be 1 or more, got -3"),
        (("--total-timesteps", "0"), "--total-timesteps must be 1 or more, got 0"),
        (("--seed", "-1"), "--seed must be 0 or more, got -1"),
        (("--resume", "nowhere"), "There is no run folder nowhere"),
        (("--resume", "nowhere", "--seed", "1"), "With --resume only --goals and --min-success can be given"),
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

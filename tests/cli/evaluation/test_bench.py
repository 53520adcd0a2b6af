"""`roarm bench`: numbers beside a yardstick."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from roarm_lab.cli.evaluation.bench import BenchArguments
from roarm_lab.cli.main import main
from roarm_lab.rl.settings import PpoSettings, ppo_settings
from roarm_lab.workflows.arm_session import open_arm
from roarm_lab.workflows.evaluation import bench_arm
from roarm_lab.workflows.evaluation.bench_sim import task_of

if TYPE_CHECKING:
    from roarm_lab.rl.speed import TrainingSpeed

QUICK = ("--seconds", "0.05")


def test_a_row_has_both_speeds_and_their_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "sim", "--worlds", "512", "--threads", "1", *QUICK, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["task"] == "reach"
    assert {"cpu", "cores", "load", "packages", "time_utc"} <= set(data["machine"])
    assert [(row["worlds"], row["threads"]) for row in data["rows"]] == [(512, 1)]
    for row in data["rows"]:
        assert row["env_steps_per_s"] > 0.0
        assert row["fraction"] == pytest.approx(row["env_steps_per_s"] / row["raw_steps_per_s"])


def test_more_threads_than_worlds_are_measured_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "sim", "--worlds", "2", "--threads", "8", "--seconds", "0.05", "--json"]
    assert main(words) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["threads"] == 8
    assert row["raw_steps_per_s"] > 0.0


def test_a_table_has_one_line_per_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "sim", "--worlds", "512", "--threads", "2", *QUICK]) == 0
    about, head, *rows = capsys.readouterr().out.splitlines()
    assert "cores, load" in about
    assert head.split()[:2] == ["worlds", "threads"]
    assert [row.split()[:2] for row in rows] == [["512", "2"]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--task", "raech"), "There is no task named 'raech'. Did you mean 'reach'?"),
        (("--worlds", "0"), "--worlds and --threads must be 1 or more"),
        (("--worlds", "8", "--threads", "0"), "--worlds and --threads must be 1 or more"),
        (("--seconds", "0"), "--seconds must be above 0 and at most 600, got 0.0"),
        (("--seconds", "nan"), "--seconds must be above 0 and at most 600, got nan"),
        (("--device", "cuda:1"), "it goes with --backend mujoco_warp"),
        (("--substeps", "0"), "--substeps must be 1 or more, got 0"),
        (("--substeps", "1000"), "--substeps 1000: episode_s (2.5) must be at least control_dt_s (5.0)"),
        (("--task", "lift-cube", "--demo", "--substeps", "4"), "A policy acts as often as it was trained to"),
    ],
)
def test_what_makes_no_sense_is_refused(one_line: Callable[..., str], words: tuple[str, ...], message: str) -> None:
    assert message in one_line("bench", "sim", *words)


def test_substeps_change_the_control_step_alone() -> None:
    usual, other = (task_of(BenchArguments(what="sim", substeps=substeps)) for substeps in (None, 4))
    assert (usual.substeps, other.substeps) == (10, 4)
    assert replace(other, control_dt_s=usual.control_dt_s) == usual


def test_only_simulation_and_training_can_be_measured(refused: Callable[..., str]) -> None:
    assert "train" in refused("bench", "gateway")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "--demo"), "go with roarm bench sim"),
        (("sim", "--trainer", "skrl"), "goes with roarm bench train"),
        (("sim", "--hyperparameters", "ppo.yaml"), "--hyperparameters goes with roarm bench train"),
        (("train", "--hyperparameters", "nowhere.yaml"), "There is no file nowhere.yaml"),
        (("loop", "--substeps", "4"), "--substeps goes with roarm bench sim and roarm bench train"),
        (("sim", "--demo", "--bundle", "x"), "Give either --bundle or --demo"),
        (("sim", "--bundle", "nowhere"), "There is no policy bundle at nowhere"),
        (("sim", "--demo"), "There is no policy in this package for the task named 'reach'"),
    ],
)
def test_a_policy_that_can_not_be_used_is_refused(
    one_line: Callable[..., str], words: tuple[str, ...], message: str
) -> None:
    assert message in one_line("bench", *words)


def test_cubes_are_gripped_while_the_shipped_policy_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "sim", "--task", "lift-cube", "--demo", "--worlds", "32", "--threads", "1", *QUICK, "--json"]
    assert main(words) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert 0.4 < row["gripped"] < 1.0  # it grasps within a second of three, and starts anew all the time


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["sb3", "rsl_rl", "skrl"])
def test_training_is_measured_beside_the_environment_alone(trainer: str, capsys: pytest.CaptureFixture[str]) -> None:
    if trainer != "sb3":
        pytest.importorskip(trainer, reason=f"{trainer} is not installed")
    words = ["bench", "train", "--trainer", trainer, "--worlds", "64", "--threads", "1", "--seconds", "0.2", "--json"]
    assert main(words) == 0
    data = json.loads(capsys.readouterr().out)
    (row,) = data["rows"]
    assert data["trainer"] == trainer
    assert row["fraction"] == pytest.approx(row["steps_per_s"] / row["alone_steps_per_s"])
    shares = [row[name] for name in ("simulation_share", "policy_share", "learning_share")]
    assert min(shares) > 0.0
    assert sum(shares) == pytest.approx(1.0)


def test_training_is_measured_with_the_settings_that_were_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    speed = pytest.importorskip("roarm_lab.rl.speed", reason="the extra train is not installed")
    asked: list[PpoSettings] = []

    def measured(config: object, settings: PpoSettings, *rest: object) -> "TrainingSpeed":
        del config, rest
        asked.append(settings)
        nothing = dict.fromkeys((field.name for field in fields(speed.TrainingSpeed)), 0.0)
        return speed.TrainingSpeed(**{**nothing, "worlds": settings.num_envs, "threads": 1})

    monkeypatch.setattr(speed, "measure_training", measured)
    (tmp_path / "ppo.yaml").write_text("epochs: 5\n")
    words = ["--worlds", "64", "--hyperparameters", str(tmp_path / "ppo.yaml"), "--json"]
    assert main(["bench", "train", *words]) == 0
    assert asked == [replace(ppo_settings("reach"), epochs=5, num_envs=64)]
    assert json.loads(capsys.readouterr().out)["rows"][0]["worlds"] == 64


@pytest.fixture
def in_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure in simulated time: the same cycles and the same bytes, whatever else this machine does."""
    monkeypatch.setattr(bench_arm, "open_arm", lambda request: open_arm(replace(request, fast=True)))


@pytest.mark.usefixtures("in_step")
def test_the_control_loop_of_an_arm_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "loop", "--arm", "sim", "--seconds", "1", "--busy", "--json"]) == 0
    loop = json.loads(capsys.readouterr().out)["loop"]
    assert (loop["arm"], loop["busy"], loop["cycles"]) == ("sim", True, 20)
    assert (loop["missed"], loop["too_old"], loop["within_2_ms"], loop["within_5_ms"]) == (0, 0, 1.0, 1.0)
    assert loop["late_ms"] == {"p50": 0.0, "p90": 0.0, "p99": 0.0, "max": 0.0}


@pytest.mark.usefixtures("in_step")
@pytest.mark.parametrize(("firmware", "most_ms"), [("250108", 150.0), ("20260701", 250.0)])
def test_the_time_from_a_command_to_motion_is_measured(
    capsys: pytest.CaptureFixture[str], firmware: str, most_ms: float
) -> None:
    assert main(["bench", "latency", "--commands", "4", "--firmware", firmware]) == 0
    out = capsys.readouterr().out
    assert ["firmware", firmware] in [line.split() for line in out.splitlines()]
    assert "command_to_motion_ms" in out
    assert main(["bench", "latency", "--commands", "4", "--firmware", firmware, "--json"]) == 0
    took = json.loads(capsys.readouterr().out)["latency"]
    assert 30.0 < took["command_to_motion_ms"]["p50"] < most_ms  # the line alone needs 11 ms there and 19 ms back
    assert took["of_it_until_measured_ms"]["p50"] < took["command_to_motion_ms"]["p50"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("loop", "--arm", "sin"), "There is no kind of arm named 'sin'"),
        (("loop", "--arm", "serial:/dev/nothing"), "Nobody can be asked here: say --yes"),
        (("latency", "--commands", "0"), "--commands must be 1 or more, got 0"),
        (("loop", "--demo"), "go with roarm bench sim"),
    ],
)
def test_an_arm_that_can_not_be_measured_is_refused(
    one_line: Callable[..., str], words: tuple[str, ...], message: str
) -> None:
    assert message in one_line("bench", *words)

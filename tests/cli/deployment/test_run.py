"""`roarm run`: episodes on the simulated arm, and every way in which they end."""

import errno
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.cli.main import main
from roarm_lab.core.errors import BadInputError, UnsafeCommandError
from roarm_lab.evaluation.statistics import wilson_interval
from roarm_lab.gateway.loop import ARRIVED_RAD, Cycle, CycleLog, LogError
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.policies.pretrained import shipped_bundle
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.arm import SimArm
from roarm_lab.tasks.reach import reach
from roarm_lab.workflows.deployment import run_policy
from tests.bundles import inputs_of, nan, wild_bundle, with_network
from tests.cli.commands import roarm_without, start_roarm
from tests.patience import PATIENT_ROARM

PATIENCE_S = 120.0


@pytest.fixture
def bundle(folder: Path) -> Path:
    wild_bundle(folder / "bundle")
    return Path("bundle")


def log_of(folder: Path) -> Path:
    (made,) = (folder / "arm_runs").iterdir()
    return made


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (path / "cycles.jsonl").read_text().splitlines()]


def test_episodes_are_run_logged_and_counted(bundle: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(bundle), "--fast", "--episodes", "3"]) == 0
    out = capsys.readouterr().out
    made = log_of(folder)
    low, high = wilson_interval(0, 3)
    assert f"success     0 of 3 = 0.0% [{low:.1%}, {high:.1%}] on the sim arm, through the gate\n" in out
    assert "cycles      150 at 20 Hz, as fast as it goes\n" in out
    assert f"log         arm_runs/{made.name}\n" in out
    lines = lines_of(made)
    assert [(line["episode"], line["cycle"]) for line in lines] == [(e, c) for e in range(3) for c in range(50)]
    summary = json.loads((made / "summary.json").read_text())
    assert (summary["goals"], summary["cycles"], summary["held"], summary["real_time"]) == (3, 150, [], False)
    assert len({episode["distance_m"] for episode in summary["episodes"]}) == 3  # each has a goal of its own


def test_json_has_the_main_numbers_on_top(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(bundle), "--fast", "--episodes", "2", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["successes"], data["goals"], data["success_rate"]) == (0, 2, 0.0)
    assert data["interval"] == list(wilson_interval(0, 2))
    assert len(data["episodes"]) == 2
    assert data["rate_hz"] == 20.0


@pytest.mark.slow
@pytest.mark.usefixtures("patient")
def test_in_real_time_every_episode_is_told(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    began_s = time.monotonic()
    assert main(["run", str(bundle), "--episodes", "1", "--goal", "-0.2", "0.1", "0.3"]) == 0
    out = capsys.readouterr().out
    assert time.monotonic() - began_s > 2.5 + 1.0  # the episode, and the slow move before it
    assert "episode   1  missed, " in out
    assert "ms (median), " in out


def test_min_success_decides_the_exit_code(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(bundle), "--fast", "--episodes", "1", "--min-success", "0"]) == 0
    assert main(["run", str(bundle), "--fast", "--episodes", "1", "--min-success", "0.5"]) == 1
    assert "the success rate 0.000 is below --min-success 0.5" in capsys.readouterr().err


def test_it_works_without_torch_and_without_a_trainer(bundle: Path, folder: Path) -> None:
    packages = "torch,stable_baselines3,tensorboard,onnx"
    done = roarm_without(packages, "run", str(bundle), "--fast", "--episodes", "1", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "success     0 of 1" in done.stdout


def test_the_policy_of_the_package_runs_without_any_training(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--demo", "--fast", "--episodes", "4", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["bundle"] == str(shipped_bundle())
    assert data["successes"] >= 2  # nearly all, as a rule


# What is refused.


@pytest.mark.parametrize("verb", ["run", "eval"])
@pytest.mark.parametrize("words", [(), ("runs/RUN", "--demo")])
def test_either_a_bundle_or_the_demo_is_run_and_evaluated(
    one_line: Callable[..., str], verb: str, words: tuple[str, ...]
) -> None:
    told = f"Give either a bundle or run folder (`roarm {verb} runs/RUN`) or --demo."
    assert told in one_line(verb, *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--episodes", "0"), "--episodes must be 1 or more, got 0"),
        (("--seed", "-1"), "--seed must be 0 or more, got -1"),
        (("--min-success", "2"), "--min-success must be between 0 and 1, got 2.0"),
        (("--goal", "9", "9", "9"), "(9, 9, 9) m is out of reach: the nearest point that the policy was trained to"),
        (("--goal", "0", "0", "0"), "(0, 0, 0) m is out of reach"),
        (("--goal", "nan", "0", "0.2"), "The command 'goal' needs 3 finite numbers, got (nan, 0.0, 0.2)"),
        (("--goal", "1e400", "0", "0.2"), "The command 'goal' needs 3 finite numbers, got (inf"),
    ],
)
def test_what_makes_no_sense_is_refused(
    one_line: Callable[..., str], bundle: Path, words: tuple[str, ...], message: str
) -> None:
    assert message in one_line("run", str(bundle), *words)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--goal", "0.1", "0.2"), "--goal"),
        (("--arm", "real"), "real"),
        (("--episode", "3"), "--episodes"),
    ],
)
def test_flags_that_do_not_fit_are_refused(
    refused: Callable[..., str], bundle: Path, words: tuple[str, ...], hint: str
) -> None:
    assert hint in refused("run", str(bundle), *words)


# How the arm is held.


def test_a_held_episode_on_a_simulated_arm_has_failed_and_the_next_one_begins(
    bundle: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_network(load_bundle(bundle), nan(inputs_of(reach()), when_moving=True), Path("nan"))
    assert main(["run", "nan", "--fast", "--episodes", "4"]) == 0
    out = capsys.readouterr().out
    assert out.count("held        The policy gave an action that is not a number") == 4
    assert "Episodes in which the simulated arm was held count as failed." in out
    summary = json.loads((log_of(folder) / "summary.json").read_text())
    assert (summary["goals"], summary["successes"], summary["success_rate"]) == (4, 0, 0.0)
    assert (len(summary["held"]), summary["ended_by"]) == (4, None)
    lines = lines_of(log_of(folder))
    assert {line["episode"] for line in lines} == {0, 1, 2, 3}
    first = np.array([line["joint_pos"] for line in lines if line["cycle"] == 0])
    np.testing.assert_allclose(first, np.tile(first[:1], (4, 1)), atol=ARRIVED_RAD)  # each after a slow move


def test_min_success_counts_episodes_in_which_a_simulated_arm_was_held(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_network(load_bundle(bundle), nan(inputs_of(reach()), when_moving=True), Path("nan"))
    assert main(["run", "nan", "--fast", "--episodes", "2", "--min-success", "0.5"]) == 1
    assert "the success rate 0.000 is below --min-success 0.5" in capsys.readouterr().err


def test_a_real_arm_stays_held_which_ends_the_run_with_exit_code_1(
    bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_policy._PolicyRun, "_may_release", lambda self: False)  # as if the simulated arm were real
    with_network(load_bundle(bundle), nan(inputs_of(reach()), when_moving=True), Path("nan"))
    assert main(["run", "nan", "--fast", "--episodes", "4"]) == 1
    assert "count as failed" not in capsys.readouterr().out
    summary = json.loads((log_of(folder) / "summary.json").read_text())
    assert summary["goals"] == 1
    assert summary["held"] == [summary["ended_by"]]
    assert 1 <= len(lines_of(log_of(folder))) <= 5


def test_an_obstructed_arm_is_said_in_the_summary(
    bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_policy, "move_slowly", obstructed)
    assert main(["run", str(bundle), "--episodes", "2", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["held"] == ["The arm did not arrive: joint 'elbow' is 0.700 rad from where it should be."] * 2
    assert (data["goals"], data["successes"], data["cycle_late_ms"]) == (2, 0, None)
    assert (data["cycles"], data["success_rate"], data["interval"]) == (0, None, None)
    assert data == json.loads((log_of(folder) / "summary.json").read_text())
    assert main(["run", str(bundle)]) == 0
    assert "cycles      0 at 20 Hz\n" in (out := capsys.readouterr().out)
    assert "success     unknown, for nothing ran on the sim arm, through the gate\n" in out


def obstructed(arm: SimArm, *_: object, **__: object) -> None:
    raise UnsafeCommandError("The arm did not arrive: joint 'elbow' is 0.700 rad from where it should be.")


def test_a_full_disk_holds_the_arm_and_ends_the_run(
    bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add = CycleLog.add

    def full(log: CycleLog, cycle: Cycle) -> None:
        if cycle.cycle == 20:
            raise LogError("The cycle log can not be written: No space left on device.")
        add(log, cycle)

    monkeypatch.setattr(CycleLog, "add", full)
    assert main(["run", str(bundle), "--fast", "--episodes", "3"]) == 1
    assert "held        The cycle log can not be written: No space left on device." in capsys.readouterr().out
    assert len(lines_of(log_of(folder))) == 20


class NoRoom:
    """What `os` is for the log of an arm, on a full disk: names of files have room there, their content has none."""

    def __init__(self, full_after: int = 0) -> None:
        self.full_after, self.proofs = full_after, 0

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def fsync(self, descriptor: int) -> None:
        del descriptor
        self.proofs += 1
        if self.proofs > self.full_after:
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
def test_where_the_disk_is_full_from_the_start_nothing_moves_and_nothing_is_left(
    bundle: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    dry_run: tuple[str, ...],
) -> None:
    moves = list[object]()
    monkeypatch.setattr(SimArm, "_transmit", lambda _, target: moves.append(target))
    monkeypatch.setattr("roarm_lab.gateway.loop.os", NoRoom())
    assert main(["run", str(bundle), "--fast", *dry_run]) == 1
    out, err = capsys.readouterr()
    assert "The cycle log can not be written: No space left on device. An arm is not driven unrecorded. " in err
    assert err.endswith("Nothing was moved. Make room, or choose another folder with --log.\n")
    assert (out, moves) == ("", [])
    assert list((folder / "arm_runs").iterdir()) == []


def test_a_summary_that_can_not_be_written_is_still_printed(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, data: str) -> None:
        raise BadInputError(f"{path} can not be written: No space left on device. Choose another place.")

    monkeypatch.setattr(run_policy, "write_atomic", full)
    assert main(["run", str(bundle), "--fast", "--episodes", "1"]) == 0
    out, err = capsys.readouterr()
    assert "success     0 of 1" in out
    assert "roarm: there is no summary of this run. " in err


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["slow move", "episode"])
def test_ctrl_c_holds_the_arm_and_leaves_with_130(bundle: Path, folder: Path, moment: str) -> None:
    process = start_roarm("run", str(bundle), "--episodes", "100", folder=folder, program=PATIENT_ROARM)
    began_s = time.monotonic()

    def ready() -> bool:
        found = list(folder.glob("arm_runs/*/cycles.jsonl"))
        return bool(found) and (moment == "slow move" or found[0].read_bytes()[:10] == b'{"episode"')

    while not ready():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - began_s < PATIENCE_S
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "stopped by Ctrl-C; the arm is held at its last target. Log: arm_runs/" in err
    assert err.endswith("roarm: interrupted\n")
    assert "Traceback" not in err
    made = log_of(folder)
    lines = lines_of(made)
    assert bool(lines) == (moment == "episode")
    summary = json.loads((made / "summary.json").read_text())
    assert (summary["goals"], summary["success_rate"]) == (0, None)
    assert all(len(line["sent"]) == len(ROARM_M3.joints) for line in lines)  # pyright: ignore[reportArgumentType]

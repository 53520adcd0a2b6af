"""`roarm run` on arms that are not simulated by us alone: the emulated firmware, behind the real driver."""

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.cli.main import main
from roarm_lab.emulator.process import emulator_process
from roarm_lab.policies.pretrained import shipped_bundle
from roarm_lab.tasks.lift_cube import lift_cube
from tests.bundles import still_bundle, wild_bundle
from tests.cli.commands import start_roarm
from tests.cli.deployment.test_run import lines_of, log_of
from tests.patience import PATIENT_ROARM
from tests.standing_still import standing_still

FAST = ("--arm", "emulator", "--fast", "--json")
LEAD_RAD, ASKED_RAD = 0.4, 0.02  # the gate's lead, and what an arm moves while it is being asked where it is
PATIENCE_S = 120.0  # only a test that fails waits this long


@pytest.fixture
def bundle(folder: Path) -> str:
    wild_bundle(folder / "bundle")
    return "bundle"


@pytest.mark.parametrize("firmware", ["250108", "20260701"])
def test_an_emulated_arm_as_fast_as_it_goes_is_the_same_run_every_time(
    bundle: str, capsys: pytest.CaptureFixture[str], firmware: str
) -> None:
    said = []
    for _ in range(2):
        assert main(["run", bundle, *FAST, "--episodes", "2", "--firmware", firmware]) == 0
        said.append(json.loads(capsys.readouterr().out))
    assert said[0]["episodes"] == said[1]["episodes"]
    assert said[0]["connection"] == said[1]["connection"]
    assert (said[0]["arm"], said[0]["firmware"], said[0]["cycles"]) == ("emulator", firmware, 100)
    assert said[0]["connection"]["sent"] >= 100
    assert 10.0 < said[0]["sample_age_ms"]["p50"] < 75.0  # a line takes 19 or 28 ms, and the servos are read before


def test_cubes_of_the_emulators_own_world_are_put_down_seen_and_judged(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    still_bundle(folder / "lift", lift_cube())
    assert main(["run", "lift", *FAST, "--episodes", "2"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["successes"], data["success_rate"], data["held"]) == (0, 0.0, [])
    cubes = np.array([line["box_pos_w"] for line in lines_of(log_of(folder))]).reshape(2, 60, 3)
    np.testing.assert_allclose(cubes, np.repeat(cubes[:, :1], 60, axis=1), atol=2e-3)  # nobody touches it
    assert not np.allclose(cubes[0], cubes[1], atol=0.01)


@pytest.mark.slow
def test_the_shipped_policy_lifts_cubes_on_the_emulated_arm(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = str(shipped_bundle("lift-cube"))
    assert main(["run", policy, *FAST, "--episodes", "10", "--firmware", "250108"]) == 0
    assert json.loads(capsys.readouterr().out)["successes"] >= 6  # 9 in 10 as a rule


@pytest.mark.slow
def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(bundle: str, folder: Path) -> None:
    words = ("run", bundle, "--arm", "emulator", "--episodes", "1", "--dry-run")
    with start_roarm(*words, folder=folder, program=PATIENT_ROARM) as process:
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert "success     nothing was sent (dry run) on the emulator arm" in out
    assert out.count("would move [") == 50
    summary = json.loads((log_of(folder) / "summary.json").read_text())
    assert (summary["dry_run"], summary["success_rate"], summary["connection"]["sent"]) == (True, None, 0)
    lines = lines_of(log_of(folder))
    moved = np.ptp(np.array([line["joint_pos"] for line in lines]), axis=0)
    assert np.all(moved < 0.005)  # a few encoder steps
    assert any(line["sent"] != line["joint_pos"] for line in lines)


@pytest.mark.slow
@pytest.mark.usefixtures("patient")
def test_goals_on_an_emulator_in_real_time_and_a_stop_file(
    bundle: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", bundle, "--arm", "emulator", "--episodes", "1", "--stop-file", "stop"]) == 0
    out = capsys.readouterr().out
    assert "on the emulator arm, through the gate" in out
    assert "timing      samples " in out
    (folder / "stop").touch()
    assert main(["run", bundle, "--arm", "emulator", "--fast", "--stop-file", "stop", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert "the stop file" in data["held"][0]
    assert data["connection"]["sent"] <= 1  # the hold itself repeats the pose that the arm has


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_an_arm_that_stops_within_the_lead(bundle: str, folder: Path) -> None:
    with emulator_process("20260701", "--pty", "--booted") as emulator:
        words = ("run", bundle, "--arm", f"serial:{emulator.addresses.serial}", "--yes", "--episodes", "50")
        process = start_roarm(*words, folder=folder, program=PATIENT_ROARM)
        until_s = time.monotonic() + PATIENCE_S

        def cycles() -> int:
            return sum(path.read_text().count("\n") for path in folder.glob("arm_runs/*/cycles.jsonl"))

        while cycles() < 10:
            assert time.monotonic() < until_s
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed = np.array(emulator.command("state")["joint_pos"])
        last = standing_still(emulator)
        assert np.max(np.abs(last - killed)) <= LEAD_RAD + ASKED_RAD


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--arm", "sim:x"), "An arm of kind 'sim' has no place; got 'sim:x'"),
        (("--arm", "serial:/dev/nothing", "--fast"), "Nobody can be asked here: say --yes"),
        (("--arm", "serial:/dev/nothing", "--fast", "--yes"), "--fast is for --arm sim and --arm emulator"),
        (("--dry-run", "--min-success", "1"), "--min-success does not go with --dry-run"),
        (("--stop-file", "nowhere/stop"), "does not exist"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    one_line: Callable[..., str], bundle: str, words: tuple[str, ...], message: str
) -> None:
    assert message in one_line("run", bundle, *words)


def test_an_arm_that_is_not_there_is_exit_code_3(one_line: Callable[..., str], bundle: str) -> None:
    assert "/dev/nothing" in one_line("run", bundle, "--arm", "serial:/dev/nothing", "--yes", code=3)


@pytest.mark.parametrize("words", [(), ("--yes",), ("--dry-run",)])
def test_a_real_arm_without_a_camera_refuses_a_task_with_boxes_before_anybody_is_asked(
    one_line: Callable[..., str], folder: Path, words: tuple[str, ...]
) -> None:
    still_bundle(folder / "lift", lift_cube())
    message = one_line("run", "lift", "--arm", "serial:/dev/nothing", *words)
    assert message.startswith(
        "roarm: 'lift-cube' needs to know where the cube is, and on a real arm nothing tells that"
    )
    assert "What works: this policy with --arm emulator or --arm sim; on a real arm, a policy" in message
    assert "This arm can not provide what the policy needs: 'cube' (perception)" in message


def test_a_reach_policy_is_asked_for_on_a_real_arm(one_line: Callable[..., str], bundle: str) -> None:
    assert "Nobody can be asked here: say --yes" in one_line("run", bundle, "--arm", "serial:/dev/nothing")


@pytest.mark.parametrize(
    ("arm", "where"),
    [("serial:/dev/nothing", "on a real arm nothing tells that"), ("emulator", "the emulator has no table here")],
)
def test_teleoperation_refuses_a_policy_that_must_see_boxes_before_it_looks_for_the_arm(
    one_line: Callable[..., str], folder: Path, arm: str, where: str
) -> None:
    still_bundle(folder / "lift", lift_cube())
    message = one_line("teleop", "--with", "policy", "--bundle", "lift", "--arm", arm)
    assert f"'lift-cube' needs to know where the cube is, and {where}" in message
    assert "this policy with --arm sim;" in message


def test_a_bundle_that_is_not_there_is_refused_before_anybody_is_asked(one_line: Callable[..., str]) -> None:
    assert "nowhere" in one_line("run", "nowhere", "--arm", "serial:/dev/nothing")

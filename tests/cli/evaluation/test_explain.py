"""`roarm explain`: findings are said with evidence and advice, and the exit code tells whether there are any."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from roarm_lab.cli.main import main
from tests.bundles import seeking_bundle, still_bundle

if TYPE_CHECKING:
    from roarm_lab.rl.train import Trained

HEADER = (
    "steps,wall_s,success,learning_rate,kl,value_loss,std,saturated,action_size,diverged,reward_near,reward_at_goal\n"
)
HEALTHY = HEADER + "".join(
    f"{1000 * i},{i},{i / 60},0.001,0.02,0.1,0.5,0.2,1.1,0,{0.2 * i / 60:.4g},{0.1 * i / 60:.4g}\n" for i in range(60)
)
RUNAWAY = HEADER + "".join(
    f"{1000 * i},{i},{i / 60},0.001,0.02,0.1,0.5,{0.3 + 0.01 * i:.4g},{2 + 0.6 * i:.4g},0,0.2,0\n" for i in range(60)
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a run that was interrupted, and whose curve is fine."""
    folder = tmp_path / "run"
    folder.mkdir()
    rewards = {"near": {"weight": 0.25}, "at_goal": {"weight": 0.125}}
    meta = {"schema": 1, "task": "reach", "settings": {"gamma": 0.95}, "env": {"rewards": rewards}}
    (folder / "meta.json").write_text(json.dumps(meta))
    (folder / "curve.csv").write_text(HEALTHY)
    return folder


def test_a_run_in_which_nothing_is_wrong_leaves_with_0(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(run)]) == 0
    assert capsys.readouterr().out == (
        f"run         {run}\n"
        "looked at   60 rollouts of the training\n"
        "curve alone The policy was not run: there is none, as the run was interrupted or is still going on.\n"
        "found       nothing wrong, as far as the curve shows\n"
    )


def test_findings_are_said_with_evidence_and_advice(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "curve.csv").write_text(RUNAWAY)
    still_bundle(run / "bundle")
    assert main(["explain", str(run), "--episodes", "32"]) == 1
    text = capsys.readouterr().out
    assert "looked at   60 rollouts of the training and 32 episodes of the policy, 0 of them successful" in text
    found = [line.removeprefix("found       ") for line in text.splitlines() if line.startswith("found")]
    assert found == ["saturated actions", "dead reward term: at_goal"]  # causes; that success is far is their symptom
    assert text.count("\nmeasured    ") == text.count("\nchange      ") == 2
    assert "measured    0% of the policy's actions are at the bound. In training the share went from 37%" in text
    assert max(map(len, text.splitlines()[1:])) <= 100


def test_a_policy_that_often_fails_but_tries_gives_no_finding(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seeking_bundle(run / "bundle")
    assert main(["explain", str(run)]) == 0
    assert capsys.readouterr().out.endswith("found       nothing wrong\n")


def test_json_is_for_programs(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "curve.csv").write_text(RUNAWAY)
    assert main(["explain", str(run), "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert {name: data[name] for name in ("run", "rollouts", "episodes", "successes", "drift")} == {
        "run": str(run),
        "rollouts": 60,
        "episodes": 0,
        "successes": 0,
        "drift": [],
    }
    assert "interrupted" in data["not_run"]
    assert [finding["name"] for finding in data["findings"]] == ["saturated actions", "dead reward term: at_goal"]
    assert all(finding["evidence"] and finding["advice"] for finding in data["findings"])


def test_a_term_that_was_switched_off_is_not_called_dead(run: Path) -> None:
    (run / "curve.csv").write_text("steps,reward_near,reward_at_goal\n" + "1,0.2,0\n" * 60)
    assert main(["explain", str(run)]) == 1
    (run / "meta.json").write_text(
        json.dumps({"schema": 1, "env": {"rewards": {"near": {"weight": 1}, "at_goal": {"weight": 0}}}})
    )
    assert main(["explain", str(run)]) == 0


def test_a_policy_that_this_version_can_not_run_is_left_out_and_said(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = still_bundle(run / "bundle") / "contract.json"
    data = json.loads(contract.read_text())
    data["interface"]["control_dt_s"] = 0.1
    contract.write_text(json.dumps(data))
    assert main(["explain", str(run)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "The policy was not run: The bundle's interface does not fit: interface.control_dt_s: 0.1 in the" in text
    assert text.endswith("nothing wrong, as far as the curve shows")


def test_drift_is_said(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = still_bundle(run / "bundle") / "contract.json"
    data = json.loads(contract.read_text())
    data["provenance"]["hashes"]["model"] = "f00d" * 16
    contract.write_text(json.dumps(data))
    assert main(["explain", str(run), "--json", "--episodes", "8"]) == 1
    out, err = capsys.readouterr()
    assert err.startswith("roarm: drift: model: trained on f00df00df00d, here ")
    assert json.loads(out)["drift"][0].startswith("model: trained on f00df00df00d")


def test_a_real_run_is_explained(tiny_run: "Trained", tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(tiny_run.run.path, tmp_path / "run")
    assert main(["explain", str(tmp_path / "run"), "--json"]) in (0, 1)  # of a few thousand steps nobody can tell
    data = json.loads(capsys.readouterr().out)
    assert (data["rollouts"], data["episodes"], data["not_run"], data["drift"]) == (6, 64, None, [])
    assert {finding["name"] for finding in data["findings"]} <= {"success never near"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flag", "text", "found"),
    [
        (
            "--reward-config",
            "{near: {weight: 0}, close: {weight: 0}, at_goal: {weight: 0}, action_rate: {weight: 0}, "
            "joint_speed: {weight: 0}}",
            "no reward at all",
        ),
        ("--reward-config", "{near: {weight: 0}, close: {weight: 0}}", "no way to the goal"),
        ("--reward-config", "{joint_speed: {weight: -100}}", "penalty outweighs everything: joint_speed"),
        ("--reward-config", "{action_rate: {weight: -10}}", "penalty outweighs everything: action_rate"),
        ("--reward-config", "{near: {scale_m: 1.0e-5}, close: {scale_m: 1.0e-5}}", "scale too small"),
        ("--hyperparameters", "{gamma: 0.1}", "horizon shorter than the way to the goal"),
        ("--hyperparameters", "{start_std: 1.0e+30}", "learning broke down"),
    ],
)
def test_a_training_that_was_asked_for_something_odd_is_told_the_cause(
    flag: str, text: str, found: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.yaml").write_text(text)
    words = ["--num-envs", "64", "--total-timesteps", "5120", "--eval-episodes", "16", "--runs", str(tmp_path / "runs")]
    main(["train", "reach", flag, str(tmp_path / "odd.yaml"), *words])
    capsys.readouterr()
    (run,) = (tmp_path / "runs").iterdir()
    assert main(["explain", str(run), "--json"]) == 1
    names = [finding["name"] for finding in json.loads(capsys.readouterr().out)["findings"]]
    assert names[0] == found
    assert "success never near" not in names


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        ("steps,value_loss\n1,high\n", "curve.csv is damaged: line 2: could not convert string to float: 'high'"),
        ("", "has nothing to explain yet: it ended before its first rollout was over"),
        (HEADER, "has nothing to explain yet"),
    ],
)
def test_a_curve_that_says_nothing_is_named(
    run: Path, capsys: pytest.CaptureFixture[str], curve: str, message: str
) -> None:
    (run / "curve.csv").write_text(curve)
    assert main(["explain", str(run)]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(tmp_path)]) == 2
    assert f"{tmp_path} is not a run folder: it has no meta.json" in capsys.readouterr().err


def test_a_damaged_meta_or_bundle_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (still_bundle(run / "bundle") / "policy.onnx").write_bytes(b"cut")
    assert main(["explain", str(run)]) == 2
    assert "policy.onnx is not a readable ONNX model" in capsys.readouterr().err
    (run / "meta.json").write_text("{")
    assert main(["explain", str(run)]) == 2
    assert "meta.json can not be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--episodes", "0"], "--episodes must be between 1 and 1000, got 0"),
        (["--episodes", "1001"], "--episodes must be between 1 and 1000, got 1001"),
        (["--seed", "-1"], "--seed must be 0 or more, got -1"),
        (["--threads", "-1"], "--threads must be 0 or more, got -1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(
    run: Path, capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    assert main(["explain", str(run), *flags]) == 2
    assert message in capsys.readouterr().err

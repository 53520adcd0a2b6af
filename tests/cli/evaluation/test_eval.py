"""`roarm eval`: the numbers, the exit code, and the bundles it refuses."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.cli.main import main
from roarm_lab.envs.config import EnvConfig
from roarm_lab.evaluation.statistics import wilson_interval
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.tasks import table
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach
from tests.bundles import still_bundle, wild_bundle
from tests.cli.commands import roarm_without


@pytest.fixture
def bundle(folder: Path) -> Path:
    """A policy that never moves, and so fails."""
    still_bundle(folder / "bundle")
    return Path("bundle")


@pytest.fixture
def easy(monkeypatch: pytest.MonkeyPatch, folder: Path) -> EnvConfig:
    """Let the task be so easy that about half of the episodes succeed, and write a bundle for it."""
    config = replace(reach(), success=replace(reach().success, within_m=0.4))
    monkeypatch.setitem(table.TASKS, "reach", lambda: config)
    still_bundle(folder / "easy", config)
    return config


def edit(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    path = folder / "contract.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_it_counts_and_says_why(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", str(bundle), "--episodes", "30"]) == 0
    out = capsys.readouterr().out
    low, high = wilson_interval(0, 30)
    assert out.startswith(f"success     0.0% [{low:.1%}, {high:.1%}]  (0 of 30 episodes, 95 % interval)\n")
    assert "failed      30: never got there\n" in out
    for word in ("goal radius", "goal height", "turn to the goal", "action_rate", "median"):
        assert word in out


def test_json_has_the_main_numbers_on_top(easy: EnvConfig, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "easy", "--episodes", "60", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["episodes"] == 60
    assert 0 < data["successes"] < 60
    assert data["success_rate"] == data["successes"] / 60
    assert data["interval"] == list(wilson_interval(data["successes"], 60))
    assert data["drift"] == []
    assert sum(data["failures"].values()) == 60 - data["successes"]


def test_the_same_seed_says_the_same(easy: EnvConfig, capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    for seed in ("1", "1", "2"):
        assert main(["eval", "easy", "--episodes", "40", "--json", "--seed", seed, "--threads", "1"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]


def test_min_success_decides_the_exit_code(easy: EnvConfig, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "easy", "--episodes", "40", "--json"]) == 0
    rate = json.loads(capsys.readouterr().out)["success_rate"]
    words = ["eval", "easy", "--episodes", "40", "--min-success"]
    assert main([*words, str(rate)]) == 0
    assert capsys.readouterr().err == ""
    assert main([*words, str(rate + 0.01)]) == 1
    assert f"the success rate {rate:.3f} is below --min-success" in capsys.readouterr().err


def test_a_run_folder_is_good_enough(bundle: Path, folder: Path) -> None:
    assert main(["eval", str(folder), "--episodes", "2"]) == 0


def test_every_episode_can_be_recorded(easy: EnvConfig, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "easy", "--episodes", "20", "--json", "--record-rollouts", "rollouts"]) == 0
    captured = capsys.readouterr()
    (made,) = (folder / "rollouts").iterdir()
    assert f"rollouts    rollouts/{made.name}" in captured.err
    meta = json.loads((made / "meta.json").read_text())
    assert sum(episode["success"] for episode in meta["episodes"]) == json.loads(captured.out)["successes"]
    assert meta["policy"] == load_bundle(folder / "easy").policy.sha256
    assert (meta["task"], meta["robot"], meta["seed"], meta["control_dt_s"]) == ("reach", "roarm_m3", 0, 0.05)
    for episode in meta["episodes"]:
        with np.load(made / episode["file"]) as arrays:
            assert {len(arrays[name]) for name in arrays} == {episode["steps"]} == {50}
            assert set(arrays) == {"time_s", "joint_pos", "joint_target", "command_goal", "action", "next_joint_pos"}
            assert arrays["time_s"][0] == 0.0
            assert np.all(arrays["action"] == 0.0)
            # The first row is the start of an episode: at rest, where the last target is the pose.
            np.testing.assert_allclose(arrays["joint_target"][0], arrays["joint_pos"][0], atol=1e-6)


def test_loose_objects_are_recorded_too(folder: Path) -> None:
    wild_bundle(folder / "lift", lift_cube())
    assert main(["eval", "lift", "--episodes", "2", "--record-rollouts", "rollouts"]) == 0
    (made,) = (folder / "rollouts").iterdir()
    assert json.loads((made / "meta.json").read_text())["box_names"] == ["cube"]
    with np.load(made / "episode_000001.npz") as arrays:
        assert arrays["box_pos_w"].shape == (60, 1, 3)
        np.testing.assert_allclose(np.linalg.norm(arrays["box_quat_w"], axis=-1), 1.0, atol=1e-5)
        assert arrays["box_pos_w"][0, 0, 2] == pytest.approx(0.015, abs=2e-3)  # a cube of 3 cm on the table


def test_an_evaluation_that_breaks_off_leaves_an_unfinished_recording(
    bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from roarm_lab.policies.onnx_policy import OnnxPolicy

    calls: list[int] = []
    infer = OnnxPolicy.infer

    def breaking(policy: OnnxPolicy, inputs: dict[str, np.ndarray]) -> np.ndarray:
        calls.append(1)
        if len(calls) > 10:
            raise KeyboardInterrupt
        return infer(policy, inputs)

    monkeypatch.setattr(OnnxPolicy, "infer", breaking)
    assert main(["eval", str(bundle), "--episodes", "3", "--record-rollouts", "rollouts"]) == 130
    (made,) = (folder / "rollouts").iterdir()
    assert list(made.iterdir()) == []


def test_it_works_without_torch_and_without_a_trainer(bundle: Path, folder: Path) -> None:
    packages = "torch,stable_baselines3,tensorboard,onnx"
    done = roarm_without(packages, "eval", str(bundle), "--episodes", "5", "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["episodes"] == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--episodes", "0"), "--episodes must be 1 or more, got 0"),
        (("--episodes", "-3"), "--episodes must be 1 or more, got -3"),
        (("--seed", "-1"), "--seed must be 0 or more, got -1"),
        (("--device", "cuda:7"), "--device says where mujoco_warp simulates: it goes with --backend mujoco_warp"),
        (("--min-success", "2"), "--min-success must be between 0 and 1, got 2.0"),
        (("--min-success", "nan"), "--min-success must be between 0 and 1, got nan"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(
    one_line: Callable[..., str], bundle: Path, words: tuple[str, ...], message: str
) -> None:
    assert message in one_line("eval", str(bundle), *words)


def test_a_flag_that_does_not_exist_is_refused(refused: Callable[..., str], bundle: Path) -> None:
    assert "--episodes" in refused("eval", str(bundle), "--episode", "3")


def test_bundles_that_are_none_are_refused(one_line: Callable[..., str], bundle: Path, folder: Path) -> None:
    assert "There is no policy bundle at nothing" in one_line("eval", "nothing")
    (folder / "empty").mkdir()
    message = "empty is not a policy bundle: it has no contract.json. Give a bundle or a run folder"
    assert message in one_line("eval", "empty")
    path = folder / bundle / "policy.onnx"
    path.write_bytes(path.read_bytes()[:200])
    assert "policy.onnx is not a readable ONNX model (damaged or cut off?)" in one_line("eval", str(bundle))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data["interface"].update(control_dt_s=0.04), "control_dt_s: 0.04 in the bundle, 0.05 here"),
        (lambda data: data["interface"].update(robot="roarm_m2"), "robot: 'roarm_m2' in the bundle, 'roarm_m3' here"),
        (lambda data: data["interface"].update(task="raech"), "There is no task named 'raech'. Did you mean 'reach'?"),
        (lambda data: data["interface"].update(task=3), "interface.task must be text, got 3"),
        (lambda data: data["interface"]["joints"].reverse(), "interface.joints: ['gripper',"),
        (lambda data: data["interface"]["observations"][0].update(unit="deg"), "unit: 'deg' in the bundle, 'rad'"),
        (lambda data: data.update(schema=7), "has schema 7"),
    ],
)
def test_a_bundle_that_does_not_fit_is_refused(
    one_line: Callable[..., str],
    bundle: Path,
    folder: Path,
    change: Callable[[dict[str, object]], object],
    message: str,
) -> None:
    edit(folder / bundle, change)
    assert message in one_line("eval", str(bundle))
    assert message in one_line("run", str(bundle), "--fast")


def test_drift_is_refused_until_it_is_allowed(
    one_line: Callable[..., str], bundle: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder / bundle, lambda data: data["provenance"]["hashes"].update(model="0" * 64))  # pyright: ignore
    assert "model: trained on 000000000000, here" in one_line("eval", str(bundle), "--episodes", "2")
    assert "add --allow-drift" in one_line("run", str(bundle), "--fast")
    assert main(["eval", str(bundle), "--episodes", "2", "--json", "--allow-drift"]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("roarm: drift: model: trained on 000000000000")
    assert len(json.loads(captured.out)["drift"]) == 1


def test_a_file_where_the_recording_should_be_is_said(one_line: Callable[..., str], bundle: Path, folder: Path) -> None:
    (folder / "rollouts").write_text("")
    assert "The folder rollouts can not be made" in one_line("eval", str(bundle), "--record-rollouts", "rollouts")


def test_the_policy_of_the_package_is_evaluated_without_any_training(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", "--demo", "--episodes", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["successes"] >= 15  # 98 % as a rule

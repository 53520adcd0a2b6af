"""`roarm train`: what it makes, what it refuses, and how it is stopped and gone on with."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from roarm_lab.cli.main import main
from roarm_lab.core.folder_lock import locked
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.rl.train import Trained
from roarm_lab.runs.run_folder import RunFolder
from tests.cli.commands import plain_environment, roarm_without, start_roarm

SMALL = ("--num-envs", "64", "--eval-episodes", "8")
PATIENCE_S = 120.0


@pytest.fixture
def finished(tiny_run: Trained, folder: Path) -> Path:
    """A copy of a finished run."""
    return shutil.copytree(tiny_run.run.path, folder / "finished")


@pytest.fixture
def one_line_at_the_end(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that runs words which are refused once the run folder is known, and returns the last line."""

    def check(*words: str) -> str:
        before = sorted(folder.rglob("*"))
        assert main(words) == 2
        captured = capsys.readouterr()
        first, last = captured.err.splitlines()
        assert (captured.out, first[:11]) == ("", "run folder ")
        assert sorted(folder.rglob("*")) == before
        return last

    return check


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    began_s = time.monotonic()
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - began_s < PATIENCE_S
        time.sleep(0.02)


def only_run(folder: Path) -> RunFolder:
    (path,) = folder.glob("runs/*")
    return RunFolder(path)


def is_monotonic(steps: list[float]) -> bool:
    return bool(np.all(np.diff(steps) > 0))


# What it makes.


def test_training_makes_a_run_folder_and_says_what_to_do_next(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("train", "reach", *SMALL, "--total-timesteps", "2000", "--seed", "5", "--record-rollouts", "3")
    assert main(words) == 0
    captured = capsys.readouterr()
    run = only_run(folder)
    assert run.path.name.endswith("-reach-5")
    bundle = load_bundle(run.path)
    assert captured.err.startswith(f"run folder  runs/{run.path.name}\n")
    assert f"evaluate    roarm eval runs/{run.path.name}/bundle --episodes 2000" in captured.out
    assert "success     " in captured.out
    assert "of 8 episodes, 95 % interval)" in captured.out
    assert bundle.contract.provenance["command"] == ["roarm", *words]
    assert bundle.contract.provenance["seed"] == 5
    assert run.read_curve()["steps"] == [1024, 2048]
    (rollouts,) = run.path.glob("rollouts/*")
    meta = json.loads((rollouts / "meta.json").read_text())
    assert len(meta["episodes"]) == 3
    with np.load(rollouts / "episode_000002.npz") as episode:
        assert episode["joint_pos"].shape == episode["action"].shape == (50, 6)
        np.testing.assert_array_equal(episode["joint_pos"][1:], episode["next_joint_pos"][:-1])
        np.testing.assert_allclose(episode["time_s"], np.arange(50) * 0.05, atol=1e-5)
        assert episode["command_goal"].shape == (50, 3)


def test_other_rewards_are_trained_with_and_kept_on_going_on(folder: Path) -> None:
    (folder / "rewards.yaml").write_text("near: {weight: 0.5, scale_m: 0.1}\naction_rate: {weight: -0.01}\n")
    assert main(["train", "reach", *SMALL, "--total-timesteps", "1024", "--reward-config", "rewards.yaml"]) == 0
    run = only_run(folder)
    rewards = run.meta()["env"]["rewards"]
    assert (rewards["near"]["weight"], rewards["near"]["scale_m"]) == (0.5, 0.1)
    assert (rewards["action_rate"]["weight"], rewards["close"]["weight"]) == (-0.01, 0.25)
    assert main(["train", "--resume", str(run.path), "--total-timesteps", "2048"]) == 0
    hashes = [RunFolder(run.path).meta()["hashes"]["rewards"], load_bundle(run.path).contract.hashes["rewards"]]
    assert hashes[0] == hashes[1]


def test_other_settings_are_trained_with_and_kept_on_going_on(folder: Path) -> None:
    (folder / "ppo.yaml").write_text("gamma: 0.9\nhidden: [16, 16]\nnum_envs: 8\n")
    assert main(["train", "reach", *SMALL, "--total-timesteps", "1024", "--hyperparameters", "ppo.yaml"]) == 0
    run = only_run(folder)
    assert main(["train", "--resume", str(run.path), "--total-timesteps", "2048"]) == 0
    settings = run.meta()["settings"]
    assert (settings["gamma"], settings["hidden"]) == (0.9, [16, 16])
    assert settings["num_envs"] == 64  # the flag is nearer than the file
    assert run.read_curve()["steps"] == [1024, 2048]


@pytest.mark.parametrize("trainer", ["rsl_rl", "skrl"])
def test_a_run_goes_on_with_its_own_trainer(folder: Path, trainer: str) -> None:
    pytest.importorskip(trainer, reason=f"{trainer} is not installed")
    words = ("train", "reach", *SMALL, "--total-timesteps", "1024", "--trainer", trainer)
    assert main(words) == 0
    run = only_run(folder)
    assert main(["train", "--resume", str(run.path), "--total-timesteps", "2048"]) == 0
    label = f"{trainer.replace('_', '-')}-ppo"
    assert (run.meta()["trainer"], load_bundle(run.path).contract.provenance["trainer"]) == (label, label)
    assert run.read_curve()["steps"] == [1024, 2048]
    assert (run.checkpoints()[-1] / "model.pt").is_file()


SMALL_SAC = (
    "num_envs: 64\nlearning_starts: 512\nbuffer_size: 2000\nbatch_size: 32\ngradient_steps: 1\nhidden: [16, 16]\n"
)


@pytest.mark.parametrize("trainer", ["sb3", "skrl"])
def test_a_run_with_sac_goes_on_with_its_own_algorithm_and_settings(folder: Path, trainer: str) -> None:
    pytest.importorskip({"sb3": "stable_baselines3"}.get(trainer, trainer), reason=f"{trainer} is not installed")
    (folder / "sac.yaml").write_text(SMALL_SAC)
    words = ("train", "reach", "--algorithm", "sac", "--trainer", trainer, "--hyperparameters", "sac.yaml")
    assert main((*words, "--eval-episodes", "8", "--total-timesteps", "1024")) == 0
    run = only_run(folder)
    assert main(["train", "--resume", str(run.path), "--total-timesteps", "2048"]) == 0
    assert run.meta()["settings"]["batch_size"] == 32
    label = f"{trainer}-sac"
    assert (run.meta()["trainer"], load_bundle(run.path).contract.provenance["trainer"]) == (label, label)
    assert run.read_curve()["steps"] == [1024, 2048]


def test_a_run_from_before_there_were_other_trainers_goes_on_with_the_only_one(finished: Path) -> None:
    meta = json.loads((finished / "meta.json").read_text())
    assert meta.pop("trainer") == "sb3-ppo"
    (finished / "meta.json").write_text(json.dumps(meta))
    assert main(["train", "--resume", str(finished), "--total-timesteps", "7168"]) == 0
    assert RunFolder(finished).read_curve()["steps"][-1] == 7168


# What it refuses.


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Give either a task"),
        (("raech",), "There is no task named 'raech'. Did you mean 'reach'?"),
        (("reach", "--num-envs", "0"), "--num-envs must be 1 or more, got 0"),
        (("reach", "--total-timesteps", "0"), "--total-timesteps must be 1 or more, got 0"),
        (("reach", "--total-timesteps", "-5"), "--total-timesteps must be 1 or more, got -5"),
        (("reach", "--eval-episodes", "0"), "--eval-episodes must be 1 or more, got 0"),
        (("reach", "--record-rollouts", "-1"), "--record-rollouts must be 0 or more, got -1"),
        (("reach", "--seed", "-1"), "--seed must be 0 or more, got -1"),
        (("reach", "--seed", "4294967296"), "--seed must be at most 2147483647, got 4294967296"),
        (("reach", "--threads", "-1"), "--threads must be 0 or more, got -1"),
        (("reach", "--algorithm", "sac", "--trainer", "rsl_rl"), "--trainer rsl_rl has no SAC"),
        (("reach", "--backend", "mujoco_warp", "--trainer", "sb3"), "--trainer sb3 learns from NumPy arrays"),
        (("reach", "--backend", "mujoco_warp", "--device", "gpu"), "--device must be auto, cpu, cuda or cuda:1"),
        (("lift-cube", "--algorithm", "sac"), "There is no task tuned for sac named 'lift-cube'"),
        (("--resume", "nothing", "--algorithm", "sac"), "With --resume only --total-timesteps"),
        (("--resume", "nothing"), "There is no run folder nothing"),
        (("reach", "--resume", "nothing"), "Give either a task (roarm train reach) or a run"),
        (
            ("--resume", "nothing", "--num-envs", "8"),
            "With --resume only --total-timesteps, --gpus, --threads, --record-rollouts and",
        ),
        (("--resume", "nothing", "--trainer", "skrl"), "With --resume only --total-timesteps"),
        (("reach", "--reward-config", "nothing.yaml"), "There is no file nothing.yaml"),
        (("reach", "--hyperparameters", "nothing.yaml"), "There is no file nothing.yaml"),
    ],
)
def test_bad_words_are_refused_before_anything_is_written(
    one_line: Callable[..., str], words: tuple[str, ...], message: str
) -> None:
    assert message in one_line("train", *words)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("reach", "--num-env", "8"), "--num-envs"),
        (("reach", "--device", "tpu"), "tpu"),
        (("reach", "--trainer", "rllib"), "rllib"),
        (("reach", "--seed", "many"), "many"),
        (("reach", "--robot", "roarm_m2"), "--robot"),
        (("reach", "lift"), "lift"),
    ],
)
def test_flags_that_do_not_exist_are_refused_by_name(
    refused: Callable[..., str], words: tuple[str, ...], hint: str
) -> None:
    assert hint in refused("train", *words)


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("neer: {weight: 1}", "rewards.yaml has an unknown key 'neer'. Did you mean 'near'?"),
        ("near: {wieght: 1}", "rewards.yaml.near has an unknown key 'wieght'. Did you mean 'weight'?"),
        ("near: {weight: .nan}", "rewards.yaml.near.weight must be a finite number, got nan"),
        ("near: {weight: .inf}", "rewards.yaml.near.weight must be a finite number, got inf"),
        ("near: {weight: -1.0}", "its weight must be 0 or more, got -1.0"),
        ("action_rate: {weight: 1.0}", "is a penalty: its weight must be 0 or less, got 1.0"),
        ("near: {weight: heavy}", "rewards.yaml.near.weight must be a number, got 'heavy'"),
        ("near: {scale_m: 0.0}", "scale_m must be positive and finite, got 0.0"),
        ("near: {site: 3}", "rewards.yaml.near.site must be text, got 3"),
        ("near: 1", "rewards.yaml.near must be a mapping"),
        ("[near, close]", "rewards.yaml must hold a mapping"),
        ("", "rewards.yaml is empty; it must hold a mapping (`name: value` lines)"),
    ],
)
def test_rewards_that_can_not_be_are_refused(
    one_line: Callable[..., str], folder: Path, yaml: str, message: str
) -> None:
    (folder / "rewards.yaml").write_text(yaml)
    assert message in one_line("train", "reach", "--reward-config", "rewards.yaml")


def test_settings_that_do_not_exist_are_refused_by_name(one_line: Callable[..., str], folder: Path) -> None:
    (folder / "ppo.yaml").write_text("gama: 0.9")
    said = one_line("train", "reach", "--hyperparameters", "ppo.yaml")
    assert "ppo.yaml has an unknown key 'gama'. Did you mean 'gamma'?" in said
    assert [path.name for path in folder.iterdir()] == ["ppo.yaml"]


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("near: {site: hand}", "rewards.yaml: near: There is no site named 'hand'"),
        ("near: {command: gaol}", "rewards.yaml: near: There is no command named 'gaol'. Did you mean 'goal'?"),
    ],
)
def test_a_reward_about_something_that_does_not_exist_is_refused(
    one_line: Callable[..., str], folder: Path, yaml: str, message: str
) -> None:
    (folder / "rewards.yaml").write_text(yaml)
    assert message in one_line("train", "reach", "--reward-config", "rewards.yaml")


def test_text_that_is_no_yaml_is_refused(refused: Callable[..., str], folder: Path) -> None:
    (folder / "rewards.yaml").write_text("near: {weight: [")
    assert "rewards.yaml can not be read as YAML" in refused("train", "reach", "--reward-config", "rewards.yaml")


def test_a_file_where_the_runs_should_be_is_said(one_line: Callable[..., str], folder: Path) -> None:
    (folder / "runs").write_text("")
    assert "The folder runs can not be made" in one_line("train", "reach", *SMALL, "--total-timesteps", "1024")


def test_cuda_that_is_not_there_is_missing_and_nothing_is_written(
    one_line: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "PyTorch sees no CUDA device" in one_line("train", "reach", "--device", "cuda", code=3)


@pytest.mark.parametrize(
    ("package", "trainer", "extra"),
    [("rsl_rl", "rsl_rl", "rsl-rl"), ("tensordict", "rsl_rl", "rsl-rl"), ("skrl", "skrl", "skrl")],
)
def test_without_a_trainers_library_it_says_what_to_install(
    folder: Path, package: str, trainer: str, extra: str
) -> None:
    done = roarm_without(package, "train", "reach", "--trainer", trainer, folder=folder)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].endswith(f"which is not installed. Type: pip install 'roarm-lab[{extra}]'")
    assert list(folder.iterdir()) == []


def test_without_the_simulator_for_a_gpu_it_says_what_to_install_and_what_to_do_instead(folder: Path) -> None:
    done = roarm_without("warp", "train", "reach", "--backend", "mujoco_warp", folder=folder)
    assert done.returncode == 3
    said = done.stderr.splitlines()[-1]
    assert "pip install 'roarm-lab[gpu]'" in said
    assert "On the CPU, mujoco_cpu does the same" in said
    assert list(folder.iterdir()) == []


def test_without_torch_it_says_what_to_install(folder: Path) -> None:
    done = roarm_without("torch", "train", "reach", folder=folder)
    assert done.returncode == 3
    seen, said = done.stderr.splitlines()
    assert seen.startswith("torch ")  # looked for, and not imported
    assert said.endswith("'torch', which is not installed. Type: pip install 'roarm-lab[train]'")
    assert list(folder.iterdir()) == []


# Going on.


def test_a_finished_run_is_not_gone_on_with(one_line: Callable[..., str], finished: Path) -> None:
    message = one_line("train", "--resume", str(finished))
    assert "has finished its 6,144 steps. To train longer, add a larger --total-timesteps" in message
    assert "finished" in one_line("train", "--resume", str(finished), "--total-timesteps", "6000")


def test_a_finished_run_can_be_made_longer(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--resume", str(finished), "--total-timesteps", "8000"]) == 0
    assert RunFolder(finished).read_curve()["steps"] == [1024 * (i + 1) for i in range(8)]
    assert "bundle      " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda meta: meta.pop("settings"), "meta.json is damaged: it lacks 'settings'"),
        (lambda meta: meta["settings"].pop("gamma"), "meta.json: settings lacks 'gamma'; another version may have"),
        (
            lambda meta: meta["settings"].update(kind="SacSettings"),
            "settings must be of the kind 'PpoSettings', got 'Sa",
        ),
        (lambda meta: meta["env"]["rewards"].pop("near"), "meta.json: rewards lacks 'near'"),
        (lambda meta: meta["env"]["rewards"]["near"].pop("scale_m"), "meta.json: rewards.near lacks 'scale_m'"),
        (lambda meta: meta.update(schema=True), "meta.json has schema true; this version of RoArm Lab reads 1"),
        (lambda meta: meta.update(sede=3), "meta.json has an unknown key 'sede'. Did you mean 'seed'?"),
        (
            lambda meta: meta["settings"].update(num_envs="many"),
            "meta.json: settings.num_envs must be a whole number, got 'many'",
        ),
        (lambda meta: meta["settings"].update(epoch=3), "meta.json: settings has an unknown key 'epoch'"),
        (lambda meta: meta["settings"].update(num_envs=0), "num_envs must be 1 or more, got 0"),
        (lambda meta: meta.update(task="raech"), "There is no task named 'raech'"),
        (lambda meta: meta["hashes"].update(task="0"), "The task 'reach' has changed since finished was started"),
        (lambda meta: meta["hashes"].update(model="0"), "The task 'reach' has changed since finished was started"),
        (lambda meta: meta.update(env=3), "meta.json is damaged"),
        (lambda meta: meta.update(seed="x"), "meta.json: seed must be a whole number, got 'x'"),
        (lambda meta: meta.update(evaluation_episodes=None), "evaluation_episodes must be a whole number, got None"),
        (lambda meta: meta.update(device="tpu"), "--device must be auto, cpu, cuda or cuda:1"),
    ],
)
def test_a_run_that_does_not_fit_is_not_gone_on_with(
    one_line: Callable[..., str], finished: Path, change: Callable[[dict[str, object]], object], message: str
) -> None:
    path = finished / "meta.json"
    meta = json.loads(path.read_text())
    change(meta)
    path.write_text(json.dumps(meta))
    assert message in one_line("train", "--resume", "finished", "--total-timesteps", "9000")


def test_a_run_without_a_checkpoint_is_not_gone_on_with(one_line: Callable[..., str], finished: Path) -> None:
    shutil.rmtree(finished / "checkpoints")
    assert "has no checkpoint to go on from" in one_line("train", "--resume", "finished")


def test_a_damaged_checkpoint_is_said_and_what_else_there_is(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older, newest = RunFolder(finished).checkpoints()[-2:]
    (newest / "model.zip").write_bytes(b"nothing")
    again = ["train", "--resume", "finished", "--total-timesteps", "6144"]
    shutil.rmtree(finished / "bundle")
    assert main(again) == 2
    message = capsys.readouterr().err
    assert "The checkpoint finished/checkpoints/0000006144 can not be read" in message
    assert f"Delete this folder to go on from the one of {int(older.name):,} steps." in message
    shutil.rmtree(newest)
    assert main(again) == 0


def test_a_bundle_that_was_deleted_is_made_again(finished: Path) -> None:
    before = load_bundle(finished).policy.sha256
    (finished / "bundle" / "policy.onnx").unlink()
    assert main(["train", "--resume", "finished"]) == 0
    assert load_bundle(finished).policy.sha256 == before


@pytest.mark.parametrize("text", ["steps,success\nmany,0.5\n", "\n\n", "success,steps\n0.5\n"])
def test_a_damaged_curve_is_said_and_kept(finished: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (finished / "curve.csv").write_text(text)
    assert main(["train", "--resume", "finished", "--total-timesteps", "7000"]) == 2
    assert "curve.csv is damaged: line" in capsys.readouterr().err
    assert (finished / "curve.csv").read_text() == text
    (finished / "curve.csv").unlink()  # as the message says
    assert main(["train", "--resume", "finished", "--total-timesteps", "7000"]) == 0


def test_a_run_that_is_being_trained_is_left_alone(one_line_at_the_end: Callable[..., str], finished: Path) -> None:
    pytest.importorskip("fcntl", reason="folders can be locked on Unix only")
    with locked(finished, "is being trained"):
        message = one_line_at_the_end("train", "--resume", "finished", "--total-timesteps", "9000")
    assert message == "roarm: finished is being trained by another process. Wait for it, or stop that one first."


def test_a_training_that_does_not_fit_into_the_memory_leaves_nothing(
    one_line_at_the_end: Callable[..., str], folder: Path
) -> None:
    (folder / "long.yaml").write_text("rollout_steps: 100000000000000\n")
    (folder / "runs").mkdir()
    assert "not enough memory" in one_line_at_the_end("train", "reach", *SMALL, "--hyperparameters", "long.yaml")


def test_learning_that_breaks_down_ends_with_one_message(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "wild.yaml").write_text("max_grad_norm: 1e-30\nstart_std: 1e-30\n")
    assert main(["train", "reach", *SMALL, "--total-timesteps", "3000", "--hyperparameters", "wild.yaml"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("roarm: Learning broke down after 1,024 steps")
    assert only_run(folder).checkpoints() == []


@pytest.mark.slow
def test_ctrl_c_saves_says_how_to_go_on_and_leaves_with_130(folder: Path) -> None:
    process = start_roarm("train", "reach", *SMALL, "--total-timesteps", "100000000", folder=folder)
    wait_for(lambda: any(len(RunFolder(p).read_curve().get("steps", [])) > 2 for p in folder.glob("runs/*")), process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    run = only_run(folder)
    (checkpoint,) = run.checkpoints()
    done = int(checkpoint.name)
    assert process.returncode == 130
    assert out == ""
    assert f"stopped; saved at {done:,} steps. Go on with: roarm train --resume runs/{run.path.name}" in err
    assert err.endswith("roarm: interrupted\n")
    assert "Traceback" not in err
    before = run.read_curve()["steps"]
    assert before[-1] <= done

    assert main(["train", "--resume", str(run.path), "--total-timesteps", str(done + 2048)]) == 0
    after = run.read_curve()["steps"]
    assert after[: len(before)] == before
    assert is_monotonic(after)
    assert after[-1] >= done + 2048
    assert load_bundle(run.path).contract.evaluation is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_polite_kill_and_a_closed_terminal_save_as_well(folder: Path, name: str) -> None:
    process = start_roarm("train", "reach", *SMALL, "--total-timesteps", "100000000", folder=folder)
    wait_for(lambda: any(RunFolder(p).read_curve() for p in folder.glob("runs/*")), process)
    process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "Go on with: roarm train --resume" in err
    assert len(only_run(folder).checkpoints()) == 1


@pytest.mark.slow
def test_a_polite_kill_during_the_evaluation_says_how_to_go_on(folder: Path) -> None:
    words = ("train", "reach", "--num-envs", "64", "--total-timesteps", "1024", "--eval-episodes", "10000000")
    process = start_roarm(*words, folder=folder)
    wait_for(lambda: any((path / "bundle" / "contract.json").exists() for path in folder.glob("runs/*")), process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "stopped; saved at 1,024 steps. Go on with: roarm train --resume" in err


KILLED = """
from pathlib import Path
from tests.training import tiny_job, train
from roarm_lab.runs.run_folder import RunFolder
train(tiny_job(100_000, checkpoint_s=0.3), RunFolder.create(Path("runs"), "reach", 0))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_a_killed_training_loses_only_what_came_after_its_last_checkpoint(folder: Path) -> None:
    root = Path(__file__).parents[3]
    environment = plain_environment() | {"PYTHONPATH": str(root), "OMP_WAIT_POLICY": "PASSIVE"}
    process = subprocess.Popen([sys.executable, "-c", KILLED], cwd=folder, env=environment, text=True)
    wait_for(lambda: any(len(RunFolder(path).checkpoints()) >= 2 for path in folder.glob("runs/*")), process)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(timeout=PATIENCE_S) == -signal.SIGKILL
    run = only_run(folder)
    kept = int(run.checkpoints()[-1].name)
    before = run.read_curve()
    assert not run.bundle.exists()

    assert main(["train", "--resume", str(run.path), "--total-timesteps", str(kept + 3 * 1024)]) == 0
    after = run.read_curve()
    count = sum(step <= kept for step in before["steps"])
    for name, values in before.items():
        np.testing.assert_array_equal(after[name][:count], values[:count])
    assert after["steps"] == [1024 * (i + 1) for i in range(kept // 1024 + 3)]
    assert load_bundle(run.path).contract.evaluation is not None
    assert all(path.name.isdigit() for path in (run.path / "checkpoints").iterdir())


LIMITED = """
import resource, sys
from roarm_lab.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
sys.exit(main(sys.argv[1:]))
"""


def test_a_file_that_can_not_grow_ends_training_with_one_message(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="limits of file size are a matter of Unix")
    words = ["train", "reach", "--num-envs", "64", "--total-timesteps", "2048", "--runs", str(tmp_path)]
    # meta.json has 43 kB and fits; a checkpoint does not.
    done = subprocess.run([sys.executable, "-c", LIMITED, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    (run,) = tmp_path.iterdir()
    assert done.stderr.splitlines() == [
        f"run folder  {run}",
        f"roarm: {run} can not be written any more: File too large. What it has is kept; make room. "
        f"Training has stopped before anything was saved; {run} can be deleted.",
    ]
    assert (run / "curve.csv").exists()
    assert list((run / "checkpoints").iterdir()) == []


def test_rollouts_on_the_way_show_how_the_policy_developed(folder: Path) -> None:
    words = ["train", "reach", "--num-envs", "64", "--total-timesteps", "4096", "--eval-episodes", "8"]
    assert main([*words, "--record-callback-rollouts"]) == 0
    run = only_run(folder)
    recordings = sorted(
        (run.path / "rollouts").iterdir(), key=lambda path: json.loads((path / "meta.json").read_text())["steps"]
    )
    abouts = [json.loads((path / "meta.json").read_text()) for path in recordings]
    assert [about["steps"] for about in abouts] == [0, 1024, 2048, 3072, 4096]
    assert all(about["task"] == "reach" and len(about["episodes"]) == 4 for about in abouts)
    seen: list[np.ndarray] = []
    for path, about in zip(recordings, abouts, strict=True):
        with np.load(path / about["episodes"][0]["file"]) as arrays:
            assert set(about["units"]) - {"command_*", "box_pos_w", "box_quat_w"} <= set(arrays)
            seen.append(arrays["action"])
            goal, start = arrays["command_goal"][0], arrays["joint_pos"][0]
        with np.load(recordings[0] / "episode_000000.npz") as first:  # the same goal and start, another policy
            np.testing.assert_array_equal(goal, first["command_goal"][0])
            np.testing.assert_array_equal(start, first["joint_pos"][0])
    assert len({action.tobytes() for action in seen}) == 5


def test_recording_on_the_way_does_not_change_what_is_learned(folder: Path) -> None:
    words = ["train", "reach", "--num-envs", "64", "--total-timesteps", "3072", "--eval-episodes", "8"]
    curves: list[dict[str, list[float]]] = []
    for number, more in enumerate(([], ["--record-callback-rollouts"])):
        assert main([*words, *more, "--runs", f"runs{number}"]) == 0
        (path,) = (folder / f"runs{number}").iterdir()
        curves.append({name: column for name, column in RunFolder(path).read_curve().items() if name != "wall_s"})
    np.testing.assert_equal(curves[0], curves[1])

"""`roarm sweep`: what it refuses, and a small one that is interrupted and gone on with, on a real Ray."""

import csv
import json
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarm_lab.cli.main import main
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.rl.trainer import trainer_class
from roarm_lab.runs.run_folder import RunFolder
from roarm_lab.runs.sweep_folder import SweepFolder
from roarm_lab.workflows.learning.sweep_plan import begin_sweep, plain_of, plan_sweep, request_of
from roarm_lab.workflows.learning.sweep_request import SweepRequest
from roarm_lab.workflows.learning.sweep_trial import TrialOrder, run_trial
from roarm_lab.workflows.learning.train_request import TrainRequest
from tests.cli.commands import roarm_without, start_roarm

pytest.importorskip("ray")

PATIENCE_S = 240.0
TRIAL = """
import pickle, sys
from pathlib import Path
from roarm_lab.workflows.learning.sweep_trial import run_trial
Path("said").write_text(run_trial(pickle.load(sys.stdin.buffer)))
"""
ROLLOUTS = 40  # long enough to be interrupted on a fast machine
SMALL = SweepRequest(task="reach", seeds=(4, 7), num_envs=64, total_timesteps=ROLLOUTS * 1024, eval_episodes=8)


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# What it refuses.


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Give either a task (roarm sweep reach) or a sweep to go on with"),
        (("raech",), "There is no task named 'raech'. Did you mean 'reach'?"),
        (("reach", "--set", "gama=0.9"), "--set has an unknown key 'gama'. Did you mean 'gamma'?"),
        (("reach", "--set", "gamma=high"), "--set.gamma must be a number, got 'high'"),
        (("reach", "--set", "gamma=0.9,1.5"), "PpoSettings.gamma must be 0 to 1, got 1.5"),
        (("reach", "--set", "num_envs=8.5"), "--set.num_envs must be a whole number, got 8.5"),
        (("reach", "--set", "num_envs=0"), "--set: num_envs must be 1 or more, got 0"),
        (("reach", "--set", "gamma=.nan"), "--set.gamma must be a finite number, got nan"),
        (("reach", "--set", "gamma="), "--set takes a name and values"),
        (("reach", "--set", "hidden=[64]"), "--set.hidden must have 2 values, got 1"),
        (("reach", "--set", "gamma=0.9", "--set", "gamma=0.8"), "--set gamma is given twice"),
        (("reach", "--set", "num_envs=8,16", "--num-envs", "8"), "Give either --set num_envs=... or --num-envs"),
        (("reach", "--seeds", "1", "1"), "--seeds names 1 twice"),
        (("reach", "--seeds", "-1"), "--seeds must be 0 or more, got -1"),
        (("reach", "--num-envs", "0"), "--num-envs must be 1 or more, got 0"),
        (("reach", "--eval-episodes", "0"), "--eval-episodes must be 1 or more, got 0"),
        (("reach", "--cpus-per-trial", "0"), "--cpus-per-trial must be 1 or more, got 0"),
        (("reach", "--cpus-per-trial", "100000"), "--cpus-per-trial 100000: this computer has"),
        (("reach", "--backend", "mujoco_warp"), "--backend mujoco_warp: say how many GPUs each training takes"),
        (("reach", "--device", "cuda:1"), "--device cuda:1: say how many GPUs each training takes"),
        (("reach", "--gpus-per-trial", "1.5"), "--gpus-per-trial must be a whole number, or a part below 1, got 1.5"),
        (("reach", "--gpus-per-trial", "nan"), "--gpus-per-trial must be a whole number, or a part below 1, got nan"),
        (("reach", "--gpus-per-trial", "-1"), "--gpus-per-trial must be a whole number"),
        (("reach", "--device", "cuda"), "--device cuda: say how many GPUs each training takes"),
        (("reach", "--name", "a/b"), "--name must be the name of a folder without slashes, got 'a/b'"),
        (("reach", "--name", ".."), "--name must be the name of a folder without slashes, got '..'"),
        (("reach", "--name", ""), "--name must be the name of a folder without slashes, got ''"),
        (("reach", "--seeds", "0", "4294967296"), "--seeds must be at most 2147483647, got 4294967296"),
        (("reach", "--ray", "nowhere"), "--ray takes HOST:PORT of the head of a Ray cluster"),
        (("reach", "--ray", "127.0.0.1:1"), "--ray 127.0.0.1:1: nothing answers there"),
        (("reach", "--hyperparameters", "nothing.yaml"), "There is no file nothing.yaml"),
        (("reach", "--reward-config", "nothing.yaml"), "There is no file nothing.yaml"),
        (("reach", "--domain-randomization", "nothing.yaml"), "There is no file nothing.yaml"),
        (("--resume", "nothing"), "nothing is not a sweep: it has no sweep.json"),
        (("reach", "--resume", "nothing"), "Give either a task"),
        (("--resume", "nothing", "--seeds", "3"), "With --resume only --ray, --cpus-per-trial and --gpus-per-trial"),
    ],
)
def test_bad_words_are_refused_before_anything_is_written(
    one_line: Callable[..., str], words: tuple[str, ...], message: str
) -> None:
    assert message in one_line("sweep", *words)


@pytest.mark.parametrize(
    "words", [("reach", "--seeds"), ("reach", "--seeds", "many"), ("reach", "--trainers", "rllib")]
)
def test_flags_that_do_not_fit_are_refused(refused: Callable[..., str], words: tuple[str, ...]) -> None:
    assert words[1] in refused("sweep", *words)


def test_a_setting_that_one_of_the_trainers_can_not_follow_is_refused(one_line: Callable[..., str]) -> None:
    try:
        trainer_class("rsl_rl")
    except ImportError:
        pytest.skip("needs RSL-RL")
    words = ("reach", "--trainers", "sb3", "rsl_rl", "--set", "learning_rate_range=[1e-5,1e-2]")
    assert "--set.learning_rate_range" in one_line("sweep", *words)


def test_without_ray_it_says_what_to_install(folder: Path) -> None:
    done = roarm_without("ray", "sweep", "reach", folder=folder)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].endswith("not installed. Type: pip install 'roarm-lab[sweep]'")
    assert list(folder.iterdir()) == []


# What a trial is.


def test_the_plain_data_of_a_training_means_what_was_planned(folder: Path) -> None:
    request = TrainRequest(task="reach", trainer="skrl", seed=3, num_envs=8, device="cpu", threads=2)
    request = replace(request, hyperparameters=Path("inputs/setting0.yaml"))
    named = replace(request, hyperparameters=folder / "inputs/setting0.yaml")
    plain = json.loads(json.dumps(plain_of(request)))
    assert plain == {
        "task": "reach",
        "trainer": "skrl",
        "seed": 3,
        "num_envs": 8,
        "device": "cpu",
        "threads": 2,
        "hyperparameters": "inputs/setting0.yaml",
    }
    assert request_of(plain, folder) == named


def test_a_sweep_holds_all_that_its_trials_read(folder: Path) -> None:
    (folder / "ppo.yaml").write_text("gamma: 0.9\nclip: 0.1\n")
    (folder / "rewards.yaml").write_text("near: {weight: 0.5}\n")
    asked = replace(SMALL, hyperparameters=Path("ppo.yaml"), reward_config=Path("rewards.yaml"), name="a")
    asked = replace(asked, set=("gamma=0.8,0.7",))
    sweep = begin_sweep(asked, plan_sweep(asked), {})
    (folder / "ppo.yaml").unlink()
    (folder / "rewards.yaml").unlink()
    assert (sweep.inputs / "setting1.yaml").read_text() == "gamma: 0.7\nclip: 0.1\n"
    assert (sweep.inputs / "reward_config.yaml").read_text() == "near: {weight: 0.5}\n"
    plan = SweepFolder.open(folder / "sweeps" / "a").plan()
    assert len(plan.trials) == 4
    trained = request_of(plan.requests[1], sweep.path)
    assert trained.hyperparameters == sweep.inputs / "setting1.yaml"
    assert (trained.seed, trained.num_envs, trained.eval_episodes) == (4, 64, 8)


def order_in(folder: Path, arguments: TrainRequest) -> TrialOrder:
    (folder / "logs").mkdir()
    return TrialOrder(request=arguments, command=("roarm", "train"), run=folder / "run", log=folder / "logs" / "0.txt")


def test_a_trial_that_can_not_train_says_why_instead_of_raising(folder: Path) -> None:
    (folder / "run").write_text("")
    order = order_in(folder, TrainRequest(task="reach", hyperparameters=folder / "nothing.yaml"))
    done = subprocess.run([sys.executable, "-c", TRIAL], input=pickle.dumps(order), capture_output=True, check=True)
    assert done.stdout == b""  # what it prints goes to its log
    said = (folder / "said").read_text()
    assert "run can not be deleted to begin anew" in said
    assert said in order.log.read_text()


def test_a_computer_that_does_not_see_the_folder_says_so(folder: Path) -> None:
    order = TrialOrder(request=TrainRequest(), command=(), run=folder / "run", log=folder / "logs" / "0.txt")
    assert "this computer does not see" in (run_trial(order) or "")


# What it makes.


@pytest.mark.slow
def test_ctrl_c_saves_and_a_resumed_sweep_goes_on_and_ends_with_a_table(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("reach", "--seeds", "4", "7", "--num-envs", "64", "--total-timesteps", str(ROLLOUTS * 1024))
    words = (*words, "--eval-episodes", "8", "--set", "hidden=[32,32]", "--name", "small")
    process = start_roarm("sweep", *words, folder=folder)
    sweep, began_s = folder / "sweeps" / "small", time.monotonic()
    while not any(len(RunFolder(run).read_curve().get("steps", [])) > 2 for run in sweep.glob("runs/*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - began_s < PATIENCE_S
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "0 of 2 done" in err
    assert "Go on with: roarm sweep --resume sweeps/small\n" in err
    assert err.endswith("roarm: interrupted\n")
    assert "Traceback" not in err
    first = RunFolder(sweep / "runs" / "000-sb3-seed4")
    assert rows_of(sweep)[0]["state"] == "stopped"
    saved = int(first.checkpoints()[-1].name)
    before = first.curve.read_text().splitlines()[: 1 + saved // 1024]

    done = start_roarm("sweep", "--resume", "sweeps/small", folder=folder)
    out, err = done.communicate(timeout=PATIENCE_S)
    assert done.returncode == 0, err
    assert "trial 2 of 2: sb3 hidden=[32,32], seed 7: " in err
    assert "2 of 2" in out
    assert "16 episodes" in out
    assert out.startswith((sweep / "summary.md").read_text())
    assert first.curve.read_text().splitlines()[: len(before)] == before  # nothing was learned twice
    for row, seed in zip(rows_of(sweep), (4, 7), strict=True):
        run = RunFolder(sweep / row["run"])
        found = json.loads((run.path / "evaluation.json").read_text())
        assert (row["state"], int(row["seed"])) == ("done", seed)
        assert ROLLOUTS <= int(row["steps"]) / 1024 < ROLLOUTS + 1  # what was interrupted ended within a rollout
        assert (int(row["successes"]), int(row["episodes"])) == (found["successes"], 8)
        assert row["hidden"] == "[32, 32]"
        assert load_bundle(run.path).contract.provenance["seed"] == seed
        assert run.meta()["settings"]["hidden"] == [32, 32]
    assert "<svg" in (sweep / "curves.html").read_text()

    assert main(["sweep", "--resume", "sweeps/small"]) == 0  # nothing is left: the table again, and no Ray
    assert capsys.readouterr().out == out

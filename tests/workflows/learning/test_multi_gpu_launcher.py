"""`roarm train --gpus 2`, on the CPU: what two processes make together, and how they end together."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from roarm_lab.policies.bundle import load_bundle
from roarm_lab.runs.run_folder import RunFolder
from tests.cli.commands import plain_environment, start_roarm
from tests.cli.learning.test_train import PATIENCE_S, only_run, wait_for

pytest.importorskip("rsl_rl", reason="rsl_rl is not installed")

SMALL = ("reach", "--num-envs", "16", "--eval-episodes", "8", "--device", "cpu")
ROLLOUT = 2 * 16 * 16  # processes x worlds x steps
FOR_EVER = ("--total-timesteps", "100000000")
only_linux = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found in /proc")


def children(process: subprocess.Popen[str]) -> list[int]:
    """Return the processes that this one started, in order."""
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def learning(folder: Path) -> subprocess.Popen[str]:
    """Start two processes, and wait until something was learned."""
    process = start_roarm("train", *SMALL, *FOR_EVER, "--gpus", "2", folder=folder)
    wait_for(lambda: any(RunFolder(p).read_curve() for p in folder.glob("runs/*")), process)
    return process


def test_two_processes_make_one_run_and_go_on_with_it(folder: Path) -> None:
    process = start_roarm("train", *SMALL, "--total-timesteps", str(3 * ROLLOUT), "--gpus", "2", folder=folder)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    run = only_run(folder)
    assert err == f"run folder  {run.path.relative_to(folder)}\n"
    assert out.count("success     ") == out.count("bundle      ") == 1
    assert run.read_curve()["steps"] == [ROLLOUT, 2 * ROLLOUT, 3 * ROLLOUT]
    assert (run.meta()["processes"], run.meta()["trainer"]) == (2, "rsl-rl-ppo")
    assert len(list((run.path / "tensorboard").iterdir())) == 1
    assert load_bundle(run.path).contract.evaluation is not None

    more = start_roarm(
        *("train", "--resume", str(run.path), "--gpus", "2", "--total-timesteps", str(5 * ROLLOUT)), folder=folder
    )
    _, err = more.communicate(timeout=PATIENCE_S)
    assert more.returncode == 0, err
    assert only_run(folder).read_curve()["steps"] == [ROLLOUT * (i + 1) for i in range(5)]


@pytest.mark.slow
def test_torchrun_starts_them_as_well(folder: Path) -> None:
    starts = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "roarm_lab", "train")
    done = subprocess.run(
        [sys.executable, *starts, *SMALL, "--total-timesteps", str(2 * ROLLOUT)],
        cwd=folder,
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("success     ") == 1
    assert only_run(folder).read_curve()["steps"] == [ROLLOUT, 2 * ROLLOUT]


@pytest.mark.slow
@only_linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_saves_and_leaves_no_process_behind(folder: Path, number: signal.Signals) -> None:
    process = learning(folder)
    team = children(process)
    assert len(team) == 2
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    run = only_run(folder)
    assert (process.returncode, out) == (130, "")
    steps = int(run.checkpoints()[-1].name)
    assert f"saved at {steps:,} steps. Go on with: roarm train --resume runs/{run.path.name} --gpus 2\n" in err
    assert "Traceback" not in err
    assert run.read_curve()["steps"][-1] == steps  # nothing that was collected is lost
    assert not any(map(lives, team))


@pytest.mark.slow
@only_linux
@pytest.mark.parametrize("rank", [0, 1])
def test_when_one_process_dies_all_end_and_it_is_said_which(folder: Path, rank: int) -> None:
    process = learning(folder)
    team = children(process)
    os.kill(team[rank], signal.SIGKILL)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert err.splitlines()[1:] == [
        f"roarm: process {rank} of 2 ended by SIGKILL, and so did training; what was saved is kept."
    ]
    assert not any(map(lives, team))


@pytest.mark.slow
@only_linux
def test_processes_do_not_outlive_the_one_that_started_them(folder: Path) -> None:
    process = learning(folder)
    team = children(process)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    began_s = time.monotonic()
    while any(map(lives, team)):
        assert time.monotonic() - began_s < PATIENCE_S
        time.sleep(0.02)
    assert only_run(folder).checkpoints()


@pytest.mark.slow
def test_an_error_that_only_a_process_can_meet_is_said_once(folder: Path) -> None:
    (folder / "runs").write_text("a file where the folder should be")
    process = start_roarm("train", *SMALL, *FOR_EVER, "--gpus", "2", folder=folder)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (2, "")
    assert err.startswith("roarm: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--gpus", "0"), "--gpus must be 1 or more, got 0"),
        (("--gpus", "2", "--trainer", "sb3"), "2 processes can not train one policy with --trainer sb3"),
        (("--gpus", "2", "--trainer", "skrl"), "2 processes can not train one policy with --trainer skrl"),
        (("--gpus", "2", "--algorithm", "sac"), "Take --trainer rsl_rl with --algorithm ppo"),
        (("--gpus", "2", "--device", "cuda:1"), "CUDA_VISIBLE_DEVICES chooses"),
    ],
)
def test_bad_words_are_refused_before_any_process_starts(
    one_line: Callable[..., str], words: tuple[str, ...], message: str
) -> None:
    assert message in one_line("train", "reach", *words)


def test_torchruns_number_of_processes_is_the_number(
    one_line: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    assert "--gpus 3, but torchrun started 2 processes" in one_line("train", "reach", "--gpus", "3")
    monkeypatch.delenv("RANK")
    assert "unset WORLD_SIZE" in one_line("train", "reach")


def test_a_run_says_in_how_many_processes_it_learned(tiny_run: object) -> None:
    path = tiny_run.run.path  # pyright: ignore[reportAttributeAccessIssue]
    assert json.loads((path / "meta.json").read_text())["processes"] == 1

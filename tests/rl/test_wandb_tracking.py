"""What is logged for Weights & Biases, offline, is read back with W&B's own messages."""

import json
import os
import shutil
import signal
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from roarm_lab.cli.main import main
from roarm_lab.core.errors import BadInputError
from roarm_lab.rl.tracking import remote_log
from roarm_lab.rl.train import Trained, train
from roarm_lab.runs.run_folder import RunFolder
from tests.cli.commands import roarm_without, start_roarm
from tests.training import ROLLOUT, tiny_job

pytest.importorskip("wandb")

from wandb.proto import wandb_internal_pb2

PATIENCE_S = 120.0
BLOCK = 32 * 1024
"""A record of a LevelDB log never crosses a border between blocks, except in pieces."""
SMALL = ("--num-envs", "64", "--eval-episodes", "8")


def records(path: Path) -> Iterator[Any]:
    """Yield W&B's messages in a file: after 7 bytes a log as LevelDB has it, pieces with checksum, length and kind."""
    data, at, whole = path.read_bytes(), 7, b""
    assert data[:4] in {b":W&B", b""}  # nothing yet
    while at + 7 <= len(data):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        _, size, kind = struct.unpack("<IHB", data[at : at + 7])
        if at + 7 + size > len(data):  # the rest is on its way
            return
        whole += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in {1, 4}:  # full, or the last piece
            record = wandb_internal_pb2.Record()  # pyright: ignore[reportAttributeAccessIssue] (generated)
            record.ParseFromString(whole)
            yield record
            whole = b""


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Return what was logged, one mapping per call."""
    items = [record.history.item for record in records(path) if record.WhichOneof("record_type") == "history"]
    return [{item.nested_key[0]: json.loads(item.value_json) for item in row} for row in items]


def summary_of(path: Path) -> dict[str, Any]:
    updates = [record.summary.update for record in records(path) if record.WhichOneof("record_type") == "summary"]
    return {item.key or item.nested_key[0]: json.loads(item.value_json) for update in updates for item in update}


def run_of(path: Path) -> Any:
    return next(record.run for record in records(path) if record.WhichOneof("record_type") == "run")


def files_of(run: RunFolder) -> list[Path]:
    """Return the files of a run, in order, when they are complete: W&B writes on in another process."""
    files, end_s = sorted(run.path.glob("wandb/offline-run-*/run-*.wandb")), time.monotonic() + PATIENCE_S
    while not all(any(record.WhichOneof("record_type") == "exit" for record in records(file)) for file in files):
        assert time.monotonic() < end_s, files
        time.sleep(0.02)
    return files


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    monkeypatch.delenv("WANDB_SERVICE", raising=False)  # of this process, which those that it starts would share
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_same_numbers_go_to_weights_and_biases_and_a_resumed_run_goes_on_there(offline: Path) -> None:
    assert main(["train", "reach", *SMALL, "--total-timesteps", "3000", "--wandb", "team/project"]) == 0
    (path,) = offline.glob("runs/*")
    run = RunFolder(path)
    (first,) = files_of(run)
    rows, curve = rows_of(first), run.read_curve()
    columns = [row for row in rows if "curve/steps" in row]
    assert [row["steps"] for row in columns] == curve["steps"] == [1024, 2048, 3072]
    for name in ("success", "wall_s", "learning_rate", "reward_near"):
        assert [row[f"curve/{name}"] for row in columns] == pytest.approx(
            curve[name], rel=1e-5
        )  # the file has 6 digits
    events = EventAccumulator(str(path / "tensorboard")).Reload()
    for tag in events.Tags()["scalars"]:
        logged = [(row["steps"], row[tag]) for row in rows if tag in row]
        assert [event.step for event in events.Scalars(tag)] == [step for step, _ in logged]
        assert [event.value for event in events.Scalars(tag)] == pytest.approx([value for _, value in logged], rel=1e-6)
    about = run_of(first)
    assert (about.entity, about.project, about.display_name) == ("team", "project", path.name)
    config = {item.key: json.loads(item.value_json) for item in about.config.update}
    assert (config["task"], config["seed"], config["num_envs"]) == ("reach", 0, 64)
    found = json.loads((path / "evaluation.json").read_text())
    assert summary_of(first)["evaluation/success_rate"] == found["success_rate"]

    begun_s = int(time.time())
    while int(time.time()) == begun_s:  # W&B names its folders by the second
        time.sleep(0.02)
    assert main(["train", "--resume", str(path), "--total-timesteps", "5000"]) == 0
    _, second = files_of(run)
    assert run_of(second).run_id == about.run_id == json.loads((path / "wandb.json").read_text())["id"]
    assert [row["steps"] for row in rows_of(second) if "curve/steps" in row] == [4096, 5120]


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_ends_the_log_too(offline: Path) -> None:
    command = ("train", "reach", *SMALL, "--total-timesteps", "100000000", "--wandb", "project")
    process = start_roarm(*command, folder=offline, start_new_session=True)
    began_s = time.monotonic()
    while not any(len(RunFolder(p).read_curve().get("steps", [])) > 2 for p in offline.glob("runs/*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() - began_s < PATIENCE_S
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # a terminal tells all of its processes
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "Traceback" not in err
    (path,) = offline.glob("runs/*")
    (file,) = files_of(RunFolder(path))
    kinds = [record.WhichOneof("record_type") for record in records(file)]
    assert kinds[-1] == "exit"
    told = [row["steps"] for row in rows_of(file) if "curve/steps" in row]
    steps = RunFolder(path).read_curve()["steps"]
    assert told in (steps, steps[:-1])  # the signal may come between the two


@pytest.mark.parametrize("project", ["", "a/b/c", "a:b", "a?", "/a", "a/", " ", "x" * 129])
def test_what_is_no_project_is_refused(project: str) -> None:
    with pytest.raises(BadInputError, match="`wandb=` takes PROJECT or TEAM/PROJECT"):
        remote_log(project, None)


def test_a_damaged_note_of_the_run_is_said(tiny_run: Trained, tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(tiny_run.run.path, tmp_path / "run"))
    (run.path / "wandb.json").write_text("{}")
    with pytest.raises(BadInputError, match="wandb.json is damaged: it lacks 'project', 'id'. Without it"):
        remote_log(None, run)


def test_without_a_project_nothing_is_kept_and_nothing_is_told(tmp_path: Path) -> None:
    run, job = RunFolder.create(tmp_path, "reach", 0), tiny_job(2)
    with remote_log(None, run)(run, job) as told:
        told.result(train(job, run, note=told.row).evaluation)
    assert run.read_curve()["steps"] == [ROLLOUT, 2 * ROLLOUT]
    assert not (run.path / "wandb.json").exists()


def test_without_the_package_it_says_what_to_install(offline: Path) -> None:
    done = roarm_without("wandb", "train", "reach", "--wandb", "project", folder=offline)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].endswith("not installed. Type: pip install 'roarm-lab[wandb]'")
    assert list(offline.iterdir()) == []


@pytest.mark.slow
def test_without_a_key_it_says_so_and_nothing_is_left(offline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:1")  # nobody is asked
    monkeypatch.setenv("HOME", str(offline / "home"))
    monkeypatch.setenv("NETRC", str(offline / "netrc"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    process = start_roarm("train", "reach", *SMALL, "--wandb", "project", folder=offline, start_new_session=True)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert "set WANDB_MODE=offline and send it later" in err
    assert list((offline / "runs").iterdir()) == []

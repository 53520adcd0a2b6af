"""Training from end to end, in seconds: what is in the run folder, and that it can be stopped and gone on with."""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from roarm_lab.core.errors import BadInputError, DiskError, MissingError
from roarm_lab.core.provenance import provenance
from roarm_lab.envs.env import Env
from roarm_lab.envs.interface import hashes_of, interface_of, physics_of
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.policies.contract import check_drift, check_interface
from roarm_lab.rl import sb3_ppo
from roarm_lab.rl.sb3_vec_env import Sb3VecEnv
from roarm_lab.rl.train import Trained, TrainingInterrupted, device_of, train
from roarm_lab.rl.training_log import Progress
from roarm_lab.runs.run_folder import RunFolder
from roarm_lab.runs.run_meta import check_whole
from roarm_lab.sim.backend import SimConfig
from roarm_lab.tasks.reach import reach
from tests.training import ROLLOUT, tiny_job, train_tiny


def stop_at(steps: int) -> Callable[[Progress], None]:
    """Press Ctrl-C when so many steps are done."""

    def report(state: Progress) -> None:
        if state.steps >= steps:
            raise KeyboardInterrupt

    return report


def test_a_run_folder_has_everything(tiny_run: Trained) -> None:
    run = tiny_run.run
    parts = {path.name for path in run.path.iterdir()}
    assert parts == {"meta.json", "curve.csv", "tensorboard", "checkpoints", "bundle", "evaluation.json"}
    assert any((run.path / "tensorboard").iterdir())
    meta = run.meta()
    assert meta["hashes"] == hashes_of(reach())
    assert meta["env"]["rewards"]["near"]["weight"] == 0.25
    assert meta["settings"]["num_envs"] == 64
    assert meta["physical_parameters"] == json.loads(json.dumps(physics_of(reach())))
    assert {"roarm_lab", "packages", "git", "time_utc"} <= set(meta["provenance"])
    assert run.read_curve()["steps"] == [ROLLOUT * (i + 1) for i in range(6)]
    assert [int(path.name) for path in run.checkpoints()] == [4 * ROLLOUT, 5 * ROLLOUT, 6 * ROLLOUT]


def test_the_bundle_fits_the_task_and_says_where_it_came_from(tiny_run: Trained) -> None:
    bundle = load_bundle(tiny_run.run.path)
    check_interface(bundle.contract, interface_of(reach()))
    assert check_drift(bundle.contract, hashes_of(reach()), allow=False) == []
    assert bundle.contract.provenance["trainer"] == "sb3-ppo"
    assert bundle.contract.evaluation == json.loads((tiny_run.run.path / "evaluation.json").read_text())
    assert tiny_run.evaluation.episodes == 8
    assert json.loads(json.dumps(tiny_run.evaluation.to_plain())) == bundle.contract.evaluation


def test_a_contract_names_the_version_that_exported_it_and_those_that_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, job = RunFolder.create(tmp_path, "reach", 0), tiny_job(4, checkpoint_s=1e9)
    old = provenance() | {"roarm_lab": "0.0.9", "time_utc": "2026-01-01T00:00:00+00:00"}
    with monkeypatch.context() as patched:
        patched.setattr("roarm_lab.rl.train.provenance", lambda: old)  # what `meta.json` is given
        with pytest.raises(TrainingInterrupted):
            train(job, run, report=stop_at(2 * ROLLOUT))
    made = train(job, run, resume=True).bundle.contract.provenance
    now = provenance()
    assert (made["roarm_lab"], made["git"]) == (now["roarm_lab"], now["git"])
    assert made["time_utc"] > old["time_utc"]
    assert [(part["from_steps"], part["roarm_lab"]) for part in made["trained_with"]] == [
        (0, "0.0.9"),
        (2 * ROLLOUT, now["roarm_lab"]),
    ]
    assert run.meta()["provenance"]["roarm_lab"] == "0.0.9"  # the run began with it
    shutil.rmtree(run.bundle)
    again = train(job, run, resume=True).bundle.contract.provenance  # exports anew, trains nothing
    assert [part["from_steps"] for part in again["trained_with"]] == [0, 2 * ROLLOUT]


def test_what_a_run_says_has_the_keys_that_its_readers_know(tiny_run: Trained) -> None:
    check_whole(tiny_run.run.meta(), "meta.json")


def test_going_on_keeps_the_learning_rate_and_the_normaliser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, job = RunFolder.create(tmp_path, "reach", 0), tiny_job(4, checkpoint_s=1e9)
    with pytest.raises(TrainingInterrupted):
        train(job, run, report=stop_at(3 * ROLLOUT))
    kept = np.load(run.checkpoints()[-1] / sb3_ppo.NORMALISER)
    rate = run.read_curve()["learning_rate"]
    assert rate[-1] != job.settings.learning_rate  # it has moved: otherwise this shows nothing
    seen: list[tuple[float, float]] = []
    learn = sb3_ppo.PPO.learn

    def spy(model: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append((model.env.obs_rms.count, model.lr_schedule(1.0)))
        np.testing.assert_array_equal(model.env.obs_rms.mean, kept["mean"])
        np.testing.assert_array_equal(model.env.obs_rms.var, kept["var"])
        assert model.env.venv.env.total_steps == 3 * ROLLOUT
        return learn(model, *args, **kwargs)

    monkeypatch.setattr(sb3_ppo.PPO, "learn", spy)
    train(job, run, resume=True)
    assert seen[0][0] == kept["count"]
    assert seen[0][1] in {rate[-1], *(rate[-1] * factor for factor in (1.5, 1 / 1.5))}
    assert run.read_curve()["learning_rate"][3] == pytest.approx(rate[-1], rel=1e-5)  # of the last update


def test_rows_after_the_checkpoint_are_lost_with_the_steps(tmp_path: Path) -> None:
    run, job = RunFolder.create(tmp_path, "reach", 0), tiny_job(4)
    with pytest.raises(TrainingInterrupted):
        train(job, run, report=stop_at(2 * ROLLOUT))
    # As if the process had gone on and been killed in the middle of a row.
    header = run.curve.read_text().splitlines()[0]
    run.append_curve({name: 3.0 * ROLLOUT if name == "steps" else 0.0 for name in header.split(",")} | {"steps": 3072})
    with run.curve.open("a") as file:
        file.write("4096,0.1")
    (run.path / "checkpoints" / ".0000003072.part").mkdir()
    train(job, run, resume=True)
    assert run.read_curve()["steps"] == [1024, 2048, 3072, 4096]
    assert run.read_curve()["learning_rate"][2] > 0.0  # not the old row


def test_a_finished_training_can_be_made_longer(tmp_path: Path) -> None:
    first = train_tiny(tmp_path, rollouts=2)
    job = replace(tiny_job(4), seed=0)
    seen: list[bool] = []
    longer = train(job, first.run, resume=True, report=lambda state: seen.append(first.run.is_evaluated()))
    assert longer.run.read_curve()["steps"] == [1024, 2048, 3072, 4096]
    assert longer.bundle.policy.sha256 != first.bundle.policy.sha256
    assert seen == [True, True]


def test_an_evaluation_that_was_interrupted_is_caught_up_on(tmp_path: Path) -> None:
    run, job = RunFolder.create(tmp_path, "reach", 0), tiny_job(1)

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(job, run, evaluating=stop)
    assert load_bundle(run.path).contract.evaluation is None
    assert not run.is_evaluated()
    done = train(job, run, resume=True)
    assert run.read_curve()["steps"] == [ROLLOUT]
    assert done.bundle.contract.evaluation is not None


def test_there_must_be_a_checkpoint_to_go_on_from(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="has no checkpoint to go on from"):
        train(tiny_job(1), RunFolder.create(tmp_path, "reach", 0), resume=True)


def test_the_device_is_cpu_unless_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert device_of("auto", reach()) == device_of("cpu", reach()) == "cpu"
    with pytest.raises(BadInputError, match=r"^device must be auto, cpu, cuda or cuda:1, ..., got 'tpu'"):
        device_of("tpu", reach())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MissingError, match=r"PyTorch sees no CUDA device; `check_install\(\)`"):
        device_of("cuda", reach())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_of("cuda:1", reach()) == "cuda:1"
    assert device_of("auto", replace(reach(), sim=SimConfig(backend="mujoco_warp"))) == "cuda"


def full_disk(*_: object, **__: object) -> None:
    """Fail as writing does on a disk without room."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_fills_up_keeps_the_checkpoints_and_training_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder.create(tmp_path, "reach", 0)
    with monkeypatch.context() as patch:

        def report(state: Progress) -> None:
            if state.steps >= 3 * ROLLOUT:
                patch.setattr(RunFolder, "append_curve", full_disk)

        with pytest.raises(DiskError, match="can not be written any more: No space left on device"):
            train(tiny_job(6), run, report=report)
    assert [int(path.name) for path in run.checkpoints()] == [ROLLOUT, 2 * ROLLOUT, 3 * ROLLOUT]
    trained = train(tiny_job(6), run, resume=True)
    assert trained.run.read_curve()["steps"] == [ROLLOUT * (i + 1) for i in range(6)]


def test_a_run_that_may_not_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train_tiny(tmp_path, rollouts=1).run

    def refuse(*words: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied", "tensorboard")

    monkeypatch.setattr("roarm_lab.rl.sb3_trainer.tensorboard_logger", refuse)
    with pytest.raises(DiskError, match="any more: Permission denied. What it has is kept; see that you may write"):
        train(tiny_job(2), run, resume=True)
    assert len(run.checkpoints()) == 1


def test_of_a_checkpoint_that_does_not_fit_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, old = RunFolder.create(tmp_path, "reach", 0), Path.write_bytes

    def write(path: Path, data: bytes) -> int:
        if path.name == sb3_ppo.NORMALISER and f"{2 * ROLLOUT}" in str(path):
            full_disk()
        return old(path, data)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(DiskError, match="No space left on device"):
        train(tiny_job(6), run)
    assert [path.name for path in (run.path / "checkpoints").iterdir()] == [f"{ROLLOUT:010d}"]


@pytest.mark.parametrize("place", ["bundle", "evaluation.json"])
def test_what_comes_after_learning_may_meet_a_full_disk_too(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, data: bytes | str, **options: bool) -> Path:
        del data, options
        raise BadInputError(f"{path} can not be written.") from OSError(errno.ENOSPC, "No space left on device")

    run = RunFolder.create(tmp_path, "reach", 0)
    module = "roarm_lab.policies.bundle" if place == "bundle" else "roarm_lab.runs.run_folder"

    def report(state: Progress) -> None:
        if state.steps >= ROLLOUT:
            monkeypatch.setattr(f"{module}.write_atomic", write)

    with pytest.raises(DiskError, match="No space left on device"):
        train(tiny_job(1), run, report=report)
    assert [int(path.name) for path in run.checkpoints()] == [ROLLOUT]


def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    trained = train_tiny(tmp_path / "runs", rollouts=1)
    train(tiny_job(2), trained.run, resume=True)
    job = tiny_job(1)
    env = sb3_ppo.normalised(Sb3VecEnv(Env(job.env, 64, seed=0)), job.settings)
    for model in (
        sb3_ppo.make_ppo(env, job.settings, 0, "cpu"),
        sb3_ppo.load(trained.run.checkpoints()[-1], env, "cpu"),
    ):
        model.learn(ROLLOUT)  # without a logger of its own
    env.close()
    assert list(temporary.iterdir()) == []

"""What the simulator leaves out in training stands in `meta.json`, and is said once."""

from pathlib import Path

import pytest

from roarm_lab.cli.main import main
from roarm_lab.rl.train import train
from roarm_lab.runs.run_folder import RunFolder
from roarm_lab.sim.mujoco_cpu import MujocoCpu
from tests.training import tiny_job


def test_contacts_that_are_left_out_are_said_once_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[int] = []

    def overflows(self: MujocoCpu) -> dict[str, int]:
        if self.num_envs != 64:  # the evaluation has room
            return {}
        asked.append(1)
        return {} if len(asked) == 1 else {"NEFC": len(asked)}

    monkeypatch.setattr(MujocoCpu, "overflows", overflows)
    run, said = RunFolder.create(tmp_path, "reach", 0), list[str]()
    train(tiny_job(4), run, say=said.append)
    assert len(said) == 1
    assert "left contacts out in 2 of 64 worlds" in said[0]
    assert run.meta()["overflows"] == {"NEFC": 4}
    assert {"hashes", "settings", "provenance"} <= set(run.meta())

    monkeypatch.setattr(MujocoCpu, "overflows", lambda self: {"NARROWPHASE": 1})
    train(tiny_job(5), run, resume=True, say=said.append)
    assert run.meta()["overflows"] == {"NEFC": 4, "NARROWPHASE": 1}
    assert main(["explain", str(run.path), "--episodes", "4"]) == 1
    assert "contacts left out" in capsys.readouterr().out


def test_a_run_that_left_nothing_out_says_nothing(tmp_path: Path) -> None:
    run, said = RunFolder.create(tmp_path, "reach", 0), list[str]()
    train(tiny_job(2), run, say=said.append)
    assert not said
    assert "overflows" not in run.meta()

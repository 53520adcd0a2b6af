"""A sweep on disk: what was asked for comes back as it was, and what is damaged is said."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.runs.sweep_folder import Plan, SweepFolder
from roarm_lab.runs.sweep_grid import settings_of, trials_of

SETTINGS = settings_of(("sb3", "skrl"), {"hidden": ([64, 64],)})
PLAN = Plan(
    task="reach",
    settings=SETTINGS,
    trials=trials_of(SETTINGS, (0, 1)),
    requests=({"task": "reach", "seed": 0},) * 4,
    total_timesteps=(1000,) * 4,
)


def test_a_plan_comes_back_as_it_was(tmp_path: Path) -> None:
    folder = SweepFolder.create(tmp_path, "a", "reach")
    folder.write_plan(PLAN, {"command": ["roarm", "sweep"]})
    assert SweepFolder.open(tmp_path / "a").plan() == PLAN
    assert json.loads((tmp_path / "a" / "sweep.json").read_text())["command"] == ["roarm", "sweep"]


def test_a_plan_of_schema_1_whose_trials_were_words_is_read(tmp_path: Path) -> None:
    folder = SweepFolder.create(tmp_path, "a", "reach")
    folder.write_plan(PLAN, {})
    data = json.loads((tmp_path / "a" / "sweep.json").read_text())
    del data["requests"]
    words = ["reach", "--seed", "0", "--num-envs", "64", "--hyperparameters", "inputs/setting0.yaml", "--wandb", "7"]
    data |= {"schema": 1, "words": [words] * 4}
    folder.write_text("sweep.json", json.dumps(data))
    assert folder.plan().requests[3] == {
        "task": "reach",
        "seed": 0,
        "num_envs": 64,
        "hyperparameters": "inputs/setting0.yaml",
        "wandb": "7",
    }
    folder.write_text("sweep.json", json.dumps(data | {"words": 3}))
    with pytest.raises(BadInputError, match="is damaged"):
        folder.plan()


def test_a_name_that_is_taken_is_refused_and_how_to_go_on_is_said(tmp_path: Path) -> None:
    SweepFolder.create(tmp_path, "a", "reach").write_plan(PLAN, {})
    with pytest.raises(BadInputError, match="not empty. Give another name or go on with it: `sweep\\(resume="):
        SweepFolder.create(tmp_path, "a", "reach")


def test_without_a_name_the_folder_has_time_and_task(tmp_path: Path) -> None:
    assert SweepFolder.create(tmp_path, None, "reach").path.name.endswith("-reach")


def test_a_folder_that_is_no_sweep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is not a sweep: it has no sweep.json"):
        SweepFolder.open(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("trials"), "sweep.json is damaged: it lacks 'trials'"),
        (lambda data: data.update(trials=[]), "sweep.json is damaged"),
        (lambda data: data.update(requests=3), "sweep.json is damaged"),
        (lambda data: data["requests"].pop(), "sweep.json is damaged"),
        (lambda data: data["trials"][0].update(setting=2), "sweep.json is damaged"),
        (lambda data: data["settings"].append("sb3"), r"settings\[\d\] must be an object"),
        (lambda data: data["settings"][0].update(colour="red"), r"settings\[0\] has an unknown key 'colour'"),
        (lambda data: data["trials"][0].pop("seed"), r"trials\[0\] is damaged: it lacks 'seed'"),
        (lambda data: data.update(trails=[]), "sweep.json has an unknown key 'trails'. Did you mean 'trials'"),
        (lambda data: data.update(schema=True), "sweep.json has schema true; this version of RoArm Lab reads 1 and 2"),
    ],
)
def test_a_damaged_plan_is_said(tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    folder = SweepFolder.create(tmp_path, "a", "reach")
    folder.write_plan(PLAN, {})
    data = json.loads((tmp_path / "a" / "sweep.json").read_text())
    change(data)
    folder.write_text("sweep.json", json.dumps(data))
    with pytest.raises(BadInputError, match=message):
        folder.plan()

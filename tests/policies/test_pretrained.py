"""The policies that come with the package are small, fit the task as it is, say how they were made, and work."""

import json
import shutil
from pathlib import Path

import pytest

from roarm_lab.core.errors import UnknownNameError
from roarm_lab.envs.interface import hashes_of, interface_of
from roarm_lab.evaluation.evaluate import evaluate
from roarm_lab.policies.bundle import load_bundle, renew_contract
from roarm_lab.policies.contract import InterfaceError, check_drift, check_interface
from roarm_lab.policies.contract_keys import SCHEMA
from roarm_lab.policies.pretrained import SHIPPED, shipped_bundle
from roarm_lab.tasks.table import get_task

MAX_BYTES = 300_000
OLD = Path(__file__).parents[1] / "data" / "lift_cube_contract_schema_1.json"
"""The same policy's contract as the first schema had it."""
SHIPPED_TASKS = sorted(path.name for path in SHIPPED.iterdir())


@pytest.mark.parametrize("task", SHIPPED_TASKS)
def test_it_is_small_and_fits_the_task_as_it_is_now(task: str) -> None:
    folder, config = shipped_bundle(task), get_task(task)
    contract = load_bundle(folder).contract
    assert sum(path.stat().st_size for path in folder.iterdir()) <= MAX_BYTES
    check_interface(contract, interface_of(config))
    assert check_drift(contract, hashes_of(config), allow=False) == []


@pytest.mark.parametrize("task", SHIPPED_TASKS)
def test_its_contract_is_what_this_version_writes(task: str) -> None:
    contract = load_bundle(shipped_bundle(task)).contract
    assert contract.schema == SCHEMA
    assert contract.interface == json.loads(json.dumps(interface_of(get_task(task))))


def test_a_contract_of_the_first_schema_still_works_and_can_be_renewed(tmp_path: Path) -> None:
    shipped, config = shipped_bundle("lift-cube"), get_task("lift-cube")
    shutil.copy(shipped / "policy.onnx", tmp_path)
    shutil.copy(OLD, tmp_path / "contract.json")
    bundle = load_bundle(tmp_path)
    assert bundle.contract.schema == 1
    assert json.loads(bundle.contract.to_json()) == json.loads(OLD.read_text())
    check_interface(bundle.contract, interface_of(config))
    assert check_drift(bundle.contract, hashes_of(config), allow=False) == []
    renew_contract(tmp_path, interface_of(config))
    assert (tmp_path / "contract.json").read_text() == (shipped / "contract.json").read_text()


def test_a_contract_that_does_not_fit_is_not_renewed(tmp_path: Path) -> None:
    shutil.copy(shipped_bundle("lift-cube") / "policy.onnx", tmp_path)
    shutil.copy(OLD, tmp_path / "contract.json")
    with pytest.raises(InterfaceError, match="does not fit"):
        renew_contract(tmp_path, interface_of(get_task("reach")))
    assert (tmp_path / "contract.json").read_text() == OLD.read_text()


@pytest.mark.parametrize("task", SHIPPED_TASKS)
def test_its_contract_says_how_it_was_made_and_how_good_it_is(task: str) -> None:
    contract = load_bundle(shipped_bundle(task)).contract
    made = contract.provenance
    assert made["command"] == ["roarm", "train", task, "--seed", str(made["seed"]), "--eval-episodes", "2000"]
    assert contract.evaluation is not None
    assert contract.evaluation["episodes"] == 2000
    assert contract.evaluation["interval"][0] >= 0.95


@pytest.mark.parametrize("task", SHIPPED_TASKS)
def test_it_is_as_good_as_it_says(task: str) -> None:
    bundle = load_bundle(shipped_bundle(task))
    found = evaluate(bundle.policy.infer, get_task(task), episodes=400, seed=3)
    assert bundle.contract.evaluation is not None
    assert found.interval[0] <= bundle.contract.evaluation["success_rate"] <= found.interval[1]


def test_a_task_without_one_is_named() -> None:
    with pytest.raises(UnknownNameError, match="no policy in this package for the task named 'lift-cub'. Did you mean"):
        shipped_bundle("lift-cub")

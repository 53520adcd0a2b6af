"""The policies that come with the package are small, fit the task as it is, say how they were made, and work."""

import pytest

from roarm_lab.core.errors import UnknownNameError
from roarm_lab.envs.interface import hashes_of, interface_of
from roarm_lab.evaluate.evaluation import evaluate
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.policies.contract import check_drift, check_interface
from roarm_lab.policies.shipped import SHIPPED, shipped_bundle
from roarm_lab.tasks.table import get_task

MAX_BYTES = 300_000
SHIPPED_TASKS = sorted(path.name for path in SHIPPED.iterdir())


@pytest.mark.parametrize("task", SHIPPED_TASKS)
def test_it_is_small_and_fits_the_task_as_it_is_now(task: str) -> None:
    folder, config = shipped_bundle(task), get_task(task)
    contract = load_bundle(folder).contract
    assert sum(path.stat().st_size for path in folder.iterdir()) <= MAX_BYTES
    check_interface(contract, interface_of(config))
    assert check_drift(contract, hashes_of(config), allow=False) == []


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

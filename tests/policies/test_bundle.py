"""Bundles on disk: written, read back, and refused when anything about them is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import sha256_of
from roarm_lab.policies.bundle import load_bundle, write_bundle
from roarm_lab.policies.contract import InterfaceError, check_interface
from roarm_lab.tasks.reach import reach
from tests.bundles import constant, contract_of, inputs_of, still_bundle, wild, wild_bundle, with_network

INPUTS = inputs_of(reach())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle", wild(INPUTS), contract_of(reach()))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "contract.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_a_bundle_comes_back_as_it_was_written(folder: Path) -> None:
    bundle = load_bundle(folder)
    assert bundle.path == folder
    check_interface(bundle.contract, contract_of(reach()).interface)
    assert bundle.contract.hashes["policy"] == sha256_of(wild(INPUTS))
    assert {name: bundle.contract.hashes[name] for name in contract_of(reach()).hashes} == contract_of(reach()).hashes
    action = bundle.policy.infer({name: np.zeros((2, size), np.float32) for name, size in INPUTS.items()})
    assert action.shape == (2, 1, 6)


def test_a_bundle_is_two_files(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["contract.json", "policy.onnx"]


def test_a_run_folder_stands_for_the_bundle_in_it(folder: Path) -> None:
    assert load_bundle(folder.parent).path == folder


def test_an_existing_bundle_is_not_overwritten_unasked(folder: Path) -> None:
    before = (folder / "policy.onnx").read_bytes()
    with pytest.raises(BadInputError, match="exists already and is not empty"):
        write_bundle(folder, constant([0.0] * 6, INPUTS), contract_of(reach()))
    assert (folder / "policy.onnx").read_bytes() == before
    write_bundle(folder, constant([0.0] * 6, INPUTS), contract_of(reach()), overwrite=True)
    load_bundle(folder)


def test_nothing_is_written_for_a_contract_that_can_not_be(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="not finite"):
        write_bundle(tmp_path / "b", b"", contract_of(reach(), control_dt_s=float("nan")))
    assert not (tmp_path / "b").exists()


def test_no_bundle_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="There is no policy bundle at .*a folder with policy.onnx and contract"):
        load_bundle(tmp_path / "nothing")


@pytest.mark.parametrize(("name", "message"), [("contract.json", "is not a policy bundle"), ("policy.onnx", "No such")])
def test_a_missing_file_is_named(folder: Path, name: str, message: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BadInputError, match=message) as caught:
        load_bundle(folder)
    assert name in str(caught.value)


def test_a_run_without_a_policy_says_how_to_get_one(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "my run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "meta.json").write_text("{}")
    with pytest.raises(BadInputError, match=r"has no policy yet, or lost it; make it: `train\(resume='.*my run'\)`$"):
        load_bundle(run)
    folder.rename(run / "bundle")
    assert load_bundle(run).path == run / "bundle"
    with pytest.raises(BadInputError, match=r"Give a bundle or a run folder, for instance .*my run\.$"):
        load_bundle(run.parent)


def test_files_that_are_none_are_refused(folder: Path) -> None:
    (folder / "contract.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInputError, match="contract.json can not be read"):
        load_bundle(folder)
    (folder / "contract.json").unlink()
    (folder / "contract.json").mkdir()
    with pytest.raises(BadInputError, match="contract.json can not be read"):
        load_bundle(folder)


@pytest.mark.parametrize("place", [0.3, 0.6, 0.9])
def test_a_flipped_bit_in_the_network_is_noticed(folder: Path, place: float) -> None:
    path = folder / "policy.onnx"
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadInputError, match="damaged"):
        load_bundle(folder)


def test_a_truncated_network_is_refused(folder: Path) -> None:
    path = folder / "policy.onnx"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadInputError, match="policy.onnx is not a readable ONNX model"):
        load_bundle(folder)


def test_the_network_of_another_bundle_is_refused(folder: Path, tmp_path: Path) -> None:
    other = wild_bundle(tmp_path / "other", seed=1)
    (folder / "policy.onnx").write_bytes((other.path / "policy.onnx").read_bytes())
    with pytest.raises(BadInputError, match=r"not the network that contract.json was written for: its hash is"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema=99), "has schema 99"),
        (lambda d: d["provenance"].pop("hashes"), "the contract says None"),
        (lambda d: d["provenance"]["hashes"].update(policy="0" * 64), "the contract says 000000000000"),
        (lambda d: d["provenance"].update(hashes=3), "provenance.hashes must be a JSON object"),
        (lambda d: d["interface"].pop("joints"), "does not say: joints"),
        (lambda d: d["interface"].update(observations={}), "observations must be a list, got {}"),
        (lambda d: d["interface"]["observations"].pop(), "takes .*'last_action'.*the contract promises"),
        (lambda d: d["interface"]["observations"][0].update(size=5), "the contract promises {'joint_pos': 5"),
        (lambda d: d["interface"]["observations"][0].update(colour="red"), "has an unknown key 'colour'"),
        (lambda d: d["interface"]["actions"][0].update(size=5), r"gives 'action' \['batch', 1, 6\]"),
    ],
)
def test_a_contract_that_does_not_fit_is_refused(
    folder: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    edit(folder, change)
    with pytest.raises(BadInputError, match=message) as caught:
        load_bundle(folder)
    assert caught.value.exit_code == 2


def test_a_network_that_does_not_keep_the_contract_is_refused(folder: Path, tmp_path: Path) -> None:
    bundle = load_bundle(folder)
    with pytest.raises(InterfaceError, match="the contract promises"):
        load_bundle(with_network(bundle, constant([0.0] * 6, {"joint_pos": 6}), tmp_path / "b"))
    with pytest.raises(InterfaceError, match=r"'action' \['batch', 1, 5\]"):
        load_bundle(with_network(bundle, constant([0.0] * 5, INPUTS), tmp_path / "c"))


def test_a_policy_that_never_moves_gives_zeros(tmp_path: Path) -> None:
    policy = load_bundle(still_bundle(tmp_path / "still")).policy
    action = policy.infer({name: np.ones((1, size), np.float32) for name, size in INPUTS.items()})
    np.testing.assert_array_equal(action, np.zeros((1, 1, 6)))

"""A policy bundle on disk: a folder with `policy.onnx` and `contract.json`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import new_folder, sha256_of, write_atomic
from roarm_lab.policies.contract import Contract, action_size, check_complete, check_interface, observed, parse_contract
from roarm_lab.policies.contract_keys import SCHEMA
from roarm_lab.policies.network import Network
from roarm_lab.policies.onnx_policy import OnnxPolicy

CONTRACT, POLICY = "contract.json", "policy.onnx"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A loaded policy and its contract."""

    path: Path
    contract: Contract
    policy: Network


def write_bundle(path: Path, onnx: bytes, contract: Contract, *, overwrite: bool = False) -> Path:
    """Write a bundle to folder `path` and return it; the hash of the network goes into the contract.

    Raises:
        BadInputError: The folder exists and `overwrite` is False.
    """
    hashes = {**contract.hashes, "policy": sha256_of(onnx)}
    whole = replace(contract, provenance={**contract.provenance, "hashes": hashes})
    text = whole.to_json()
    new_folder(path, overwrite)
    write_atomic(path / POLICY, onnx, overwrite=True)
    write_atomic(path / CONTRACT, text, overwrite=True)
    return path


def renew_contract(path: Path, interface: Mapping[str, Any]) -> Path:
    """Write the contract of a bundle anew as this version writes contracts, and return its path.

    The network, hashes and evaluation stay what they are; `interface` is today's of the same task.

    Raises:
        InterfaceError: The policy does not fit `interface`.
    """
    bundle = load_bundle(path)
    check_interface(bundle.contract, interface)
    renewed = replace(bundle.contract, interface=interface, schema=SCHEMA)
    return write_atomic(bundle.path / CONTRACT, renewed.to_json(), overwrite=True)


def load_bundle(path: Path) -> Bundle:
    """Load a bundle: its folder, or a run folder that has one under `bundle/`.

    Raises:
        BadInputError: A file is missing, damaged, or does not belong to the other.
    """
    folder = path / "bundle" if not (path / CONTRACT).exists() and (path / "bundle").is_dir() else path
    if not folder.is_dir():
        raise BadInputError(f"There is no policy bundle at {path}: it is a folder with {POLICY} and {CONTRACT}.")
    if not (folder / CONTRACT).exists():
        raise BadInputError(f"{folder} is not a policy bundle: it has no {CONTRACT}. {_instead(path)}")
    try:
        text = (folder / CONTRACT).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{folder / CONTRACT} can not be read: {error}.") from error
    contract = parse_contract(text, str(folder / CONTRACT))
    check_complete(contract)
    policy = OnnxPolicy(folder / POLICY)
    if contract.hashes.get("policy") != policy.sha256:
        raise BadInputError(
            f"{folder / POLICY} is damaged, or is not the network that {CONTRACT} was written for: its hash is "
            f"{policy.sha256[:12]}, the contract says {str(contract.hashes.get('policy'))[:12]}."
        )
    policy.check({entry.name: entry.size for entry in observed(contract)}, action_size(contract))
    return Bundle(path=folder, contract=contract, policy=policy)


def _instead(path: Path) -> str:
    """Return what to do where a folder is no bundle."""
    if (path / "meta.json").exists() and (path / "checkpoints").is_dir():
        return f"This run has no policy yet, or lost it; make it: `train(resume={str(path)!r})`"
    inside = sorted(found.parents[1] for found in path.glob(f"*/bundle/{CONTRACT}"))
    return f"Give a bundle or a run folder, for instance {inside[-1] if inside else 'runs/RUN'}."

"""A policy bundle on disk: a folder with `policy.onnx` and `contract.json`."""

from dataclasses import dataclass, replace
from pathlib import Path

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import new_folder, sha256_of, write_atomic
from roarm_lab.policies.contract import Contract, observed, parse_contract
from roarm_lab.policies.onnx_policy import OnnxPolicy

CONTRACT, POLICY = "contract.json", "policy.onnx"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A loaded policy and its contract."""

    path: Path
    contract: Contract
    policy: OnnxPolicy


def write_bundle(path: Path, onnx: bytes, contract: Contract, *, overwrite: bool = False) -> Path:
    """Write a bundle to folder `path` and return it; the hash of the network goes into the contract.

    Raises:
        BadInputError: The folder exists and `overwrite` is False.
    """
    hashes = {**contract.provenance.get("hashes", {}), "policy": sha256_of(onnx)}
    whole = replace(contract, provenance={**contract.provenance, "hashes": hashes})
    text = whole.to_json()
    new_folder(path, overwrite)
    write_atomic(path / POLICY, onnx, overwrite=True)
    write_atomic(path / CONTRACT, text, overwrite=True)
    return path


def load_bundle(path: Path) -> Bundle:
    """Load a bundle: its folder, or a run folder that has one under `bundle/`.

    Raises:
        BadInputError: A file is missing, damaged, or does not belong to the other.
    """
    folder = path / "bundle" if not (path / CONTRACT).exists() and (path / "bundle").is_dir() else path
    if not folder.is_dir():
        raise BadInputError(f"There is no policy bundle at {path}: it is a folder with {POLICY} and {CONTRACT}.")
    try:
        contract = parse_contract((folder / CONTRACT).read_text(encoding="utf-8"), str(folder / CONTRACT))
        onnx = (folder / POLICY).read_bytes()
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise BadInputError(f"{folder} is not a policy bundle: {error}.") from error
    policy = OnnxPolicy(folder / POLICY)
    expected = contract.provenance.get("hashes", {}).get("policy")
    if expected != sha256_of(onnx):
        raise BadInputError(f"{folder / POLICY} is not the network that {CONTRACT} was written for (hash differs).")
    policy.check({entry.name: entry.size for entry in observed(contract)})
    return Bundle(path=folder, contract=contract, policy=policy)

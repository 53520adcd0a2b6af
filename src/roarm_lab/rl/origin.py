"""Where a policy comes from: which versions trained it, which one exported it, and what its contract says of it."""

from collections.abc import Mapping
from typing import Any

from roarm_lab.core.provenance import provenance
from roarm_lab.envs.interface import hashes_of, interface_of
from roarm_lab.policies.contract import Contract
from roarm_lab.rl.train_job import TrainJob
from roarm_lab.rl.trainer import kind_of
from roarm_lab.runs.run_folder import RunFolder
from roarm_lab.runs.run_meta import BROKE_DOWN


def contract_of(job: TrainJob, run: RunFolder) -> Contract:
    """Return the contract of the policy that `job` trains: which version exports it, and which ones have trained it."""
    meta = run.meta()
    resumed: list[Mapping[str, Any]] = meta.get("resumed", [])
    return Contract(
        interface=interface_of(job.env) | ({"changes": dict(job.changes)} if job.changes else {}),
        provenance={
            "hashes": hashes_of(job.env),
            "trainer": kind_of(job.trainer, job.settings.algorithm).label,
            "simulator": job.env.sim.backend,
            "seed": job.seed,
            "command": list(job.command),
            **_versions(provenance()),
            "trained_with": [
                {"from_steps": 0, **_versions(meta["provenance"])},
                *({"from_steps": part["from_steps"], **_versions(part["provenance"])} for part in resumed),
            ],
        },
    )


def _versions(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a record's provenance a contract keeps."""
    return {name: found.get(name) for name in ("roarm_lab", "python", "packages", "git", "time_utc")}


def note_resumption(run: RunFolder, steps: int) -> None:
    """Write down from where and with which versions a run goes on; what came after these steps is forgotten."""
    meta = {name: value for name, value in run.meta().items() if name != BROKE_DOWN}
    parts: list[dict[str, Any]] = [part for part in meta.get("resumed", []) if part["from_steps"] < steps]
    run.write_json("meta.json", {**meta, "resumed": [*parts, {"from_steps": steps, "provenance": provenance()}]})

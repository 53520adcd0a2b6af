"""How an arm differs from the one that a policy was made for, in words, and where such differences are written down."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from roarm_lab.core.errors import DiskError
from roarm_lab.core.files import canonical_json, sha256_of
from roarm_lab.policies.contract import Contract, drift
from roarm_lab.robots.robot import Robot
from roarm_lab.robots.station import Station

SAME_RAD = math.radians(0.1)
"""A choice: angles that differ by less are the same. The servo's encoder has 0.088 degrees."""
OF_THE_ARM = ("station", "calibration")
FILE = "hash_mismatch_events.jsonl"
TRAINED_FOR = "the arm this was trained for"


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """One difference."""

    kind: str
    """`model`, `task`, `randomization`, `station` or `calibration`."""
    name: str
    """What of it, for instance `calibration.elbow_rad`; empty for all."""
    trained: str | float | None
    """Hash or number of the arm that the policy was made for; None where it is not known."""
    here: str | float | None
    text: str
    """In words."""


@dataclass(frozen=True, kw_only=True)
class ArmIdentity:
    """What can be known of an arm: hashes, and the numbers behind them."""

    hashes: Mapping[str, str]
    facts: Mapping[str, float]
    """Name with unit -> value, for instance `calibration.elbow_rad`."""


def identity_of(robot: Robot, station: Station | None, hashes: Mapping[str, str] | None = None) -> ArmIdentity:
    """Return what a robot at a station is.

    Args:
        robot: What kind of arm.
        station: Its place; None where it has none, as in simulation: then nothing is known of station and calibration.
        hashes: Of `model`, `task` and `randomization`, where they are simulated.
    """
    known = dict(hashes or {})
    if station is None:
        return ArmIdentity(hashes=known, facts={})
    offsets = dict(zip(robot.joint_names, station.offsets_rad(robot), strict=True))
    facts = {f"calibration.{joint}_rad": float(value) for joint, value in offsets.items()}
    for joint, (lower, upper) in station.limits_rad.items():
        facts |= {f"limits.{joint}.lower_rad": lower, f"limits.{joint}.upper_rad": upper}
    known |= {"station": station.hash, "calibration": sha256_of(canonical_json(offsets))}
    return ArmIdentity(hashes=known, facts=facts)


def mismatches(contract: Contract, made_for: ArmIdentity | None, here: ArmIdentity) -> list[Mismatch]:
    """Return all differences between an arm and the one that a policy was made for.

    What one side does not know is no difference: a policy that learnt in simulation was made for no calibration.

    Args:
        contract: The policy's: tells model, task and randomization.
        made_for: The arm; None where it is not known.
        here: The arm that is to move.
    """
    simulated = {kind: value for kind, value in here.hashes.items() if kind not in OF_THE_ARM}
    found: list[Mismatch] = []
    for line in drift(contract, simulated):
        kind = line.partition(":")[0]
        trained = contract.hashes.get(kind)
        found.append(Mismatch(kind=kind, name="", trained=trained, here=simulated[kind], text=line))
    return found + (_of_the_arm(made_for, here) if made_for else [])


def _of_the_arm(other: ArmIdentity, here: ArmIdentity) -> list[Mismatch]:
    found = [
        Mismatch(
            kind="calibration" if name.startswith("calibration.") else "station",
            name=name,
            trained=other.facts[name],
            here=value,
            text=_angle_in_words(name, value - other.facts[name]),
        )
        for name, value in here.facts.items()
        if name in other.facts and abs(value - other.facts[name]) > SAME_RAD
    ]
    told = {one.kind for one in found}
    found += [
        Mismatch(
            kind=kind, name="", trained=other.hashes[kind], here=value, text=f"the {kind} differs from {TRAINED_FOR}"
        )
        for kind, value in here.hashes.items()
        if kind == "station" and not told and value != other.hashes.get(kind, value)
    ]
    return found


def _angle_in_words(name: str, by_rad: float) -> str:
    """Return a difference of an angle, for instance `calibration.elbow_rad`, in words."""
    kind, joint, *rest = name.removesuffix("_rad").split(".")
    what = "zero" if kind == "calibration" else f"{''.join(rest)} limit"
    return f"the {joint.replace('_', ' ')}'s {what} differs by {abs(math.degrees(by_rad)):.1f}° from {TRAINED_FOR}"


def write_mismatches(folder: Path, client: str, found: list[Mismatch], *, station: str = "", allowed: bool) -> None:
    """Append differences to `hash_mismatch_events.jsonl` in a folder, one JSON object per line, safe on the disk.

    Args:
        folder: Where the logs are; made if it is not there.
        client: Whose arm it is.
        found: The differences.
        station: Name of the arm's place.
        allowed: Whether the policy may drive it all the same.

    Raises:
        DiskError: They can not be written.
    """
    when = datetime.now(UTC).isoformat(timespec="milliseconds")
    lines = [
        json.dumps({"v": 1, "ts": when, "client": client, "station": station, "allowed": allowed, **asdict(one)})
        for one in found
    ]
    if not lines:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / FILE).open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DiskError(f"{folder / FILE} can not be written: {error.strerror}.") from error

"""The contract of a policy: everything somebody needs to run `policy.onnx` correctly, as JSON.

It has three parts. `interface` must match to the letter, or the policy is refused: names, order, units, rate, shapes.
`provenance` says what the policy was trained on; a difference there is drift, which a person may accept. `evaluation`
says how well it did.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from roarm_lab.core.errors import BadInputError

SCHEMA = 1
PARTS = ("schema", "interface", "provenance", "evaluation")
HASHES = ("model", "task", "randomization")
"""Provenance hashes whose difference is drift."""


class InterfaceError(BadInputError):
    """A policy expects or gives something else than the place it is to run in."""


class DriftError(BadInputError):
    """A policy was trained on something else than it is to run on, and nobody has accepted that."""


@dataclass(frozen=True, kw_only=True)
class Contract:
    """The parts of `contract.json`, as plain data."""

    interface: Mapping[str, Any]
    """robot, task, control_dt_s, joints, observations, actions, commands, limits, start, success."""
    provenance: Mapping[str, Any]
    """hashes (model, task, randomization, policy), versions, git revision, seed, command, time."""
    evaluation: Mapping[str, Any] | None = None
    schema: int = SCHEMA

    def to_json(self) -> str:
        """Return the contract as JSON text.

        Raises:
            BadInputError: A number is not finite.
        """
        data = {name: getattr(self, name) for name in PARTS}
        try:
            return json.dumps(data, indent=2, allow_nan=False) + "\n"
        except ValueError as error:
            raise BadInputError(f"The contract holds a number that is not finite: {error}.") from error


def parse_contract(text: str, where: str) -> Contract:
    """Return the contract in `text`; `where` names its file in errors.

    Raises:
        BadInputError: It is not JSON, or of another schema, or a part is missing.
    """
    try:
        data: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInputError(f"{where} is not valid JSON: {error}.") from error
    if not isinstance(data, dict):
        raise BadInputError(f"{where} must hold a JSON object, got {type(data).__name__}.")
    parts = cast("dict[str, Any]", data)
    if parts.get("schema") != SCHEMA:
        raise BadInputError(f"{where} has schema {parts.get('schema')!r}; this version of RoArm Lab reads {SCHEMA}.")
    for name in ("interface", "provenance"):
        if not isinstance(parts.get(name), dict):
            raise BadInputError(f"{where} has no part {name!r}; it needs {', '.join(PARTS)}.")
    return Contract(interface=parts["interface"], provenance=parts["provenance"], evaluation=parts.get("evaluation"))


def differences(given: object, expected: object, where: str = "interface") -> list[str]:
    """Return in words where two interfaces differ; numbers may differ by rounding only."""
    if isinstance(given, Mapping) and isinstance(expected, Mapping):
        mine, theirs = cast("Mapping[str, object]", given), cast("Mapping[str, object]", expected)
        found: list[str] = []
        if set(mine) == set(theirs) and list(mine) != list(theirs):
            found.append(f"{where}: order is {list(mine)} in the bundle, {list(theirs)} here")
        for key in dict.fromkeys((*mine, *theirs)):
            if key not in mine or key not in theirs:
                found.append(f"{where}.{key}: {'missing in the bundle' if key not in mine else 'unknown here'}")
            else:
                found += differences(mine[key], theirs[key], f"{where}.{key}")
        return found
    if isinstance(given, list | tuple) and isinstance(expected, list | tuple):
        left, right = cast("list[object]", given), cast("list[object]", expected)
        if len(left) != len(right):
            return [f"{where}: {list(left)} in the bundle, {list(right)} here"]
        return [
            line
            for i, (a, b) in enumerate(zip(left, right, strict=True))
            for line in differences(a, b, f"{where}[{i}]")
        ]
    if isinstance(given, float | int) and isinstance(expected, float | int):
        same = math.isclose(given, expected, rel_tol=1e-6, abs_tol=1e-9)
    else:
        same = given == expected
    return [] if same else [f"{where}: {given!r} in the bundle, {expected!r} here"]


def check_interface(contract: Contract, expected: Mapping[str, Any]) -> None:
    """Refuse a policy whose interface differs from the expected one.

    Raises:
        InterfaceError: Says every difference in words.
    """
    found = differences(contract.interface, expected)
    if found:
        raise InterfaceError("The bundle's interface does not fit: " + "; ".join(found[:8]) + ".")


def drift(contract: Contract, hashes: Mapping[str, str]) -> list[str]:
    """Return in words what differs between what the policy was trained on and `hashes` of what is here."""
    old = cast("Mapping[str, str]", contract.provenance.get("hashes", {}))
    return [
        f"{name}: trained on {str(old.get(name))[:12]}, here {hashes[name][:12]}"
        for name in HASHES
        if name in hashes and old.get(name) != hashes[name]
    ]


def check_drift(contract: Contract, hashes: Mapping[str, str], *, allow: bool) -> list[str]:
    """Return the drift in words; refuse it unless it is allowed.

    Raises:
        DriftError: There is drift and `allow` is False.
    """
    found = drift(contract, hashes)
    if found and not allow:
        raise DriftError(
            "The policy was trained on something else: "
            + "; ".join(found)
            + ". Results may differ; to run it all the same, add --allow-drift."
        )
    return found


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One observation term of the interface."""

    name: str
    kind: str
    source: str
    unit: str
    components: list[str]
    size: int
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])


def observed(contract: Contract) -> list[Observed]:
    """Return the observation terms of a contract, in order.

    Raises:
        InterfaceError: The list is missing or an entry is not what it should be.
    """
    try:
        return [Observed(**entry) for entry in contract.interface["observations"]]
    except (KeyError, TypeError) as error:
        raise InterfaceError(f"The contract's list of observations can not be read: {error}.") from error

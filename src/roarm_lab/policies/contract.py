"""The contract of a policy: everything somebody needs to run `policy.onnx` correctly, as JSON.

It has three parts. `interface` must match to the letter, or the policy is refused: names, order, units, rate, shapes.
`provenance` says what the policy was trained on; a difference there is drift, which a person may accept. `evaluation`
says how well it did.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import canonical_json, sha256_of
from roarm_lab.core.json_objects import check_keys, check_schema, parse_object, told
from roarm_lab.policies.contract_keys import MAY, PARTS, READ, SCHEMA, check_entries, compared, keys_of

HASHES = ("model", "task", "randomization")
"""Provenance hashes whose difference is drift."""
NOTHING = sha256_of(canonical_json({}))
"""The hash `randomization` where nothing is randomised."""
MAX_TOLD = 8
"""Differences that are said one by one; of more than these only the number."""
MAX_SHOWN = 100
"""Letters of a value that are shown."""


class InterfaceError(BadInputError):
    """A policy expects or gives something else than the place it is to run in."""


class DriftError(BadInputError):
    """A policy was trained on something else than it is to run on, and nobody has accepted that."""


@dataclass(frozen=True, kw_only=True)
class Contract:
    """The parts of `contract.json`, as plain data."""

    interface: Mapping[str, Any]
    """What `contract_keys.INTERFACE` lists."""
    provenance: Mapping[str, Any]
    """hashes (model, task, randomization, policy), versions, git revision, seed, command, time."""
    evaluation: Mapping[str, Any] | None = None
    schema: int = SCHEMA

    @property
    def hashes(self) -> Mapping[str, str]:
        """Hashes of what the policy was trained on, and of its network; empty where none were kept."""
        return self.provenance.get("hashes") or {}

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
        BadInputError: It is not JSON, or of another schema, or a part is missing, unknown or not what it should be.
    """
    parts = parse_object(text, where)
    schema = check_schema(parts, where, *READ)
    check_keys(parts, where, (), PARTS)
    for name in ("interface", "provenance"):
        if not isinstance(parts.get(name), dict):
            raise BadInputError(f"{where} has no part {name!r}; it needs {', '.join(PARTS)}.")
    check_keys(parts["interface"], f"{where}: interface", (), (*keys_of("interface", schema), *MAY))
    hashes: object = parts["provenance"].get("hashes")
    for name, part in (("provenance.hashes", hashes), ("evaluation", parts.get("evaluation"))):
        if not isinstance(part, dict | None):
            raise BadInputError(f"{where}: {name} must be a JSON object, got {type(part).__name__}.")
    for name, value in cast("dict[str, object]", hashes or {}).items():
        if not isinstance(value, str):
            raise BadInputError(f"{where}: provenance.hashes.{name} must be text, got {told(value)}.")
    return Contract(
        interface=parts["interface"],
        provenance=parts["provenance"],
        evaluation=parts.get("evaluation"),
        schema=schema,
    )


def differences(given: object, expected: object, where: str = "interface") -> list[str]:
    """Return in words where two interfaces differ; numbers may differ by rounding only."""
    if isinstance(given, Mapping) and isinstance(expected, Mapping):
        mine, theirs = cast("Mapping[str, object]", given), cast("Mapping[str, object]", expected)
        found: list[str] = []
        for key in dict.fromkeys((*mine, *theirs)):
            if key not in mine or key not in theirs:
                found.append(f"{where}.{key}: {'missing in the bundle' if key not in mine else 'unknown here'}")
            else:
                found += differences(mine[key], theirs[key], f"{where}.{key}")
        return found
    if isinstance(given, list | tuple) and isinstance(expected, list | tuple):
        left, right = cast("list[object]", given), cast("list[object]", expected)
        if _labels(left) != _labels(right):
            return [f"{where}: {_short(_named(left))} in the bundle, {_short(_named(right))} here"]
        return [
            line
            for i, (a, b) in enumerate(zip(left, right, strict=True))
            for line in differences(a, b, f"{where}[{i}]")
        ]
    return [] if _same(given, expected) else [f"{where}: {_short(given)} in the bundle, {_short(expected)} here"]


def _same(given: object, expected: object) -> bool:
    if isinstance(given, bool) or isinstance(expected, bool):
        return given is expected  # true is no 1
    if isinstance(given, float | int) and isinstance(expected, float | int):
        return math.isclose(given, expected, rel_tol=1e-6, abs_tol=1e-9)
    return given == expected


def _named(items: Sequence[object]) -> list[object]:
    """Return the items of a list, those that are objects with a name as their name."""
    return [
        cast("Mapping[str, object]", item).get("name", "?") if isinstance(item, Mapping) else item for item in items
    ]


def _labels(items: Sequence[object]) -> list[str | None]:
    """Return what says the order of a list: names and texts, None for everything else."""
    return [item if isinstance(item, str) else None for item in _named(items)]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def check_complete(contract: Contract) -> None:
    """Refuse a contract whose interface leaves something open, or says what its schema does not know.

    Raises:
        InterfaceError: Names what is missing, unknown or not what it should be.
    """
    try:
        check_entries(contract.interface, "The contract's interface", contract.schema)
    except BadInputError as error:
        raise InterfaceError(str(error)) from None


def check_interface(contract: Contract, expected: Mapping[str, Any]) -> None:
    """Refuse a policy whose interface differs from the expected one.

    Raises:
        InterfaceError: Says every difference in words.
    """
    found = differences(compared(contract.interface), compared(expected))
    if found:
        more = f"; and {len(found) - MAX_TOLD} more" if len(found) > MAX_TOLD else ""
        raise InterfaceError("The bundle's interface does not fit: " + "; ".join(found[:MAX_TOLD]) + more + ".")


def check_robot(contract: Contract, expected: Mapping[str, Any]) -> None:
    """Refuse a policy for another arm: what can be compared without the task and without a simulator.

    Args:
        contract: The policy's.
        expected: The parts of an interface that are the arm's own; see `robots.interface`.

    Raises:
        InterfaceError: Says every difference in words.
    """
    own = {name: value for name, value in contract.interface.items() if name in expected}
    found = differences(compared(own), compared(expected))
    if found:
        raise InterfaceError("The bundle is for another arm: " + "; ".join(found[:MAX_TOLD]) + ".")


def drift(contract: Contract, hashes: Mapping[str, str]) -> list[str]:
    """Return in words what differs between what the policy was trained on and `hashes` of what is here."""
    old = contract.hashes
    return [
        _drift_of(name, old.get(name), hashes[name])
        for name in HASHES
        if name in hashes and old.get(name) != hashes[name]
    ]


def _drift_of(name: str, trained: str | None, here: str) -> str:
    if name != "randomization" or trained is None:
        return f"{name}: trained on {str(trained)[:12]}, here {here[:12]}"
    if here == NOTHING:
        return f"randomization: trained on worlds that differ ({trained[:12]}), here all worlds are nominal"
    if trained == NOTHING:
        return f"randomization: trained on nominal worlds, here worlds differ ({here[:12]})"
    return f"randomization: trained on worlds that differ ({trained[:12]}), here in another way ({here[:12]})"


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
            + ". Results may differ; to run it all the same, add `allow_drift=True`."
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
    meaning: str = ""


def observed(contract: Contract) -> list[Observed]:
    """Return the observation terms of a contract, in order.

    Raises:
        InterfaceError: The list is missing or an entry is not what it should be.
    """
    try:
        return [Observed(**entry) for entry in contract.interface["observations"]]
    except (KeyError, TypeError) as error:
        raise InterfaceError(f"The contract's list of observations can not be read: {error!r}.") from error


def action_size(contract: Contract) -> int:
    """Return how many numbers an action of the policy has.

    Raises:
        InterfaceError: The contract does not say so in the way it should.
    """
    try:
        return sum(int(entry["size"]) for entry in contract.interface["actions"])
    except (KeyError, TypeError, ValueError) as error:
        raise InterfaceError(f"The contract's list of actions can not be read: {error!r}.") from error

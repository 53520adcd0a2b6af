"""`meta.json` of a training run: which keys it has, checked wherever it is read."""

from pathlib import Path
from typing import Any, cast

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.json_objects import check_keys, check_schema, read_object, told

META, SCHEMA = "meta.json", 1
NEEDED = (
    "schema", "kind", "task", "seed", "device", "evaluation_episodes", "command", "settings", "env",
    "physical_parameters", "hashes", "provenance",
)  # fmt: skip
"""Keys without which a run can not go on."""
BROKE_DOWN = "broke_down_at_steps"
"""When the policy's numbers became infinite or NaN."""
LATER = ("changes", "trainer", "processes", "pid", "randomization", "resumed", "overflows", BROKE_DOWN)
"""Keys that runs of earlier versions do not have, or that are there only where there is something to say."""


def read_meta(run: Path) -> dict[str, Any]:
    """Return what `meta.json` in the folder of a run says; it may lack keys, see `check_whole`.

    Raises:
        BadInputError: It is damaged, of another schema, or has a key that nobody reads.
    """
    path = run / META
    data = read_object(path)
    check_schema(data, str(path), SCHEMA)
    check_keys(data, str(path), (), (*NEEDED, *LATER))
    return data


def check_whole(meta: dict[str, Any], where: str) -> None:
    """Refuse what `read_meta` gave if a run can not go on from it.

    Raises:
        BadInputError: Names what is missing.
    """
    check_keys(meta, where, NEEDED, LATER)
    resumed: object = meta.get("resumed", [])
    if not isinstance(resumed, list):
        raise BadInputError(f"{where} is damaged: 'resumed' must be a list, got {told(resumed)}.")
    for index, part in enumerate(cast("list[object]", resumed)):
        if not isinstance(part, dict):
            raise BadInputError(f"{where}: resumed[{index}] must be an object, got {told(part)}.")
        check_keys(cast("dict[str, Any]", part), f"{where}: resumed[{index}]", ("from_steps", "provenance"))

"""By what the worlds of a training differed, as far as a bundle and the run folder around it tell."""

from pathlib import Path
from typing import Any

from roarm_lab.core.configs import load_yaml
from roarm_lab.core.errors import BadInputError
from roarm_lab.policies.bundle import Bundle
from roarm_lab.policies.contract import NOTHING
from roarm_lab.runs.run_folder import RANDOMIZATION
from roarm_lab.runs.run_meta import META

DELAYS = ("action_delay_s", "measurement_delay_s")


def worlds_differed(bundle: Bundle) -> bool:
    """Return whether the worlds of the training differed from each other."""
    return bundle.contract.hashes.get("randomization", NOTHING) != NOTHING


def worlds_file(bundle: Bundle) -> Path | None:
    """Return the file of the run that says by what; None for a bundle that lies elsewhere."""
    run = bundle.path.absolute().parent
    return run / RANDOMIZATION if (run / RANDOMIZATION).is_file() and (run / META).is_file() else None


def without_delays(bundle: Bundle) -> bool:
    """Return whether angles and targets were never late in the training; False where nothing tells."""
    if not worlds_differed(bundle):
        return True
    file = worlds_file(bundle)
    try:
        said = {} if file is None else load_yaml(file)
    except BadInputError:
        return False
    return all(_high(said.get(name)) == 0.0 for name in DELAYS)


def _high(entry: Any) -> float | None:
    return entry.get("high") if isinstance(entry, dict) else None  # pyright: ignore[reportUnknownMemberType]

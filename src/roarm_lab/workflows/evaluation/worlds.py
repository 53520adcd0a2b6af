"""By what the worlds differ in which a policy is evaluated or watched, and who says so."""

from dataclasses import dataclass
from pathlib import Path

from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.randomization import DomainRandomization, load_randomization
from roarm_lab.policies.bundle import Bundle
from roarm_lab.policies.contract import NOTHING
from roarm_lab.runs.run_folder import RANDOMIZATION


@dataclass(frozen=True, kw_only=True)
class Worlds:
    """What differs from world to world, chosen by a person or by the run that a bundle belongs to."""

    randomization: DomainRandomization | None = None
    own: bool = False
    """Whether these are said to be the worlds of the training; where they are not, something has changed."""
    told: str = ""
    """What to say of them; nothing where neither training nor evaluation has worlds that differ."""


def worlds_for(bundle: Bundle, file: Path | None) -> Worlds:
    """Return the worlds of a file, without one those of the training; nominal ones where nobody can tell these.

    Raises:
        BadInputError: A file with what differs can not be used.
    """
    if file is not None:
        return Worlds(randomization=load_randomization(file), told=f"they differ as {file} says")
    if not trained_on_different_worlds(bundle):
        return Worlds()
    run = bundle.path.absolute().parent
    of_run = run / RANDOMIZATION
    if of_run.is_file() and (run / "meta.json").is_file():
        return Worlds(randomization=load_randomization(of_run), own=True, told=f"as in the training: {of_run}")
    return Worlds(
        told="nominal, while the policy was trained on worlds that differ: `domain_randomization=FILE` takes "
        f"the training's own ({RANDOMIZATION} of its run)"
    )


def trained_without_delays(bundle: Bundle) -> bool:
    """Return whether angles and targets were never late in the training, as far as bundle and run folder tell."""
    if not trained_on_different_worlds(bundle):
        return True
    try:
        worlds = worlds_for(bundle, None).randomization
    except BadInputError:
        return False
    return worlds is not None and worlds.action_delay_s.high == 0.0 and worlds.measurement_delay_s.high == 0.0


def trained_on_different_worlds(bundle: Bundle) -> bool:
    """Return whether the worlds of the training differed from each other."""
    return bundle.contract.hashes.get("randomization", NOTHING) != NOTHING

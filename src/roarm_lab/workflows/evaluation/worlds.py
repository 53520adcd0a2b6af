"""By what the worlds differ in which a policy is evaluated or watched, and who says so."""

from dataclasses import dataclass
from pathlib import Path

from roarm_lab.envs.randomization import DomainRandomization, load_randomization
from roarm_lab.policies.bundle import Bundle
from roarm_lab.runs.run_folder import RANDOMIZATION
from roarm_lab.runs.training_worlds import worlds_differed, worlds_file


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
    if not worlds_differed(bundle):
        return Worlds()
    of_run = worlds_file(bundle)
    if of_run is not None:
        return Worlds(randomization=load_randomization(of_run), own=True, told=f"as in the training: {of_run}")
    return Worlds(
        told="nominal, while the policy was trained on worlds that differ: `domain_randomization=FILE` takes "
        f"the training's own ({RANDOMIZATION} of its run)"
    )

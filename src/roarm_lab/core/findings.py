"""How bad it is, what somebody who looks at an installation or an arm has found."""

from enum import StrEnum


class State(StrEnum):
    """How a finding is."""

    FINE = "fine"
    BAD = "bad"
    """Something that is needed does not work: the arm can not be driven, a package is missing."""
    NOTE = "note"
    """It works without it, or not quite as tested; or nobody can tell from here."""
    SPARE = "-"
    """Not here, and not needed."""

"""Curriculum terms: what changes as training goes on."""

from dataclasses import dataclass

from roarm_lab.core.errors import BadInputError
from roarm_lab.mdp.terms import CurriculumTerm, check_not_negative


@dataclass(frozen=True, kw_only=True)
class RampWeight(CurriculumTerm):
    """Multiplies a reward's weight by a factor that goes straight from `start` to `end`."""

    start: float = 0.0
    end: float = 1.0
    steps: int
    """Environment steps after which the factor has reached `end`."""

    def __post_init__(self) -> None:
        """Refuse negative factors and a ramp without length."""
        check_not_negative(self, "start", "end")
        if not self.steps >= 1:
            raise BadInputError(f"RampWeight.steps must be 1 or more, got {self.steps}.")

    def factor(self, steps: int) -> float:
        """Return the factor after `steps` environment steps."""
        share = min(max(steps / self.steps, 0.0), 1.0)
        return self.start + (self.end - self.start) * share

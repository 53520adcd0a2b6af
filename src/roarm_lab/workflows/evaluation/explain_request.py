"""What to explain, as a value."""

from dataclasses import dataclass
from pathlib import Path

from roarm_lab.core.errors import InvalidValueError
from roarm_lab.workflows.requests import at_least

MAX_EPISODES = 1000


@dataclass(frozen=True, kw_only=True)
class ExplainRequest:
    """What to explain."""

    run: Path
    """A run folder, as a training makes them."""
    episodes: int = 64
    """How many episodes of the policy to look at (1 to 1000)."""
    seed: int = 0
    """Seed of starts and goals."""
    threads: int = 0
    """CPU threads of the simulation; 0 takes all."""

    def validate(self) -> None:
        """Refuse numbers that make no sense.

        Raises:
            InvalidValueError: Says which.
        """
        if not 1 <= self.episodes <= MAX_EPISODES:
            raise InvalidValueError("episodes", self.episodes, f"must be between 1 and {MAX_EPISODES}")
        at_least(self, 0, "seed", "threads")

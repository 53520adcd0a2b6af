"""The rule of success: a task must have been done without a break for a while when the episode ends."""

from dataclasses import dataclass

from roarm_lab.core.arrays import Array


@dataclass(frozen=True)
class Holding:
    """Counts for how many control steps a task has been done without a break; for many worlds or for one arm."""

    steps: int
    """How many must have gone by when the episode ends."""

    def count(self, held_steps: Array, holds: Array) -> Array:
        """Return for how many steps it holds after one more step.

        Args:
            held_steps: For how many it held before: int [env], or one number.
            holds: Whether the task is being done after the step: bool, likewise.
        """
        return (held_steps + 1) * holds

    def suffices(self, held_steps: Array) -> Array:
        """Return whether an episode that ends now is a success: bool [env], or one."""
        return held_steps >= self.steps

"""Actions that are carried out while the next ones are computed: what is stale is dropped, what overlaps is blended."""

from dataclasses import dataclass, field

import numpy as np

from roarm_lab.core.arrays import Float32


def _nothing() -> Float32:
    return np.zeros((0, 0), np.float32)


@dataclass
class ChunkPlayer:
    """The actions that are left to carry out, one per control step."""

    _actions: Float32 = field(default_factory=_nothing, init=False)
    _step: int = field(default=0, init=False)
    """Of the first of them."""

    @property
    def left(self) -> Float32:
        """The actions that were not carried out [step, action]."""
        return self._actions

    def clear(self) -> None:
        """Forget all."""
        self._actions, self._step = _nothing(), 0

    def take_in(self, actions: Float32, observed_at: int, now: int) -> int:
        """Take in a chunk; return how many of its actions were dropped as stale.

        The first action answers the observation of step `observed_at`. Where older actions are left for the same
        steps, the weight goes over from the old to the new, evenly from step to step.

        Args:
            actions: [step, action].
            observed_at: Control step of the observation.
            now: Control step of the next action.
        """
        self._advance(now)
        stale = min(max(now - observed_at, 0), len(actions))
        new = np.array(actions[stale:], dtype=np.float32)
        if overlap := min(len(new), len(self._actions)):
            weight = (np.arange(1, overlap + 1, dtype=np.float32) / np.float32(overlap + 1))[:, None]
            new[:overlap] = (1 - weight) * self._actions[:overlap] + weight * new[:overlap]
        self._actions, self._step = new, now
        return stale

    def next(self, now: int) -> Float32 | None:
        """Return the action [action] of control step `now`; None where nothing was computed for it."""
        self._advance(now)
        if not len(self._actions):
            return None
        action, self._actions = self._actions[0], self._actions[1:]
        self._step = now + 1
        return action

    def _advance(self, now: int) -> None:
        """Drop the actions of steps that have passed: none of them is carried out late."""
        self._actions = self._actions[max(now - self._step, 0) :]
        self._step = max(now, self._step)

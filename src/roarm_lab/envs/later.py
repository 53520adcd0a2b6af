"""Questions to a GPU that are put together and asked once per step: each answer waits for all that it has been told."""

from collections.abc import Sequence

from roarm_lab.core.arrays import Array, array_namespace, is_torch_array
from roarm_lab.envs.episodes import refuse_nan


class NanWatch:
    """Refuses what is not finite: at once in NumPy, in torch when `settle` is called."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, str, Array, Array]] = []

    def __call__(self, kind: str, name: str, values: Array, step: Array) -> None:
        """Look at a term's values [env, ...], `step` [env] steps into the episodes; see `refuse_nan`."""
        if is_torch_array(values):
            self._waiting.append((kind, name, values, step))
        else:
            refuse_nan(kind, name, values, step)

    def settle(self, *masks: Array) -> Sequence[bool]:
        """Refuse what is not finite among the values looked at, and return for each mask whether any of it is true.

        Raises:
            BadInputError: Names the first term, its world and the step.
        """
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return [bool(mask.any()) for mask in masks]
        xp = array_namespace(waiting[0][2])
        fine = [xp.all(xp.isfinite(values)) for _, _, values, _ in waiting]
        answers: list[bool] = xp.stack([xp.any(mask) for mask in masks] + fine).tolist()
        if not all(answers[len(masks) :]):
            for kind, name, values, step in waiting:
                refuse_nan(kind, name, values, step)
        return answers[: len(masks)]

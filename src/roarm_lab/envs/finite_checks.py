"""Questions to a GPU that are put together and asked once per step: each answer waits for all that it has been told."""

from collections.abc import Sequence

from roarm_lab.core.arrays import Array, array_namespace, is_torch_array
from roarm_lab.envs.episodes import refuse_nan


class FiniteChecks:
    """Refuses what is not finite: at once in NumPy, in torch when somebody waits for the answer."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, str, Array, Array]] = []
        self._asked: list[tuple[str, str, Array, Array]] = []

    def __call__(self, kind: str, name: str, values: Array, step: Array) -> None:
        """Look at a term's values [env, ...], `step` [env] steps into the episodes; see `refuse_nan`."""
        if is_torch_array(values):
            self._waiting.append((kind, name, values, step))
        else:
            refuse_nan(kind, name, values, step)

    def asked(self, *masks: Array) -> Sequence[bool] | Array:
        """Return the answers whether all values looked at are finite, and for each mask whether any of it is true.

        An array of them for values in torch: nobody has waited for it.
        """
        self._asked, self._waiting = self._waiting, []
        if not self._asked:
            return [True, *(bool(mask.any()) for mask in masks)]
        xp = array_namespace(self._asked[0][2])
        everything = xp.concat([xp.reshape(values, (-1,)) for _, _, values, _ in self._asked])
        return xp.stack([xp.all(xp.isfinite(everything)), *(xp.any(mask) for mask in masks)])

    def answered(self, answers: Sequence[bool] | Array) -> Sequence[bool]:
        """Return the answers about the masks; waits for a GPU.

        Raises:
            BadInputError: A value was not finite. Names the first term, its world and the step.
        """
        found: list[bool] = answers.tolist() if is_torch_array(answers) else list(answers)
        if not found[0]:
            for kind, name, values, step in self._asked:
                refuse_nan(kind, name, values, step)
        return found[1:]

"""Where random numbers come from: the seed of every purpose, and numbers in the library of given arrays.

Every number is decided by a seed alone. NumPy and torch draw differently, and the array standard has no word for it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np

from roarm_lab.core.arrays import Array, array_namespace, device, is_torch_array

Purpose = Literal["evaluation", "rank", "resume", "batch", "episode", "arm-goals"]


def _hashed(root: int, n: int) -> int:
    return int(np.random.SeedSequence([root, n]).generate_state(1)[0])


SEEDS: Mapping[Purpose, Callable[[int, int], int]] = {
    "evaluation": lambda root, n: root + 1_000_003,  # other starts and goals than those that were trained on
    "rank": lambda root, n: root + n * 2**40,  # more than steps are ever done, because "resume" adds those
    "resume": lambda root, n: root + n,
    "batch": _hashed,
    "episode": _hashed,
    "arm-goals": lambda root, n: root,
}
"""The rule of every derived seed; what `n` counts stands in docs/conventions.md. A changed rule changes every curve."""


def seed_for(root: int, purpose: Purpose, n: int = 0) -> int:
    """Return the seed that follows from the one a user gave.

    Args:
        root: The seed a user gave, or one that follows from it.
        purpose: What the numbers are for, a name in `SEEDS`.
        n: Which of several: the rank, the steps done so far, the batch's first episode, the number of the episode.
    """
    return SEEDS[purpose](root, n)


class RandomStream(Protocol):
    """A stream of random numbers. NumPy's and torch's differ from each other, and those of CPU and GPU too."""

    def uniform(self, *shape: int) -> Array:
        """Return float32 numbers from 0 up to 1."""
        ...

    def normal(self, *shape: int) -> Array:
        """Return float32 standard normal numbers."""
        ...

    def integers(self, high: int, count: int) -> Array:
        """Return int64 numbers [count] from 0 up to `high`, which is left out."""
        ...


def random_stream(seed: Sequence[int], like: Array) -> RandomStream:
    """Return the numbers that belong to a seed of several whole numbers, in the library and on the device of `like`."""
    return _TorchRandomStream(seed, like) if is_torch_array(like) else _NumpyRandomStream(seed)


def stream(like: Array) -> "Stream | None":
    """Return one stream for good where arrays live on a GPU, None elsewhere, where each step can have a new one.

    What a GPU repeats draws on and on from the same generator.
    """
    return Stream(like) if is_torch_array(like) and device(like).type == "cuda" else None


class _NumpyRandomStream:
    def __init__(self, seed: Sequence[int]) -> None:
        self._rng = np.random.default_rng(seed)

    def uniform(self, *shape: int) -> Array:
        return self._rng.random(shape, dtype=np.float32)

    def normal(self, *shape: int) -> Array:
        return self._rng.standard_normal(shape, dtype=np.float32)

    def integers(self, high: int, count: int) -> Array:
        return self._rng.integers(0, high, count)


class _TorchRandomStream:
    def __init__(self, seed: Sequence[int], like: Array) -> None:
        self._xp, self._device = array_namespace(like), device(like)
        self._rng = self._xp.Generator(device=self._device)
        self._rng.manual_seed(_whole(seed))

    def uniform(self, *shape: int) -> Array:
        return self._xp.rand(shape, generator=self._rng, device=self._device, dtype=self._xp.float32)

    def normal(self, *shape: int) -> Array:
        return self._xp.randn(shape, generator=self._rng, device=self._device, dtype=self._xp.float32)

    def integers(self, high: int, count: int) -> Array:
        return self._xp.randint(0, high, (count,), generator=self._rng, device=self._device)


class Stream(_TorchRandomStream):
    """Random numbers of a GPU that go on from step to step."""

    def __init__(self, like: Array) -> None:
        super().__init__((0,), like)

    def seed(self, seed: int) -> None:
        """Begin anew."""
        self._rng.manual_seed(_whole((seed,)))

    @property
    def generators(self) -> Sequence[Any]:
        """What a recording has to know that draws from them."""
        return (self._rng,)


def _whole(seed: Sequence[int]) -> int:
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> 1)

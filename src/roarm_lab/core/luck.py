"""Random numbers in the library of given arrays, decided by a seed alone: the standard has no word for them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from roarm_lab.core.arrays import Array, array_namespace, device, is_torch_array


class Luck(Protocol):
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


def luck(seed: Sequence[int], like: Array) -> Luck:
    """Return the numbers that belong to a seed of several whole numbers, in the library and on the device of `like`."""
    return _TorchLuck(seed, like) if is_torch_array(like) else _NumpyLuck(seed)


class _NumpyLuck:
    def __init__(self, seed: Sequence[int]) -> None:
        self._rng = np.random.default_rng(seed)

    def uniform(self, *shape: int) -> Array:
        return self._rng.random(shape, dtype=np.float32)

    def normal(self, *shape: int) -> Array:
        return self._rng.standard_normal(shape, dtype=np.float32)

    def integers(self, high: int, count: int) -> Array:
        return self._rng.integers(0, high, count)


class _TorchLuck:
    def __init__(self, seed: Sequence[int], like: Array) -> None:
        self._xp, self._device = array_namespace(like), device(like)
        self._rng = self._xp.Generator(device=self._device)
        self._rng.manual_seed(int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> 1))

    def uniform(self, *shape: int) -> Array:
        return self._xp.rand(shape, generator=self._rng, device=self._device, dtype=self._xp.float32)

    def normal(self, *shape: int) -> Array:
        return self._xp.randn(shape, generator=self._rng, device=self._device, dtype=self._xp.float32)

    def integers(self, high: int, count: int) -> Array:
        return self._xp.randint(0, high, (count,), generator=self._rng, device=self._device)

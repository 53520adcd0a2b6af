"""Random numbers in the library of given arrays, decided by a seed alone: the standard has no word for them."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from roarm_lab.core.arrays import Array, array_namespace, device, is_torch_array


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
    return _TorchLuck(seed, like) if is_torch_array(like) else _NumpyRandomStream(seed)


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


class _TorchLuck:
    def __init__(self, seed: Sequence[int], like: Array) -> None:
        self._xp, self._device = array_namespace(like), device(like)
        self._rng = self._xp.Generator(device=self._device)
        self._rng.manual_seed(_number(seed))

    def uniform(self, *shape: int) -> Array:
        return self._xp.rand(shape, generator=self._rng, device=self._device, dtype=self._xp.float32)

    def normal(self, *shape: int) -> Array:
        return self._xp.randn(shape, generator=self._rng, device=self._device, dtype=self._xp.float32)

    def integers(self, high: int, count: int) -> Array:
        return self._xp.randint(0, high, (count,), generator=self._rng, device=self._device)


class Stream(_TorchLuck):
    """Random numbers of a GPU that go on from step to step."""

    def __init__(self, like: Array) -> None:
        super().__init__((0,), like)

    def seed(self, seed: int) -> None:
        """Begin anew."""
        self._rng.manual_seed(_number((seed,)))

    @property
    def generators(self) -> Sequence[Any]:
        """What a recording has to know that draws from them."""
        return (self._rng,)


def _number(seed: Sequence[int]) -> int:
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] >> 1)

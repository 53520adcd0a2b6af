"""The few array words the array-API standard lacks, so that one source runs on NumPy and on torch."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from array_api_compat import array_namespace, device, is_torch_array
from numpy.typing import NDArray

Array: TypeAlias = Any
"""A NumPy array or a torch tensor; docstrings give shape, unit and frame."""
Float64: TypeAlias = NDArray[np.float64]
Float32: TypeAlias = NDArray[np.float32]
Bool: TypeAlias = NDArray[np.bool_]
Int: TypeAlias = NDArray[np.int64]

__all__ = [
    "Array",
    "Bool",
    "Constant",
    "Float32",
    "Float64",
    "Int",
    "array_namespace",
    "asarray_like",
    "chosen",
    "columns",
    "device",
    "is_torch_array",
    "pick",
    "put",
    "to_numpy",
]


def asarray_like(values: object, like: Array) -> Array:
    """Return `values` (numbers, NumPy or torch) as an array of the library, floating type and device of `like`.

    For torch, numbers, lists and tuples become a tensor that is made once and shared: a copy to a GPU waits for it.
    """
    if is_torch_array(like) and isinstance(values, (float, int, list, tuple)):
        return _constant(_frozen(values), array_namespace(like), like.dtype, device(like))
    if is_torch_array(like) and is_torch_array(values):
        return values.detach().to(device=like.device, dtype=like.dtype)
    plain = to_numpy(values) if is_torch_array(values) else values
    if is_torch_array(like):
        # A copy: torch would otherwise share (and warn about) read-only NumPy memory.
        return array_namespace(like).asarray(np.array(plain), dtype=like.dtype, device=device(like))
    return np.asarray(plain, dtype=like.dtype)


class Constant:
    """A NumPy array that is needed in the library of other arrays: made once for each library, type and device."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values
        self._made: dict[tuple[object, ...], Array] = {}

    def like(self, array: Array) -> Array:
        """Return it as `asarray_like` does."""
        key = (type(array), array.dtype, getattr(array, "device", None))
        if key not in self._made:
            self._made[key] = asarray_like(self._values, array)
        return self._made[key]


def to_numpy(values: Array) -> NDArray[Any]:
    """Return `values` as a NumPy array on the host; no copy where none is needed."""
    if is_torch_array(values):
        return values.detach().cpu().numpy()
    return np.asarray(values)


def chosen(mask: Array) -> Array:
    """Return what `pick` and `put` take for the rows of a mask [row].

    Their numbers in NumPy, because few rows are cheap; in torch the mask itself, because counting waits for a GPU.
    """
    return mask if is_torch_array(mask) else np.flatnonzero(mask)


def pick(values: Array, rows: Array) -> Array:
    """Return the values [row, ...] of `chosen` rows; of all rows where those are a mask."""
    return values if is_torch_array(rows) else values[rows]


def put(old: Array, rows: Array, picked: Array, axis: int = 0) -> Array:
    """Return `old` with the picked values in `chosen` rows of an axis. A NumPy array is written to."""
    if is_torch_array(rows):
        return array_namespace(old).where(rows.reshape(-1, *[1] * (picked.ndim - 1)), picked, old)
    old[(*[slice(None)] * axis, rows)] = picked
    return old


def columns(values: Array, numbers: Sequence[int]) -> Array:
    """Return columns of values [..., column] by their numbers. A list as an index would have to be sent to a GPU."""
    first, count = (numbers[0], len(numbers)) if numbers else (0, 0)
    if list(numbers) == list(range(first, first + count)):
        return values[..., first : first + count]
    if is_torch_array(values):
        return values[..., _index(tuple(numbers), array_namespace(values), device(values))]
    return values[..., list(numbers)]


@lru_cache(maxsize=1024)
def _index(numbers: tuple[int, ...], xp: Any, where: Any) -> Array:
    return xp.asarray(numbers, dtype=xp.int64, device=where)


@lru_cache(maxsize=1024)
def _constant(values: Any, xp: Any, dtype: Any, where: Any) -> Array:
    return xp.asarray(values, dtype=dtype, device=where)


def _frozen(values: Any) -> Any:
    return tuple(_frozen(value) for value in values) if isinstance(values, (list, tuple)) else values

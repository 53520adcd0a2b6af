"""The few array words the array-API standard lacks, so that one source runs on NumPy and on torch."""

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
    "Float32",
    "Float64",
    "Int",
    "array_namespace",
    "asarray_like",
    "is_torch_array",
    "to_numpy",
]


def asarray_like(values: object, like: Array) -> Array:
    """Return `values` (numbers, NumPy or torch) as an array of the library, floating type and device of `like`."""
    plain = to_numpy(values) if is_torch_array(values) else values
    if is_torch_array(like):
        # A copy: torch would otherwise share (and warn about) read-only NumPy memory.
        return array_namespace(like).asarray(np.array(plain), dtype=like.dtype, device=device(like))
    return np.asarray(plain, dtype=like.dtype)


def to_numpy(values: Array) -> NDArray[Any]:
    """Return `values` as a NumPy array on the host; no copy where none is needed."""
    if is_torch_array(values):
        return values.detach().cpu().numpy()
    return np.asarray(values)

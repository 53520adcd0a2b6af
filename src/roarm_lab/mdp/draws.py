"""Uniform numbers in [0, 1) made into numbers of a range."""

from roarm_lab.core.arrays import Array, asarray_like
from roarm_lab.core.configs import Range


def evenly(span: Range, random: Array) -> Array:
    """Return `random` spread evenly over a range, in the library and type that it has."""
    return span.low + asarray_like(span.high - span.low, random) * random

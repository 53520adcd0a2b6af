"""A number beside the bound that it misses, with as many digits as it takes to see that it does."""

MAX_DIGITS = 17
"""More decimals than a float near 1 has."""


def beside(value: float, *bounds: float, digits: int = 3) -> str:
    """Return a number with some decimals, or with as many more as it takes to read on the right side of the bounds.

    Args:
        value: The number; what is not finite has no digits.
        bounds: What it was compared with, in the same unit.
        digits: How many decimals where that is enough.
    """
    for count in range(digits, MAX_DIGITS):
        text = f"{value:.{count}f}"
        if all(_side(float(text), bound) == _side(value, bound) for bound in bounds):
            return text
    return repr(float(value))


def _side(value: float, bound: float) -> int:
    """Return -1, 0 or 1: below, equal, above."""
    return int(value > bound) - int(value < bound)

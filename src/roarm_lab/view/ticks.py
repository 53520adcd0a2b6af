"""Round numbers along an axis."""

from dataclasses import dataclass
from math import ceil, floor, log10

ROUND = (1.0, 2.0, 5.0, 10.0)
"""What a step between ticks may begin with."""
SLACK = 1e-9
"""Steps by which a border may miss a tick through rounding."""


@dataclass(frozen=True, kw_only=True)
class Ticks:
    """Ascending tick values, how many digits they need, and the range that they are drawn in."""

    values: tuple[float, ...]
    digits: int
    low: float
    high: float

    def texts(self) -> tuple[str, ...]:
        """Return the ticks in words, all with the same digits and a proper minus sign."""
        return tuple(f"{value:.{self.digits}f}".replace("-", "\u2212") for value in self.values)

    def share(self, value: float) -> float:
        """Return where `value` is between `low` (0) and `high` (1)."""
        return (value - self.low) / (self.high - self.low)


def round_ticks(low: float, high: float, *, about: int = 5, widen: bool = True) -> Ticks:
    """Return round ticks for a range of finite numbers.

    Args:
        low: Smallest value to show.
        high: Largest value to show; a range without length is made one.
        about: How many steps are wished for.
        widen: Let the axis reach the round numbers outside; otherwise it ends where the values end.
    """
    if not high > low:
        low, high = (low - 0.5 * abs(low), high + 0.5 * abs(high)) if low else (0.0, 1.0)
    raw = (high - low) / about
    power = 10.0 ** floor(log10(raw))
    step = next(digit * power for digit in ROUND if digit * power >= raw * (1 - SLACK))
    near, far = (floor, ceil) if widen else (ceil, floor)
    first, last = near(low / step + (SLACK if widen else -SLACK)), far(high / step - (SLACK if widen else -SLACK))
    values = tuple(index * step for index in range(first, last + 1))
    return Ticks(
        values=values,
        digits=max(0, -floor(log10(step) + SLACK)),
        low=values[0] if widen else low,
        high=values[-1] if widen else high,
    )

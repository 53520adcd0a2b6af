"""How sure a success rate is."""

from math import sqrt

from roarm_lab.core.errors import BadInputError

Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def wilson_interval(successes: int, episodes: int, z: float = Z_95) -> tuple[float, float]:
    """Return the Wilson score interval of a success rate, by default with 95 % confidence.

    E. B. Wilson, Journal of the American Statistical Association 22 (1927) 209-212. Unlike the normal approximation
    it does not collapse to a point at 0 or 100 %; there one end of it is exactly 0 or 1.

    Raises:
        BadInputError: There are no episodes, or more successes than episodes.
    """
    if not (episodes > 0 and 0 <= successes <= episodes):
        raise BadInputError(
            f"An interval needs 0 <= successes <= episodes and episodes > 0, got {successes}/{episodes}."
        )
    rate = successes / episodes
    centre = rate + z * z / (2 * episodes)
    spread = z * sqrt(rate * (1 - rate) / episodes + z * z / (4 * episodes * episodes))
    scale = 1 + z * z / episodes
    low = (centre - spread) / scale if successes > 0 else 0.0
    high = (centre + spread) / scale if successes < episodes else 1.0
    return low, high

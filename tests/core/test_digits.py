"""Two numbers that were found unequal are never printed equal."""

import math

import pytest

from roarm_lab.core.digits import beside


@pytest.mark.parametrize(
    ("value", "bound", "digits", "text"),
    [
        (0.15021, 0.15, 3, "0.1502"),
        (0.160, 0.15, 3, "0.160"),
        (0.94999, 0.95, 3, "0.94999"),
        (0.95, 0.95, 3, "0.950"),
        (75.3, 75.0, 0, "75.3"),
        (80.2, 75.0, 0, "80"),
        (-0.00004, 0.0, 3, "-0.00004"),
        (math.nan, 0.15, 3, "nan"),
        (math.inf, 0.15, 3, "inf"),
    ],
)
def test_a_number_gets_the_digits_that_show_on_which_side_it_is(
    value: float, bound: float, digits: int, text: str
) -> None:
    assert beside(value, bound, digits=digits) == text


def test_the_next_number_after_the_bound_is_told_from_it() -> None:
    bound = 3 * 0.05  # 0.15000000000000002
    assert float(beside(math.nextafter(bound, 1.0), bound)) > bound


def test_every_bound_counts() -> None:
    assert beside(0.0004, 0.0, 0.15) == "0.0004"

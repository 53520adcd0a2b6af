"""A run on the arm beside the evaluation: do they agree?"""

import pytest

from roarm_lab.view.arm_section import difference_interval

PUBLISHED = 5e-5  # the paper prints four digits


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table II, method 10: first minus second.
        ((48, 80), (56, 70), (-0.2, -0.3339, -0.0524)),
        ((3, 10), (9, 10), (-0.6, -0.8090, -0.1705)),
        ((6, 7), (2, 7), (0.5714, 0.0582, 0.8062)),
        ((5, 56), (0, 29), (0.0893, -0.0381, 0.1926)),
        ((0, 10), (0, 20), (0.0, -0.1611, 0.2775)),
        ((10, 10), (0, 20), (1.0, 0.6791, 1.0)),
    ],
)
def test_the_difference_of_two_rates_is_newcombes(
    first: tuple[int, int], second: tuple[int, int], expected: tuple[float, float, float]
) -> None:
    assert difference_interval(second, first) == pytest.approx(expected, abs=PUBLISHED)

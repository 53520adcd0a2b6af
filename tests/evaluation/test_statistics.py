"""Wilson's interval against values that others have published."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roarm_lab.core.errors import BadInputError
from roarm_lab.evaluation.statistics import wilson_interval

PRINTED = 5e-5  # the tables have four digits

# R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
NEWCOMBE = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
]
# The textbook case of ten tries.
TEN = [
    (0, 10, 0.0, 0.2775),
    (1, 10, 0.0179, 0.4042),
    (5, 10, 0.2366, 0.7634),
    (9, 10, 0.5958, 0.9821),
    (10, 10, 0.7225, 1.0),
]


@pytest.mark.parametrize(("successes", "episodes", "low", "high"), NEWCOMBE + TEN)
def test_published_values(successes: int, episodes: int, low: float, high: float) -> None:
    assert wilson_interval(successes, episodes) == pytest.approx((low, high), abs=PRINTED)


@given(st.integers(1, 10**6), st.data())
def test_it_holds_the_rate_and_stays_between_0_and_1(episodes: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, episodes))
    low, high = wilson_interval(successes, episodes)
    assert 0.0 <= low <= successes / episodes <= high <= 1.0
    assert low < high
    # Successes and failures are treated alike.
    assert wilson_interval(episodes - successes, episodes) == pytest.approx((1.0 - high, 1.0 - low), abs=1e-12)


@pytest.mark.parametrize("episodes", [1, 10, 2000, 512])
def test_all_or_nothing_ends_exactly_there(episodes: int) -> None:
    assert wilson_interval(episodes, episodes)[1] == 1.0
    assert wilson_interval(0, episodes)[0] == 0.0


@pytest.mark.parametrize(("successes", "episodes"), [(0, 0), (-1, 10), (11, 10), (1, -1)])
def test_counts_that_make_no_sense_are_refused(successes: int, episodes: int) -> None:
    with pytest.raises(BadInputError, match=f"got {successes}/{episodes}"):
        wilson_interval(successes, episodes)

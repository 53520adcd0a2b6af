"""Held without a break: counted alike for many worlds and for one arm."""

import numpy as np
import pytest

from roarm_lab.mdp.holding import Holding
from roarm_lab.mdp.success import SiteHeldAtGoal

HOLDS = [False, True, True, False, True, True, True]
HELD = [0, 1, 2, 0, 1, 2, 3]


def test_a_break_begins_the_count_anew() -> None:
    rule, held, counts = Holding(3), 0, []
    for holds in HOLDS:
        held = rule.count(held, holds)
        counts.append(held)
    assert counts == HELD
    assert [rule.suffices(count) for count in counts] == [False] * 6 + [True]


def test_worlds_are_counted_each_by_itself() -> None:
    rule, held = Holding(2), np.zeros(2, dtype=np.int64)
    for holds in zip(HOLDS, [True] * len(HOLDS), strict=True):
        held = rule.count(held, np.array(holds))
    np.testing.assert_array_equal(held, [3, 7])
    assert held.dtype == np.int64
    np.testing.assert_array_equal(rule.suffices(np.array([1, 2])), [False, True])


@pytest.mark.parametrize(("hold_s", "steps"), [(0.4, 8), (0.41, 8), (0.05, 1)])
def test_a_success_term_is_held_for_whole_control_steps(hold_s: float, steps: int) -> None:
    assert SiteHeldAtGoal(command="goal", hold_s=hold_s).holding(0.05) == Holding(steps)

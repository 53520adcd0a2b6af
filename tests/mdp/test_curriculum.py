"""How a weight is faded in."""

from math import inf, nan

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.mdp.curriculum import RampWeight


def test_a_ramp_goes_straight_and_stays_at_its_end() -> None:
    ramp = RampWeight(reward="near", start=0.2, end=1.0, steps=100)
    assert [ramp.factor(steps) for steps in (0, 50, 100, 10_000)] == pytest.approx([0.2, 0.6, 1.0, 1.0])
    assert RampWeight(reward="near", start=2.0, end=0.0, steps=10).factor(5) == pytest.approx(1.0)


@pytest.mark.parametrize("value", [-0.1, nan, inf])
@pytest.mark.parametrize("field", ["start", "end"])
def test_a_ramp_can_not_turn_a_sign(field: str, value: float) -> None:
    with pytest.raises(BadInputError, match=rf"RampWeight\.{field} must be 0 or more, got {value}"):
        RampWeight(reward="near", steps=10, **{field: value})


@pytest.mark.parametrize("steps", [0, -5, nan])
def test_a_ramp_needs_a_length(steps: int) -> None:
    with pytest.raises(BadInputError, match=rf"RampWeight\.steps must be 1 or more, got {steps}"):
        RampWeight(reward="near", steps=steps)

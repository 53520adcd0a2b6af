"""When an episode ends early, when the task is being done, and how a weight is faded in."""

import math

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.mdp.terminations import RampWeight, SiteBelow, SiteHeldAtGoal
from tests.mdp.fake_state import bare, toy_scene

FLOAT32 = 1e-6


def test_an_episode_ends_when_the_site_is_below_the_height() -> None:
    below = SiteBelow(site="hand", height_m=0.1).bind(toy_scene())
    got = below(bare(hand_w=[[9.0, 9.0, 0.09], [0.0, 0.0, 0.1], [0.0, 0.0, -1.0]]))
    np.testing.assert_array_equal(got, [True, False, True])


def test_the_task_is_done_closer_than_the_distance() -> None:
    term = SiteHeldAtGoal(command="goal", site="hand", within_m=0.05, hold_s=0.4)
    state = bare(hand_w=[[0.1, 0.1, 0.1]] * 3, goal_w=[[0.1, 0.1, 0.1], [0.13, 0.14, 0.1], [0.1, 0.1, 0.149]])
    # 3-4-5 triangle: the second is 0.05 m away, give or take a rounding; 0.051 m is clearly too far.
    np.testing.assert_array_equal(term.bind(toy_scene())(state)[[0, 2]], [True, True])
    np.testing.assert_allclose(term.distance(toy_scene())(state), [0.0, 0.05, 0.049], atol=FLOAT32)
    far = bare(hand_w=[[0.0, 0.0, 0.0]], goal_w=[[0.0, 0.0, 0.051]])
    np.testing.assert_array_equal(term.bind(toy_scene())(far), [False])


def test_a_ramp_goes_straight_and_stays_at_its_end() -> None:
    ramp = RampWeight(reward="near", start=0.2, end=1.0, steps=100)
    assert [ramp.factor(steps) for steps in (0, 50, 100, 10_000)] == pytest.approx([0.2, 0.6, 1.0, 1.0])
    assert RampWeight(reward="near", start=2.0, end=0.0, steps=10).factor(5) == pytest.approx(1.0)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("field", ["within_m", "hold_s"])
def test_distance_and_holding_time_must_be_positive(field: str, value: float) -> None:
    good = {"command": "goal", "within_m": 0.02, "hold_s": 0.4}
    with pytest.raises(BadInputError, match=rf"SiteHeldAtGoal\.{field} must be positive and finite, got {value}"):
        SiteHeldAtGoal(**(good | {field: value}))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_height_must_be_a_number(value: float) -> None:
    with pytest.raises(BadInputError, match=rf"SiteBelow\.height_m must be a finite number, got {value}"):
        SiteBelow(height_m=value)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
@pytest.mark.parametrize("field", ["start", "end"])
def test_a_ramp_can_not_turn_a_sign(field: str, value: float) -> None:
    with pytest.raises(BadInputError, match=rf"RampWeight\.{field} must be 0 or more, got {value}"):
        RampWeight(reward="near", steps=10, **{field: value})


@pytest.mark.parametrize("steps", [0, -5, math.nan])
def test_a_ramp_needs_a_length(steps: int) -> None:
    with pytest.raises(BadInputError, match=rf"RampWeight\.steps must be 1 or more, got {steps}"):
        RampWeight(reward="near", steps=steps)


def test_unknown_names_show_before_the_first_step() -> None:
    with pytest.raises(UnknownNameError, match="There is no site named 'hadn'. Did you mean 'hand'"):
        SiteBelow(site="hadn").bind(toy_scene())
    with pytest.raises(UnknownNameError, match="There is no command named 'gola'. Did you mean 'goal'"):
        SiteHeldAtGoal(command="gola", site="hand", hold_s=0.4).bind(toy_scene())

"""Event terms: start poses inside the limits, log-uniform factors, kicks both ways."""

import math
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.mdp.effects import ActionDelayEffect, Effect, MeasurementDelayEffect, PushEffect, ScaleModelEffect
from roarm_lab.mdp.events import ActionDelay, MeasurementDelay, PushJoints, ScaleModel, StartPose
from roarm_lab.robots.roarm_m3 import ROARM_M3
from tests.mdp.fake_state import bare, scene, toy_scene

FLOAT32 = 1e-6
NO_STATE = bare(action=[[0.0]])


def test_a_start_lies_within_the_spread_around_the_keyframe() -> None:
    term = StartPose(keyframe="home", spread_rad=0.1, base_spread_rad=0.5)
    assert term.draws(toy_scene()) == 3
    start = term.bind(toy_scene())(np.float32([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.75, 1.0, 0.25]]), NO_STATE)
    # The toy's keyframe home is (0, 1, 0.5).
    np.testing.assert_allclose(start.values, [[-0.5, 0.9, 0.4], [0.0, 1.0, 0.5], [0.25, 1.1, 0.45]], atol=FLOAT32)


def test_a_start_never_leaves_the_joints_range() -> None:
    start = StartPose(keyframe="zero", spread_rad=10.0, base_spread_rad=10.0).bind(toy_scene())
    ends = start(np.float32([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]), NO_STATE).values
    np.testing.assert_array_equal(ends, np.float32([[-3.0, 0.0, 0.0], [3.0, 2.5, 1.5]]))


def test_factors_are_log_uniform_within_the_range() -> None:
    term = ScaleModel(field="body_mass", factor=Range(0.5, 2.0), names=("link1",))
    random = np.linspace(0.0, 1.0, 1001, dtype=np.float32)[:, None]
    effect = term.bind(scene())(random, NO_STATE)
    assert isinstance(effect, ScaleModelEffect)
    assert (effect.field, effect.names) == ("body_mass", ("link1",))
    factor = effect.values
    assert (factor.min(), factor.max()) == (0.5, 2.0)
    assert factor[500, 0] == pytest.approx(1.0, rel=FLOAT32)  # halving is as likely as doubling
    np.testing.assert_allclose(np.diff(np.log(factor[:, 0])), math.log(4.0) / 1000, rtol=0.01)


@pytest.mark.parametrize(
    ("kind", "effect"), [(ActionDelay, ActionDelayEffect), (MeasurementDelay, MeasurementDelayEffect)]
)
def test_delays_are_drawn_evenly_once_per_world(kind: Any, effect: type[Effect]) -> None:
    term = kind(delay_s=Range(0.02, 0.1))
    assert term.draws(toy_scene()) == 1
    found = term.bind(toy_scene())(np.float32([[0.0], [0.25], [1.0]]), NO_STATE)
    assert type(found) is effect
    np.testing.assert_allclose(found.values, [[0.02], [0.04], [0.1]], atol=FLOAT32)


def test_a_range_of_one_number_is_that_number() -> None:
    factor = ScaleModel(field="body_mass", factor=Range(1.5, 1.5)).bind(scene())
    np.testing.assert_array_equal(factor(np.float32([[0.0], [0.3], [0.99]]), NO_STATE).values, [[1.5]] * 3)


def test_a_kick_goes_both_ways_up_to_its_speed() -> None:
    push = PushJoints(interval_s=1.0, speed_rad_s=0.4).bind(toy_scene())
    effect = push(np.float32([[0.0, 0.5, 0.75]]), NO_STATE)
    assert type(effect) is PushEffect
    np.testing.assert_allclose(effect.values, [[-0.4, 0.0, 0.2]], atol=FLOAT32)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_a_spread_or_speed_must_be_0_or_more(value: float) -> None:
    for field in ("spread_rad", "base_spread_rad"):
        with pytest.raises(BadInputError, match=rf"StartPose\.{field} must be 0 or more, got {value}"):
            StartPose(**{field: value})
    with pytest.raises(BadInputError, match=rf"PushJoints\.speed_rad_s must be 0 or more, got {value}"):
        PushJoints(interval_s=1.0, speed_rad_s=value)


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_a_factor_must_be_positive(low: float) -> None:
    with pytest.raises(BadInputError, match=rf"ScaleModel\.factor must be positive, got {low}"):
        ScaleModel(field="body_mass", factor=Range(low, 2.0))


@pytest.mark.parametrize(
    ("kind", "fields", "mode", "message"),
    [
        (StartPose, {}, "interval", r"StartPose\.mode must be 'reset', got 'interval'"),
        (StartPose, {}, "rest", r"StartPose\.mode must be 'reset', got 'rest'"),
        (ScaleModel, {"field": "body_mass"}, "interval", r"ScaleModel\.mode must be 'startup' or 'reset'"),
        (PushJoints, {"interval_s": 1.0}, "reset", r"PushJoints\.mode must be 'interval', got 'reset'"),
    ],
)
def test_a_mode_that_makes_no_sense_is_refused(kind: Any, fields: dict[str, Any], mode: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        kind(**fields, mode=mode)


@pytest.mark.parametrize("interval_s", [0.0, -1.0, math.nan, math.inf])
def test_a_kick_needs_a_time_between_kicks(interval_s: float) -> None:
    with pytest.raises(BadInputError, match=rf"PushJoints in mode 'interval' needs interval_s > 0, got {interval_s}"):
        PushJoints(interval_s=interval_s)


def test_an_unknown_keyframe_shows_before_the_first_step() -> None:
    with pytest.raises(UnknownNameError, match="There is no keyframe named 'task_strat'. Did you mean 'task_start'"):
        StartPose(keyframe="task_strat").bind(scene())
    assert StartPose().draws(scene()) == len(ROARM_M3.joints)

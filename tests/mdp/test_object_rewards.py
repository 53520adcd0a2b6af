"""Boxes near the hand, lifted and carried: numbers worked out by hand."""

from math import tanh

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.mdp.object_rewards import BoxAtGoal, BoxLifted, BoxNearGoal, SiteNearBox
from tests.mdp.fake_state import bare, box_scene

ROUNDING = 1e-6
"""Float32."""


def test_near_falls_with_the_distance() -> None:
    # A 3-4-5 triangle: 0.1 m.
    state = bare(box_pos_w=[[[0.06, 0.08, 0.0]]], hand_w=[[0.0, 0.0, 0.0]], joint_pos=[[0, 0, 0]])
    got = SiteNearBox(weight=1.0, site="hand", scale_m=0.2).bind(box_scene())(state)
    np.testing.assert_allclose(got, 1.0 - tanh(0.5), atol=ROUNDING)


@pytest.mark.parametrize(("height_m", "share"), [(0.0, 0.0), (0.015, 0.0), (0.055, 0.5), (0.095, 1.0), (0.5, 1.0)])
def test_lifted_goes_from_0_on_the_table_to_1(height_m: float, share: float) -> None:
    state = bare(box_pos_w=[[[0.2, 0.0, height_m]]], joint_pos=[[0, 0, 0]])
    got = BoxLifted(weight=1.0, rest_m=0.015, height_m=0.08).bind(box_scene())(state)
    np.testing.assert_allclose(got, share, atol=ROUNDING)


def test_carrying_pays_only_in_the_air() -> None:
    carried = BoxNearGoal(weight=1.0, rest_m=0.015, lifted_m=0.008, scale_m=0.25).bind(box_scene())
    goal = [[0.2, 0.0, 0.2]]
    on_table = bare(box_pos_w=[[[0.2, 0.0, 0.015]]], goal_w=goal, joint_pos=[[0, 0, 0]])
    in_air = bare(box_pos_w=[[[0.2, 0.0, 0.1]]], goal_w=goal, joint_pos=[[0, 0, 0]])
    assert carried(on_table) == 0.0
    np.testing.assert_allclose(carried(in_air), 1.0 - tanh(0.1 / 0.25), atol=ROUNDING)


def test_at_the_goal_is_all_or_nothing() -> None:
    at_goal = BoxAtGoal(weight=1.0, within_m=0.025).bind(box_scene())
    boxes = [[[0.2, 0.0, 0.22]], [[0.2, 0.0, 0.23]]]
    state = bare(box_pos_w=boxes, goal_w=[[0.2, 0.0, 0.2]] * 2, joint_pos=[[0, 0, 0]] * 2)
    np.testing.assert_array_equal(at_goal(state), [1.0, 0.0])


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(BadInputError, match="scale_m must be positive"):
        SiteNearBox(weight=1.0, scale_m=0.0)
    with pytest.raises(BadInputError, match="height_m must be positive"):
        BoxLifted(weight=1.0, height_m=-1.0)
    with pytest.raises(BadInputError, match="within_m must be positive"):
        BoxAtGoal(weight=1.0, within_m=float("nan"))

"""Reward terms at distances and speeds worked out by hand."""

import math
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.mdp.rewards import (
    ActionRate,
    BelowTable,
    JointSpeed,
    SelfCollision,
    ServoStrain,
    SiteAtGoal,
    SiteNearGoal,
)
from tests.mdp.every_term import NEEDED, REWARDS, name_of
from tests.mdp.fake_state import bare, scene, toy_scene

FLOAT32 = 1e-6
ORIGIN = (0.0, 0.0, 0.0)


# Straight up; folded so far that the hand is inside the upper arm; reaching to the front and far below the table.
UP, FOLDED, DOWN = [0.0] * 6, [0.0, 0.0, 2.95, 1.5, 0.0, 0.0], [0.0, 1.5, 0.6, 0.0, 0.0, 0.0]


def at_distances(*goals_w: tuple[float, float, float]) -> Any:
    """Return a state with the hand at the origin and one world per goal."""
    return bare(hand_w=[ORIGIN] * len(goals_w), goal_w=goals_w)


def test_near_is_1_on_the_goal_and_falls_as_tanh_of_distance_over_scale() -> None:
    near = SiteNearGoal(weight=1.0, command="goal", site="hand", scale_m=0.10).bind(toy_scene())
    # 3-4-5 triangles: 0.10 m and 0.05 m away; tanh 1 = 0.761594, tanh 0.5 = 0.462117.
    got = near(at_distances(ORIGIN, (0.06, 0.0, 0.08), (0.0, -0.03, 0.04)))
    np.testing.assert_allclose(got, [1.0, 1.0 - 0.761594, 1.0 - 0.462117], atol=FLOAT32)


def test_near_far_away_is_0_and_never_less() -> None:
    near = SiteNearGoal(weight=1.0, command="goal", site="hand", scale_m=0.02).bind(toy_scene())
    np.testing.assert_array_equal(near(at_distances((30.0, 40.0, 0.0))), [0.0])


def test_at_goal_is_1_closer_than_the_distance_and_0_on_it() -> None:
    at_goal = SiteAtGoal(weight=1.0, command="goal", site="hand", within_m=0.5).bind(toy_scene())
    got = at_goal(at_distances((0.0, 0.0, 0.49), (0.0, 0.0, 0.5), (0.3, 0.4, 0.1)))
    np.testing.assert_array_equal(got, [1.0, 0.0, 0.0])


def test_action_rate_is_the_squared_change() -> None:
    rate = ActionRate(weight=-1.0).bind(toy_scene())
    got = rate(bare(action=[[1.0, 0.0, 0.0], [0.5, 0.5, 0.5]], last_action=[[-1.0, 0.0, 1.0], [0.5, 0.5, 0.5]]))
    np.testing.assert_array_equal(got, [2.0**2 + 1.0**2, 0.0])


def test_joint_speed_is_the_sum_of_squares() -> None:
    speed = JointSpeed(weight=-1.0).bind(toy_scene())
    np.testing.assert_allclose(speed(bare(joint_vel=[[3.0, -4.0, 0.0], [0.0, 0.0, 0.5]])), [25.0, 0.25], rtol=FLOAT32)


def test_strain_begins_at_half_of_full_drive_and_a_gripper_may_push() -> None:
    strain = ServoStrain(weight=-1.0).bind(scene())
    # 18 N m/rad over 2.94 N m: half of full drive at 0.0817 rad, three quarters at 0.1225 rad, all of it at 0.1633 rad.
    leads = [[0.08, 0.0, 0.0, 0.0, 0.0, 0.4], [0.0, 0.0, -0.1225, 0.0, 0.0, 0.0], [0.1225, 0.0, 0.4, 0.0, 0.0, 0.0]]
    got = strain(bare(joint_pos=[UP] * 3, joint_target=leads))
    np.testing.assert_allclose(got, [0.0, 0.5, 1.5], atol=FLOAT32)


@pytest.mark.parametrize("share", [-0.1, 1.0, math.nan])
def test_a_strain_that_begins_nowhere_is_refused(share: float) -> None:
    with pytest.raises(BadInputError, match=f"ServoStrain.share must be at least 0 and below 1, got {share}"):
        ServoStrain(weight=-1.0, share=share)


def test_self_collision_is_0_off_itself_and_above_1_inside() -> None:
    near = SelfCollision(weight=-1.0).bind(scene())(bare(joint_pos=[UP, FOLDED]))
    assert near[0] == 0.0
    assert near[1] > 1.0


def test_below_table_is_the_depth_of_the_lowest_point() -> None:
    below = BelowTable(weight=-1.0).bind(scene())
    higher = BelowTable(weight=-1.0, height_m=0.05).bind(scene())
    poses = bare(joint_pos=[UP, DOWN])
    assert below(poses)[0] == 0.0
    assert below(poses)[1] > 0.05
    np.testing.assert_allclose(higher(poses)[1] - below(poses)[1], 0.05, atol=FLOAT32)


@pytest.mark.parametrize("kind", [SelfCollision, BelowTable])
def test_an_arm_without_shapes_can_not_be_judged_by_them(kind: Any) -> None:
    with pytest.raises(BadInputError, match=f"{kind.__name__} needs a robot with collision shapes; 'toy' has none"):
        kind(weight=-1.0).bind(toy_scene())


@pytest.mark.parametrize("kind", [type(term) for term in REWARDS], ids=lambda kind: kind.__name__)
def test_a_weight_of_the_wrong_sign_is_refused(kind: Any) -> None:
    wrong = 0.5 if kind.penalty else -0.5
    word = "penalty: its weight must be 0 or less" if kind.penalty else "shaping reward: its weight must be 0 or more"
    with pytest.raises(BadInputError, match=rf"{kind.__name__} is a {word}, got {wrong}"):
        kind(weight=wrong, **NEEDED.get(kind.__name__, {}))
    kind(weight=0.0, **NEEDED.get(kind.__name__, {}))  # switched off


@pytest.mark.parametrize("weight", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("term", REWARDS, ids=name_of)
def test_a_weight_that_is_no_number_is_refused(term: Any, weight: float) -> None:
    with pytest.raises(BadInputError, match=rf"{name_of(term)}\.weight must be a finite number, got {weight}"):
        type(term)(weight=weight, **NEEDED.get(name_of(term), {}))


@pytest.mark.parametrize("value", [0.0, -0.1, math.nan, math.inf])
def test_a_scale_or_distance_must_be_positive(value: float) -> None:
    with pytest.raises(BadInputError, match=rf"SiteNearGoal\.scale_m must be positive and finite, got {value}"):
        SiteNearGoal(weight=1.0, command="goal", scale_m=value)
    with pytest.raises(BadInputError, match=rf"SiteAtGoal\.within_m must be positive and finite, got {value}"):
        SiteAtGoal(weight=1.0, command="goal", within_m=value)


def test_a_missing_site_or_command_shows_before_the_first_step() -> None:
    with pytest.raises(UnknownNameError, match="There is no site named 'hnad'. Did you mean 'hand'"):
        SiteNearGoal(weight=1.0, command="goal", site="hnad").bind(toy_scene())
    with pytest.raises(UnknownNameError, match="There is no command named 'goals'. Did you mean 'goal'"):
        SiteAtGoal(weight=1.0, command="goals", site="hand").bind(toy_scene())

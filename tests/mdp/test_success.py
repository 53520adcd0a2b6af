"""When a task is being done: numbers worked out by hand."""

from math import inf, nan

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.mdp.success import BoxHeldAtGoal, SiteHeldAtGoal
from roarm_lab.mdp.terms import SuccessDescription
from roarm_lab.robots.roarm_m3 import ROARM_M3
from tests.mdp.fake_state import bare, box_scene, toy_scene
from tests.toy_robot import TOY

ROUNDING = 1e-6
"""Float32."""


def test_the_task_is_done_closer_than_the_distance() -> None:
    term = SiteHeldAtGoal(command="goal", site="hand", within_m=0.05, hold_s=0.4)
    state = bare(hand_w=[[0.1, 0.1, 0.1]] * 3, goal_w=[[0.1, 0.1, 0.1], [0.13, 0.14, 0.1], [0.1, 0.1, 0.149]])
    # 3-4-5 triangle: the second is 0.05 m away, give or take a rounding; 0.051 m is clearly too far.
    np.testing.assert_array_equal(term.bind(toy_scene())(state)[[0, 2]], [True, True])
    np.testing.assert_allclose(term.distance(toy_scene())(state), [0.0, 0.05, 0.049], atol=ROUNDING)
    far = bare(hand_w=[[0.0, 0.0, 0.0]], goal_w=[[0.0, 0.0, 0.051]])
    np.testing.assert_array_equal(term.bind(toy_scene())(far), [False])


def test_success_needs_the_place_and_both_jaws() -> None:
    held = BoxHeldAtGoal(hold_s=0.4).bind(box_scene())
    boxes = [[[0.2, 0.0, 0.21]], [[0.2, 0.0, 0.21]], [[0.2, 0.0, 0.1]]]
    state = bare(box_pos_w=boxes, goal_w=[[0.2, 0.0, 0.2]] * 3, joint_pos=[[0, 0, 0]] * 3)
    state.touching = np.array([[[True, True]], [[True, False]], [[True, True]]])
    np.testing.assert_array_equal(held(state), [True, False, False])


@pytest.mark.parametrize("value", [0.0, -1.0, nan, inf])
@pytest.mark.parametrize("field", ["within_m", "hold_s"])
def test_distance_and_holding_time_must_be_positive(field: str, value: float) -> None:
    good = {"command": "goal", "within_m": 0.02, "hold_s": 0.4}
    with pytest.raises(BadInputError, match=rf"SiteHeldAtGoal\.{field} must be positive and finite, got {value}"):
        SiteHeldAtGoal(**(good | {field: value}))


def test_the_holding_time_of_a_box_must_be_positive() -> None:
    with pytest.raises(BadInputError, match="hold_s must be positive"):
        BoxHeldAtGoal(hold_s=0.0)


def test_unknown_names_show_before_the_first_step() -> None:
    with pytest.raises(UnknownNameError, match="There is no command named 'gola'. Did you mean 'goal'"):
        SiteHeldAtGoal(command="gola", site="hand", hold_s=0.4).bind(toy_scene())


def test_a_term_says_what_it_holds_where_and_how_near() -> None:
    reach = SiteHeldAtGoal(command="place", site="hand_tcp", within_m=0.03, hold_s=0.4).describe(ROARM_M3)
    assert reach == SuccessDescription(site="hand_tcp", holds="the fingertips", within_m=0.03, command="place")
    toy = SiteHeldAtGoal(command="goal", site="hand", hold_s=0.4).describe(TOY)
    assert toy.holds == "the site 'hand'"
    lift = BoxHeldAtGoal(box="cube", command="goal", within_m=0.025, hold_s=0.4).describe(ROARM_M3)
    assert (lift.site, lift.box, lift.command, lift.within_m) == ("grasp", "cube", "goal", 0.025)
    assert (lift.holds, lift.besides) == ("the cube in the gripper", "every jaw touches the cube")

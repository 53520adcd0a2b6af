"""Boxes seen, lifted and carried: numbers worked out by hand."""

from math import pi, sqrt, tanh

import numpy as np
import pytest

from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.mdp.boxes import (
    BoxAtGoal,
    BoxHeldAtGoal,
    BoxLifted,
    BoxNearGoal,
    BoxOnTable,
    PositionNearBox,
    SiteNearBox,
)
from roarm_lab.mdp.object_observations import (
    BoxAxesInSite,
    BoxFromSite,
    BoxInSite,
    BoxPos,
    GoalFromBox,
    SiteApproach,
    Touching,
)
from roarm_lab.mdp.scene import Scene
from tests.mdp.fake_state import bare
from tests.toy_robot import TOY

SCENE = Scene(robot=TOY, control_dt_s=0.05, boxes=("cube",), command_sizes=(("goal", 3),))
ROUNDING = 1e-6
"""Float32."""
QUARTER = [0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]
"""A frame turned by 90 degrees about z: its x axis points along y of the world."""


def test_a_box_is_seen_from_the_turned_base() -> None:
    # The base looks along y; the box lies 0.3 m that way.
    state = bare(box_pos_w=[[[0.0, 0.3, 0.1]]], joint_pos=[[pi / 2, 0.0, 0.0]])
    np.testing.assert_allclose(BoxPos().bind(SCENE)(state), [[0.3, 0.0, 0.1]], atol=ROUNDING)


def test_the_way_to_a_box_is_seen_from_the_turned_base() -> None:
    state = bare(box_pos_w=[[[0.0, 0.3, 0.1]]], hand_w=[[0.0, 0.1, 0.2]], joint_pos=[[pi / 2, 0.0, 0.0]])
    np.testing.assert_allclose(BoxFromSite(site="hand").bind(SCENE)(state), [[0.2, 0.0, -0.1]], atol=ROUNDING)


def test_the_goal_is_seen_from_the_box() -> None:
    state = bare(box_pos_w=[[[0.0, 0.3, 0.0]]], goal_w=[[0.0, 0.4, 0.2]], joint_pos=[[pi / 2, 0.0, 0.0]])
    np.testing.assert_allclose(GoalFromBox().bind(SCENE)(state), [[0.1, 0.0, 0.2]], atol=ROUNDING)


def test_the_hand_sees_a_box_in_its_own_axes() -> None:
    # The hand's x axis is the world's y, its y axis the world's -x.
    state = bare(box_pos_w=[[[0.1, 0.3, 0.0]]], hand_w=[[0.0, 0.0, 0.0]], site_rot_w=[[QUARTER]], joint_pos=[[0, 0, 0]])
    np.testing.assert_allclose(BoxInSite(site="hand").bind(SCENE)(state), [[0.3, -0.1, 0.0]], atol=ROUNDING)
    np.testing.assert_allclose(SiteApproach(site="hand").bind(SCENE)(state), [[0.0, 1.0, 0.0]], atol=ROUNDING)


def test_a_box_turned_like_the_hand_has_the_hands_axes() -> None:
    half = sqrt(0.5)  # 90 degrees about z
    state = bare(box_quat_w=[[[half, 0.0, 0.0, half]]], site_rot_w=[[QUARTER]], joint_pos=[[0, 0, 0]])
    got = BoxAxesInSite(site="hand").bind(SCENE)(state)
    np.testing.assert_allclose(got, [[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]], atol=ROUNDING)


def test_touching_is_1_for_each_jaw_that_touches() -> None:
    state = bare(joint_pos=[[0, 0, 0]])
    state.touching = np.array([[[True, False]]])
    np.testing.assert_array_equal(Touching().bind(SCENE)(state), [[1.0, 0.0]])


def test_near_falls_with_the_distance() -> None:
    # A 3-4-5 triangle: 0.1 m.
    state = bare(box_pos_w=[[[0.06, 0.08, 0.0]]], hand_w=[[0.0, 0.0, 0.0]], joint_pos=[[0, 0, 0]])
    got = SiteNearBox(weight=1.0, site="hand", scale_m=0.2).bind(SCENE)(state)
    np.testing.assert_allclose(got, 1.0 - tanh(0.5), atol=ROUNDING)


@pytest.mark.parametrize(("height_m", "share"), [(0.0, 0.0), (0.015, 0.0), (0.055, 0.5), (0.095, 1.0), (0.5, 1.0)])
def test_lifted_goes_from_0_on_the_table_to_1(height_m: float, share: float) -> None:
    state = bare(box_pos_w=[[[0.2, 0.0, height_m]]], joint_pos=[[0, 0, 0]])
    got = BoxLifted(weight=1.0, rest_m=0.015, height_m=0.08).bind(SCENE)(state)
    np.testing.assert_allclose(got, share, atol=ROUNDING)


def test_carrying_pays_only_in_the_air() -> None:
    carried = BoxNearGoal(weight=1.0, rest_m=0.015, lifted_m=0.008, scale_m=0.25).bind(SCENE)
    goal = [[0.2, 0.0, 0.2]]
    on_table = bare(box_pos_w=[[[0.2, 0.0, 0.015]]], goal_w=goal, joint_pos=[[0, 0, 0]])
    in_air = bare(box_pos_w=[[[0.2, 0.0, 0.1]]], goal_w=goal, joint_pos=[[0, 0, 0]])
    assert carried(on_table) == 0.0
    np.testing.assert_allclose(carried(in_air), 1.0 - tanh(0.1 / 0.25), atol=ROUNDING)


def test_at_the_goal_is_all_or_nothing() -> None:
    at_goal = BoxAtGoal(weight=1.0, within_m=0.025).bind(SCENE)
    boxes = [[[0.2, 0.0, 0.22]], [[0.2, 0.0, 0.23]]]
    state = bare(box_pos_w=boxes, goal_w=[[0.2, 0.0, 0.2]] * 2, joint_pos=[[0, 0, 0]] * 2)
    np.testing.assert_array_equal(at_goal(state), [1.0, 0.0])


def test_success_needs_the_place_and_both_jaws() -> None:
    held = BoxHeldAtGoal(hold_s=0.4).bind(SCENE)
    boxes = [[[0.2, 0.0, 0.21]], [[0.2, 0.0, 0.21]], [[0.2, 0.0, 0.1]]]
    state = bare(box_pos_w=boxes, goal_w=[[0.2, 0.0, 0.2]] * 3, joint_pos=[[0, 0, 0]] * 3)
    state.touching = np.array([[[True, True]], [[True, False]], [[True, True]]])
    np.testing.assert_array_equal(held(state), [True, False, False])


def test_a_box_lies_flat_within_its_ranges_evenly_over_the_area() -> None:
    place = BoxOnTable(radius_m=Range(0.1, 0.3), azimuth_rad=Range(-1.0, 1.0)).bind(SCENE)
    random = np.float32([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [1.0, 1.0, 0.5]])
    pose = place(random, bare(box_scale=np.ones((len(random), 1))))["box_pose.cube"]
    np.testing.assert_allclose(np.hypot(pose[:, 0], pose[:, 1]), [0.1, sqrt(0.05), 0.3], atol=ROUNDING)
    np.testing.assert_allclose(np.arctan2(pose[:, 1], pose[:, 0]), [0.0, -1.0, 1.0], atol=ROUNDING)
    # In the middle of its range a box faces the base: its yaw is its azimuth.
    np.testing.assert_allclose(2 * np.arctan2(pose[:, 6], pose[:, 3]), [0.0, -1.0, 1.0], atol=ROUNDING)
    np.testing.assert_allclose(pose[:, 2], 0.015)
    np.testing.assert_allclose(pose[:, 4:6], 0.0)


def test_a_goal_hangs_in_the_air_near_the_direction_of_the_box() -> None:
    pick = PositionNearBox(radius_m=Range(0.2, 0.3), turn_rad=Range(-0.5, 0.5), height_m=Range(0.1, 0.2)).bind(SCENE)
    state = bare(box_pos_w=[[[0.0, 0.25, 0.015]]] * 2)
    goal_w = pick(np.float32([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]), state)
    np.testing.assert_allclose(np.arctan2(goal_w[:, 1], goal_w[:, 0]), [pi / 2 - 0.5, pi / 2 + 0.5], atol=ROUNDING)
    np.testing.assert_allclose(np.hypot(goal_w[:, 0], goal_w[:, 1]), [0.2, 0.3], atol=ROUNDING)
    np.testing.assert_allclose(goal_w[:, 2], [0.1, 0.2], atol=ROUNDING)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="no box named 'cup'"):
        BoxPos(box="cup").bind(SCENE)
    with pytest.raises(BadInputError, match="scale_m must be positive"):
        SiteNearBox(weight=1.0, scale_m=0.0)
    with pytest.raises(BadInputError, match="height_m must be positive"):
        BoxLifted(weight=1.0, height_m=-1.0)
    with pytest.raises(BadInputError, match="within_m must be positive"):
        BoxAtGoal(weight=1.0, within_m=float("nan"))
    with pytest.raises(BadInputError, match="hold_s must be positive"):
        BoxHeldAtGoal(hold_s=0.0)
    with pytest.raises(BadInputError, match="radius_m must be positive"):
        BoxOnTable(radius_m=Range(0.0, 0.2))

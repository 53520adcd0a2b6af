"""Boxes as a camera and as a simulator would tell them: numbers worked out by hand."""

from math import pi, sqrt

import numpy as np
import pytest

from roarm_lab.core.errors import UnknownNameError
from roarm_lab.mdp.object_observations import (
    BoxAxesInSite,
    BoxFromSite,
    BoxInSite,
    BoxPos,
    GoalFromBox,
    SiteApproach,
    Touching,
)
from tests.mdp.fake_state import bare, box_scene

ROUNDING = 1e-6
"""Float32."""
QUARTER = [0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]
"""A frame turned by 90 degrees about z: its x axis points along y of the world."""


def test_a_box_is_seen_from_the_turned_base() -> None:
    # The base looks along y; the box lies 0.3 m that way.
    state = bare(box_pos_w=[[[0.0, 0.3, 0.1]]], joint_pos=[[pi / 2, 0.0, 0.0]])
    np.testing.assert_allclose(BoxPos().bind(box_scene())(state), [[0.3, 0.0, 0.1]], atol=ROUNDING)


def test_the_way_to_a_box_is_seen_from_the_turned_base() -> None:
    state = bare(box_pos_w=[[[0.0, 0.3, 0.1]]], hand_w=[[0.0, 0.1, 0.2]], joint_pos=[[pi / 2, 0.0, 0.0]])
    np.testing.assert_allclose(BoxFromSite(site="hand").bind(box_scene())(state), [[0.2, 0.0, -0.1]], atol=ROUNDING)


def test_the_goal_is_seen_from_the_box() -> None:
    state = bare(box_pos_w=[[[0.0, 0.3, 0.0]]], goal_w=[[0.0, 0.4, 0.2]], joint_pos=[[pi / 2, 0.0, 0.0]])
    np.testing.assert_allclose(GoalFromBox().bind(box_scene())(state), [[0.1, 0.0, 0.2]], atol=ROUNDING)


def test_the_hand_sees_a_box_in_its_own_axes() -> None:
    # The hand's x axis is the world's y, its y axis the world's -x.
    state = bare(box_pos_w=[[[0.1, 0.3, 0.0]]], hand_w=[[0.0, 0.0, 0.0]], site_rot_w=[[QUARTER]], joint_pos=[[0, 0, 0]])
    np.testing.assert_allclose(BoxInSite(site="hand").bind(box_scene())(state), [[0.3, -0.1, 0.0]], atol=ROUNDING)
    np.testing.assert_allclose(SiteApproach(site="hand").bind(box_scene())(state), [[0.0, 1.0, 0.0]], atol=ROUNDING)


def test_a_box_turned_like_the_hand_has_the_hands_axes() -> None:
    half = sqrt(0.5)  # 90 degrees about z
    state = bare(box_quat_w=[[[half, 0.0, 0.0, half]]], site_rot_w=[[QUARTER]], joint_pos=[[0, 0, 0]])
    got = BoxAxesInSite(site="hand").bind(box_scene())(state)
    np.testing.assert_allclose(got, [[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]], atol=ROUNDING)


def test_touching_is_1_for_each_jaw_that_touches() -> None:
    state = bare(joint_pos=[[0, 0, 0]])
    state.touching = np.array([[[True, False]]])
    np.testing.assert_array_equal(Touching().bind(box_scene())(state), [[1.0, 0.0]])


def test_a_box_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="no box named 'cup'"):
        BoxPos(box="cup").bind(box_scene())

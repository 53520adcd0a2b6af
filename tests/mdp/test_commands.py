"""Reachable positions: a fixed pool, inside its bounds, evenly drawn from."""

import math
from math import pi

import numpy as np
import pytest

from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.mdp.commands import PositionNearBox, ReachablePosition
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from tests.mdp.every_term import COMMANDS, name_of
from tests.mdp.fake_state import bare, box_scene, moment, scene

POOL = 300
ROUNDING_M = 1e-6


def whole_pool(term: ReachablePosition) -> np.ndarray:
    """Return every position once [pool, 3] m, in order."""
    middles = (np.arange(term.pool, dtype=np.float32) + 0.5) / term.pool
    return term.bind(scene())(middles[:, None], moment())


def test_positions_lie_inside_the_bounds() -> None:
    term = ReachablePosition(height_m=Range(0.1, 0.2), min_radius_m=0.2, max_radius_m=0.3, pool=POOL)
    x, y, z = whole_pool(term).T
    assert 0.1 - ROUNDING_M <= z.min() < 0.12  # and the bounds are used to the full
    assert 0.18 < z.max() <= 0.2 + ROUNDING_M
    radius = np.hypot(x, y)
    assert 0.2 - ROUNDING_M <= radius.min() < 0.21
    assert 0.29 < radius.max() <= 0.3 + ROUNDING_M
    assert y.min() < -0.25 < 0.25 < y.max()  # all around


@pytest.mark.parametrize(("clearance_m", "all_clear"), [(0.03, True), (-1.0, False)])
def test_the_tool_gets_there_with_every_link_clear_of_the_table(clearance_m: float, all_clear: bool) -> None:
    goals = whole_pool(ReachablePosition(pool=POOL, clearance_m=clearance_m))
    rng = np.random.default_rng(0)  # the pool's own joint angles: the first that pass are the first goals
    joint_pos = rng.uniform([j.lower_rad for j in ROARM_M3.joints], [j.upper_rad for j in ROARM_M3.joints], (4096, 6))
    kinematics = Kinematics(ROARM_M3)
    tool_w = kinematics.site_pos_b(joint_pos, ["hand_tcp"])[:, 0] + (0.0, 0.0, ROARM_M3.base_height_m)
    gaps = np.linalg.norm(goals[:, None] - tool_w[None], axis=-1)
    assert gaps.min(axis=1).max() < ROUNDING_M
    links_z_m = kinematics.link_poses(joint_pos[gaps.argmin(axis=1)])[0][..., 2] + ROARM_M3.base_height_m
    assert (links_z_m.min() >= 0.03) is np.bool_(all_clear)


def test_the_pool_is_always_the_same() -> None:
    first = whole_pool(ReachablePosition(pool=POOL))
    ReachablePosition(pool=POOL + 1).bind(scene())  # another pool in between
    np.testing.assert_array_equal(first, whole_pool(ReachablePosition(pool=POOL, resample_s=1.0)))
    assert len(np.unique(first, axis=0)) == POOL


def test_the_ends_of_the_random_range_are_in_the_pool() -> None:
    for pool in (1, 3, 1000, 20_000):
        pick = ReachablePosition(pool=pool).bind(scene())
        last = np.nextafter(np.float32(1.0), np.float32(0.0))
        ends = pick(np.float32([[0.0], [last]]), moment())
        np.testing.assert_array_equal(ends, whole_pool(ReachablePosition(pool=pool))[[0, -1]])


def test_what_is_handed_out_can_be_changed_without_changing_the_pool() -> None:
    pick = ReachablePosition(pool=POOL).bind(scene())
    first = pick(np.zeros((1, 1), np.float32), moment())
    before = first.copy()
    first += 1.0
    np.testing.assert_array_equal(pick(np.zeros((1, 1), np.float32), moment()), before)


def test_bounds_that_leave_nothing_are_explained() -> None:
    term = ReachablePosition(height_m=Range(2.0, 3.0), pool=POOL)
    with pytest.raises(
        BadInputError, match="found only 0 of 300 positions for 'roarm_m3': widen height_m or the radii"
    ):
        term.bind(scene())


@pytest.mark.parametrize("low", [-0.1, 0.3, math.nan])
def test_radii_that_make_no_sense_are_refused(low: float) -> None:
    with pytest.raises(
        BadInputError, match=rf"min_radius_m \({low}\) must be 0 or more and below max_radius_m \(0.3\)"
    ):
        ReachablePosition(min_radius_m=low, max_radius_m=0.3)


def test_an_empty_pool_is_refused() -> None:
    with pytest.raises(BadInputError, match="pool must be 1 or more, got 0"):
        ReachablePosition(pool=0)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_clearance_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(BadInputError, match=rf"ReachablePosition\.clearance_m must be a finite number, got {value}"):
        ReachablePosition(clearance_m=value)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
@pytest.mark.parametrize("term", COMMANDS, ids=name_of)
def test_a_time_until_the_next_command_must_be_positive(term: object, value: float) -> None:
    with pytest.raises(BadInputError, match=rf"{name_of(term)}\.resample_s must be positive, got {value}"):
        type(term)(resample_s=value)


def test_an_unknown_site_shows_before_the_first_step() -> None:
    with pytest.raises(UnknownNameError, match="There is no site named 'hand'. Did you mean 'hand_tcp'"):
        ReachablePosition(site="hand").bind(scene())


def test_a_goal_hangs_in_the_air_near_the_direction_of_the_box() -> None:
    pick = PositionNearBox(radius_m=Range(0.2, 0.3), turn_rad=Range(-0.5, 0.5), height_m=Range(0.1, 0.2)).bind(
        box_scene()
    )
    state = bare(box_pos_w=[[[0.0, 0.25, 0.015]]] * 2)
    goal_w = pick(np.float32([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]), state)
    np.testing.assert_allclose(np.arctan2(goal_w[:, 1], goal_w[:, 0]), [pi / 2 - 0.5, pi / 2 + 0.5], atol=ROUNDING_M)
    np.testing.assert_allclose(np.hypot(goal_w[:, 0], goal_w[:, 1]), [0.2, 0.3], atol=ROUNDING_M)
    np.testing.assert_allclose(goal_w[:, 2], [0.1, 0.2], atol=ROUNDING_M)

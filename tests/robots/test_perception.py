"""A look at boxes is a pose for each of them or a reason, and never a number that nobody saw."""

import math

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, MissingError, UnknownNameError
from roarm_lab.robots.perception import Sight

NAMES = ("cube", "brick")
POS_W = [[0.2, 0.0, 0.015], [0.25, 0.1, 0.015]]
QUAT_W = [[1.0, 0.0, 0.0, 0.0], [0.6, 0.0, 0.0, 0.8]]


def test_a_good_look_gives_every_pose() -> None:
    sight = Sight.of(2.5, NAMES, POS_W, QUAT_W)
    assert (sight.valid, sight.reason, sight.boxes, sight.seen_at_s) == (True, "", NAMES, 2.5)
    np.testing.assert_array_equal(sight.box_pos_w, POS_W)
    np.testing.assert_array_equal(sight.box_quat_w, QUAT_W)
    assert repr(Sight.of(2.5, ["cube"], POS_W[:1], QUAT_W[:1])) == (
        "Sight(2.500 s, cube=[0.2, 0.0, 0.015, 1.0, 0.0, 0.0, 0.0])"
    )


def test_poses_can_not_be_changed_afterwards() -> None:
    given = np.array(POS_W)
    sight = Sight.of(0.0, NAMES, given, QUAT_W)
    given[0, 0] = 9.0
    np.testing.assert_array_equal(sight.box_pos_w, POS_W)
    with pytest.raises(ValueError, match="read-only"):
        sight.box_pos_w[0, 0] = 9.0


def test_a_failed_look_is_never_a_number() -> None:
    sight = Sight.failed(1.5, "the lens is covered")
    assert not sight.valid
    assert sight.boxes == ()
    for look in (lambda: sight.box_pos_w, lambda: sight.box_quat_w, lambda: sight.rows(["cube"])):
        with pytest.raises(MissingError, match="No box can be seen: the lens is covered"):
            look()
    assert repr(sight) == "Sight(1.500 s, failed: the lens is covered)"


def test_boxes_are_found_by_name_in_the_order_asked_for() -> None:
    sight = Sight.of(0.0, NAMES, POS_W, QUAT_W)
    assert sight.rows(["brick", "cube"]) == [1, 0]
    with pytest.raises(UnknownNameError, match="There is no box named 'cub'. Did you mean 'cube'"):
        sight.rows(["cub"])


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_pose_that_is_no_number_is_refused_by_name(wrong: float) -> None:
    with pytest.raises(BadInputError, match="pose of box 'brick' must be finite numbers"):
        Sight.of(0.0, NAMES, [POS_W[0], [0.2, wrong, 0.0]], QUAT_W)
    with pytest.raises(BadInputError, match="pose of box 'cube' must be finite numbers"):
        Sight.of(0.0, NAMES, POS_W, [[wrong, 0.0, 0.0, 0.0], QUAT_W[1]])


@pytest.mark.parametrize("quat", [[0.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0], [0.7, 0.0, 0.0, 0.7]])
def test_what_is_no_rotation_is_refused(quat: list[float]) -> None:
    with pytest.raises(BadInputError, match=r"'brick' must be a quaternion wxyz of length 1, got one of length"):
        Sight.of(0.0, NAMES, POS_W, [QUAT_W[0], quat])


def test_a_pose_too_many_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"need the shapes \(1, 3\) and \(1, 4\), got \(2, 3\) and \(2, 4\)"):
        Sight.of(0.0, ["cube"], POS_W, QUAT_W)

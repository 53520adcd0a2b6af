"""Episodes to watch: the same whatever was watched before, and honest about how they end."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError
from roarm_lab.mdp.commands import ReachablePosition
from roarm_lab.mdp.events import ScaleModel
from roarm_lab.mdp.terminations import SiteBelow
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.view.show import MARKER_RADIUS_M, Marker, PolicyShow, markers_of
from tests.view.show_fixture import policy_show, short, still, wave

ANYWHERE_M, NOWHERE_M = 10.0, 1e-6  # near enough is: always, never
SINGLE = 1e-6  # rounding of single-precision positions within a metre


def qpos_of(played: PolicyShow, number: int) -> np.ndarray:
    return np.array([moment.qpos for moment in played.play(number)])


def test_an_episode_has_its_start_and_a_moment_per_control_step() -> None:
    with policy_show() as played:
        moments = list(played.play(0))
    np.testing.assert_allclose([moment.time_s for moment in moments], np.arange(21) * 0.05, atol=SINGLE)
    assert [moment.outcome is None for moment in moments] == [True] * 20 + [False]


def test_an_episode_is_the_same_whatever_was_played_before() -> None:
    with policy_show() as one, policy_show() as other:
        third = qpos_of(one, 3)
        next(iter(other.play(0)))  # left after its first moment
        list(other.play(1))
        np.testing.assert_array_equal(qpos_of(other, 3), third)
        assert np.abs(qpos_of(other, 4) - third).max() > 0.01


def test_another_seed_shows_other_episodes() -> None:
    with policy_show(seed=0) as one, policy_show(seed=1) as other:
        assert np.abs(qpos_of(one, 0) - qpos_of(other, 0)).max() > 0.01


def test_a_randomised_arm_is_the_same_in_every_showing_of_an_episode() -> None:
    events = {**short().events, "load": ScaleModel(field="body_mass", factor=Range(0.5, 1.5))}
    with PolicyShow(wave, replace(short(), events=events)) as played:
        first = qpos_of(played, 0)
        list(played.play(1))
        np.testing.assert_array_equal(qpos_of(played, 0), first)


def test_a_moment_says_how_large_the_cube_was_drawn() -> None:
    task = lift_cube()
    bigger = ScaleModel(field="box_size", factor=Range(1.1, 1.2), names=("cube",))
    played_by = lambda terms: np.zeros((1, 1, 6), np.float32)  # noqa: E731
    with PolicyShow(played_by, replace(task, events={**task.events, "size": bigger}, episode_s=0.5)) as played:
        scales = [[moment.box_scale["cube"] for moment in played.play(number)] for number in (0, 1)]
    assert len(set(scales[0])) == len(set(scales[1])) == 1
    assert 1.1 <= min(scales[0][0], scales[1][0]) < max(scales[0][0], scales[1][0]) <= 1.2


def test_the_last_moment_is_the_end_and_not_the_start_of_the_next() -> None:
    with policy_show() as played:
        moments = list(played.play(0))
    change = [float(np.abs(b.qpos - a.qpos).max()) for a, b in pairwise(moments)]
    assert max(change) < 0.3  # rad per step; the way back to the start is longer
    assert float(np.abs(moments[-1].qpos - moments[0].qpos).max()) > 0.3
    assert {tuple(moment.markers["goal"]) for moment in moments} == {tuple(moments[0].markers["goal"])}


def test_the_distance_is_that_of_the_hand_to_the_marker() -> None:
    kinematics = Kinematics(ROARM_M3)
    with policy_show() as played:
        for moment in played.play(2):
            angles = played.geometry.joint_pos(moment.qpos)
            tip_w = kinematics.site_pos_b(angles, ("hand_tcp",))[0] + (0.0, 0.0, ROARM_M3.base_height_m)
            gap_m = float(np.linalg.norm(tip_w - moment.markers["goal"]))
            assert moment.distance_m == pytest.approx(gap_m, abs=SINGLE)


def test_an_arm_that_stays_at_its_goal_succeeds() -> None:
    with policy_show(still, ANYWHERE_M) as played:
        moments = list(played.play(0))
    assert moments[-1].outcome is not None
    assert (moments[-1].outcome.success, moments[-1].outcome.words) == (True, "done, and held for 1.00 s")
    np.testing.assert_allclose([m.held_s for m in moments], np.arange(21) * 0.05, atol=SINGLE)  # the start is no step


def test_an_arm_that_never_gets_there_is_said_to() -> None:
    with policy_show(wave, NOWHERE_M) as played:
        last = list(played.play(0))[-1]
    assert last.outcome is not None
    assert (last.outcome.success, last.outcome.words, last.held_s) == (False, "never got there", 0.0)


def test_an_episode_that_ends_early_is_said_to() -> None:
    config = replace(short(), terminations={"low": SiteBelow(height_m=5.0)})
    with PolicyShow(still, config) as played:
        moments = list(played.play(0))
    assert len(moments) == 2
    assert moments[-1].outcome is not None
    assert moments[-1].outcome.words == "ended early"


def test_a_marker_is_as_big_as_near_enough_where_that_is_known() -> None:
    config = short(within_m=0.035)
    commands = {**config.commands, "other": ReachablePosition()}
    assert markers_of(replace(config, commands=commands)) == (Marker("goal", 0.035), Marker("other", MARKER_RADIUS_M))


def test_a_policy_that_gives_nonsense_is_stopped() -> None:
    with (
        policy_show(lambda terms: still(terms) * np.float32("nan")) as played,
        pytest.raises(BadInputError, match="not a number"),
    ):
        list(played.play(0))

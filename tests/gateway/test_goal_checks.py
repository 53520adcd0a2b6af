"""Which goals a person may ask for."""

import math
from dataclasses import replace

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.gateway.goal_checks import GOAL_SLACK_M, fits_boxes, refuse_out_of_reach
from roarm_lab.mdp.commands import PositionNearBox, ReachablePosition, reachable_positions_w
from roarm_lab.mdp.terms import CommandFn, CommandTerm
from roarm_lab.tasks.reach import reach

SCENE = reach().scene()
TERM = ReachablePosition(site="hand_tcp")


def refuse(*goal_w: float, term: CommandTerm = TERM) -> None:
    refuse_out_of_reach("goal", term, SCENE, np.array(goal_w))


def test_every_training_goal_is_known_once_and_allowed() -> None:
    known = reachable_positions_w(SCENE.robot, TERM)
    assert known.shape == (TERM.pool, 3)
    assert len(np.unique(known, axis=0)) == TERM.pool
    for goal in known[:: TERM.pool // 50]:
        refuse(*goal)


def test_reachable_goals_that_training_never_drew_are_allowed() -> None:
    others = reachable_positions_w(SCENE.robot, replace(TERM, pool=TERM.pool + 300))[TERM.pool :]
    assert len(others) == 300
    for goal in others:
        refuse(*goal)


@pytest.mark.parametrize(
    ("goal", "metres"),
    [
        ((9.0, 9.0, 9.0), "14.97"),
        ((0.0, 0.0, 0.0), "0.13"),  # inside the base
        ((0.3, 0.0, -0.3), "0.35"),  # under the table; the lowest goals are 0.05 m above it
        ((0.0, 0.0, 0.9), "0.4"),  # above the stretched arm's share of the training goals
        ((0.7, 0.0, 0.2), "0.1"),
    ],
)
def test_a_goal_out_of_reach_is_refused_with_the_nearest_one(goal: tuple[float, ...], metres: str) -> None:
    with pytest.raises(BadInputError, match=rf"'goal' \(.*\) m is out of reach: the nearest .* is {metres}.* m away"):
        refuse(*goal)


def test_an_absurd_goal_is_refused_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    with pytest.raises(BadInputError, match="is inf m away"):
        refuse(1e300, 0.0, 0.0)
    with pytest.raises(BadInputError, match="out of reach"):
        refuse(math.nan, 0.0, 0.0)
    assert not recwarn.list


def test_the_slack_is_small_beside_the_arm() -> None:
    farthest = np.hypot(*reachable_positions_w(SCENE.robot, TERM)[:, :2].T).max()
    with pytest.raises(BadInputError):
        refuse(float(farthest) + 2.0 * GOAL_SLACK_M, 0.0, 0.2)


@pytest.mark.parametrize("goal", [(0.18, 0.0, 0.1), (0.0, -0.3, 0.25), (-0.2, 0.0, 0.2)])
def test_a_goal_of_a_box_may_be_anywhere_in_its_ranges(goal: tuple[float, ...]) -> None:
    refuse(*goal, term=PositionNearBox())


@pytest.mark.parametrize(
    "goal", [(0.17, 0.0, 0.2), (0.31, 0.0, 0.2), (0.2, 0.0, 0.09), (0.2, 0.0, 0.26), (0.2, math.nan, 0.2)]
)
def test_a_goal_of_a_box_outside_its_ranges_is_refused(goal: tuple[float, ...]) -> None:
    with pytest.raises(
        BadInputError, match=r"'goal' \(.*\) m is not where .* to carry 'cube': 0.18 to 0.3 m .* 0.1 to 0.25 m above"
    ):
        refuse(*goal, term=PositionNearBox())


@pytest.mark.parametrize(
    ("goal_deg", "box_deg", "fits"),
    [(0, 0, True), (39, 0, True), (41, 0, False), (-39, 0, True), (-41, 0, False), (170, -160, True), (180, 0, False)],
)
def test_a_goal_suits_a_box_in_nearly_its_direction(goal_deg: float, box_deg: float, fits: bool) -> None:
    def at(angle_deg: float) -> np.ndarray:
        angle = math.radians(angle_deg)
        return np.float32([0.25 * math.cos(angle), 0.25 * math.sin(angle), 0.1])

    term = PositionNearBox()  # plus and minus 40 degrees
    assert fits_boxes({"goal": term}, {"goal": at(goal_deg)[None]}, {"cube": at(box_deg)}) is fits
    assert fits_boxes({"goal": TERM}, {"goal": at(goal_deg)[None]}, {"cube": at(box_deg)})  # depends on no box


def test_a_command_that_is_no_position_is_not_judged() -> None:
    class Speed(CommandTerm):
        size = 1
        draws = 1

        def bind(self, scene: object) -> CommandFn:  # pyright: ignore[reportIncompatibleMethodOverride]
            raise AssertionError("not to be asked")

    refuse(99.0, term=Speed())

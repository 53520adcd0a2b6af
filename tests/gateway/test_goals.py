"""Which goals a person may ask for."""

import math
from dataclasses import replace

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.gateway.goals import GOAL_SLACK_M, refuse_out_of_reach
from roarm_lab.mdp.commands import ReachablePosition, reachable_positions_w
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


def test_a_command_that_is_no_position_is_not_judged() -> None:
    class Speed(CommandTerm):
        size = 1
        draws = 1

        def bind(self, scene: object) -> CommandFn:  # pyright: ignore[reportIncompatibleMethodOverride]
            raise AssertionError("not to be asked")

    refuse(99.0, term=Speed())

"""Whether a goal that a person gave is one that the policy can know how to reach."""

from collections.abc import Mapping
from math import atan2, hypot, pi, remainder

import numpy as np

from roarm_lab.core.arrays import Float32, Float64
from roarm_lab.core.errors import BadInputError
from roarm_lab.mdp.commands import PositionNearBox, ReachablePosition, reachable_positions_w
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import CommandTerm

GOAL_SLACK_M = 0.05
"""How far a goal may be from the nearest training goal. Of 6000 other reachable points the farthest had 0.041 m."""
ROUNDING = 1e-6
"""Slack at the ends of ranges [m, rad]: goals are float32 on their way."""


def refuse_out_of_reach(name: str, term: CommandTerm, scene: Scene, goal_w: Float64) -> None:
    """Refuse a position [3] m in the world frame that is far from all positions the policy was trained to reach.

    Raises:
        BadInputError: Says how far, and from where.
    """
    if isinstance(term, PositionNearBox):
        _refuse_outside(name, term, goal_w)
    if not isinstance(term, ReachablePosition):
        return
    known_w = reachable_positions_w(scene.robot, term)
    with np.errstate(over="ignore"):  # an absurd number is infinitely far away
        gap_m = np.linalg.norm(known_w - goal_w, axis=1)
    nearest = int(np.argmin(gap_m))
    if not gap_m[nearest] <= GOAL_SLACK_M:
        raise BadInputError(
            f"The command {name!r} ({_point(goal_w)}) m is out of reach: the nearest point that the policy was trained "
            f"to reach, ({_point(known_w[nearest])}) m, is {gap_m[nearest]:.2f} m away. Goals are x forward, y left, "
            f"z up, in metres, from the table under the base."
        )


def fits_boxes(
    terms: Mapping[str, CommandTerm], commands: Mapping[str, Float32], box_pos_w: Mapping[str, Float32]
) -> bool:
    """Return whether goals [1, size] lie in the directions, seen from the base, that training had for boxes there.

    Args:
        terms: The command terms by name.
        commands: What is asked for, by name.
        box_pos_w: Positions [3] m of boxes by name.
    """
    return all(
        _fits(term, commands[name][0], box_pos_w[term.box])
        for name, term in terms.items()
        if isinstance(term, PositionNearBox) and term.box in box_pos_w
    )


def _fits(term: PositionNearBox, goal_w: Float32, box_w: Float32) -> bool:
    turn_rad = remainder(atan2(goal_w[1], goal_w[0]) - atan2(box_w[1], box_w[0]), 2.0 * pi)
    return term.turn_rad.low - ROUNDING <= turn_rad <= term.turn_rad.high + ROUNDING


def _refuse_outside(name: str, term: PositionNearBox, goal_w: Float64) -> None:
    radius, height = term.radius_m, term.height_m
    fits = (
        radius.low - ROUNDING <= hypot(goal_w[0], goal_w[1]) <= radius.high + ROUNDING
        and height.low - ROUNDING <= goal_w[2] <= height.high + ROUNDING
    )
    if not fits:
        raise BadInputError(
            f"The command {name!r} ({_point(goal_w)}) m is not where the policy was trained to carry {term.box!r}: "
            f"{radius.low:g} to {radius.high:g} m from the base axis and {height.low:g} to {height.high:g} m above the "
            f"table. Goals are x forward, y left, z up, in metres, from the table under the base."
        )


def _point(pos: Float32 | Float64) -> str:
    return ", ".join(f"{value:.3g}" for value in pos)

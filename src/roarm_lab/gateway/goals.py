"""Whether a goal that a person gave is one that the policy can know how to reach."""

import numpy as np

from roarm_lab.core.arrays import Float32, Float64
from roarm_lab.core.errors import BadInputError
from roarm_lab.mdp.commands import ReachablePosition, reachable_positions_w
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import CommandTerm

GOAL_SLACK_M = 0.05
"""How far a goal may be from the nearest training goal. Of 6000 other reachable points the farthest had 0.041 m."""


def refuse_out_of_reach(name: str, term: CommandTerm, scene: Scene, goal_w: Float64) -> None:
    """Refuse a position [3] m in the world frame that is far from all positions the policy was trained to reach.

    Raises:
        BadInputError: Says how far, and from where.
    """
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


def _point(pos: Float32 | Float64) -> str:
    return ", ".join(f"{value:.3g}" for value in pos)

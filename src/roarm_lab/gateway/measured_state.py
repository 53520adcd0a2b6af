"""The moment of a measured arm, in the form that terms read: what the simulator's state is in training."""

from dataclasses import dataclass

from roarm_lab.mdp.state_base import StateBase


@dataclass(frozen=True, kw_only=True)
class MeasuredState(StateBase):
    """One moment of one arm: env is 1, arrays are of NumPy.

    Everything follows from joint angles, sent targets, commands and actions, and where boxes are from what was seen.
    The fields of boxes are None without a look; `box_vel_w` always is, and `touching` unless a simulator judges.
    """

"""The moment of simulated arms that terms read."""

from collections.abc import Mapping
from dataclasses import dataclass

from roarm_lab.core.arrays import Array, array_namespace, device
from roarm_lab.mdp.state_base import StateBase
from roarm_lab.robots.kinematics import Kinematics


@dataclass(frozen=True, kw_only=True)
class SimState(StateBase):
    """One moment of all worlds; the fields of boxes are None in a task without any."""


def at_rest(kinematics: Kinematics, joint_pos: Array, commands: Mapping[str, Array], action_size: int) -> SimState:
    """Return the state of arms that stand still at `joint_pos` [env, joint] rad at the start of an episode."""
    xp = array_namespace(joint_pos)
    still = xp.zeros_like(joint_pos)
    action = xp.zeros((joint_pos.shape[0], action_size), dtype=joint_pos.dtype, device=device(joint_pos))
    return SimState(
        kinematics=kinematics,
        joint_pos=joint_pos,
        joint_vel=still,
        joint_target=joint_pos,
        commands=commands,
        action=action,
        last_action=action,
        episode_time_s=xp.zeros_like(joint_pos[:, 0]),
    )

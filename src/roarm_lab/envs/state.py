"""The moment of simulated arms that terms read."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from roarm_lab.core.arrays import Array, array_namespace, asarray_like, device
from roarm_lab.robots.kinematics import Kinematics


@dataclass(frozen=True, kw_only=True)
class SimState:
    """One moment of all worlds; see `core.state.State` for shapes, units and frames.

    Site positions come from the same forward kinematics that a measured arm uses, computed only when a term asks.
    """

    kinematics: Kinematics
    base_height_m: float
    joint_pos: Array
    joint_vel: Array
    joint_target: Array
    commands: Mapping[str, Array]
    action: Array
    last_action: Array
    episode_time_s: Array
    box_pos_w: Array = None
    box_quat_w: Array = None
    box_vel_w: Array = None
    box_scale: Array = None
    touching: Array = None

    @cached_property
    def _site_poses_b(self) -> tuple[Array, Array]:
        return self.kinematics.site_poses(self.joint_pos, [site.name for site in self.kinematics.robot.sites])

    @cached_property
    def site_pos_w(self) -> Array:
        """Positions of the robot's sites [env, site, 3] m."""
        pos_b = self._site_poses_b[0]
        return pos_b + asarray_like((0.0, 0.0, self.base_height_m), pos_b)

    @cached_property
    def site_rot_w(self) -> Array:
        """Orientations of the robot's sites [env, site, 3, 3]; base and world have the same axes."""
        return self._site_poses_b[1]


def at_rest(kinematics: Kinematics, joint_pos: Array, commands: Mapping[str, Array], action_size: int) -> SimState:
    """Return the state of arms that stand still at `joint_pos` [env, joint] rad at the start of an episode."""
    xp = array_namespace(joint_pos)
    still = xp.zeros_like(joint_pos)
    action = xp.zeros((joint_pos.shape[0], action_size), dtype=joint_pos.dtype, device=device(joint_pos))
    return SimState(
        kinematics=kinematics,
        base_height_m=kinematics.robot.base_height_m,
        joint_pos=joint_pos,
        joint_vel=still,
        joint_target=joint_pos,
        commands=commands,
        action=action,
        last_action=action,
        episode_time_s=xp.zeros_like(joint_pos[:, 0]),
    )

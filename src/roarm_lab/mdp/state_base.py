"""The moment of arms that terms read, as far as it is the same for simulated and measured ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from roarm_lab.core.arrays import Array, asarray_like
from roarm_lab.robots.kinematics import Kinematics


@dataclass(frozen=True, kw_only=True)
class StateBase:
    """One moment of all arms; see `core.state.State` for shapes, units and frames.

    Site positions come from forward kinematics of the joint angles, in simulation as on an arm, computed only when a
    term asks. The fields of boxes are None where there is none, or where nobody looked.
    """

    kinematics: Kinematics
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
    def site_pos_w(self) -> Array:
        """Positions of the robot's sites [env, site, 3] m."""
        pos_b = self._site_poses_b[0]
        return pos_b + asarray_like((0.0, 0.0, self.kinematics.robot.base_height_m), pos_b)

    @property
    def site_rot_w(self) -> Array:
        """Orientations of the robot's sites [env, site, 3, 3]; base and world have the same axes."""
        return self._site_poses_b[1]

    @cached_property
    def _site_poses_b(self) -> tuple[Array, Array]:
        return self.kinematics.site_poses(self.joint_pos, [site.name for site in self.kinematics.robot.sites])

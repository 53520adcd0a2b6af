"""The moment of a measured arm, in the form that terms read: what the simulator's state is in training."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from roarm_lab.core.arrays import Array, Float32
from roarm_lab.robots.kinematics import Kinematics


@dataclass(frozen=True, kw_only=True)
class MeasuredState:
    """One moment of one arm; see `core.state.State` for shapes (env is 1), units and frames.

    Everything follows from joint angles, sent targets, commands and actions, and where boxes are from what was seen.
    The fields of boxes are None without a look; `box_vel_w` always is, and `touching` unless a simulator judges.
    """

    kinematics: Kinematics
    joint_pos: Float32
    joint_vel: Float32
    joint_target: Float32
    commands: Mapping[str, Float32]
    action: Float32
    last_action: Float32
    episode_time_s: Float32
    box_pos_w: Array = None
    box_quat_w: Array = None
    box_vel_w: Array = None
    box_scale: Array = None
    touching: Array = None

    @cached_property
    def site_pos_w(self) -> Float32:
        """Positions of the robot's sites [1, site, 3] m."""
        height_m = self.kinematics.robot.base_height_m
        return self._site_poses_b[0] + np.asarray((0.0, 0.0, height_m), dtype=np.float32)

    @property
    def site_rot_w(self) -> Float32:
        """Orientations of the robot's sites [1, site, 3, 3]; base and world have the same axes."""
        return self._site_poses_b[1]

    @cached_property
    def _site_poses_b(self) -> tuple[Float32, Float32]:
        return self.kinematics.site_poses(self.joint_pos, [site.name for site in self.kinematics.robot.sites])

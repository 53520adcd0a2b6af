"""What a term may read: one moment of many arms, simulated or measured."""

from collections.abc import Mapping
from typing import Protocol

from roarm_lab.core.arrays import Array


class State(Protocol):
    """One moment of `env` arms side by side (one, for a measured arm).

    The world frame `w` has its origin on the table under the base, x forward, z up. Arrays are float32, NumPy or
    torch, all of one library; nothing in here may be written to.
    """

    @property
    def joint_pos(self) -> Array:
        """Joint angles [env, joint] rad."""
        ...

    @property
    def joint_vel(self) -> Array:
        """Change of the joint angles over the last control step, divided by it [env, joint] rad/s."""
        ...

    @property
    def joint_target(self) -> Array:
        """Joint targets that were sent last [env, joint] rad."""
        ...

    @property
    def site_pos_w(self) -> Array:
        """Positions of the robot's sites [env, site, 3] m."""
        ...

    @property
    def site_rot_w(self) -> Array:
        """Orientations of the robot's sites [env, site, 3, 3]: columns are the site's axes."""
        ...

    @property
    def box_pos_w(self) -> Array:
        """Positions of the boxes on the table [env, box, 3] m."""
        ...

    @property
    def box_quat_w(self) -> Array:
        """Orientations of the boxes [env, box, 4] wxyz."""
        ...

    @property
    def box_vel_w(self) -> Array:
        """Speeds of the boxes' centres [env, box, 3] m/s. Known to a simulator alone."""
        ...

    @property
    def box_scale(self) -> Array:
        """Size of the boxes against the nominal one [env, box]. Known to a simulator alone."""
        ...

    @property
    def touching(self) -> Array:
        """Whether a jaw touches a box [env, box, jaw] bool. Known to a simulator alone."""
        ...

    @property
    def commands(self) -> Mapping[str, Array]:
        """What is asked for, by command name [env, command size]."""
        ...

    @property
    def action(self) -> Array:
        """The action being carried out [env, action], each -1 to 1."""
        ...

    @property
    def last_action(self) -> Array:
        """The action before that [env, action]."""
        ...

    @property
    def episode_time_s(self) -> Array:
        """Time since the episode began [env] s."""
        ...

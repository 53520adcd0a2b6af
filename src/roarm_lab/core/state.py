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
    def body_pos_w(self) -> Array:
        """Positions of the scene's objects [env, body, 3] m."""
        ...

    @property
    def body_quat_w(self) -> Array:
        """Orientations of the scene's objects [env, body, 4] wxyz."""
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

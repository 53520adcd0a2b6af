"""A measured moment has the same places as a simulated one."""

import numpy as np

from roarm_lab.envs.env import Env
from roarm_lab.gateway.measured_state import MeasuredState
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.tasks.reach import reach


def test_sites_are_where_the_simulator_has_them() -> None:
    env = Env(reach(), 1, seed=4)
    env.reset()
    state = env.state
    measured = MeasuredState(
        kinematics=Kinematics(ROARM_M3),
        joint_pos=state.joint_pos,
        joint_vel=state.joint_vel,
        joint_target=state.joint_target,
        commands=state.commands,
        action=state.action,
        last_action=state.last_action,
        episode_time_s=state.episode_time_s,
    )
    np.testing.assert_array_equal(measured.site_pos_w, state.site_pos_w)
    assert measured.site_pos_w is measured.site_pos_w  # worked out once per moment
    env.close()

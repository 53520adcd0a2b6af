"""A moment made of random numbers, on NumPy or on torch, for comparing terms between the two."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from roarm_lab.mdp.scene import Scene
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3

NUM_ENVS = 5


def scene() -> Scene:
    """Return the RoArm-M3 with a goal and six actions."""
    return Scene(robot=ROARM_M3, control_dt_s=0.05, command_sizes=(("goal", 3),), action_size=6)


def moment(convert: Any = np.asarray, seed: int = 0) -> Any:
    """Return a state of `NUM_ENVS` arms; `convert` makes an array of the wanted library."""
    rng = np.random.default_rng(seed)
    lower = np.array([joint.lower_rad for joint in ROARM_M3.joints])
    upper = np.array([joint.upper_rad for joint in ROARM_M3.joints])

    def array(values: Any) -> Any:
        return convert(np.asarray(values, dtype=np.float32))

    joint_pos = rng.uniform(lower, upper, (NUM_ENVS, 6))
    sites = [site.name for site in ROARM_M3.sites]
    sites_b = Kinematics(ROARM_M3).site_pos_b(joint_pos, sites)
    return SimpleNamespace(
        joint_pos=array(joint_pos),
        joint_vel=array(rng.normal(size=(NUM_ENVS, 6))),
        joint_target=array(joint_pos + rng.normal(size=(NUM_ENVS, 6)) * 0.05),
        site_pos_w=array(sites_b + np.array([0.0, 0.0, ROARM_M3.base_height_m])),
        body_pos_w=array(np.zeros((NUM_ENVS, 0, 3))),
        body_quat_w=array(np.zeros((NUM_ENVS, 0, 4))),
        commands={"goal": array(rng.uniform(-0.3, 0.3, (NUM_ENVS, 3)))},
        action=array(rng.uniform(-1, 1, (NUM_ENVS, 6))),
        last_action=array(rng.uniform(-1, 1, (NUM_ENVS, 6))),
        episode_time_s=array(rng.uniform(0, 2, NUM_ENVS)),
    )

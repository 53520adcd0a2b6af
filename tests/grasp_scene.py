"""A simulated arm that is given a cube into its hand."""

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.arm import SimArm

SHUT_RAD = -0.3
STEP_S = 0.005


def hand_pos_w(joint_pos: Float64) -> Float64:
    """Return where the middle of a 3 cm cube is that lies against the fixed jaw [3] m."""
    pos_b = Kinematics(ROARM_M3).site_pos_b(joint_pos[None], ("grasp",))[0, 0]
    return np.asarray(pos_b + np.array([0.0, 0.0, ROARM_M3.base_height_m]))


def close_around_cube(arm: SimArm, *, seconds: float = 1.0) -> None:
    """Close the gripper where the arm stands, and hold the cube between the jaws until they touch it."""
    requested = np.array([*arm.sent[:5], SHUT_RAD])
    for _ in range(round(seconds / STEP_S)):
        arm.send(requested, STEP_S)
        if not arm.truth().touching.any(axis=0).all():
            arm.place_box("cube", hand_pos_w(arm.read().joint_pos))
        arm.clock.sleep_until_s(arm.clock.now_s() + STEP_S)

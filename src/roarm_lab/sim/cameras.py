"""Where cameras stand: around the table, and one that rides on the wrist."""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import ArrayLike

from roarm_lab.core.arrays import Float64
from roarm_lab.robots.robot import Robot, Vec3

FOVY_DEG = 42.0
"""Vertical opening angle of every camera. A choice: no camera comes with the arm."""


@dataclass(frozen=True)
class LookAt:
    """Where a camera stands and what it looks at, in metres; `up` need not be square to the line of sight."""

    pos_m: Vec3
    target_m: Vec3
    up: Vec3 = (0.0, 0.0, 1.0)

    @property
    def quat(self) -> Float64:
        """Orientation (w x y z): a MuJoCo camera looks along its own -z, its +y is up in the picture."""
        back = np.subtract(self.pos_m, self.target_m)
        right = np.cross(self.up, back)
        up = np.cross(back, right)
        axes = np.stack([axis / np.linalg.norm(axis) for axis in (right, up, back)], axis=-1)
        quat = np.empty(4)
        mujoco.mju_mat2Quat(quat, axes.ravel())
        return quat


CAMERAS = {
    "front": LookAt((0.95, -0.45, 0.55), (0.16, 0.0, 0.17)),
    "side": LookAt((0.16, -1.05, 0.35), (0.16, 0.0, 0.20)),
}
"""Cameras of the scene, in the world frame."""
WRIST = LookAt((-0.11, 0.0, 0.07), (0.03, 0.0, 0.0))
"""In the frame of the robot's end effector (x forward, z up), above the hand."""


def add_scene_cameras(spec: mujoco.MjSpec) -> None:
    """Add the cameras that stand around the table."""
    for name, view in CAMERAS.items():
        _add_camera(spec.worldbody, name, view.pos_m, view.quat)


def add_wrist_camera(spec: mujoco.MjSpec, robot: Robot) -> None:
    """Add the camera `wrist` to the link that carries the robot's end effector."""
    site = robot.site(robot.ee_site)
    turn, pos, quat = quat_from_rpy(site.rpy_rad), np.empty(3), np.empty(4)
    mujoco.mju_rotVecQuat(pos, WRIST.pos_m, turn)
    mujoco.mju_mulQuat(quat, turn, WRIST.quat)
    _add_camera(spec.body(site.link), "wrist", pos + site.xyz_m, quat)


def quat_from_rpy(rpy_rad: Vec3) -> Float64:
    """Return the quaternion (w x y z) of roll, pitch, yaw [rad] about fixed axes, as URDF writes them."""
    quat = np.empty(4)
    mujoco.mju_euler2Quat(quat, rpy_rad, "XYZ")
    return quat


def _add_camera(body: mujoco.MjsBody, name: str, pos_m: ArrayLike, quat: Float64) -> None:
    body.add_camera(name=name, pos=pos_m, quat=quat, fovy=FOVY_DEG)

"""Where a backend's fields are in MuJoCo's arrays."""

from collections.abc import Sequence

import mujoco
import numpy as np

from roarm_lab.core.arrays import Int
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import BOX_POSE, BOX_SPEED, JOINT_FORCE
from roarm_lab.sim.builder import touch_sensor


def state_fields(model: mujoco.MjModel, robot: Robot, boxes: Sequence[str]) -> dict[str, tuple[str, Int]]:
    """Return for each field the name of MuJoCo's array [env, column], and its columns there in the field's shape."""
    joints, free = ([model.joint(name) for name in names] for names in (robot.joint_names, boxes))
    joint_pos = np.asarray([joint.qposadr[0] for joint in joints], dtype=np.int64)
    joint_vel = np.asarray([joint.dofadr[0] for joint in joints], dtype=np.int64)
    actuators = np.asarray([model.actuator(name).id for name in robot.joint_names], dtype=np.int64)
    box_pose = np.asarray([joint.qposadr[0] + np.arange(7) for joint in free], dtype=np.int64).reshape(-1, 7)
    box_speed = np.asarray([joint.dofadr[0] + np.arange(6) for joint in free], dtype=np.int64).reshape(-1, 6)
    return {
        "joint_pos": ("qpos", joint_pos),
        "joint_vel": ("qvel", joint_vel),
        "joint_target": ("ctrl", actuators),
        JOINT_FORCE: ("qfrc_applied", joint_vel),
        "box_pos_w": ("qpos", box_pose[:, :3]),
        "box_quat_w": ("qpos", box_pose[:, 3:]),
        "box_vel_w": ("qvel", box_speed[:, :3]),
        "qpos": ("qpos", np.arange(model.nq)),
        "qvel": ("qvel", np.arange(model.nv)),
        **{BOX_POSE + name: ("qpos", columns) for name, columns in zip(boxes, box_pose, strict=True)},
        **{BOX_SPEED + name: ("qvel", columns) for name, columns in zip(boxes, box_speed, strict=True)},
    }


def touch_table(model: mujoco.MjModel, robot: Robot, boxes: Sequence[str]) -> Int:
    """Return addresses of contact sensors [box, jaw, face]: the gripping faces of one link are one jaw."""
    pads = [shape for shape in robot.collisions if shape.material == "pad"]
    links = list(dict.fromkeys(shape.link for shape in pads))
    table = [
        [[model.sensor(touch_sensor(box, pad.name)).adr[0] for pad in pads if pad.link == link] for link in links]
        for box in boxes
    ]
    return np.asarray(table, dtype=np.int64)

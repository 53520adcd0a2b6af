"""Whether the RoArm-M3 touches itself or the table, by MuJoCo's own contact detection: the truth from elsewhere."""

import mujoco
import numpy as np

from roarm_lab.core.arrays import Bool, Float64
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.builder import robot_spec

ITSELF, FINGERS, REST = 1, 2, 4
FINGER_DEPTH_M = 0.01


def touching_model(*, table: bool) -> mujoco.MjModel:
    """Return the arm's collision shapes, all of which meet each other.

    With a table, two planes: at its height for all that moves but the gripping faces, and 1 cm lower for those.
    """
    spec = robot_spec(ROARM_M3, visuals=False)
    pads = {shape.name for shape in ROARM_M3.collisions if shape.material == "pad"}
    fixed = {shape.name for shape in ROARM_M3.collisions if shape.link == ROARM_M3.base_link}
    for geom in spec.geoms:
        own = 0 if geom.name in fixed else FINGERS if geom.name in pads else REST
        geom.contype, geom.conaffinity = ITSELF, ITSELF | own
    if table:
        for bit, height_m in ((REST, 0.0), (FINGERS, -FINGER_DEPTH_M)):
            spec.worldbody.add_geom(
                name=f"table_{bit}",
                type=mujoco.mjtGeom.mjGEOM_PLANE,
                size=(1.0, 1.0, 0.1),
                pos=(0.0, 0.0, height_m - ROARM_M3.base_height_m),
                contype=bit,
                conaffinity=0,
            )
    return spec.compile()


def touches(model: mujoco.MjModel, joint_pos: Float64, depth_m: float = 0.0) -> Bool:
    """Return for each pose [pose, joint] rad whether anything overlaps by more than a depth."""
    data = mujoco.MjData(model)
    found = np.zeros(len(joint_pos), dtype=np.bool_)
    for index, angles in enumerate(joint_pos):
        data.qpos[:] = angles
        mujoco.mj_kinematics(model, data)
        mujoco.mj_collision(model, data)
        found[index] = any(data.contact[i].dist < -depth_m for i in range(data.ncon))
    return found


def random_poses(count: int, seed: int) -> Float64:
    """Return poses [count, joint] rad all over the joints' ranges."""
    lower, upper = ([getattr(joint, f"{end}_rad") for joint in ROARM_M3.joints] for end in ("lower", "upper"))
    return np.random.default_rng(seed).uniform(lower, upper, (count, len(lower)))

"""Moments for terms to read: random ones for comparing array libraries, and bare ones with hand-picked numbers."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from roarm_lab.mdp.scene import Scene
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from tests.toy_robot import TOY

NUM_ENVS = 5


def scene() -> Scene:
    """Return the RoArm-M3 with a cube, a goal and six actions."""
    return Scene(robot=ROARM_M3, control_dt_s=0.05, boxes=("cube",), command_sizes=(("goal", 3),), action_size=6)


def toy_scene() -> Scene:
    """Return the toy arm (base, elbow, gripper; one site, `hand`) with a goal and three actions."""
    return Scene(robot=TOY, control_dt_s=0.05, command_sizes=(("goal", 3),), action_size=3)


def box_scene() -> Scene:
    """Return the toy robot with a cube and a goal."""
    return Scene(robot=TOY, control_dt_s=0.05, boxes=("cube",), command_sizes=(("goal", 3),))


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
        site_rot_w=array(Kinematics(ROARM_M3).site_poses(joint_pos, sites)[1]),
        box_pos_w=array(rng.uniform(0.0, 0.3, (NUM_ENVS, 1, 3))),
        box_quat_w=array(_unit(rng.normal(size=(NUM_ENVS, 1, 4)))),
        box_vel_w=array(rng.normal(size=(NUM_ENVS, 1, 3))),
        box_scale=array(np.linspace(0.8, 1.2, NUM_ENVS)[:, None]),
        touching=convert(rng.random((NUM_ENVS, 1, 2)) < 0.7),
        commands={"goal": array(rng.uniform(-0.3, 0.3, (NUM_ENVS, 3)))},
        action=array(rng.uniform(-1, 1, (NUM_ENVS, 6))),
        last_action=array(rng.uniform(-1, 1, (NUM_ENVS, 6))),
        episode_time_s=array(rng.uniform(0, 2, NUM_ENVS)),
    )


def bare(**fields: Any) -> Any:
    """Return a state that has these fields and no others; lists become float32 arrays [env, ...].

    `hand_w` and `goal_w` [env, 3] stand for the toy's only site and for the command `goal`.
    """
    made = {name: np.asarray(values, dtype=np.float32) for name, values in fields.items()}
    if "hand_w" in made:
        made["site_pos_w"] = made.pop("hand_w")[:, None, :]
    if "goal_w" in made:
        made["commands"] = {"goal": made.pop("goal_w")}
    first = next(value for value in made.values() if not isinstance(value, dict))
    made.setdefault("box_scale", np.ones((len(first), 1), dtype=np.float32))
    made.setdefault("joint_pos", np.zeros((len(first), 3), dtype=np.float32))
    return SimpleNamespace(**made)


def _unit(quat: np.ndarray) -> np.ndarray:
    return quat / np.linalg.norm(quat, axis=-1, keepdims=True)

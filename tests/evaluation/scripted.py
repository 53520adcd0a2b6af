"""Policies of lift-cube without a network: the grasp point goes from place to place beside the cube."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import pi

import numpy as np

from roarm_lab.core.arrays import Float32, Float64
from roarm_lab.core.configs import Range
from roarm_lab.envs.config import EnvConfig
from roarm_lab.mdp.object_events import BoxOnTable
from roarm_lab.robots.inverse_kinematics import InverseKinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.tasks.lift_cube import lift_cube

OPEN, SHUT = 1.0, -1.0
BESIDE_M = 0.004
"""How far to the left the grasp point goes, so that the fixed jaw comes down beside the cube and not onto it."""
STEP_RAD = 0.125
"""What the action 1 adds to a joint target, in `lift_cube`."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What to do for some control steps."""

    steps: int
    up_m: float = 0.0
    """Where the grasp point goes: so far above the middle of the cube as it lay at the start."""
    gripper: float = OPEN
    to_goal: float = 0.0
    """Or so much of the way from there to the goal."""
    turn: float | None = None
    """Turn the base with this action instead and leave the other joints alone."""


HOVER = (Part(steps=99, up_m=0.035),)
PRESS = (Part(steps=20, up_m=0.06, gripper=SHUT), Part(steps=99, up_m=0.02, gripper=SHUT))
GRASP = (Part(steps=10, up_m=0.05), Part(steps=8, up_m=-0.008), Part(steps=12, up_m=-0.008, gripper=SHUT))
LIFT = (*GRASP, Part(steps=6, up_m=0.06, gripper=SHUT), Part(steps=99, to_goal=1.0, gripper=SHUT))
FLING = (
    *GRASP,
    Part(steps=6, up_m=0.12, gripper=SHUT),
    Part(steps=9, turn=1.0, gripper=SHUT),
    Part(steps=99, turn=1.0, gripper=OPEN),
)


def easy() -> EnvConfig:
    """Return lift-cube with cubes well within reach that lie square to the gripper, so that a script can grasp them."""
    config = lift_cube()
    cube = BoxOnTable(radius_m=Range(0.20, 0.26), yaw_rad=Range(-0.02, 0.02))
    return replace(config, events={**config.events, "cube": cube}, sim=replace(config.sim, threads=1))


class Scripted:
    """Follows `parts` one after another, in all worlds at the same time."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._plan = [part for part in parts for _ in range(part.steps)]
        self._inverse = InverseKinematics(ROARM_M3, site="grasp")
        self._cube_b: Float64 | None = None
        self._step = 0

    def __call__(self, terms: Mapping[str, Float32]) -> Float32:
        part = self._plan[self._step]
        self._step += 1
        seen = {name: np.asarray(values, dtype=np.float64) for name, values in terms.items()}
        cube_b = forward(seen["cube"] / 4.0, seen["joint_pos"][:, 0]) - [0.0, 0.0, ROARM_M3.base_height_m]
        self._cube_b = cube_b if self._cube_b is None else self._cube_b
        goal_b = cube_b + forward(seen["goal_from_cube"] / 5.0, seen["joint_pos"][:, 0])
        beside_b = forward(np.tile([0.0, BESIDE_M, 0.0], (len(cube_b), 1)), np.arctan2(cube_b[:, 1], cube_b[:, 0]))
        aim_b = self._cube_b + beside_b + part.to_goal * (goal_b - self._cube_b) + [0.0, 0.0, part.up_m]
        target = seen["joint_pos"] + seen["target_lead"] / 5.0
        found = self._inverse.solve(aim_b, pi / 2, 0.0)
        requested = np.where(found.found[:, None], found.joint_pos, target[:, :5])
        arm = (requested - target[:, :5]) / STEP_RAD
        if part.turn is not None:
            arm = np.tile([part.turn, 0.0, 0.0, 0.0, 0.0], (len(arm), 1))
        action = np.concatenate([np.clip(arm, -1.0, 1.0), np.full((len(arm), 1), part.gripper)], axis=1)
        return action[:, None].astype(np.float32)


def forward(turned: Float64, base_rad: Float64) -> Float64:
    """Return vectors [env, 3] that were turned with the base joint in the base frame."""
    cos, sin = np.cos(base_rad), np.sin(base_rad)
    x, y = turned[:, 0], turned[:, 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y, turned[:, 2]], axis=1)

"""What the gripper has grasped it keeps: 32 random grasps of two cubes, lifted and held for ten seconds."""

from math import pi

import numpy as np
import pytest

from roarm_lab.core.arrays import Float64
from roarm_lab.robots.inverse_kinematics import InverseKinematics
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import Box, SimConfig
from roarm_lab.sim.mujoco_cpu import MujocoCpu

GRASPS = 32
DT_S, SUBSTEPS = 0.05, 10
DOWN, OPEN_RAD, SHUT_RAD = pi / 2, 1.0, -0.3
FIRST_CUBE_M = 0.03
"""The site `grasp` is in the middle of a cube of this size that lies against the fixed jaw."""
CLEARANCE_M = 0.004
LIFT_M = 0.09
TO_BASE = np.array([0.0, 0.0, ROARM_M3.base_height_m])


class Grasps:
    """Arms whose open gripper stands over a cube, each in another place and a little off."""

    def __init__(self, box: Box, contact: str, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.kinematics, self.inverse = Kinematics(ROARM_M3), InverseKinematics(ROARM_M3, site="grasp")
        self.worlds = MujocoCpu(ROARM_M3, GRASPS, SimConfig(boxes=(box,), contact=contact))  # type: ignore[arg-type]
        azimuth, radius = rng.uniform(-1.0, 1.0, GRASPS), rng.uniform(0.20, 0.28, GRASPS)
        self.roll = rng.uniform(-0.25, 0.25, GRASPS)
        cube_w = np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), np.full(GRASPS, box.size_m / 2)], axis=1)
        closing_w = self.closing(self.solve(cube_w))
        # A larger cube has its middle farther from the fixed jaw, which comes down beside the cube and not onto it.
        aim_w = (
            cube_w
            + closing_w * ((box.size_m - FIRST_CUBE_M) / 2 + CLEARANCE_M)
            + rng.uniform(-0.002, 0.002, (GRASPS, 3))
        )
        self.low, self.over, self.high = (self.solve(aim_w + np.array([0.0, 0.0, up])) for up in (0.0, 0.06, LIFT_M))
        self.worlds.reset(None, self.with_gripper(self.over, OPEN_RAD))
        yaw = np.arctan2(closing_w[:, 1], closing_w[:, 0])
        flat = np.zeros(GRASPS)
        self.worlds.set("box_pose.cube", np.stack([*cube_w.T, np.cos(yaw / 2), flat, flat, np.sin(yaw / 2)], axis=1))

    def solve(self, pos_w: Float64) -> Float64:
        found = self.inverse.solve(pos_w - TO_BASE, DOWN, self.roll)
        assert found.found.all()
        return found.joint_pos

    def closing(self, arm: Float64) -> Float64:
        """Return the level direction [grasp, 3] from the moving jaw to the fixed one."""
        rot = self.kinematics.site_pose(self.with_gripper(arm, OPEN_RAD), "grasp")[1]
        moving = rot[:, :, 1] * [1.0, 1.0, 0.0]
        return moving / np.linalg.norm(moving, axis=1, keepdims=True)

    @staticmethod
    def with_gripper(arm: Float64, gripper_rad: float) -> Float64:
        return np.concatenate([arm, np.full((GRASPS, 1), gripper_rad)], axis=1)

    def go(self, start: Float64, goal: Float64, gripper_rad: float, seconds: float) -> None:
        turns = round(seconds / DT_S)
        for turn in range(1, turns + 1):
            arm = start + (goal - start) * turn / turns
            self.worlds.step(self.with_gripper(arm, gripper_rad).astype(np.float32), SUBSTEPS)

    def cube_in_hand_m(self) -> Float64:
        joint_pos = self.worlds.get("joint_pos").astype(np.float64)
        pos_b, rot_b = self.kinematics.site_pose(joint_pos, "grasp")
        gap_b = self.worlds.get("box_pos_w")[:, 0] - TO_BASE - pos_b
        return np.einsum("gi,gij->gj", gap_b, rot_b)


@pytest.mark.slow
@pytest.mark.parametrize(("contact", "creep_m"), [("train", 0.003), ("hold", 0.001)])
@pytest.mark.parametrize(("size_m", "mass_kg"), [(0.03, 0.05), (0.04, 0.08)])
def test_a_gripped_cube_stays_in_the_hand(size_m: float, mass_kg: float, contact: str, creep_m: float) -> None:
    grasps = Grasps(Box(name="cube", size_m=size_m, mass_kg=mass_kg), contact)
    grasps.go(grasps.over, grasps.low, OPEN_RAD, 1.0)
    grasps.go(grasps.low, grasps.low, SHUT_RAD, 1.0)
    grasps.go(grasps.low, grasps.high, SHUT_RAD, 1.0)
    grasps.go(grasps.high, grasps.high, SHUT_RAD, 1.0)
    before = grasps.cube_in_hand_m()
    grasps.go(grasps.high, grasps.high, SHUT_RAD, 10.0)
    creep = np.linalg.norm(grasps.cube_in_hand_m() - before, axis=1)
    assert grasps.worlds.get("touching")[:, 0].all(), "both jaws must touch every cube"
    assert (grasps.worlds.get("box_pos_w")[:, 0, 2] > size_m / 2 + 0.5 * LIFT_M).all()
    assert creep.max() < creep_m
    assert not grasps.worlds.divergences()


def test_an_open_gripper_touches_nothing() -> None:
    grasps = Grasps(Box(name="cube"), "train")
    grasps.go(grasps.over, grasps.over, OPEN_RAD, 0.2)
    assert not grasps.worlds.get("touching").any()

"""Capsules around the arm: where they are, how near they come, and never a collision they do not see."""

import numpy as np
import pytest
import torch

from roarm_lab.core.arrays import to_numpy
from roarm_lab.robots.capsules import ArmCapsules, enclosing
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.robot import Robot, Shape
from tests.robots.touching_model import random_poses, touches, touching_model
from tests.toy_robot import TOY

ARM = ArmCapsules(ROARM_M3)
ROUNDING = 1e-9  # m
FLOAT32_M = 2e-6  # m: float32 angles and six turns
MAX_FALSE_ALARMS = 0.008  # of random poses; 0.0059 counted on 100,000
SAMPLED_M = 0.004  # m: on both lines half a spacing off, 1/60 of up to 20 cm each


def ball(name: str, link: str, pos_m: tuple[float, float, float], radius_m: float) -> Shape:
    return Shape(name=name, link=link, kind="capsule", pos_m=pos_m, size_m=(radius_m, 0.0, 0.0))


def toy_with(*shapes: Shape) -> Robot:
    return Robot(**{**vars(TOY), "collisions": shapes})


def test_the_roarm_needs_12_capsules() -> None:
    assert len(ARM.capsules) == 12


def test_distance_of_two_balls_worked_out_by_hand() -> None:
    # The elbow is 0.1 m above the base; at 0 the forearm lies along x, so the jaw's ball is at (0.2, 0, 0.1).
    arm = ArmCapsules(
        toy_with(ball("foot", "base_link", (0.2, 0.0, 0.0), 0.03), ball("tip", "jaw", (0.0, 0.0, 0.0), 0.02))
    )
    got = arm.clearance_m(np.array([[0.0, 0.0, 0.0], [np.pi / 2, 0.0, 0.7], [0.0, np.pi / 2, 0.0]]))
    # Base turned: 0.2 sqrt 2 sideways and 0.1 up. Elbow down: the tip is at (0, 0, -0.1), level distance 0.2, down 0.1.
    np.testing.assert_allclose(got, [[0.1 - 0.05, 0.3 - 0.05, np.sqrt(0.05) - 0.05]], atol=ROUNDING)


@pytest.mark.parametrize("axis", ["x", "y"])
def test_crossing_and_parallel_bars(axis: str) -> None:
    # Bars 0.1 m apart in z: nearest in the middle when they cross, anywhere when they are parallel.
    bar = Shape(name="a", link="base_link", kind="capsule", pos_m=(0.2, 0.0, 0.0), size_m=(0.01, 0.05, 0.0), axis="x")
    other = Shape(name="b", link="fore", kind="capsule", pos_m=(0.2, 0.0, 0.0), size_m=(0.01, 0.05, 0.0), axis=axis)  # pyright: ignore[reportArgumentType]
    got = ArmCapsules(toy_with(bar, other)).clearance_m(np.zeros((1, 3)))
    # The forearm's y points down at elbow 0, so that bar reaches 0.05 m lower.
    np.testing.assert_allclose(got, [[0.1 - 0.02 - (0.05 if axis == "y" else 0.0)]], atol=ROUNDING)


def test_distances_agree_with_many_points_on_the_lines() -> None:
    poses = random_poses(200, seed=5)
    first, second = ARM.ends_b(poses)
    share = np.linspace(0.0, 1.0, 61)[:, None, None, None]
    points = first[None] + share * (second - first)[None]  # [point, 3, capsule, pose]
    clearance = ARM.clearance_m(poses)
    for row, (one, other) in enumerate(ARM.pairs):
        apart = points[:, None, :, one] - points[None, :, :, other]
        nearest = np.sqrt((apart**2).sum(axis=2)).min(axis=(0, 1)) - ARM.capsules[one].radius_m
        nearest = nearest - ARM.capsules[other].radius_m
        assert np.all(clearance[row] <= nearest + ROUNDING)
        assert np.all(clearance[row] >= nearest - SAMPLED_M)


def test_ends_are_where_kinematics_puts_them() -> None:
    poses = random_poses(50, seed=1)
    kinematics = Kinematics(ROARM_M3)
    pos_b, rot_b = kinematics.link_poses(poses)
    ends = ARM.ends_b(poses)
    for index, capsule in enumerate(ARM.capsules):
        link = kinematics.link_names.index(capsule.link)
        for end in range(2):
            wanted = pos_b[:, link] + rot_b[:, link] @ capsule.ends_m[end]
            np.testing.assert_allclose(ends[end][:, index].T, wanted, atol=ROUNDING)


def test_a_box_lies_inside_its_capsules() -> None:
    rng = np.random.default_rng(2)
    boxes = [shape for shape in ROARM_M3.collisions if shape.kind == "box"]
    assert boxes
    for shape in boxes:
        points = np.array(shape.pos_m) + rng.choice([-1.0, 1.0], (500, 3)) * np.array(shape.size_m)  # corners
        points = np.concatenate([points, np.array(shape.pos_m) + rng.uniform(-1, 1, (2000, 3)) * shape.size_m])
        outside = np.full(len(points), np.inf)
        for capsule in enclosing(shape):
            start, along = capsule.ends_m[0], capsule.ends_m[1] - capsule.ends_m[0]
            share = np.clip((points - start) @ along / (along @ along), 0.0, 1.0)[:, None]
            gap = np.linalg.norm(points - start - share * along, axis=1) - capsule.radius_m
            outside = np.minimum(outside, gap)
        assert outside.max() <= ROUNDING


def test_100_000_random_poses_no_collision_is_missed_and_false_alarms_are_few() -> None:
    poses = random_poses(100_000, seed=0)
    truth = touches(touching_model(table=False), poses)
    near = np.concatenate([ARM.clearance_m(part) for part in np.split(poses, 100)], axis=-1)
    alarm = (near < 0.0).any(axis=0)
    assert 0.05 < truth.mean() < 0.10  # there is something to find
    assert not np.any(truth & ~alarm)
    assert np.mean(alarm & ~truth) < MAX_FALSE_ALARMS


def test_numpy_and_torch_give_the_same() -> None:
    poses = random_poses(64, seed=3).astype(np.float32)
    got = ARM.clearance_m(torch.from_numpy(poses))
    assert got.dtype == torch.float32
    np.testing.assert_allclose(to_numpy(got), ARM.clearance_m(poses), atol=FLOAT32_M)
    np.testing.assert_allclose(to_numpy(got), ARM.clearance_m(poses.astype(np.float64)), atol=10 * FLOAT32_M)


def test_some_pairs_are_as_near_as_among_all_pairs() -> None:
    poses = random_poses(5, seed=4)
    which = np.array([3, 17, 40])
    np.testing.assert_array_equal(ARM.clearance_of(*ARM.ends_b(poses), which), ARM.clearance_m(poses)[which])


def test_no_capsule_moves_further_than_its_swing() -> None:
    poses, swing = random_poses(300, seed=6), ARM.swing_m()
    for joint in range(6):
        moved = poses.copy()
        moved[:, joint] += 0.3
        for before, after in zip(ARM.ends_b(poses), ARM.ends_b(moved), strict=True):
            far_m = np.linalg.norm(after - before, axis=0).max(axis=-1)
            assert np.all(far_m <= 0.3 * swing[:, joint] + ROUNDING)


def test_an_arm_without_shapes_has_no_capsules() -> None:
    assert ArmCapsules(TOY).clearance_m(np.zeros((4, 3))).shape == (0, 4)

"""The yardstick on a GPU replays the states and targets that it was given, and leaves the worlds where they were."""

import numpy as np
import pytest

from roarm_lab.core.arrays import to_numpy
from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import SimConfig
from tests.sim.backend_contract import HOME, poses
from tests.sim.gpu_packages import DEVICES, needs_gpu_packages

pytestmark = needs_gpu_packages

ROUNDING_RAD = 1e-6  # float32, from the very same state


@pytest.mark.parametrize("device", DEVICES)
def test_it_steps_to_the_same_angles_and_puts_the_worlds_back(device: str) -> None:
    from roarm_lab.sim.baseline_warp import WarpReplay
    from roarm_lab.sim.mujoco_warp import MujocoWarp

    backend = MujocoWarp(ROARM_M3, 3, SimConfig(backend="mujoco_warp", device=device))
    backend.reset(None, poses(3))
    replay, rng = WarpReplay(backend, 4), np.random.default_rng(0)
    expected: list[np.ndarray] = []
    for _ in range(3):
        replay.keep()
        target = (HOME + rng.uniform(-0.3, 0.3, (3, 6))).astype(np.float32)
        backend.step(target, 4)
        replay.keep_target(backend.get("joint_target"))
        expected.append(to_numpy(backend.get("joint_pos")))
    found: list[np.ndarray] = []
    physics = backend.physics

    def spied(target: object, substeps: int) -> None:
        physics(target, substeps)
        found.append(to_numpy(backend.get("joint_pos")))

    backend.physics = spied  # pyright: ignore[reportAttributeAccessIssue]
    assert 0.0 < replay.physics_steps_per_s(1) < 1e9
    np.testing.assert_allclose(found, expected, atol=ROUNDING_RAD)
    np.testing.assert_allclose(to_numpy(backend.get("joint_pos")), expected[-1], atol=ROUNDING_RAD)
    with pytest.raises(BadInputError, match="Nothing has been kept"):
        replay.physics_steps_per_s(1)

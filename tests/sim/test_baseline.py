"""The yardstick replays the very states and targets it was given, with nothing around `mj_step`."""

import mujoco
import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim import baseline
from roarm_lab.sim.backend import SimConfig
from roarm_lab.sim.baseline import RawReplay
from roarm_lab.sim.mujoco_cpu import MujocoCpu
from tests.sim.backend_contract import HOME, poses


@pytest.fixture
def backend() -> MujocoCpu:
    backend = MujocoCpu(ROARM_M3, 3, SimConfig(threads=1))
    backend.reset(None, poses(3))
    return backend


def kept(backend: MujocoCpu, replay: RawReplay, steps: int = 4) -> np.ndarray:
    """Step with random targets; return the angles that came of it [step, env, joint] rad."""
    rng, seen = np.random.default_rng(0), []
    for _ in range(steps):
        replay.keep()
        target = (HOME + rng.uniform(-0.3, 0.3, (3, 6))).astype(np.float32)
        backend.step(target, 10)
        replay.keep_target(target)
        seen.append(backend.batch.qpos.copy())
    return np.array(seen)


@pytest.mark.parametrize("threads", [1, 2])
def test_it_steps_to_the_same_states_bitwise(backend: MujocoCpu, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    replay, found = RawReplay(backend, 10), []
    expected = kept(backend, replay).reshape(-1, 6)
    plain = mujoco.mj_step

    def spied(model: mujoco.MjModel, data: mujoco.MjData, count: int) -> None:
        plain(model, data, count)
        found.append(data.qpos.copy())

    monkeypatch.setattr(baseline.mujoco, "mj_step", spied)
    assert 0.0 < replay.physics_steps_per_s(threads) < 1e9
    np.testing.assert_array_equal(sorted(map(tuple, found)), sorted(map(tuple, expected)))


def test_it_forgets_what_it_has_replayed(backend: MujocoCpu) -> None:
    replay = RawReplay(backend, 10)
    kept(backend, replay)
    replay.physics_steps_per_s(1)
    with pytest.raises(BadInputError, match="Nothing has been kept"):
        replay.physics_steps_per_s(1)

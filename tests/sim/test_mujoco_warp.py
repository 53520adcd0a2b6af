"""MuJoCo Warp keeps the contract of all simulators. On Warp's CPU device, where there is no GPU."""

import importlib.util

import pytest

from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import Box, SimConfig
from tests.sim.backend_contract import BACKEND_CONTRACT, Check

LACKING = [name for name in ("torch", "warp", "mujoco_warp") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)} (extra gpu)")


def make(num_envs: int, threads: int = 1, *, boxes: tuple[Box, ...] = ()):
    from roarm_lab.sim.mujoco_warp import MujocoWarp

    return MujocoWarp(ROARM_M3, num_envs, SimConfig(backend="mujoco_warp", device="cpu", threads=threads, boxes=boxes))


@pytest.mark.parametrize("check", BACKEND_CONTRACT, ids=lambda check: check.__name__)
def test_keeps_the_backend_contract(check: Check) -> None:
    check(make)

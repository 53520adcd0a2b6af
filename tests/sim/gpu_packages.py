"""Which packages of the extra `gpu` are not installed here, and the devices that MuJoCo Warp is tested on."""

import importlib.util

import pytest

LACKING = [name for name in ("torch", "warp", "mujoco_warp") if importlib.util.find_spec(name) is None]
needs_gpu_packages = pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)} (extra gpu)")

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]

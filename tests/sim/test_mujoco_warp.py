"""MuJoCo Warp keeps the contract of all simulators, on Warp's CPU device and on a GPU."""

import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from roarm_lab.core.arrays import to_numpy
from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import Box, SimConfig
from roarm_lab.sim.mujoco_cpu import MujocoCpu
from roarm_lab.sim.warp_device import too_little_memory
from tests.grasp_scene import hand_pos_w
from tests.sim.backend_contract import BACKEND_CONTRACT, HOME, SUBSTEPS, Check, drive, poses
from tests.sim.gpu_packages import DEVICES, needs_gpu_packages

if TYPE_CHECKING:
    from roarm_lab.sim.mujoco_warp import MujocoWarp

CUBE = (Box(name="cube"),)
FLOAT32 = 2e-4  # relative; constants derived by a chain of a few hundred float32 operations against float64


def make(num_envs: int, threads: int = 1, *, boxes: tuple[Box, ...] = (), device: str = "cpu") -> "MujocoWarp":
    from roarm_lab.sim.mujoco_warp import MujocoWarp

    return MujocoWarp(ROARM_M3, num_envs, SimConfig(backend="mujoco_warp", device=device, threads=threads, boxes=boxes))


@needs_gpu_packages
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("check", BACKEND_CONTRACT, ids=lambda check: check.__name__)
def test_keeps_the_backend_contract(check: Check, device: str) -> None:
    check(partial(make, device=device))


@needs_gpu_packages
def test_worlds_can_be_chosen_by_a_mask_of_torch() -> None:
    backend, twin = make(4), make(4)
    mask = backend.get("joint_pos")[:, 0] > 9.0
    mask[1] = mask[3] = True
    pose = poses(4)
    for one, ids, rows in ((backend, mask, slice(None)), (twin, [1, 3], [1, 3])):
        one.scale_model("body_mass", np.full((4, 1), 1.5, dtype=np.float32)[rows], ids)
        one.reset(ids, pose[rows])
        one.set("joint_vel", 0.1 * pose[rows], ids)
    np.testing.assert_array_equal(to_numpy(backend.get("joint_vel"))[[0, 2]], 0.0)
    np.testing.assert_array_equal(drive(backend), drive(twin))


@needs_gpu_packages
def test_several_targets_share_the_steps_as_on_the_cpu() -> None:
    backend, cpu = make(2), MujocoCpu(ROARM_M3, 2, SimConfig(threads=1))
    targets = np.stack([np.stack([HOME, HOME]) + np.float32(0.1 * part) for part in range(3)])
    for one in (backend, cpu):
        one.reset(None, np.stack([HOME, HOME]))
        one.step(targets, 10)
    np.testing.assert_allclose(to_numpy(backend.get("joint_pos")), cpu.get("joint_pos"), atol=1e-5)  # float32, 10 steps
    np.testing.assert_array_equal(to_numpy(backend.get("joint_target")), targets[-1])


@needs_gpu_packages
def test_constants_derived_from_a_scaled_model_are_those_of_mujoco() -> None:
    backend, cpu = make(2, boxes=CUBE), MujocoCpu(ROARM_M3, 2, SimConfig(threads=1, boxes=CUBE))
    for one in (backend, cpu):
        one.scale_model("body_mass", np.float32([[1.5], [0.7]]))
        one.scale_model("dof_armature", np.float32([[0.8], [1.3]]))
        one.scale_model("box_size", np.float32([[1.2], [0.9]]))
        one.reset(None, np.stack([HOME, HOME]))
    names = ("dof_invweight0", "body_invweight0", "body_subtreemass", "geom_size", "geom_rbound", "geom_aabb")
    for name in names:
        found = backend.device.wp.to_torch(getattr(backend._m, name)).numpy()  # pyright: ignore[reportPrivateUsage]
        wanted = cpu.batch.expand(name).reshape(found.shape)
        np.testing.assert_allclose(found, wanted, rtol=FLOAT32, atol=1e-7, err_msg=name)


@needs_gpu_packages
def test_a_closing_gripper_touches_a_cube_with_both_jaws_and_holds_it_in_the_air() -> None:
    backend = make(1, boxes=CUBE)
    start = np.where(np.arange(len(HOME)) == len(HOME) - 1, 0.6, HOME).astype(np.float32)
    shut = np.where(np.arange(len(HOME)) == len(HOME) - 1, -0.3, HOME).astype(np.float32)
    in_hand_w = hand_pos_w(start)
    backend.reset(None, start[None])
    assert not to_numpy(backend.get("touching")).any()
    for _ in range(60):
        if to_numpy(backend.get("touching")).all():
            break
        backend.set("box_pose.cube", np.array([[*in_hand_w, 1.0, 0.0, 0.0, 0.0]]))
        backend.set("box_speed.cube", np.zeros((1, 6)))
        backend.step(shut[None], 2)
    backend.step(shut[None], 100)
    assert to_numpy(backend.get("touching")).all()
    assert float(backend.get("box_pos_w")[0, 0, 2]) > 0.05  # m; on the table it would be 0.015


@needs_gpu_packages
def test_contacts_that_find_no_room_are_counted_across_resets(monkeypatch: pytest.MonkeyPatch) -> None:
    from roarm_lab.sim import warp_device

    monkeypatch.setattr(warp_device, "ROWS_PER_BOX", 10)  # dry friction takes 6, four contacts with the table 12
    backend = make(2, boxes=CUBE)
    backend.reset(None, np.stack([HOME, HOME]))
    backend.step(np.stack([HOME, HOME]), 5 * SUBSTEPS)
    backend.reset(None, np.stack([HOME, HOME]))
    assert backend.overflows() == {"NEFC": 2}


@needs_gpu_packages
def test_overflows_are_counted_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    backend = make(2)
    backend.reset(None, poses(2))
    backend.step(poses(2), SUBSTEPS)
    assert backend.overflows() == {}
    backend._view["overflow"][1] = 1  # pyright: ignore[reportPrivateUsage]
    assert backend.overflows() == {"NEFC": 1}
    assert capfd.readouterr().out == ""


@needs_gpu_packages
def test_a_device_that_is_none_is_refused() -> None:
    from roarm_lab.sim.mujoco_warp import MujocoWarp

    with pytest.raises(BadInputError, match=r"device must be cuda, cuda:1, \.\.\. or cpu, got 'gpu'"):
        MujocoWarp(ROARM_M3, 1, SimConfig(backend="mujoco_warp", device="gpu"))


def test_too_little_memory_is_said_with_the_number_that_fits() -> None:
    told = too_little_memory(1000, 2.0**20, 2.0**29, "cuda:0")
    assert told.startswith("1000 worlds need about 1.0 GiB on cuda:0, and 0.5 GiB are free. About 512 worlds fit")


def without(package: str, device: str = "cuda") -> Any:
    """Run `make_backend` in an interpreter that lacks a package; return its process."""
    code = f"""
import sys
sys.modules[{package!r}] = None
from roarm_lab.core.errors import MissingError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import SimConfig
from roarm_lab.sim.table import make_backend
try:
    make_backend(ROARM_M3, 1, SimConfig(backend="mujoco_warp", device={device!r}))
except MissingError as error:
    print(error.exit_code, error)
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


@pytest.mark.parametrize("package", ["torch", "warp", "mujoco_warp"])
def test_a_missing_package_is_named_with_the_extra_that_brings_it(package: str) -> None:
    told = without(package).stdout
    assert told.startswith("3 The simulator mujoco_warp needs the Python package")
    assert "pip install 'roarm-lab[gpu]'" in told


@needs_gpu_packages
def test_without_a_gpu_the_message_says_what_to_look_at() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    told = without("no_such_package").stdout
    assert told.startswith(
        "3 PyTorch finds no CUDA device for the simulator mujoco_warp. `nvidia-smi` should list a GPU"
    )

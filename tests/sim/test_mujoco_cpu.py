"""The CPU simulator keeps the contract, steps exactly as MuJoCo does, moves as servos move, and says nothing."""

import os
import subprocess
import sys
from math import pi, radians
from pathlib import Path

import mujoco
import numpy as np
import pytest

from roarm_lab.core.provenance import usable_cores
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import SimConfig
from roarm_lab.sim.mujoco_cpu import MujocoCpu, compile_model
from roarm_lab.sim.table import make_backend
from tests.sim.backend_contract import BACKEND_CONTRACT, HOME, NUM_JOINTS, SUBSTEPS, Check, poses

GRAVITY_TORQUE_NM = 1.43  # of the level arm about the shoulder (vendor's masses and lengths, derived)
SHOULDER = ROARM_M3.joint("shoulder").servo


def make(num_envs: int, threads: int = 1, *, dry_friction: bool = True) -> MujocoCpu:
    backend = make_backend(ROARM_M3, num_envs, SimConfig(threads=threads, dry_friction=dry_friction))
    assert isinstance(backend, MujocoCpu)
    return backend


@pytest.mark.parametrize("check", BACKEND_CONTRACT, ids=lambda check: check.__name__)
def test_keeps_the_backend_contract(check: Check) -> None:
    check(make)


def test_it_is_bitwise_a_plain_loop_over_mj_step() -> None:
    backend = make(3, threads=2)
    backend.reset(None, poses(3))
    model = compile_model(ROARM_M3, SimConfig())
    worlds = [mujoco.MjData(model) for _ in range(3)]
    for data, pose in zip(worlds, poses(3), strict=True):
        data.qpos[:] = data.ctrl[:] = pose
    rng = np.random.default_rng(3)
    for _ in range(20):
        target = (HOME + rng.uniform(-0.8, 0.8, (3, NUM_JOINTS))).astype(np.float32)
        backend.step(target, SUBSTEPS)
        for data, row in zip(worlds, target, strict=True):
            data.ctrl[:] = row
            mujoco.mj_step(model, data, SUBSTEPS)
    np.testing.assert_array_equal(backend.batch.qpos, [data.qpos for data in worlds])
    np.testing.assert_array_equal(backend.batch.qvel, [data.qvel for data in worlds])


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("body_mass", "body_mass"),
        ("dof_damping", "dof_damping"),
        ("actuator_stiffness", "actuator_gainprm"),
    ],
)
def test_a_scaled_world_is_bitwise_a_model_that_was_built_so(field: str, name: str) -> None:
    backend = make(2)
    backend.scale_model(field, np.float32([[1.5]]), [1])
    backend.reset(None, np.stack([HOME, HOME]))
    model = compile_model(ROARM_M3, SimConfig())
    if field == "actuator_stiffness":
        model.actuator_gainprm[:, 0] *= 1.5
        model.actuator_biasprm[:, 1] *= 1.5
    else:
        getattr(model, name)[:] *= 1.5
        if field == "body_mass":
            model.body_inertia[:] *= 1.5
    data = mujoco.MjData(model)
    mujoco.mj_setConst(model, data)
    mujoco.mj_resetData(model, data)
    data.qpos[:] = HOME
    data.ctrl[:] = HOME + np.float32(0.3)
    backend.step(np.stack([HOME, HOME]) + np.float32(0.3), 50)
    mujoco.mj_step(model, data, 50)
    np.testing.assert_array_equal(backend.batch.qpos[1], data.qpos)
    assert np.abs(backend.batch.qpos[0] - data.qpos).max() > 1e-3


def test_stiffness_scales_gain_and_bias_together() -> None:
    backend = make(2)
    backend.scale_model("actuator_stiffness", np.float32([[1.5]]), [1])
    gain, bias = backend.batch.expand("actuator_gainprm"), backend.batch.expand("actuator_biasprm")
    np.testing.assert_array_equal(gain[:, :, 0], -bias[:, :, 1])
    np.testing.assert_allclose(gain[1, :, 0], [27.0, 54.0, 27.0, 27.0, 27.0, 27.0])  # 18 a servo, two on the shoulder
    # So the angle of rest does not move, which it would if only one of them grew.
    backend.reset(None, np.zeros((2, NUM_JOINTS)))
    backend.step(np.tile(np.float32([0.5, 0, 0, 0, 0, 0]), (2, 1)), 400)
    np.testing.assert_allclose(backend.get("joint_pos")[:, 0], 0.5, atol=0.05 / 18 + 2 * pi / 4096)


@pytest.mark.parametrize("dry_friction", [True, False])
def test_the_level_arm_sags_by_gravity_over_stiffness(dry_friction: bool) -> None:
    # 1.43 N m over 36 N m/rad is 2.3 degrees. The shoulder's range ends at level, so 0.1 rad less is asked for.
    backend = make(1, dry_friction=dry_friction)
    target = np.float32([[0.0, pi / 2 - 0.1, 0.0, 0.0, 0.0, 0.0]])
    backend.reset(None, target)
    backend.step(target, 600)
    sag_rad = float(backend.get("joint_pos")[0, 1] - target[0, 1])
    friction_nm = SHOULDER.dry_friction_nm + SHOULDER.deadband_rad * SHOULDER.stiffness_nm_per_rad
    sticks_rad = friction_nm / 36.0 if dry_friction else 0.0
    assert abs(sag_rad - GRAVITY_TORQUE_NM / 36.0) < sticks_rad + 0.001
    assert sag_rad > radians(1.9)
    assert np.abs(backend.get("joint_vel")).max() < 2e-3


def test_no_joint_turns_faster_than_its_servo_can() -> None:
    backend = make(1, dry_friction=False)
    start = np.zeros((1, NUM_JOINTS))
    start[0, 0] = -3.0
    backend.reset(None, start)
    fastest = 0.0
    for _ in range(150):
        backend.step(np.float32([[3.0, 0, 0, 0, 0, 0]]), 1)
        fastest = max(fastest, float(backend.get("joint_vel")[0, 0]))
    assert fastest == pytest.approx(radians(270.0), rel=2e-3)  # 45 turns a minute; the arm's nodding adds 0.3 mrad/s


def test_the_gripper_presses_with_the_share_of_torque_the_firmware_allows() -> None:
    backend = make(1)
    force = backend.batch.bind("actuator_force")
    closed = np.zeros((1, NUM_JOINTS))
    backend.reset(None, closed)
    backend.step(np.float32([[0, 0, 0, 0, 0, -0.3]]), 200)  # closed already: it presses on its stop
    assert force[0, 5] == pytest.approx(-0.3 * 2.94)  # 0.88 N m, not 18 * 0.3 = 5.4
    assert backend.get("joint_pos")[0, 5] > -0.05
    backend.reset(None, closed)
    backend.step(np.float32([[0, 0, 0, 0, 0, 1.5]]), 1)
    assert force[0, 5] == pytest.approx(0.3 * 2.94)


def test_threads_0_takes_what_this_process_may_use() -> None:
    assert make(100, threads=0).batch.nthread == usable_cores()
    assert make(100, threads=3).batch.nthread == 3


def test_the_time_step_is_the_one_asked_for() -> None:
    backend = make_backend(ROARM_M3, 1, SimConfig(threads=1, physics_dt_s=0.002))
    assert backend.physics_dt_s == 0.002
    assert isinstance(backend, MujocoCpu)
    assert backend.model.opt.timestep == 0.002


def test_a_divergence_prints_nothing_and_leaves_no_file(tmp_path: Path) -> None:
    code = """
import numpy as np
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import SimConfig
from roarm_lab.sim.mujoco_cpu import MujocoCpu
backend = MujocoCpu(ROARM_M3, 4, SimConfig(threads=2))
backend.reset(None, np.zeros((4, 6)))
for field in ("joint_pos", "joint_vel"):
    backend.set(field, np.full((2, 6), np.nan), [1, 3])
    backend.step(np.zeros((4, 6)), 10)
    assert [found.world for found in backend.divergences()] == [1, 3]
backend.step(np.full((4, 6), np.nan), 2)
assert len(backend.divergences()) == 4
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_a_users_own_warning_handler_is_left_in_place(tmp_path: Path) -> None:
    code = """
import mujoco
def mine(text): pass
mujoco.set_mju_user_warning(mine)
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import SimConfig
from roarm_lab.sim.mujoco_cpu import MujocoCpu
MujocoCpu(ROARM_M3, 1, SimConfig(threads=1))
assert mujoco.get_mju_user_warning() is mine
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_without_a_way_to_draw_the_error_says_what_to_install(tmp_path: Path) -> None:
    code = """
import numpy as np
from roarm_lab.core.errors import MissingError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import SimConfig
from roarm_lab.sim.mujoco_cpu import MujocoCpu
backend = MujocoCpu(ROARM_M3, 1, SimConfig(threads=1))
for size in ((640, 480), (64, 48), (64, 48)):
    try:
        backend.render(0, size=size, markers={})
    except MissingError as error:
        print(error)
backend.close()
print("still here")
"""
    env = {name: value for name, value in os.environ.items() if name != "WAYLAND_DISPLAY"}
    env |= {"MUJOCO_GL": "glfw", "DISPLAY": ":7919"}  # a screen is asked for, and there is none
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=env, check=True
    )
    assert done.stdout.count("Pictures can not be drawn here") == 3
    assert done.stdout.endswith("still here\n")
    assert not done.stderr
    assert "apt-get install libegl1" in done.stdout
    assert "MUJOCO_GL=egl" in done.stdout


def test_worlds_that_ran_out_of_room_are_counted_across_resets() -> None:
    backend = MujocoCpu(ROARM_M3, 3, SimConfig(threads=1))
    backend.reset(None, poses(3))
    assert backend.overflows() == {}
    full = mujoco.mjtWarning.mjWARN_CONTACTFULL.value
    backend.batch.warning[1, full, 1] = 4  # what MuJoCo does when its memory for contacts is full
    backend.reset([1], poses(1))
    backend.batch.warning[2, full, 1] = 1
    assert backend.overflows() == {"CONTACTFULL": 2}
    assert backend.overflows() == {"CONTACTFULL": 2}

"""What a simulation may be asked for, and how a divergence reads."""

import math

import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.backend import Divergence, SimConfig
from roarm_lab.sim.table import BACKENDS, make_backend
from tests.sim.gpu_packages import LACKING


@pytest.mark.parametrize("value", [0.0, -0.005, 0.021, math.nan, math.inf])
def test_a_time_step_that_makes_no_sense_is_refused(value: float) -> None:
    with pytest.raises(BadInputError, match=rf"physics_dt_s must be above 0 and at most 0\.02 s, got {value}"):
        SimConfig(physics_dt_s=value)


def test_threads_can_not_be_negative() -> None:
    with pytest.raises(BadInputError, match=r"threads must be 0 \(all\) or more, got -1"):
        SimConfig(threads=-1)


def test_an_unknown_simulator_gets_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="no simulation backend named 'mujoco_gpu'. Did you mean 'mujoco_cpu'"):
        make_backend(ROARM_M3, 1, SimConfig(backend="mujoco_gpu"))


@pytest.mark.parametrize("name", BACKENDS)
def test_every_simulator_in_the_table_can_be_made(name: str) -> None:
    if name == "mujoco_warp" and LACKING:
        pytest.skip(f"not installed: {', '.join(LACKING)} (extra gpu)")
    assert make_backend(ROARM_M3, 2, SimConfig(backend=name, threads=1, device="cpu")).num_envs == 2


def test_a_divergence_says_world_step_field_and_joint() -> None:
    told = str(Divergence(3, 17, "qvel of joint 'elbow'"))
    assert told == "world 3 diverged at step 17: qvel of joint 'elbow' was not finite or too large"

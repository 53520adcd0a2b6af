"""Both simulators, the same states, controls, randomisation and luck: how far apart they may be.

The differences are those of float32 against float64; the bounds are five times what was seen, or more. A cube that is
put exactly onto the table touches it in one simulator and falls a tenth of a millimetre first in the other: hence the
wide bound after the first step, and the narrow one after ten.
"""

import numpy as np
import pytest

from roarm_lab.envs.randomization import DomainRandomization, randomized
from roarm_lab.tasks.table import get_task
from tests.sim.gpu_packages import DEVICES, needs_gpu_packages
from tests.sim.parity import apart, seen, twins

WORLDS = 4
BOUNDS = {1: 5e-2, 10: 2e-5, 50: 1e-4}
"""After so many control steps: the largest difference of any number, in its own unit (m, rad, m/s, rad/s, 1)."""
ARM_BOUNDS = {**BOUNDS, 1: 2e-5}
"""The same for joint angles and what follows from them alone."""
ARM = ("actor.joint_pos", "actor.joint_vel", "actor.target_lead", "actor.tcp", "actor.approach", "reward.joint_speed")


@needs_gpu_packages
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("task", ["reach", "lift-cube"])
def test_both_simulators_agree(task: str, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    envs = twins(randomized(get_task(task), DomainRandomization()), WORLDS, 0, device, monkeypatch)
    cpu, warp = envs["mujoco_cpu"], envs["mujoco_warp"]
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (max(BOUNDS), WORLDS, cpu.actions.size)).astype(np.float32)
    last = min(max(BOUNDS), cpu.config.episode_steps - 1)  # a reset would hide what has grown
    for step, action in enumerate(actions[:last], 1):
        cpu.step(action), warp.step(action)
        when = max(BOUNDS) if step == last else step
        for name, difference in apart(seen(cpu), seen(warp)).items() if when in BOUNDS else ():
            bound = (ARM_BOUNDS if name in ARM else BOUNDS)[when]
            assert difference < bound, f"{name} after {step} steps"

"""Both simulators, the same states, controls, randomisation and luck: how far apart they may be.

The differences are those of float32 against float64. The bounds are ten times what was seen, or more. A cube that is put
exactly onto the table touches it in one simulator and falls a tenth of a millimetre first in the other: hence the wide
bound after the first step, and the narrow one after ten.
"""

import numpy as np
import pytest

from roarm_lab.envs.randomization import DomainRandomization, randomized
from roarm_lab.tasks.table import get_task
from tests.sim.gpu_packages import needs_gpu_packages
from tests.sim.parity import apart, seen, twins

WORLDS = 4
BOUNDS = {1: 0.1, 10: 1e-4, 50: 2e-2}
"""After so many control steps: the largest difference of any number, in its own unit (m, rad, m/s, rad/s, 1)."""
ARM_BOUNDS = {1: 1e-5, 10: 1e-4, 50: 2e-2}
"""The same for joint angles and what follows from them alone."""
ARM = ("actor.joint_pos", "actor.joint_vel", "actor.target_lead", "actor.tcp", "actor.approach", "reward.joint_speed")


@needs_gpu_packages
@pytest.mark.parametrize("task", ["reach", "lift-cube"])
def test_both_simulators_agree(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    envs = twins(randomized(get_task(task), DomainRandomization()), WORLDS, 0, monkeypatch)
    cpu, warp = envs["mujoco_cpu"], envs["mujoco_warp"]
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (max(BOUNDS), WORLDS, cpu.actions.size)).astype(np.float32)
    reached: set[int] = set()
    for step, action in enumerate(actions[: cpu.config.episode_steps - 1], 1):
        cpu.step(action), warp.step(action)
        if step in BOUNDS:
            reached.add(step)
            for name, difference in apart(seen(cpu), seen(warp)).items():
                bound = (ARM_BOUNDS if name in ARM else BOUNDS)[step]
                assert difference < bound, f"{name} after {step} steps"
    assert reached == {step for step in BOUNDS if step < cpu.config.episode_steps}

"""Worlds of MuJoCo Warp whose numbers blew up: found on its device, named when somebody asks."""

from collections.abc import Mapping
from typing import Any

import mujoco

from roarm_lab.core.arrays import Array, to_numpy
from roarm_lab.sim.backend import Divergence
from roarm_lab.sim.warp_device import WarpDevice

TOO_LARGE = 1e10
"""MuJoCo's own limit on positions, speeds and accelerations (mjMAXVAL)."""


class Faults:
    """The first fault of each world since it was last told.

    MuJoCo on the CPU looks before every physics step, here it is before and after every control step.
    """

    def __init__(self, model: mujoco.MjModel, device: WarpDevice, num_envs: int) -> None:
        self._torch = device.torch
        self._names = _columns(model)
        counted = self._torch.arange(1, len(self._names) + 1, device=device.name)
        self._counted = counted.expand(num_envs, -1)
        self._none = len(self._names) + 1
        self._fault = self._torch.zeros(num_envs, dtype=self._torch.int64, device=device.name)
        """0, or the number of the first bad column, counted from 1."""
        self._step = self._torch.zeros_like(self._fault)
        self._now = self._torch.zeros_like(self._fault[:1])
        """Control steps so far. On the device, like all that a recorded step changes; written in place."""

    @property
    def mask(self) -> Array:
        """Which worlds have one [env]."""
        return self._fault > 0

    def note(self, view: Mapping[str, Any], target_size: Array) -> Array:
        """Look at all worlds and return which are ill now [env].

        Args:
            view: qpos, qvel and qacc of all worlds.
            target_size: How large targets are at most [env, actuator].
        """
        torch = self._torch
        sizes = torch.cat((view["qpos"].abs(), view["qvel"].abs(), view["qacc"].abs(), target_size), dim=1)
        first = torch.where(sizes < TOO_LARGE, self._none, self._counted).amin(dim=1)  # NaN is not below anything
        ill = first < self._none
        new = ill & (self._fault == 0)
        self._fault.copy_(torch.where(new, first, self._fault))
        self._step.copy_(torch.where(new, self._now + 1, self._step))
        return ill

    def count(self) -> None:
        """A control step is over."""
        self._now.add_(1)

    def told(self) -> list[Divergence]:
        """Return the faults and forget them. Waits for the device."""
        both = to_numpy(self._torch.stack((self._fault, self._step)))
        self._fault.zero_()
        return [
            Divergence(int(world), int(both[1, world]), self._names[both[0, world] - 1])
            for world in both[0].nonzero()[0]
        ]


def _columns(model: mujoco.MjModel) -> list[str]:
    """Return the name of each column that is looked at."""
    joints = range(model.njnt)
    ends = {"jnt_qposadr": [*model.jnt_qposadr[1:], model.nq], "jnt_dofadr": [*model.jnt_dofadr[1:], model.nv]}
    names: dict[str, list[str]] = {}
    for field, start in (("qpos", "jnt_qposadr"), ("qvel", "jnt_dofadr")):
        widths = [int(ends[start][joint] - getattr(model, start)[joint]) for joint in joints]
        names[field] = [model.joint(joint).name for joint in joints for _ in range(widths[joint])]
    names["qacc"] = names["qvel"]
    names["ctrl"] = [model.actuator(index).name for index in range(model.nu)]
    return [f"{field} of joint {name!r}" for field in names for name in names[field]]

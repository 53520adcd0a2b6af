"""MuJoCo Warp: thousands of worlds on one NVIDIA GPU, their arrays torch tensors that never leave it.

A control step is one CUDA graph: targets in, all physics steps. A reset writes with masks into all worlds, so nothing
in here waits for the GPU but `divergences`, `overflows`, pictures, and what is asked for by world numbers.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Array, Float64, Int, is_torch_array, to_numpy
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import Divergence, SimConfig
from roarm_lab.sim.model_scaling import check_factors, parts_of
from roarm_lab.sim.mujoco_base import MujocoWorlds
from roarm_lab.sim.mujoco_cpu import compile_model
from roarm_lab.sim.state_fields import touch_table
from roarm_lab.sim.warp_device import WarpDevice
from roarm_lab.sim.warp_divergence import Faults
from roarm_lab.sim.warp_scaling import WarpScaling


class MujocoWarp(MujocoWorlds):
    """Worlds in MuJoCo Warp, in float32. Runs on Warp's CPU device too, slowly, for tests."""

    def __init__(self, robot: Robot, num_envs: int, config: SimConfig) -> None:
        super().__init__(robot, num_envs, config, compile_model(robot, config))
        self.device = WarpDevice(config.device)
        self.device.check_memory(self.model, num_envs, len(self._boxes))
        with self.device.scope():
            self._m: Any = self.device.mjw.put_model(self.model)
            self._d: Any = self.device.data(self.model, num_envs, len(self._boxes))
        self._m.opt.warn_overflow = 0  # it would print from the GPU, every step; `overflows` counts instead
        self._view = {
            name: self.device.wp.to_torch(getattr(self._d, name))
            for name in ("qpos", "qvel", "qacc", "ctrl", "qacc_warmstart", "qfrc_applied", "sensordata", "overflow")
        }
        self._rest_qpos = self._tensor(self.model.qpos0)
        self._fields = {name: (source, self._index(columns)) for name, (source, columns) in self._fields.items()}
        self._touch = self._index(touch_table(self.model, robot, self._boxes))
        self._scaling = WarpScaling(self.device, self.model, (self._m, self._d), self._boxes)
        self._faults = Faults(self.model, self.device, num_envs)
        self._targets: dict[int, tuple[Any, Any]] = {}
        """By number of parts: targets in MuJoCo's order [part, env, actuator], as a tensor and as Warp's array."""
        self._start()

    def _start(self) -> None:
        """Load all kernels (compiled on first use: minutes on a CPU), then begin at rest."""
        with self.device.scope():
            self._scaling.set_const()
            self.device.mjw.step(self._m, self._d)
        self.wait()
        self._scaling.correct()
        self._rest(self._everybody(), None)
        self._view["overflow"].zero_()

    def reset(self, ids: Array | Sequence[int] | None, joint_pos: Array) -> None:
        """Put worlds at rest at joint angles [len(ids), joint] rad, their targets at the same angles."""
        mask, start = self._chosen(ids, joint_pos)
        self._scaling.settle()
        self._rest(mask, start)

    def step(self, joint_target: Array, substeps: int) -> None:
        """Hold joint targets [env, joint] rad, or several after one another, for a number of physics steps."""
        self._scaling.settle()
        held = self._held(joint_target)
        # What is not a number would stay in a world for good, and is better not shown to the solver at all.
        ill = self._faults.note(self._view, held.abs().amax(dim=0))
        self._rest(ill, None)
        held.masked_fill_(ill[:, None], 0.0)
        self.device.run((len(held), substeps), lambda: self._physics(len(held), substeps))
        self._rest(ill | self._faults.note(self._view, self._view["ctrl"].abs()), None)
        self._faults.count()

    def physics(self, joint_target: Array, substeps: int) -> None:
        """Do the physics of `step` and nothing else, for measuring: nothing is looked for, nothing is put right."""
        held = self._held(joint_target)
        self.device.run((len(held), substeps), lambda: self._physics(len(held), substeps))

    def physics_state(self) -> dict[str, Array]:
        """Return a copy of what the physics of a step begins with, by MuJoCo's names."""
        return {name: self._view[name].clone() for name in ("qpos", "qvel", "ctrl", "qacc_warmstart", "qfrc_applied")}

    def set_physics_state(self, state: Mapping[str, Array]) -> None:
        """Write what `physics_state` gave."""
        for name, values in state.items():
            self._view[name].copy_(values)

    def wait(self) -> None:
        """Wait until the device has done all that it was told."""
        if self.device.is_cuda:
            self.device.torch.cuda.synchronize(self.device.name)

    def _held(self, joint_target: Array) -> Any:
        """Return targets in MuJoCo's order [part, env, actuator], in the memory that the physics reads."""
        targets = self._tensor(joint_target)
        targets = targets if targets.ndim == 3 else targets[None]
        held, _ = self._buffer(len(targets))
        held[:, :, self._fields["joint_target"][1]] = targets
        return held

    def _physics(self, parts: int, substeps: int) -> None:
        _, targets = self._buffer(parts)
        done = 0
        for count in range(1, parts + 1):
            self.device.wp.copy(self._d.ctrl, targets[count - 1])
            for _ in range(substeps * count // parts - done):
                self.device.mjw.step(self._m, self._d)
            done = substeps * count // parts

    def _buffer(self, parts: int) -> tuple[Any, Any]:
        if parts not in self._targets:
            held = self._zeros(parts, self.num_envs, self.model.nu)
            self._targets[parts] = held, self.device.wp.from_torch(held, dtype=self.device.wp.float32)
        return self._targets[parts]

    def get(self, field: str) -> Array:
        """Return a field of all worlds as a new tensor."""
        if field == "touching":
            # [env, box, jaw, face] sensors; a jaw touches when any of its faces does.
            return (self._view["sensordata"][:, self._touch] > 0.0).any(dim=3)
        if field == "box_scale":
            return self._scaling.box_scale()
        source, columns = self._field(field)
        return self._view[source][:, columns]

    def set(self, field: str, values: Array, ids: Array | Sequence[int] | None = None) -> None:
        """Write a field of worlds."""
        source, columns = self._field(field)
        mask, new = self._chosen(ids, values)
        old = self._view[source][:, columns]
        self._view[source][:, columns] = self.device.torch.where(mask.reshape(-1, *[1] * (old.ndim - 1)), new, old)

    def model_field(self, field: str, names: tuple[str, ...] = ()) -> Array:
        """Return a field of the physical model [env, element, ...], as each world has it now."""
        return self._scaling.field(field, names)

    def scale_model(
        self, field: str, factor: Array, ids: Array | Sequence[int] | None = None, names: tuple[str, ...] = ()
    ) -> None:
        """Set a model field of worlds to the nominal value times a factor [len(ids), 1].

        Factors on the device are not checked: looking at them would wait for the GPU.
        """
        parts_of(field)
        check_factors(field, factor)
        mask, factors = self._chosen(ids, factor)
        self._scaling.scale(field, factors, mask, names)

    def record(self, work: Callable[[], None], generators: Sequence[Any]) -> tuple[Hashable, Callable[[], None]]:
        """Return what repeats work on these worlds, and what has to be the same for that (`recorded_for`)."""
        return self.recorded_for, self.device.record(work, generators)

    @property
    def recorded_for(self) -> Hashable:
        """What a recording depends on besides its arrays' contents: a change makes it void."""
        return self.device.version, self._scaling.is_stale

    def diverged(self) -> Array:
        """Return which worlds [env] diverged since `divergences` was last asked; they are at rest."""
        return self._faults.mask

    def divergences(self) -> list[Divergence]:
        """Return the worlds that diverged since this was last asked. Waits for the GPU."""
        return self._faults.told()

    def overflows(self) -> dict[str, int]:
        """Return in how many worlds the engine ran out of room or of iterations so far, by its own names.

        Waits for the GPU.

        NEFC, BROADPHASE and NARROWPHASE mean that contacts were left out.
        """
        bits = to_numpy(self._view["overflow"])
        kinds = self.device.mjw.OverflowType
        return {kind.name: int(((bits & kind.value) != 0).sum()) for kind in kinds if (bits & kind.value).any()}

    def close(self) -> None:
        """Free the renderers and the captured graphs."""
        super().close()
        self.device.forget()

    def _qpos(self, world: int) -> Float64:
        return to_numpy(self._view["qpos"][world]).astype(np.float64)

    def _rest(self, mask: Array, joint_pos: Array | None) -> None:
        """Put worlds of a mask [env] at rest, at joint angles [env, joint] rad or at zero; nothing else is left."""
        view, where, chosen = self._view, self.device.torch.where, mask[:, None]
        start, targets = self._rest_qpos.expand(self.num_envs, -1), self._zeros(self.num_envs, self.model.nu)
        if joint_pos is not None:
            start = start.clone()
            start[:, self._fields["joint_pos"][1]] = joint_pos
            targets[:, self._fields["joint_target"][1]] = joint_pos
        view["qpos"].copy_(where(chosen, start, view["qpos"]))
        view["ctrl"].copy_(where(chosen, targets, view["ctrl"]))
        for name in ("qvel", "qacc", "qacc_warmstart", "qfrc_applied", "sensordata"):
            view[name].masked_fill_(chosen, 0.0)

    def _chosen(self, ids: Array | Sequence[int] | None, values: Array) -> tuple[Array, Array]:
        """Return a mask [env] of worlds, and the values with a row for every world."""
        new = self._tensor(values)
        if ids is None:
            return self._everybody(), new.expand(self.num_envs, *new.shape[1:])
        if is_torch_array(ids) and ids.dtype == self.device.torch.bool:
            return ids, new
        rows = self._index(self._numbers(ids))
        mask, full = ~self._everybody(), self._zeros(self.num_envs, *new.shape[1:])
        mask[rows] = True
        full[rows] = new
        return mask, full

    def _everybody(self) -> Any:
        return self.device.torch.ones(self.num_envs, dtype=self.device.torch.bool, device=self.device.name)

    def _zeros(self, *shape: int) -> Any:
        return self.device.torch.zeros(shape, device=self.device.name)

    def _tensor(self, values: Array) -> Any:
        plain = values if is_torch_array(values) else np.array(values, dtype=np.float32)
        return self.device.torch.as_tensor(plain, dtype=self.device.torch.float32, device=self.device.name)

    def _index(self, values: Int) -> Any:
        return self.device.torch.as_tensor(values, device=self.device.name)

"""MuJoCo Warp: thousands of worlds on one NVIDIA GPU, their arrays torch tensors that never leave it.

A control step is one CUDA graph: targets in, all physics steps. A reset writes with masks into all worlds, so nothing
in here waits for the GPU but `divergences`, `overflows`, pictures, and what is asked for by world numbers.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roarm_lab.core.arrays import Array, Float32, is_torch_array, to_numpy
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import BOX_POSE, BOX_SPEED, JOINT_FORCE, Divergence, SimConfig
from roarm_lab.sim.model_scaling import parts_of
from roarm_lab.sim.mujoco_cpu import compile_model, touch_table
from roarm_lab.sim.pictures import Pictures, check_world
from roarm_lab.sim.warp_device import WarpDevice
from roarm_lab.sim.warp_faults import Faults
from roarm_lab.sim.warp_scaling import WarpScaling, check_factors


class MujocoWarp:
    """Worlds in MuJoCo Warp, in float32. Runs on Warp's CPU device too, slowly, for tests."""

    def __init__(self, robot: Robot, num_envs: int, config: SimConfig) -> None:
        if num_envs < 1:
            raise BadInputError(f"The number of environments must be 1 or more, got {num_envs}.")
        self.robot, self.config, self.num_envs = robot, config, num_envs
        self.device = WarpDevice(config.device)
        self.model = compile_model(robot, config)
        self.device.check_memory(self.model, num_envs, len(config.boxes))
        boxes = tuple(box.name for box in config.boxes)
        with self.device.scope():
            self._m: Any = self.device.mjw.put_model(self.model)
            self._d: Any = self.device.mjw.make_data(
                self.model, nworld=num_envs, **self.device.room(self.model, len(boxes))
            )
        self._m.opt.warn_overflow = 0  # it would print from the GPU, every step; `overflows` counts instead
        self._view = {
            name: self.device.wp.to_torch(getattr(self._d, name))
            for name in ("qpos", "qvel", "qacc", "ctrl", "qacc_warmstart", "qfrc_applied", "sensordata", "overflow")
        }
        self._rest_qpos = self._tensor(self.model.qpos0)
        self._actuators = self._index([self.model.actuator(name).id for name in robot.joint_names])
        self._fields = self._state_fields(boxes)
        self._touch = self._index(touch_table(self.model, robot, config)) if boxes else None
        self._scaling = WarpScaling(self.device, self.model, (self._m, self._d), boxes)
        self._faults = Faults(self.model, self.device, num_envs)
        self._targets: dict[int, tuple[Any, Any]] = {}
        """By number of parts: targets in MuJoCo's order [part, env, actuator], as a tensor and as Warp's array."""
        self._pictures = Pictures(self.model, robot)
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

    def _state_fields(self, boxes: tuple[str, ...]) -> dict[str, tuple[str, Any]]:
        """Return the array and the columns of each field of the state."""
        joints = [self.model.joint(name) for name in self.robot.joint_names]
        qpos = [int(self.model.joint(name).qposadr[0]) for name in boxes]
        qvel = [int(self.model.joint(name).dofadr[0]) for name in boxes]
        fields: dict[str, tuple[str, Any]] = {
            "joint_pos": ("qpos", [joint.qposadr[0] for joint in joints]),
            "joint_vel": ("qvel", [joint.dofadr[0] for joint in joints]),
            "joint_target": ("ctrl", self._actuators),
            JOINT_FORCE: ("qfrc_applied", [joint.dofadr[0] for joint in joints]),
            "box_pos_w": ("qpos", [range(first, first + 3) for first in qpos]),
            "box_quat_w": ("qpos", [range(first + 3, first + 7) for first in qpos]),
            "box_vel_w": ("qvel", [range(first, first + 3) for first in qvel]),
            "qpos": ("qpos", range(self.model.nq)),
            "qvel": ("qvel", range(self.model.nv)),
            **{BOX_POSE + name: ("qpos", range(first, first + 7)) for name, first in zip(boxes, qpos, strict=True)},
            **{BOX_SPEED + name: ("qvel", range(first, first + 6)) for name, first in zip(boxes, qvel, strict=True)},
        }
        return {name: (source, self._index(columns)) for name, (source, columns) in fields.items()}

    @property
    def physics_dt_s(self) -> float:
        """Time step of the physics."""
        return self.config.physics_dt_s

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
        held[:, :, self._actuators] = targets
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
        """Return in how many worlds the engine ran out of room or of iterations, by its own name. Waits for the GPU.

        NEFC, BROADPHASE and NARROWPHASE mean that contacts were left out.
        """
        bits = to_numpy(self._view["overflow"])
        kinds = self.device.mjw.OverflowType
        return {kind.name: int(((bits & kind.value) != 0).sum()) for kind in kinds if (bits & kind.value).any()}

    def render(
        self, world: int, *, camera: str = "front", size: tuple[int, int] = (640, 480), markers: Mapping[str, Array]
    ) -> NDArray[np.uint8]:
        """Return a picture [height, width, 3] uint8 of one world, with markers at positions [3] m in the world."""
        qpos, scale = self._drawn(world)
        return self._pictures.draw(qpos, scale, camera=camera, size=size, markers=markers)

    def render_depth(self, world: int, *, camera: str = "front", size: tuple[int, int] = (640, 480)) -> Float32:
        """Return how far in front of the camera things are [height, width] m in one world; 0 where there is nothing."""
        qpos, scale = self._drawn(world)
        return self._pictures.depth_m(qpos, scale, camera=camera, size=size)

    def close(self) -> None:
        """Free the renderers and the captured graphs."""
        self._pictures.close()
        self.device.forget()

    def _drawn(self, world: int) -> tuple[NDArray[np.float64], dict[str, float]]:
        """Return the positions of a world, and how large its boxes are, by name."""
        qpos = to_numpy(self._view["qpos"][check_world(world, self.num_envs)]).astype(np.float64)
        scales = to_numpy(self._scaling.box_scale()[world])
        return qpos, dict(zip((box.name for box in self.config.boxes), scales.tolist(), strict=True))

    def _rest(self, mask: Array, joint_pos: Array | None) -> None:
        """Put worlds of a mask [env] at rest, at joint angles [env, joint] rad or at zero; nothing else is left."""
        view, where, chosen = self._view, self.device.torch.where, mask[:, None]
        start, targets = self._rest_qpos.expand(self.num_envs, -1), self._zeros(self.num_envs, self.model.nu)
        if joint_pos is not None:
            start = start.clone()
            start[:, self._fields["joint_pos"][1]] = targets[:, self._actuators] = joint_pos
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

    def _numbers(self, ids: Array | Sequence[int]) -> NDArray[np.int64]:
        rows = to_numpy(ids)
        if rows.dtype == bool:
            raise BadInputError("World ids must be numbers, got a mask; np.flatnonzero(mask) gives the numbers.")
        rows = rows.astype(np.int64)
        if rows.size and not (rows.min() >= 0 and rows.max() < self.num_envs):
            raise BadInputError(f"World ids must be 0 to {self.num_envs - 1}, got {rows.min()} to {rows.max()}.")
        return rows

    def _field(self, field: str) -> tuple[str, Any]:
        if field not in self._fields:
            raise UnknownNameError("simulation field", field, [*self._fields, "touching", "box_scale"])
        return self._fields[field]

    def _everybody(self) -> Any:
        return self.device.torch.ones(self.num_envs, dtype=self.device.torch.bool, device=self.device.name)

    def _zeros(self, *shape: int) -> Any:
        return self.device.torch.zeros(shape, device=self.device.name)

    def _tensor(self, values: Array) -> Any:
        plain = values if is_torch_array(values) else np.array(values, dtype=np.float32)
        return self.device.torch.as_tensor(plain, dtype=self.device.torch.float32, device=self.device.name)

    def _index(self, values: Any) -> Any:
        if is_torch_array(values):
            return values
        return self.device.torch.as_tensor(np.asarray(values, dtype=np.int64), device=self.device.name)

"""MuJoCo on CPU threads, through `mujoco.batch`."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import mujoco
import numpy as np
from mujoco import batch
from numpy.typing import NDArray

from roarm_lab.core.arrays import Array, Bool, Float32
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.core.provenance import usable_cores
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import BOX_POSE, BOX_SPEED, JOINT_FORCE, Divergence, SimConfig
from roarm_lab.sim.builder import scene_spec, touch_sensor
from roarm_lab.sim.model_scaling import ModelScaling
from roarm_lab.sim.pictures import Pictures, check_world

Columns: TypeAlias = list[int] | NDArray[np.int64] | None
"""Columns of a state array; None for all of them."""
DIVERGED = (
    (mujoco.mjtWarning.mjWARN_BADQPOS.value, "qpos"),
    (mujoco.mjtWarning.mjWARN_BADQVEL.value, "qvel"),
    (mujoco.mjtWarning.mjWARN_BADQACC.value, "qacc"),
    (mujoco.mjtWarning.mjWARN_BADCTRL.value, "ctrl"),
)


def compile_model(robot: Robot, config: SimConfig) -> mujoco.MjModel:
    """Return the model that is simulated: no shapes that are only looked at, which would cost a fifth of the speed."""
    spec = scene_spec(
        robot, visuals=False, dry_friction=config.dry_friction, boxes=config.boxes, contact=config.contact
    )
    spec.option.timestep = config.physics_dt_s
    return spec.compile()


class MujocoCpu:
    """Worlds in `mujoco.batch`: bit-identical for any number of threads.

    MuJoCo resets a world whose numbers blow up without a word, so `divergences` reads its warning counters.
    """

    def __init__(self, robot: Robot, num_envs: int, config: SimConfig) -> None:
        if num_envs < 1:
            raise BadInputError(f"The number of environments must be 1 or more, got {num_envs}.")
        self.robot, self.config = robot, config
        self.model = compile_model(robot, config)
        _silence_warnings()
        self.batch = batch.Batch(self.model, num_envs, config.threads or usable_cores())
        names = robot.joint_names
        self._joint_qpos = [int(self.model.joint(name).qposadr[0]) for name in names]
        self._joint_qvel = [int(self.model.joint(name).dofadr[0]) for name in names]
        self._actuators = [int(self.model.actuator(name).id) for name in names]
        self._qpos, self._qvel, self._ctrl = (self.batch.bind(name) for name in ("qpos", "qvel", "ctrl"))
        self._scaling = ModelScaling(self.model, self.batch, tuple(box.name for box in config.boxes))
        self._fields = self._state_fields()
        self._touch = touch_table(self.model, robot, config)
        self._sensors = self.batch.bind("sensordata") if config.boxes else np.zeros((num_envs, 0))
        self._steps = 0
        self._found: list[Divergence] = []
        self._pictures = Pictures(self.model, robot)

    def _state_fields(self) -> dict[str, tuple[NDArray[np.float64], Columns]]:
        """Return the array and the columns of each field of the state."""
        names = [box.name for box in self.config.boxes]
        first_qpos = [int(self.model.joint(name).qposadr[0]) for name in names]
        first_qvel = [int(self.model.joint(name).dofadr[0]) for name in names]
        return {
            "joint_pos": (self._qpos, self._joint_qpos),
            "joint_vel": (self._qvel, self._joint_qvel),
            "joint_target": (self._ctrl, self._actuators),
            "box_pos_w": (self._qpos, _columns(first_qpos, 0, 3)),
            "box_quat_w": (self._qpos, _columns(first_qpos, 3, 7)),
            "box_vel_w": (self._qvel, _columns(first_qvel, 0, 3)),
            "qpos": (self._qpos, None),
            "qvel": (self._qvel, None),
            **{
                BOX_POSE + name: (self._qpos, _columns([first], 0, 7)[0])
                for name, first in zip(names, first_qpos, strict=True)
            },
            **{
                BOX_SPEED + name: (self._qvel, _columns([first], 0, 6)[0])
                for name, first in zip(names, first_qvel, strict=True)
            },
        }

    @property
    def num_envs(self) -> int:
        """How many worlds there are."""
        return self.batch.nsim

    @property
    def physics_dt_s(self) -> float:
        """Time step of the physics."""
        return self.config.physics_dt_s

    def reset(self, ids: Array | Sequence[int] | None, joint_pos: Array) -> None:
        """Put worlds at rest at joint angles [len(ids), joint] rad, their targets at the same angles."""
        rows = self._rows(ids)
        self._scaling.settle()
        self.batch.reset(np.unique(rows), stage=mujoco.mjtStage.mjSTAGE_NONE.value)
        self._qpos[(rows[:, None], self._joint_qpos)] = joint_pos
        self._ctrl[(rows[:, None], self._actuators)] = joint_pos

    def step(self, joint_target: Array, substeps: int) -> None:
        """Hold joint targets [env, joint] rad, or several after one another, for a number of physics steps."""
        self._scaling.settle()
        targets = joint_target if joint_target.ndim == 3 else joint_target[None]
        done = 0
        for count, target in enumerate(targets, 1):
            until = substeps * count // len(targets)
            self._ctrl[:, self._actuators] = target
            self.batch.step(nstep=until - done)
            done = until
        self._steps += 1

    def get(self, field: str) -> Array:
        """Return a field of all worlds as a new array."""
        if field == "touching":
            # [env, box, jaw, face] sensors; a jaw touches when any of its faces does.
            return np.any(self._sensors[:, self._touch] > 0.0, axis=3)
        if field == "box_scale":
            return self._scaling.box_scale()
        source, columns = self._field(field)
        values = source if columns is None else source[:, columns]
        return np.array(values, dtype=np.float32)

    def set(self, field: str, values: Array, ids: Array | Sequence[int] | None = None) -> None:
        """Write a field of worlds."""
        source, columns = self._field(field)
        if columns is None:
            source[self._rows(ids)] = values
        else:
            rows, index = self._rows(ids), np.asarray(columns)
            source[rows.reshape(-1, *[1] * index.ndim), index] = values

    def model_field(self, field: str, names: tuple[str, ...] = ()) -> Float32:
        """Return a field of the physical model [env, element, ...], as each world has it now."""
        return self._scaling.field(field, names)

    def scale_model(
        self, field: str, factor: Array, ids: Array | Sequence[int] | None = None, names: tuple[str, ...] = ()
    ) -> None:
        """Set a model field of worlds to the nominal value times a factor [len(ids), 1]."""
        self._scaling.scale(field, factor, self._rows(ids), names)

    def diverged(self) -> Bool:
        """Return which worlds [env] diverged since `divergences` was last asked, and put them to rest."""
        self._found += self._blown_up()
        mask = np.zeros(self.num_envs, dtype=bool)
        mask[[item.world for item in self._found]] = True
        return mask

    def divergences(self) -> list[Divergence]:
        """Return the worlds that diverged since this was last asked."""
        found, self._found = self._found + self._blown_up(), []
        return found

    def _blown_up(self) -> list[Divergence]:
        counts = self.batch.warning
        kinds = [kind for kind, _ in DIVERGED]
        if not counts[:, kinds, 1].any():
            return []
        worlds = np.flatnonzero(counts[:, kinds, 1].any(axis=1))
        found: list[Divergence] = []
        for world in worlds:
            kind, field = next(item for item in DIVERGED if counts[world, item[0], 1])
            found.append(Divergence(int(world), self._steps, self._bad_field(field, int(counts[world, kind, 0]))))
        # MuJoCo has reset them in the middle of the step, and not at all for a bad control. This clears the counts too.
        self.batch.reset(worlds, stage=mujoco.mjtStage.mjSTAGE_NONE.value)
        return found

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
        """Free the renderers."""
        self._pictures.close()

    def _drawn(self, world: int) -> tuple[NDArray[np.float64], dict[str, float]]:
        """Return the positions of a world, and how large its boxes are, by name."""
        qpos, scales = self._qpos[check_world(world, self.num_envs)], self._scaling.box_scale()[world]
        return qpos, dict(zip((box.name for box in self.config.boxes), scales.tolist(), strict=True))

    def _rows(self, ids: Array | Sequence[int] | None) -> NDArray[np.int64]:
        rows = np.arange(self.num_envs) if ids is None else np.asarray(ids)
        if rows.dtype == bool:
            raise BadInputError("World ids must be numbers, got a mask; np.flatnonzero(mask) gives the numbers.")
        rows = rows.astype(np.int64)
        if rows.size and not (rows.min() >= 0 and rows.max() < self.num_envs):
            raise BadInputError(f"World ids must be 0 to {self.num_envs - 1}, got {rows.min()} to {rows.max()}.")
        return rows

    def _field(self, field: str) -> tuple[NDArray[np.float64], Columns]:
        if field == JOINT_FORCE and field not in self._fields:
            # Only when somebody wants it: a bound array costs every step about 3 %.
            self._fields[field] = (self.batch.bind("qfrc_applied"), self._joint_qvel)
        if field not in self._fields:
            raise UnknownNameError("simulation field", field, [*self._fields, JOINT_FORCE, "touching", "box_scale"])
        return self._fields[field]

    def _bad_field(self, field: str, index: int) -> str:
        if field == "ctrl":
            return f"ctrl of joint {self.model.actuator(index).name!r}"
        of_joint = self.model.jnt_qposadr if field == "qpos" else self.model.jnt_dofadr
        joint = int(np.searchsorted(of_joint, index, side="right")) - 1
        return f"{field} of joint {self.model.joint(joint).name!r}"


def touch_table(model: mujoco.MjModel, robot: Robot, config: SimConfig) -> NDArray[np.int64]:
    """Return addresses of contact sensors [box, jaw, face]: the gripping faces of one link are one jaw."""
    pads = [shape for shape in robot.collisions if shape.material == "pad"]
    links = list(dict.fromkeys(shape.link for shape in pads))
    table = [
        [[model.sensor(touch_sensor(box.name, pad.name)).adr[0] for pad in pads if pad.link == link] for link in links]
        for box in config.boxes
    ]
    return np.asarray(table, dtype=np.int64)


def _columns(starts: list[int], first: int, last: int) -> NDArray[np.int64]:
    """Return columns [box, number] of a state array in which each box begins at one of `starts`."""
    return np.asarray(starts, dtype=np.int64)[:, None] + np.arange(first, last)


def _silence_warnings() -> None:
    """Keep MuJoCo from printing and from writing MUJOCO_LOG.TXT into the user's folder: we report by name ourselves."""
    if mujoco.get_mju_user_warning() is None:
        mujoco.set_mju_user_warning(lambda text: None)

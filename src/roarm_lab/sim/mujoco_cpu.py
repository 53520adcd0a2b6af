"""MuJoCo on CPU threads, through `mujoco.batch`."""

from collections.abc import Sequence

import mujoco
import numpy as np
from mujoco import batch

from roarm_lab.core.arrays import Array, Bool, Float32, Float64, Int
from roarm_lab.core.provenance import usable_cores
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import Divergence, SimConfig
from roarm_lab.sim.builder import scene_spec
from roarm_lab.sim.model_scaling import ModelScaling
from roarm_lab.sim.mujoco_base import MujocoWorlds
from roarm_lab.sim.state_fields import touch_table

DIVERGED = (
    (mujoco.mjtWarning.mjWARN_BADQPOS.value, "qpos"),
    (mujoco.mjtWarning.mjWARN_BADQVEL.value, "qvel"),
    (mujoco.mjtWarning.mjWARN_BADQACC.value, "qacc"),
    (mujoco.mjtWarning.mjWARN_BADCTRL.value, "ctrl"),
)

OVERFLOWED = {
    "CONTACTFULL": mujoco.mjtWarning.mjWARN_CONTACTFULL.value,
    "CNSTRFULL": mujoco.mjtWarning.mjWARN_CNSTRFULL.value,
}
"""What has no room left for contacts, or for their rows."""


def compile_model(robot: Robot, config: SimConfig) -> mujoco.MjModel:
    """Return the model that is simulated: no shapes that are only looked at, which would cost a fifth of the speed."""
    spec = scene_spec(
        robot, visuals=False, dry_friction=config.dry_friction, boxes=config.boxes, contact=config.contact
    )
    spec.option.timestep = config.physics_dt_s
    return spec.compile()


class MujocoCpu(MujocoWorlds):
    """Worlds in `mujoco.batch`: bit-identical for any number of threads.

    MuJoCo resets a world whose numbers blow up without a word, so `divergences` reads its warning counters.
    """

    def __init__(self, robot: Robot, num_envs: int, config: SimConfig) -> None:
        super().__init__(robot, num_envs, config, compile_model(robot, config))
        _silence_warnings()
        self.batch = batch.Batch(self.model, num_envs, config.threads or usable_cores())
        self._arrays: dict[str, Float64] = {}
        """MuJoCo's arrays [env, column] by name, as far as they are bound."""
        for name in ("qpos", "qvel", "ctrl"):
            self._array(name)
        self._scaling = ModelScaling(self.model, self.batch, self._boxes)
        self._touch = touch_table(self.model, robot, self._boxes)
        self._sensors = self.batch.bind("sensordata") if config.boxes else np.zeros((num_envs, 0))
        self._overflowed = np.zeros((num_envs, len(OVERFLOWED)), dtype=bool)
        """Which worlds [env, kind] ran out of room before their counters were cleared."""
        self._steps = 0
        self._found: list[Divergence] = []

    def reset(self, ids: Array | Sequence[int] | None, joint_pos: Array) -> None:
        """Put worlds at rest at joint angles [len(ids), joint] rad, their targets at the same angles."""
        rows = self._numbers(ids)
        self._scaling.settle()
        self._clear(np.unique(rows))
        self.set("joint_pos", joint_pos, rows)
        self.set("joint_target", joint_pos, rows)

    def step(self, joint_target: Array, substeps: int) -> None:
        """Hold joint targets [env, joint] rad, or several after one another, for a number of physics steps."""
        self._scaling.settle()
        targets = joint_target if joint_target.ndim == 3 else joint_target[None]
        ctrl, actuators = self._array("ctrl"), self._field("joint_target")[1]
        done = 0
        for count, target in enumerate(targets, 1):
            until = substeps * count // len(targets)
            ctrl[:, actuators] = target
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
        return self._array(source)[:, columns].astype(np.float32)

    def set(self, field: str, values: Array, ids: Array | Sequence[int] | None = None) -> None:
        """Write a field of worlds."""
        source, columns = self._field(field)
        self._array(source)[self._numbers(ids).reshape(-1, *[1] * columns.ndim), columns] = values

    def model_field(self, field: str, names: tuple[str, ...] = ()) -> Float32:
        """Return a field of the physical model [env, element, ...], as each world has it now."""
        return self._scaling.field(field, names)

    def scale_model(
        self, field: str, factor: Array, ids: Array | Sequence[int] | None = None, names: tuple[str, ...] = ()
    ) -> None:
        """Set a model field of worlds to the nominal value times a factor [len(ids), 1]."""
        self._scaling.scale(field, factor, self._numbers(ids), names)

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
        self._clear(worlds)
        return found

    def overflows(self) -> dict[str, int]:
        """Return in how many worlds MuJoCo ran out of room so far, by its own names."""
        self._overflowed |= self._full_now()
        counts = self._overflowed.sum(axis=0).tolist()
        return {name: count for name, count in zip(OVERFLOWED, counts, strict=True) if count}

    def _full_now(self) -> Bool:
        return self.batch.warning[:, list(OVERFLOWED.values()), 1] > 0

    def _clear(self, worlds: Int) -> None:
        """Put worlds at rest, which clears their counters."""
        self._overflowed |= self._full_now()
        self.batch.reset(worlds, stage=mujoco.mjtStage.mjSTAGE_NONE.value)

    def _qpos(self, world: int) -> Float64:
        return self._array("qpos")[world]

    def _array(self, name: str) -> Float64:
        """Return an array of MuJoCo's. It is bound when somebody wants it: each costs every step about 3 %."""
        if name not in self._arrays:
            self._arrays[name] = self.batch.bind(name)
        return self._arrays[name]

    def _bad_field(self, field: str, index: int) -> str:
        if field == "ctrl":
            return f"ctrl of joint {self.model.actuator(index).name!r}"
        of_joint = self.model.jnt_qposadr if field == "qpos" else self.model.jnt_dofadr
        joint = int(np.searchsorted(of_joint, index, side="right")) - 1
        return f"{field} of joint {self.model.joint(joint).name!r}"


def _silence_warnings() -> None:
    """Keep MuJoCo from printing and from writing MUJOCO_LOG.TXT into the user's folder: we report by name ourselves."""
    if mujoco.get_mju_user_warning() is None:
        mujoco.set_mju_user_warning(lambda text: None)

"""What a simulated world looks like: shapes on bodies, and where the bodies are at given joint positions.

Everything is taken from the compiled model, whatever is in it: a loose object is a body like any other. Only the
robot's outer shape is added, because the model that is simulated does without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import mujoco
import numpy as np
from numpy.typing import ArrayLike

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.robot import Robot, Vec3
from roarm_lab.sim.backend import Backend, SimConfig
from roarm_lab.sim.builder import COLLISION_GROUP, VISUAL_GROUP, Rgba, robot_spec
from roarm_lab.sim.mujoco_cpu import MujocoCpu, compile_model

Kind = Literal["plane", "sphere", "ellipsoid", "capsule", "cylinder", "box"]
Quat = tuple[float, float, float, float]

KINDS: dict[int, Kind] = {
    mujoco.mjtGeom.mjGEOM_PLANE.value: "plane",
    mujoco.mjtGeom.mjGEOM_SPHERE.value: "sphere",
    mujoco.mjtGeom.mjGEOM_ELLIPSOID.value: "ellipsoid",
    mujoco.mjtGeom.mjGEOM_CAPSULE.value: "capsule",
    mujoco.mjtGeom.mjGEOM_CYLINDER.value: "cylinder",
    mujoco.mjtGeom.mjGEOM_BOX.value: "box",
}
"""MuJoCo's shapes that are drawn as they are; any other (a mesh) is drawn as its bounding box."""


@dataclass(frozen=True, kw_only=True)
class DrawnShape:
    """A primitive on a body."""

    name: str
    body: int
    """Index of its body in `Geometry.body_names`."""
    kind: Kind
    size_m: Vec3
    """As in MuJoCo: half sizes of a box or plane; radius and half length, or radii."""
    pos_m: Vec3
    """In the frame of the body."""
    quat: Quat
    rgba: Rgba
    collision: bool = False
    """It is only there to touch things; something else on the body is there to be looked at."""


@dataclass(frozen=True, kw_only=True)
class DrawnSite:
    """A frame on a body."""

    name: str
    body: int
    pos_m: Vec3
    quat: Quat


class Geometry:
    """The shapes of a world, and its bodies at given positions. Not for several threads at once."""

    def __init__(self, model: mujoco.MjModel, robot: Robot) -> None:
        """Read a compiled model; see `of_robot` and `of_backend`."""
        self.model, self.robot = model, robot
        self._data = mujoco.MjData(model)
        self.body_names = tuple(model.body(index).name for index in range(model.nbody))
        self.moving = tuple(index for index in range(model.nbody) if model.body_weldid[index] != 0)
        """Bodies that joints can move; the others stay where they are."""
        self.shapes = tuple(_shapes(model, robot))
        self.sites = tuple(
            DrawnSite(
                name=model.site(index).name,
                body=int(model.site_bodyid[index]),
                pos_m=_vec3(model.site_pos[index]),
                quat=_quat(model.site_quat[index]),
            )
            for index in range(model.nsite)
        )
        self._joint_qpos = [int(model.joint(name).qposadr[0]) for name in robot.joint_names]

    @classmethod
    def of_robot(cls, robot: Robot) -> "Geometry":
        """Return a robot on its table."""
        return cls(compile_model(robot, SimConfig()), robot)

    @classmethod
    def of_backend(cls, backend: Backend) -> "Geometry":
        """Return what a backend simulates.

        Raises:
            BadInputError: It is not the MuJoCo CPU backend.
        """
        if not isinstance(backend, MujocoCpu):
            raise BadInputError(f"Only worlds of the backend mujoco_cpu can be shown, got {type(backend).__name__}.")
        return cls(backend.model, backend.robot)

    @property
    def rest(self) -> Float64:
        """Positions [qpos] where the model puts everything."""
        return self.model.qpos0.copy()

    def qpos(self, joint_pos: ArrayLike, rest: ArrayLike | None = None) -> Float64:
        """Return positions [qpos] with the robot at joint angles [joint] rad, everything else as in `rest`.

        Args:
            joint_pos: In the order of `robot.joint_names`.
            rest: Positions [qpos]; by default everything is where the model puts it.
        """
        qpos = np.array(self.rest if rest is None else rest, dtype=np.float64)
        qpos[self._joint_qpos] = joint_pos
        return qpos

    def joint_pos(self, qpos: ArrayLike) -> Float64:
        """Return the robot's joint angles [joint] rad, in the order of `robot.joint_names`, at positions [qpos]."""
        return self._checked(qpos)[self._joint_qpos]

    def poses(self, qpos: ArrayLike) -> tuple[Float64, Float64]:
        """Return the positions [body, 3] m and orientations [body, 4] of all bodies in the world at `qpos`.

        Raises:
            BadInputError: `qpos` has the wrong size or a number in it is not finite.
        """
        self._data.qpos[:] = self._checked(qpos)
        mujoco.mj_kinematics(self.model, self._data)
        return self._data.xpos.copy(), self._data.xquat.copy()

    def placed(self, shape: DrawnShape) -> tuple[Float64, Float64]:
        """Return position [3] m and orientation [4] in the world of a shape, as the model puts its body."""
        pos_w, quat_w = (values[shape.body] for values in self.poses(self.rest))
        pos, quat = np.empty(3), np.empty(4)
        mujoco.mju_rotVecQuat(pos, shape.pos_m, quat_w)
        mujoco.mju_mulQuat(quat, quat_w, shape.quat)
        return pos + pos_w, quat

    def between(self, first: ArrayLike, second: ArrayLike, share: float) -> Float64:
        """Return the positions [qpos] on the way from one moment to another; share 0 is the first, 1 the second."""
        start, change = self._checked(first).copy(), np.empty(self.model.nv)
        mujoco.mj_differentiatePos(self.model, change, 1.0, start, self._checked(second))
        mujoco.mj_integratePos(self.model, start, change, share)
        return start

    def _checked(self, qpos: ArrayLike) -> Float64:
        values = np.asarray(qpos, dtype=np.float64)
        if values.shape != (self.model.nq,) or not np.isfinite(values).all():
            raise BadInputError(f"qpos must be {self.model.nq} finite numbers, got {values.tolist()}.")
        return values


def _shapes(model: mujoco.MjModel, robot: Robot) -> list[DrawnShape]:
    """Return the model's shapes, then what the robot looks like where the model does not have it already."""
    dressed = robot_spec(robot).compile()
    present = {model.geom(index).name for index in range(model.ngeom)}
    outer = [
        _shape(dressed, index, body=int(model.body(dressed.body(int(dressed.geom_bodyid[index])).name).id))
        for index in _visible(dressed)
        if dressed.geom_group[index] == VISUAL_GROUP and dressed.geom(index).name not in present
    ]
    hidden = model.geom_group == COLLISION_GROUP
    own = {index: _shape(model, index, body=int(model.geom_bodyid[index])) for index in _visible(model)}
    looks = {shape.body for shape in outer} | {shape.body for index, shape in own.items() if not hidden[index]}
    return [
        replace(shape, collision=bool(hidden[index]) and shape.body in looks) for index, shape in own.items()
    ] + outer


def _visible(model: mujoco.MjModel) -> list[int]:
    return [index for index in range(model.ngeom) if _rgba(model, index)[3] > 0.0]


def _shape(model: mujoco.MjModel, index: int, *, body: int) -> DrawnShape:
    kind = KINDS.get(int(model.geom_type[index]))
    pos_m, size_m = model.geom_pos[index].copy(), model.geom_size[index]
    if kind is None:
        turned, (middle, size_m) = np.empty(3), np.split(model.geom_aabb[index], 2)
        mujoco.mju_rotVecQuat(turned, middle, model.geom_quat[index])
        pos_m += turned
    return DrawnShape(
        name=model.geom(index).name,
        body=body,
        kind=kind or "box",
        size_m=_vec3(size_m),
        pos_m=_vec3(pos_m),
        quat=_quat(model.geom_quat[index]),
        rgba=_rgba(model, index),
    )


def _rgba(model: mujoco.MjModel, index: int) -> Rgba:
    material = int(model.geom_matid[index])
    values = model.geom_rgba[index] if material < 0 else model.mat_rgba[material]
    return cast("Rgba", tuple(round(float(value), 4) for value in values))


def _vec3(values: Sequence[float] | Float64) -> Vec3:
    return cast("Vec3", tuple(float(value) for value in values))


def _quat(values: Sequence[float] | Float64) -> Quat:
    return cast("Quat", tuple(float(value) for value in values))

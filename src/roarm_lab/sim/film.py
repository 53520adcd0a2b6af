"""Pictures of a simulated world, drawn without a screen, one after another: the robot in full, objects, markers."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import MissingError
from roarm_lab.robots.robot import Vec3
from roarm_lab.sim.builder import COLLISION_GROUP, Rgba, scene_spec
from roarm_lab.sim.geometry import KINDS, DrawnShape, Geometry

SHADOW_PX = 2048
"""Side of the shadow map. MuJoCo's own 8192 takes Mesa, which draws in software, three times as long."""
SAMPLES = 4
"""Multisampling against jagged edges."""
GEOM_OF = {kind: mujoco.mjtGeom(value) for value, kind in KINDS.items()}


@dataclass(frozen=True)
class Ball:
    """A marker that touches nothing."""

    pos_w: Vec3
    radius_m: float
    rgba: Rgba


class Film:
    """Draws a world's moments with light, shadow, table and sky; use it as a context."""

    def __init__(self, geometry: Geometry, size: tuple[int, int], camera: str = "front") -> None:
        """Make a renderer.

        Args:
            geometry: The world.
            size: Width and height [pixel].
            camera: One of the scene's cameras.

        Raises:
            MissingError: There is no way to draw here.
        """
        self._geometry, self._camera = geometry, camera
        spec = scene_spec(geometry.robot)
        spec.visual.global_.offwidth, spec.visual.global_.offheight = size
        spec.visual.quality.shadowsize, spec.visual.quality.offsamples = SHADOW_PX, SAMPLES
        self._model: mujoco.MjModel = spec.compile()
        self._data = mujoco.MjData(self._model)
        present = {self._model.geom(index).name for index in range(self._model.ngeom)} - {""}
        self._objects = [shape for shape in geometry.shapes if not shape.collision and shape.name not in present]
        self._option = mujoco.MjvOption()
        self._option.geomgroup[COLLISION_GROUP] = 0
        self._joints = _shared_joints(geometry.model, self._model)
        try:
            self._renderer = mujoco.Renderer(self._model, height=size[1], width=size[0])
        except Exception as error:
            raise MissingError(
                f"Pictures can not be drawn here ({error}). On Linux without a screen: "
                "`apt-get install libegl1 libopengl0 libgl1-mesa-dri`, then set MUJOCO_GL=egl."
            ) from error

    def __enter__(self) -> "Film":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def draw(self, qpos: ArrayLike, balls: Sequence[Ball] = ()) -> NDArray[np.uint8]:
        """Return a picture [height, width, 3] of the world at positions `qpos`."""
        values, (pos_w, quat_w) = np.asarray(qpos), self._geometry.poses(qpos)
        for here, there in self._joints:
            self._data.qpos[there] = values[here]
        mujoco.mj_forward(self._model, self._data)
        self._renderer.update_scene(self._data, camera=self._camera, scene_option=self._option)
        for shape in self._objects:
            self._add(shape, pos_w[shape.body], quat_w[shape.body])
        for ball in balls:
            self._put(
                mujoco.mjtGeom.mjGEOM_SPHERE, (ball.radius_m, 0.0, 0.0), np.array(ball.pos_w), np.eye(3), ball.rgba
            )
        return self._renderer.render().copy()

    def close(self) -> None:
        """Free the renderer (MuJoCo 3.17 complains at exit otherwise)."""
        self._renderer.close()

    def _add(self, shape: DrawnShape, pos_w: Float64, quat_w: Float64) -> None:
        offset, quat, turn = np.empty(3), np.empty(4), np.empty(9)
        mujoco.mju_rotVecQuat(offset, shape.pos_m, quat_w)
        mujoco.mju_mulQuat(quat, quat_w, shape.quat)
        mujoco.mju_quat2Mat(turn, quat)
        self._put(GEOM_OF[shape.kind], shape.size_m, pos_w + offset, turn, shape.rgba)

    def _put(self, kind: mujoco.mjtGeom, size_m: Vec3, pos_w: Float64, turn: Float64, rgba: Rgba) -> None:
        """Add a shape to the picture that is about to be drawn."""
        scene = self._renderer.scene
        if kind in (mujoco.mjtGeom.mjGEOM_CAPSULE, mujoco.mjtGeom.mjGEOM_CYLINDER):
            size_m = (size_m[0], size_m[0], size_m[1])  # a drawn shape has a size along each of its axes
        elif kind == mujoco.mjtGeom.mjGEOM_SPHERE:
            size_m = (size_m[0], size_m[0], size_m[0])
        mujoco.mjv_initGeom(
            scene.geoms[scene.ngeom], kind, np.array(size_m), pos_w, turn.ravel(), np.array(rgba, dtype=np.float32)
        )
        scene.geoms[scene.ngeom].transparent = rgba[3] < 1.0
        scene.ngeom += 1


def _shared_joints(here: mujoco.MjModel, there: mujoco.MjModel) -> list[tuple[int, int]]:
    """Return where the positions of the joints of the same name stand in two models."""
    known = {there.joint(index).name: int(there.jnt_qposadr[index]) for index in range(there.njnt)}
    named = ((here.joint(index).name, int(here.jnt_qposadr[index])) for index in range(here.njnt))
    return [(address, known[name]) for name, address in named if name in known]

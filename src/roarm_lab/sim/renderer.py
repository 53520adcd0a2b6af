"""Pictures of a simulated world, drawn without a screen, one after another: the robot in full, objects, markers."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from roarm_lab.core.arrays import Float32, Float64
from roarm_lab.core.errors import MissingError, UnknownNameError
from roarm_lab.robots.robot import Robot, Vec3
from roarm_lab.sim.builder import COLLISION_GROUP, Rgba, scene_spec

SHADOW_PX = 2048
"""Side of the shadow map. MuJoCo's own 8192 takes Mesa, which draws in software, three times as long."""
SKY = 0.999
"""What is farther than this share of the farthest that is drawn is nothing at all."""
SPHERE = mujoco.mjtGeom.mjGEOM_SPHERE.value
ROUND = (mujoco.mjtGeom.mjGEOM_CAPSULE.value, mujoco.mjtGeom.mjGEOM_CYLINDER.value)
MARKER_RADIUS_M = 0.02
"""Of a marker for which nobody says how near counts."""


@dataclass(frozen=True)
class Ball:
    """A marker that touches nothing."""

    pos_w: Vec3
    radius_m: float
    rgba: Rgba


class Film:
    """Draws a world's moments with light, shadow, table and sky; use it as a context. Not for several threads."""

    def __init__(self, model: mujoco.MjModel, robot: Robot, size: tuple[int, int]) -> None:
        """Make a renderer.

        Args:
            model: The world that is simulated. It does without the robot's outer shape, which is added here.
            robot: The robot in it.
            size: Width and height [pixel].

        Raises:
            MissingError: There is no way to draw here.
        """
        self._world, self._moved = model, mujoco.MjData(model)
        spec = scene_spec(robot)
        spec.visual.global_.offwidth, spec.visual.global_.offheight = size
        spec.visual.quality.shadowsize = SHADOW_PX
        self._drawn: mujoco.MjModel = spec.compile()
        self._data = mujoco.MjData(self._drawn)
        self._cameras = [self._drawn.camera(index).name for index in range(self._drawn.ncam)]
        joints = [(model.joint(name), self._drawn.joint(name)) for name in robot.joint_names]
        self._from, self._to = ([int(joint.qposadr[0]) for joint in column] for column in zip(*joints, strict=True))
        present = {self._drawn.geom(index).name for index in range(self._drawn.ngeom)} - {""}
        self._objects = [
            index
            for index in range(model.ngeom)
            if model.geom(index).name not in present and model.geom_group[index] != COLLISION_GROUP
        ]
        self._renderer = _renderer(self._drawn, size)

    def __enter__(self) -> "Film":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def draw(
        self,
        qpos: ArrayLike,
        balls: Sequence[Ball] = (),
        *,
        camera: str = "front",
        box_scale: Mapping[str, float] | None = None,
    ) -> NDArray[np.uint8]:
        """Return a picture [height, width, 3] of the world.

        Args:
            qpos: Positions of everything [qpos].
            balls: Markers, for this picture alone.
            camera: One of the scene's cameras.
            box_scale: How large boxes are against their size in the model, by name; 1 where nothing is said.

        Raises:
            UnknownNameError: There is no such camera.
        """
        self._pose(qpos, camera, box_scale or {})
        for ball in balls:
            self._put(SPHERE, np.array((ball.radius_m, 0.0, 0.0)), np.array(ball.pos_w), np.eye(3).ravel(), ball.rgba)
        return self._renderer.render().copy()

    def depth_m(
        self, qpos: ArrayLike, *, camera: str = "front", box_scale: Mapping[str, float] | None = None
    ) -> Float32:
        """Return how far in front of the camera everything is [height, width] m, along the direction it looks.

        Where there is nothing it is 0. Arguments and errors are those of `draw`; markers are light, not things.
        """
        self._pose(qpos, camera, box_scale or {})
        self._renderer.enable_depth_rendering()
        try:
            depth_m = self._renderer.render()
        finally:
            self._renderer.disable_depth_rendering()
        return np.where(depth_m < SKY * self._drawn.vis.map.zfar * self._drawn.stat.extent, depth_m, np.float32(0.0))

    def close(self) -> None:
        """Free the renderer (MuJoCo 3.17 complains at exit otherwise)."""
        self._renderer.close()

    def _pose(self, qpos: ArrayLike, camera: str, box_scale: Mapping[str, float]) -> None:
        """Put everything where it is into the picture that is about to be drawn.

        Raises:
            UnknownNameError: There is no such camera.
        """
        if camera not in self._cameras:
            raise UnknownNameError("camera", camera, self._cameras)
        self._moved.qpos[:] = qpos
        mujoco.mj_kinematics(self._world, self._moved)
        self._data.qpos[self._to] = self._moved.qpos[self._from]
        mujoco.mj_forward(self._drawn, self._data)
        self._renderer.update_scene(self._data, camera=camera)
        for index in self._objects:
            self._add(index, box_scale.get(self._world.geom(index).name, 1.0))

    def _add(self, index: int, scale: float) -> None:
        """Add an object of the simulated world to the picture."""
        world, moved = self._world, self._moved
        material = int(world.geom_matid[index])
        rgba = world.geom_rgba[index] if material < 0 else world.mat_rgba[material]
        kind, size_m = int(world.geom_type[index]), world.geom_size[index] * scale
        self._put(kind, size_m, moved.geom_xpos[index], moved.geom_xmat[index], tuple(rgba))

    def _put(self, kind: int, size_m: Float64, pos_w: Float64, turn: Float64, rgba: Rgba) -> None:
        """Add a shape to the picture that is about to be drawn."""
        scene = self._renderer.scene
        if kind in ROUND:
            size_m = size_m[[0, 0, 1]]  # a drawn shape has a size along each of its axes
        elif kind == SPHERE:
            size_m = size_m[[0, 0, 0]]
        shape = scene.geoms[scene.ngeom]
        mujoco.mjv_initGeom(shape, kind, size_m, pos_w, turn, np.array(rgba, dtype=np.float32))
        shape.transparent = rgba[3] < 1.0
        scene.ngeom += 1


_made = False
"""Whether a renderer was ever made in this process."""
_refused = ""
"""Why the first one could not be made. Asking again would end the process, so nobody asks."""


def _renderer(model: mujoco.MjModel, size: tuple[int, int]) -> mujoco.Renderer:
    """Return a renderer for pictures of a size [pixel].

    Raises:
        MissingError: There is no way to draw here.
    """
    global _made, _refused  # noqa: PLW0603 (as OpenGL's state is the process's)
    if _refused:
        raise MissingError(_refused)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GLFW's, which say in other words what is said here
            renderer = mujoco.Renderer(model, height=size[1], width=size[0])
    except Exception as error:  # each way to draw fails with errors of its own
        text = (
            f"Pictures can not be drawn here ({error}). On Linux without a screen: "
            "`apt-get install libegl1 libopengl0 libgl1-mesa-dri`, then set MUJOCO_GL=egl."
        )
        _refused = "" if _made else text  # who could draw before lacks something else, memory for instance
        raise MissingError(text) from error
    _made = True
    return renderer

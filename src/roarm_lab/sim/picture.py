"""Pictures of one arm, drawn without a screen."""

from collections.abc import Mapping

import mujoco
import numpy as np
from numpy.typing import NDArray

from roarm_lab.core.arrays import Array
from roarm_lab.core.errors import MissingError, UnknownNameError
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import Box
from roarm_lab.sim.builder import scene_spec

SHADOW_PX = 2048
"""Side of the shadow map. MuJoCo's own 8192 takes Mesa, which draws in software, three times as long."""
MARKER_RADIUS_M = 0.02
MARKER_RGBA = (0.95, 0.35, 0.1, 0.6)


class Picture:
    """Draws a robot with its full shape on the table, boxes, and round markers."""

    def __init__(self, robot: Robot, *, size: tuple[int, int], boxes: tuple[Box, ...] = ()) -> None:
        """Make a renderer.

        Raises:
            MissingError: There is no way to render here.
        """
        self.size = size
        spec = scene_spec(robot, visuals=True, boxes=boxes)
        spec.visual.global_.offwidth, spec.visual.global_.offheight = size
        spec.visual.quality.shadowsize = SHADOW_PX
        self.model: mujoco.MjModel = spec.compile()
        self.data = mujoco.MjData(self.model)
        try:
            self._renderer = mujoco.Renderer(self.model, height=size[1], width=size[0])
        except Exception as error:  # each way to draw fails with errors of its own
            raise MissingError(
                f"Pictures can not be drawn here ({error}). On Linux without a screen: "
                "`apt-get install libegl1 libopengl0 libgl1-mesa-dri`, then set MUJOCO_GL=egl."
            ) from error

    def draw(
        self, qpos: Array, *, camera: str = "front", markers: Mapping[str, Array] | None = None
    ) -> NDArray[np.uint8]:
        """Return a picture [height, width, 3] of `qpos` [joint, then 7 per box], markers at [3] m in the world frame.

        Raises:
            UnknownNameError: There is no such camera.
        """
        cameras = [self.model.camera(index).name for index in range(self.model.ncam)]
        if camera not in cameras:
            raise UnknownNameError("camera", camera, cameras)
        self.data.qpos[: len(qpos)] = qpos
        mujoco.mj_forward(self.model, self.data)
        self._renderer.update_scene(self.data, camera=camera)
        for pos_w in (markers or {}).values():
            self._add_ball(np.asarray(pos_w, dtype=np.float64))
        return self._renderer.render().copy()

    def close(self) -> None:
        """Free the renderer (MuJoCo 3.17 complains at exit otherwise)."""
        self._renderer.close()

    def _add_ball(self, pos_w: NDArray[np.float64]) -> None:
        """Add a ball to this picture alone: it is not in the model, so any marker can come and go."""
        scene = self._renderer.scene
        mujoco.mjv_initGeom(
            scene.geoms[scene.ngeom],
            mujoco.mjtGeom.mjGEOM_SPHERE.value,
            np.full(3, MARKER_RADIUS_M),
            pos_w,
            np.eye(3).ravel(),
            np.asarray(MARKER_RGBA, dtype=np.float32),
        )
        scene.geoms[scene.ngeom].transparent = 1
        scene.ngeom += 1

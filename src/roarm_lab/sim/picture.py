"""Pictures of one arm, drawn without a screen."""

from collections.abc import Mapping

import mujoco
import numpy as np
from numpy.typing import NDArray

from roarm_lab.core.arrays import Array
from roarm_lab.core.errors import MissingError
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.builder import add_marker, scene_spec

MARKER_RADIUS_M = 0.02
MARKER_RGBA = (0.95, 0.35, 0.1, 0.6)


class Picture:
    """Draws a robot with its full shape on the table, and round markers."""

    def __init__(self, robot: Robot, *, size: tuple[int, int], markers: tuple[str, ...] = ()) -> None:
        """Make a renderer.

        Raises:
            MissingError: There is no way to render here.
        """
        self.size = size
        spec = scene_spec(robot, visuals=True)
        for name in markers:
            add_marker(spec, name, radius_m=MARKER_RADIUS_M, rgba=MARKER_RGBA)
        spec.visual.global_.offwidth, spec.visual.global_.offheight = size
        self.model: mujoco.MjModel = spec.compile()
        self.data = mujoco.MjData(self.model)
        try:
            self._renderer = mujoco.Renderer(self.model, height=size[1], width=size[0])
        except Exception as error:
            raise MissingError(
                f"Pictures can not be drawn here ({error}). On Linux without a screen: "
                "`apt-get install libegl1 libopengl0 libgl1-mesa-dri`, then set MUJOCO_GL=egl."
            ) from error

    def draw(
        self, qpos: Array, *, camera: str = "front", markers: Mapping[str, Array] | None = None
    ) -> NDArray[np.uint8]:
        """Return a picture [height, width, 3] of the joint positions `qpos` [joint], markers at [3] m in the world."""
        self.data.qpos[: len(qpos)] = qpos
        for name, pos_w in (markers or {}).items():
            self.data.mocap_pos[self.model.body(name).mocapid[0]] = pos_w
        mujoco.mj_forward(self.model, self.data)
        self._renderer.update_scene(self.data, camera=camera)
        return self._renderer.render().copy()

    def close(self) -> None:
        """Free the renderer (MuJoCo 3.17 complains at exit otherwise)."""
        self._renderer.close()

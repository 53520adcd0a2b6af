"""Pictures of one world among many: a renderer for each size, kept because making one takes longer than drawing."""

from collections.abc import Mapping

import mujoco
import numpy as np
from numpy.typing import NDArray

from roarm_lab.core.arrays import Array, Float32, Float64, to_numpy
from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.builder import Rgba
from roarm_lab.sim.film import Ball, Film

MARKER_RADIUS_M = 0.02
MARKER_RGBA: Rgba = (0.95, 0.35, 0.1, 0.6)


class Pictures:
    """What draws worlds of a model, whatever simulates them."""

    def __init__(self, model: mujoco.MjModel, robot: Robot) -> None:
        self._model, self._robot = model, robot
        self._films: dict[tuple[int, int], Film] = {}

    def draw(
        self,
        qpos: Float64,
        box_scale: Mapping[str, float],
        *,
        camera: str,
        size: tuple[int, int],
        markers: Mapping[str, Array],
    ) -> NDArray[np.uint8]:
        """Return a picture [height, width, 3] uint8 with markers at positions [3] m in the world frame."""
        balls = [Ball(tuple(to_numpy(pos_w)), MARKER_RADIUS_M, MARKER_RGBA) for pos_w in markers.values()]
        return self._film(size).draw(qpos, balls, camera=camera, box_scale=box_scale)

    def depth_m(self, qpos: Float64, box_scale: Mapping[str, float], *, camera: str, size: tuple[int, int]) -> Float32:
        """Return how far in front of the camera things are [height, width] m; 0 where there is nothing."""
        return self._film(size).depth_m(qpos, camera=camera, box_scale=box_scale)

    def close(self) -> None:
        """Free the renderers."""
        while self._films:
            self._films.popitem()[1].close()

    def _film(self, size: tuple[int, int]) -> Film:
        if size not in self._films:
            self._films[size] = Film(self._model, self._robot, size)
        return self._films[size]


def check_world(world: int, num_envs: int) -> int:
    """Return the number of a world.

    Raises:
        BadInputError: There is no such world.
    """
    if not 0 <= world < num_envs:
        raise BadInputError(f"There is no world {world}; there are {num_envs}, counted from 0.")
    return world

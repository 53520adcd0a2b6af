"""What MuJoCo's worlds have in common, on a CPU or on a GPU: where things are in its arrays, which world, pictures."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from roarm_lab.core.arrays import Array, Float32, Float64, Int, to_numpy
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import SimConfig, world_count
from roarm_lab.sim.builder import Rgba
from roarm_lab.sim.renderer import MARKER_RADIUS_M, Ball, Film
from roarm_lab.sim.state_fields import state_fields

MARKER_RGBA: Rgba = (0.95, 0.35, 0.1, 0.6)
NO_COLUMNS = ("touching", "box_scale")
"""Fields that are computed, and can not be written."""


class MujocoWorlds(ABC):
    """Worlds of one compiled model. Who inherits keeps their arrays and lets them move."""

    def __init__(self, robot: Robot, num_envs: int, config: SimConfig, model: mujoco.MjModel) -> None:
        self.robot, self.num_envs, self.config, self.model = robot, world_count(num_envs), config, model
        self._boxes = tuple(box.name for box in config.boxes)
        self._fields: dict[str, tuple[str, Any]] = {**state_fields(model, robot, self._boxes)}
        """Field to the name of MuJoCo's array and the columns in it."""
        self._films: dict[tuple[int, int], Film] = {}
        """A renderer for each size, kept because making one takes longer than drawing."""

    @property
    def physics_dt_s(self) -> float:
        """Time step of the physics."""
        return self.config.physics_dt_s

    @abstractmethod
    def get(self, field: str) -> Array:
        """Return a field of all worlds as a new array."""

    @abstractmethod
    def _qpos(self, world: int) -> Float64:
        """Return MuJoCo's positions [qpos] of a world."""

    def render(
        self, world: int, *, camera: str = "front", size: tuple[int, int] = (640, 480), markers: Mapping[str, Array]
    ) -> NDArray[np.uint8]:
        """Return a picture [height, width, 3] uint8 of one world, with markers at positions [3] m in the world."""
        qpos, box_scale = self._drawn(world)
        balls = [Ball(tuple(to_numpy(pos_w)), MARKER_RADIUS_M, MARKER_RGBA) for pos_w in markers.values()]
        return self._film(size).draw(qpos, balls, camera=camera, box_scale=box_scale)

    def render_depth(self, world: int, *, camera: str = "front", size: tuple[int, int] = (640, 480)) -> Float32:
        """Return how far in front of the camera things are [height, width] m in one world; 0 where there is nothing."""
        qpos, box_scale = self._drawn(world)
        return self._film(size).depth_m(qpos, camera=camera, box_scale=box_scale)

    def close(self) -> None:
        """Free the renderers."""
        while self._films:
            self._films.popitem()[1].close()

    def _film(self, size: tuple[int, int]) -> Film:
        if size not in self._films:
            self._films[size] = Film(self.model, self.robot, size)
        return self._films[size]

    def _drawn(self, world: int) -> tuple[Float64, dict[str, float]]:
        """Return the positions [qpos] of a world, and how large its boxes are, by name."""
        if not 0 <= world < self.num_envs:
            raise BadInputError(f"There is no world {world}; there are {self.num_envs}, counted from 0.")
        scales = to_numpy(self.get("box_scale")[world])
        return self._qpos(world), dict(zip(self._boxes, scales.tolist(), strict=True))

    def _numbers(self, ids: Array | Sequence[int] | None) -> Int:
        """Return worlds by their numbers, None meaning all; a mask or a number that no world has is refused."""
        rows = np.arange(self.num_envs) if ids is None else to_numpy(ids)
        if rows.dtype == bool:
            raise BadInputError("World ids must be numbers, got a mask; np.flatnonzero(mask) gives the numbers.")
        rows = rows.astype(np.int64)
        if rows.size and not (rows.min() >= 0 and rows.max() < self.num_envs):
            raise BadInputError(f"World ids must be 0 to {self.num_envs - 1}, got {rows.min()} to {rows.max()}.")
        return rows

    def _field(self, field: str) -> tuple[str, Any]:
        """Return the name of MuJoCo's array and the columns of a field."""
        if field not in self._fields:
            raise UnknownNameError("simulation field", field, [*self._fields, *NO_COLUMNS])
        return self._fields[field]

"""A simulated world in a live page: shapes on bodies that are moved, markers, and what can be switched on."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from viser import BoxHandle, CylinderHandle, FrameHandle, GridHandle, IcosphereHandle, MeshHandle, ViserServer

from roarm_lab.core.arrays import Float64, Int
from roarm_lab.sim.geometry import DrawnShape, Geometry
from roarm_lab.view.show import Marker

Rgb = tuple[int, int, int]
ShapeHandle = BoxHandle | GridHandle | CylinderHandle | IcosphereHandle | MeshHandle

ORANGE: Rgb = (242, 99, 31)
GREEN: Rgb = (31, 161, 79)
"""Those of `markers`, in whole numbers."""
TOUCHING: Rgb = (230, 60, 160)
"""Colour of collision shapes; no part of the arm has it."""
MARKER_OPACITY = 0.55
CAMERA_POS_W, CAMERA_TARGET_W, FOV_RAD = (0.95, -0.75, 0.6), (0.05, 0.0, 0.22), 0.75
ENDLESS_M = 2.0
"""Half size at which an endless plane is drawn."""


class Scene3d:
    """Draws a world into a live page."""

    def __init__(self, server: ViserServer, geometry: Geometry, markers: Sequence[Marker] = ()) -> None:
        """Add all bodies where the model puts them."""
        self._server, self._geometry = server, geometry
        server.initial_camera.position, server.initial_camera.look_at = CAMERA_POS_W, CAMERA_TARGET_W
        server.initial_camera.fov = FOV_RAD
        self._bodies = [
            server.scene.add_frame(f"/bodies/{index}", show_axes=False) for index in range(len(geometry.body_names))
        ]
        self._touching = [self._group(index, "touching", visible=False) for index in range(len(self._bodies))]
        self._axes = [self._axis(f"/bodies/{index}/axes", 0.06) for index in geometry.moving]
        self._sites = [self._site(index) for index in range(len(geometry.sites))]
        self._shapes: list[tuple[str, ShapeHandle]] = []
        for index, shape in enumerate(geometry.shapes):
            group = "touching" if shape.collision else "look"
            self._shapes.append((shape.name, add_shape(server, f"/bodies/{shape.body}/{group}/{index}", shape)))
        self._stalks = {marker.name: self._stalk(f"/stalks/{marker.name}") for marker in markers}
        self._markers: dict[str, IcosphereHandle] = {
            marker.name: server.scene.add_icosphere(
                f"/markers/{marker.name}", radius=marker.radius_m, color=ORANGE, opacity=MARKER_OPACITY
            )
            for marker in markers
        }
        for body, pos_w, quat_w in zip(self._bodies, *geometry.poses(geometry.rest), strict=True):
            _move(body, pos_w, quat_w)

    def show(self, qpos: ArrayLike) -> None:
        """Move everything to positions [qpos]."""
        pos_w, quat_w = self._geometry.poses(qpos)
        with self._server.atomic():
            for index in self._geometry.moving:
                _move(self._bodies[index], pos_w[index], quat_w[index])

    def resize(self, box_scale: Mapping[str, float]) -> None:
        """Show boxes larger or smaller than the model has them, by name."""
        for name, node in self._shapes:
            if name in box_scale:
                node.scale = box_scale[name]

    def mark(self, name: str, pos_w: ArrayLike, color: Rgb) -> None:
        """Put a marker somewhere and colour it; its stalk shows above which place it floats."""
        x, y, z = (float(value) for value in np.asarray(pos_w))
        marker, stalk = self._markers[name], self._stalks[name]
        marker.position, stalk.position, stalk.scale = (x, y, z), (x, y, z / 2), (1.0, 1.0, abs(z))
        if tuple(marker.color) != color:
            marker.color = stalk.color = color

    def show_collision(self, visible: bool) -> None:
        """Show the shapes that touch things, or hide them."""
        for group in self._touching:
            group.visible = visible

    def show_axes(self, visible: bool) -> None:
        """Show the frames of the bodies, or hide them."""
        for axes in self._axes:
            axes.visible = visible

    def show_sites(self, visible: bool) -> None:
        """Show the sites, or hide them."""
        for axes in self._sites:
            axes.visible = visible

    def _stalk(self, name: str) -> CylinderHandle:
        return self._server.scene.add_cylinder(name, radius=0.0012, height=1.0, color=ORANGE)

    def _group(self, body: int, name: str, *, visible: bool) -> FrameHandle:
        return self._server.scene.add_frame(f"/bodies/{body}/{name}", show_axes=False, visible=visible)

    def _axis(self, name: str, length_m: float) -> FrameHandle:
        return self._server.scene.add_frame(name, axes_length=length_m, axes_radius=length_m / 25, visible=False)

    def _site(self, index: int) -> FrameHandle:
        site = self._geometry.sites[index]
        axes = self._axis(f"/bodies/{site.body}/sites/{index}", 0.04)
        axes.position, axes.wxyz = site.pos_m, site.quat
        self._server.scene.add_label(f"/bodies/{site.body}/sites/{index}/name", site.name)
        return axes


def add_shape(server: ViserServer, name: str, shape: DrawnShape) -> ShapeHandle:
    """Add a shape and return it; its name in the scene says on which body."""
    color, opacity = rgb(shape), None if shape.rgba[3] >= 1.0 else shape.rgba[3]
    if shape.collision:
        color, opacity = TOUCHING, 0.5
    scene, (a, b, c) = server.scene, shape.size_m
    match shape.kind:
        case "box":
            node = scene.add_box(name, color=color, opacity=opacity, dimensions=(2 * a, 2 * b, 2 * c))
        case "plane":
            node = _add_table(server, name, shape)
        case "cylinder":
            node = scene.add_cylinder(name, radius=a, height=2 * b, color=color, opacity=opacity)
        case "sphere":
            node = scene.add_icosphere(name, radius=a, color=color, opacity=opacity)
        case "ellipsoid":
            node = scene.add_icosphere(name, radius=1.0, scale=(a, b, c), color=color, opacity=opacity)
        case "capsule":
            corners, faces = capsule(a, b)
            node = scene.add_mesh_simple(name, corners, faces, color=color, opacity=opacity)
    node.position, node.wxyz = shape.pos_m, shape.quat
    return node


def _add_table(server: ViserServer, name: str, shape: DrawnShape) -> GridHandle:
    half_x_m, half_y_m = (half_m or ENDLESS_M for half_m in shape.size_m[:2])
    return server.scene.add_grid(
        name,
        2 * half_x_m,
        2 * half_y_m,
        cell_size=0.1,
        section_size=0.5,
        plane_color=rgb(shape),
        plane_opacity=1.0,
        shadow_opacity=0.3,
    )


def capsule(radius_m: float, half_length_m: float, around: int = 24, rings: int = 6) -> tuple[Float64, Int]:
    """Return corners [corner, 3] m and triangles [triangle, 3] of a capsule along z.

    Args:
        radius_m: Of the round part.
        half_length_m: Half the length of the straight part.
        around: Corners around the axis.
        rings: Rings of each cap.
    """
    tilt = np.linspace(0.0, np.pi / 2, rings + 1)
    ring_r = np.concatenate([np.sin(tilt), np.sin(tilt[::-1])]) * radius_m
    ring_z = np.concatenate([np.cos(tilt) * radius_m + half_length_m, -np.cos(tilt[::-1]) * radius_m - half_length_m])
    turn = np.linspace(0.0, 2 * np.pi, around, endpoint=False)
    corners = np.stack(
        [np.outer(ring_r, np.cos(turn)), np.outer(ring_r, np.sin(turn)), np.repeat(ring_z[:, None], around, axis=1)],
        axis=-1,
    )
    first = np.arange((len(ring_r) - 1) * around)
    right = first - first % around + (first + 1) % around
    faces = np.concatenate(
        [np.stack([first, first + around, right], axis=1), np.stack([right, first + around, right + around], axis=1)]
    )
    return corners.reshape(-1, 3), faces


def rgb(shape: DrawnShape) -> Rgb:
    """Return the colour of a shape, 0 to 255."""
    red, green, blue = (round(255 * min(max(part, 0.0), 1.0)) for part in shape.rgba[:3])
    return red, green, blue


def _move(body: FrameHandle, pos_w: Float64, quat_w: Float64) -> None:
    body.position = pos_w
    body.wxyz = quat_w

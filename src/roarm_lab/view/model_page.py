"""A robot (or the scene of a task) to turn by hand in the browser: joint sliders, keyframes, frames, positions."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from viser import GuiSliderHandle

from roarm_lab.core.arrays import Float64
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.sim.geometry import Geometry
from roarm_lab.view.scene3d import ORANGE, Scene3d
from roarm_lab.view.serving import Server
from roarm_lab.view.show import Marker

STEP_RAD = 0.001


@dataclass(frozen=True, kw_only=True)
class Model:
    """What a page shows to begin with."""

    about: str
    """Words over the controls, as Markdown."""
    geometry: Geometry
    qpos: Float64
    """Positions of everything [qpos]; the sliders move the robot, the rest stays."""
    markers: Mapping[Marker, ArrayLike] = field(default_factory=dict[Marker, ArrayLike])
    """Where they are, [3] m in the world."""


class ModelPage:
    """One page that shows a model at the angles of its sliders; all browsers see the same."""

    def __init__(self, server: Server, model: Model) -> None:
        """Fill the page."""
        self._server, self._geometry, self._rest = server, model.geometry, model.qpos
        self._kinematics = Kinematics(model.geometry.robot)
        self._scene = Scene3d(server, model.geometry, tuple(model.markers))
        for marker, pos_w in model.markers.items():
            self._scene.mark(marker.name, pos_w, ORANGE)
        self._lock = threading.RLock()  # a browser's moves arrive on several threads
        self._joint_pos = model.geometry.joint_pos(model.qpos)
        server.gui.add_markdown(model.about)
        self._sliders = self._add_sliders()
        self._readout = server.gui.add_markdown("")
        self._add_keyframes()
        self._add_switches()
        self._show()

    @property
    def joint_pos(self) -> Float64:
        """The joint angles [joint] rad that are shown."""
        return self._joint_pos.copy()

    def set_joints(self, joint_pos: ArrayLike) -> None:
        """Show other joint angles [joint] rad."""
        with self._lock:
            self._joint_pos = np.array(joint_pos, dtype=np.float64)
            for slider, angle in zip(self._sliders, self._joint_pos, strict=True):
                slider.value = float(angle)
            self._show()

    def _show(self) -> None:
        self._scene.show(self._geometry.qpos(self._joint_pos, self._rest))
        self._readout.content = readout(self._kinematics, self._joint_pos)

    def _add_sliders(self) -> list[GuiSliderHandle[float]]:
        robot, sliders = self._geometry.robot, list[GuiSliderHandle[float]]()
        with self._server.gui.add_folder("joints, rad"):
            for index, joint in enumerate(robot.joints):
                slider = self._server.gui.add_slider(
                    joint.name,
                    min=joint.lower_rad,
                    max=joint.upper_rad,
                    step=STEP_RAD,
                    initial_value=float(self._joint_pos[index]),
                    marks=((joint.lower_rad, f"{joint.lower_rad:.2f}"), (joint.upper_rad, f"{joint.upper_rad:.2f}")),
                    hint=f"{joint.lower_rad:.4f} to {joint.upper_rad:.4f} rad",
                )
                self._follow(slider, index)
                sliders.append(slider)
        return sliders

    def _follow(self, slider: GuiSliderHandle[float], index: int) -> None:
        @slider.on_update
        def _(_: object) -> None:
            with self._lock:
                if self._joint_pos[index] != slider.value:
                    self._joint_pos[index] = slider.value
                    self._show()

    def _add_keyframes(self) -> None:
        keyframes: Mapping[str, tuple[float, ...]] = dict(self._geometry.robot.keyframes)
        with self._server.gui.add_folder("keyframes"):
            for name, angles in keyframes.items():
                self._add_keyframe(name, angles)

    def _add_keyframe(self, name: str, angles: tuple[float, ...]) -> None:
        @self._server.gui.add_button(name, hint=", ".join(f"{angle:.3f}" for angle in angles) + " rad").on_click
        def _(_: object) -> None:
            self.set_joints(angles)

    def _add_switches(self) -> None:
        switches = {
            "collision shapes": self._scene.show_collision,
            "frames of the links": self._scene.show_axes,
            "sites": self._scene.show_sites,
        }
        for name, switch in switches.items():
            box = self._server.gui.add_checkbox(name, initial_value=False)
            box.on_update(lambda event, switch=switch: switch(event.target.value))


def readout(kinematics: Kinematics, joint_pos: ArrayLike) -> str:
    """Return where the sites are in the world [m], and the joint angles [rad] to copy, as Markdown."""
    robot, rows = kinematics.robot, ["| site | x | y | z, m |", "|---|---|---|---|"]
    angles = np.asarray(joint_pos, dtype=np.float64)
    for site in robot.sites:
        pos_b, _ = kinematics.site_pose(angles, site.name)
        x, y, z = pos_b + np.array((0.0, 0.0, robot.base_height_m))
        rows.append(f"| {site.name} | {x:.4f} | {y:.4f} | {z:.4f} |")
    return "\n".join((*rows, "", "`" + ", ".join(f"{angle:.3f}" for angle in angles) + "`"))

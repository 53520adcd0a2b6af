"""Observation terms about boxes on the table: what a camera would tell, and what only a simulator knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from roarm_lab.core.arrays import Array, array_namespace
from roarm_lab.core.state import State
from roarm_lab.mdp.meaning import TURNED, touch_in_words
from roarm_lab.mdp.observations import XYZ, turned_back
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import ObservationFn, ObservationTerm, SensorNoise, Source


@dataclass(frozen=True, kw_only=True)
class BoxPos(ObservationTerm):
    """Where a box is, turned with the base joint (x away from the column, z up)."""

    says: ClassVar[str] = "Position of the centre of the box {box} in the world frame [m]. " + TURNED
    source: ClassVar[Source] = "perception"
    unit: ClassVar[str] = "m"

    box: str = "cube"
    joint: str = "base"

    def components(self, scene: Scene) -> tuple[str, ...]:
        """Return x, y, z."""
        return XYZ

    def bind(self, scene: Scene) -> ObservationFn:
        """Return the turned position [env, 3] m."""
        box, joint = scene.box(self.box), scene.joints((self.joint,))[0]
        return lambda state: turned_back(state.box_pos_w[:, box], state.joint_pos[:, joint])

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        """Return that of where a box is seen."""
        return sensors.box_pos_m


@dataclass(frozen=True, kw_only=True)
class BoxFromSite(BoxPos):
    """The way from a site to a box, turned with the base joint."""

    says: ClassVar[str] = "Vector from the site {site} to the centre of the box {box}: box minus site [m]. " + TURNED

    site: str = "grasp"

    def bind(self, scene: Scene) -> ObservationFn:
        """Return the turned difference [env, 3] m."""
        box, site, joint = scene.box(self.box), scene.site(self.site), scene.joints((self.joint,))[0]
        return lambda state: turned_back(state.box_pos_w[:, box] - state.site_pos_w[:, site], state.joint_pos[:, joint])


@dataclass(frozen=True, kw_only=True)
class BoxInSite(ObservationTerm):
    """The way from a site to a box in the frame of the site, that is as the hand sees it."""

    says: ClassVar[str] = (
        "Vector from the site {site} to the centre of the box {box}: box minus site [m], in the frame of the site: "
        "its dot products with the x, y and z axis of the site."
    )
    source: ClassVar[Source] = "perception"
    unit: ClassVar[str] = "m"

    box: str = "cube"
    site: str = "grasp"

    def components(self, scene: Scene) -> tuple[str, ...]:
        """Return x, y, z of the site's frame."""
        return XYZ

    def bind(self, scene: Scene) -> ObservationFn:
        """Return the difference [env, 3] m."""
        box, site = scene.box(self.box), scene.site(self.site)

        def seen(state: State) -> Array:
            gap_w = state.box_pos_w[:, box] - state.site_pos_w[:, site]
            return _in_frame(gap_w, state.site_rot_w[:, site])

        return seen

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        """Return that of where a box is seen."""
        return sensors.box_pos_m


@dataclass(frozen=True, kw_only=True)
class BoxAxesInSite(BoxInSite):
    """How a box is turned against the hand: its x and z axes in the frame of a site."""

    says: ClassVar[str] = (
        "The own x axis of the box {box}, then its own z axis, as unit vectors in the frame of the site {site}. xx,"
        " xy, xz are the dot products of the box's x axis with the x, y and z axis of the site; zx, zy, zz those of"
        " the box's z axis."
    )
    unit: ClassVar[str] = "1"

    def components(self, scene: Scene) -> tuple[str, ...]:
        """Return the components of both axes."""
        return ("xx", "xy", "xz", "zx", "zy", "zz")

    def bind(self, scene: Scene) -> ObservationFn:
        """Return both axes [env, 6]."""
        box, site = scene.box(self.box), scene.site(self.site)

        def axes(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            x_w, z_w = _x_and_z_axis(state.box_quat_w[:, box])
            rot_w = state.site_rot_w[:, site]
            return xp.concat((_in_frame(x_w, rot_w), _in_frame(z_w, rot_w)), axis=1)

        return axes

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        """Return 0: how exact it is seen to be turned is not known."""
        return 0.0


@dataclass(frozen=True, kw_only=True)
class SiteApproach(ObservationTerm):
    """The direction in which the hand points (x axis of a site), turned with the base joint."""

    says: ClassVar[str] = (
        "The x axis of the site {site} (the direction in which the hand points) as a unit vector. " + TURNED
    )
    source: ClassVar[Source] = "derived"
    unit: ClassVar[str] = "1"

    site: str = "grasp"
    joint: str = "base"

    def components(self, scene: Scene) -> tuple[str, ...]:
        """Return x, y, z."""
        return XYZ

    def bind(self, scene: Scene) -> ObservationFn:
        """Return the direction [env, 3]."""
        site, joint = scene.site(self.site), scene.joints((self.joint,))[0]
        return lambda state: turned_back(state.site_rot_w[:, site, :, 0], state.joint_pos[:, joint])

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        """Return 0: the noise of angles goes to the angles alone."""
        return 0.0


@dataclass(frozen=True, kw_only=True)
class GoalFromBox(BoxPos):
    """The way from a box to a goal position, turned with the base joint."""

    says: ClassVar[str] = (
        "Vector from the centre of the box {box} to the position {command}: goal minus box [m]. " + TURNED
    )

    command: str = "goal"

    def bind(self, scene: Scene) -> ObservationFn:
        """Return the turned difference [env, 3] m."""
        scene.command_size(self.command)
        box, joint, name = scene.box(self.box), scene.joints((self.joint,))[0], self.command
        return lambda state: turned_back(state.commands[name] - state.box_pos_w[:, box], state.joint_pos[:, joint])


@dataclass(frozen=True, kw_only=True)
class BoxVel(ObservationTerm):
    """How fast a box moves: only a simulator knows, so only a critic may see it."""

    says: ClassVar[str] = "Speed of the centre of the box {box} in the world frame: x, y, z [m/s]."
    source: ClassVar[Source] = "sim_only"
    unit: ClassVar[str] = "m/s"

    box: str = "cube"

    def components(self, scene: Scene) -> tuple[str, ...]:
        """Return x, y, z."""
        return XYZ

    def bind(self, scene: Scene) -> ObservationFn:
        """Return the speed in the world frame [env, 3] m/s."""
        box = scene.box(self.box)
        return lambda state: state.box_vel_w[:, box]

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        """Return 0: a simulator knows it."""
        return 0.0


@dataclass(frozen=True, kw_only=True)
class Touching(ObservationTerm):
    """Whether each jaw touches a box: only a simulator knows, so only a critic may see it."""

    says: ClassVar[str] = "1 for each jaw that touches the box {box}, else 0. {touch}"
    source: ClassVar[Source] = "sim_only"
    unit: ClassVar[str] = "1"

    box: str = "cube"

    def components(self, scene: Scene) -> tuple[str, ...]:
        """Return one number per jaw."""
        return tuple(f"jaw_{index}" for index in range(scene.jaws))

    def facts(self, scene: Scene) -> Mapping[str, str]:
        """Return when a jaw touches."""
        return {"touch": touch_in_words(scene)}

    def bind(self, scene: Scene) -> ObservationFn:
        """Return 1 or 0 [env, jaw]."""
        box = scene.box(self.box)

        def touch(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            return xp.astype(state.touching[:, box], state.joint_pos.dtype)

        return touch

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        """Return 0: a simulator knows it."""
        return 0.0


def _in_frame(vec_w: Array, rot_w: Array) -> Array:
    """Return vectors [env, 3] in frames [env, 3, 3] whose columns are their axes."""
    return array_namespace(vec_w).sum(vec_w[:, :, None] * rot_w, axis=1)


def _x_and_z_axis(quat: Array) -> tuple[Array, Array]:
    """Return the first and last column of the rotation matrices of quaternions [env, 4] wxyz."""
    xp = array_namespace(quat)
    w, x, y, z = quat[:, 0], quat[:, 1], quat[:, 2], quat[:, 3]
    first = xp.stack((1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + w * z), 2.0 * (x * z - w * y)), axis=-1)
    last = xp.stack((2.0 * (x * z + w * y), 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y)), axis=-1)
    return first, last


BOX_OBSERVATIONS: dict[str, type[ObservationTerm]] = {
    term.__name__: term
    for term in (BoxPos, BoxFromSite, BoxInSite, BoxAxesInSite, SiteApproach, GoalFromBox, BoxVel, Touching)
}
"""Terms by class name, so that a policy's contract can name them."""

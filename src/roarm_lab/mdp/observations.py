"""Observation terms: what a policy may see, and where each number comes from."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from roarm_lab.core.arrays import Array, array_namespace
from roarm_lab.core.state import State
from roarm_lab.mdp.meaning import TURNED
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import ObservationFn, ObservationTerm, SensorNoise, Source

XYZ = ("x", "y", "z")


@dataclass(frozen=True, kw_only=True)
class JointPos(ObservationTerm):
    """Joint angles."""

    says: ClassVar[str] = "Measured angle of each of the joints {joints} [rad]; sign and zero as in the exported model."
    source: ClassVar[Source] = "measured"
    unit: ClassVar[str] = "rad"

    joints: tuple[str, ...] = ()
    """Which joints; none means all."""

    def components(self, scene: Scene) -> tuple[str, ...]:
        """Return the joints' names."""
        return tuple(scene.robot.joint_names[i] for i in scene.joints(self.joints))

    def bind(self, scene: Scene) -> ObservationFn:
        """Return joint angles [env, joint] rad."""
        some = self._columns(scene)
        return lambda state: some(state.joint_pos)

    def facts(self, scene: Scene) -> Mapping[str, str]:
        """Return the joints' names, also where none were given."""
        return {"joints": ", ".join(self.components(scene))}

    def _columns(self, scene: Scene) -> Callable[[Array], Array]:
        """Return the function that picks this term's joints out of [env, joint]."""
        if not self.joints:
            return lambda values: values  # picking all of them would copy
        index = scene.joints(self.joints)
        return lambda values: values[:, index]

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        """Return that of an angle."""
        return sensors.joint_pos_rad


@dataclass(frozen=True, kw_only=True)
class JointVel(JointPos):
    """Joint speeds as an arm without a speed sensor knows them: the last change of angle over its time."""

    says: ClassVar[str] = (
        "Speed of each of the joints {joints} [rad/s]: the change of the measured angle over the last control step,"
        " divided by control_dt_s; 0 when an episode begins."
    )
    source: ClassVar[Source] = "derived"
    unit: ClassVar[str] = "rad/s"

    def bind(self, scene: Scene) -> ObservationFn:
        """Return joint speeds [env, joint] rad/s."""
        some = self._columns(scene)
        return lambda state: some(state.joint_vel)

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        """Return that of the difference of two angles, over its time."""
        return sensors.joint_pos_rad * math.sqrt(2.0) / dt_s


@dataclass(frozen=True, kw_only=True)
class TargetLead(JointPos):
    """How far the last sent joint targets are ahead of the measured angles."""

    says: ClassVar[str] = (
        "Target sent last (after the limits) minus measured angle of each of the joints {joints} [rad]: positive "
        "where the target is ahead; 0 when an episode begins."
    )
    source: ClassVar[Source] = "derived"

    def bind(self, scene: Scene) -> ObservationFn:
        """Return target minus angle [env, joint] rad."""
        some = self._columns(scene)
        return lambda state: some(state.joint_target - state.joint_pos)


@dataclass(frozen=True, kw_only=True)
class SitePos(ObservationTerm):
    """Position of a site of the robot in the world frame, by forward kinematics of the joint angles."""

    says: ClassVar[str] = "Position of the site {site} in the world frame: x, y, z [m]."
    source: ClassVar[Source] = "derived"
    unit: ClassVar[str] = "m"

    site: str = "hand_tcp"
    """The site."""

    def components(self, scene: Scene) -> tuple[str, ...]:
        """Return x, y, z."""
        return XYZ

    def bind(self, scene: Scene) -> ObservationFn:
        """Return the position [env, 3] m."""
        site = scene.site(self.site)
        return lambda state: state.site_pos_w[:, site]

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        """Return 0: the noise of angles goes to the angles alone."""
        return 0.0


@dataclass(frozen=True, kw_only=True)
class Command(ObservationTerm):
    """What is asked for, as it was given."""

    says: ClassVar[str] = "The command {command} as it was given; a position is x, y, z [m] in the world frame."
    source: ClassVar[Source] = "derived"
    unit: ClassVar[str] = "as the command"

    command: str
    """The command."""

    def components(self, scene: Scene) -> tuple[str, ...]:
        """Return x, y, z for a position, numbers otherwise."""
        size = scene.command_size(self.command)
        return XYZ if size == 3 else tuple(str(i) for i in range(size))

    def bind(self, scene: Scene) -> ObservationFn:
        """Return the command [env, size]."""
        scene.command_size(self.command)
        name = self.command
        return lambda state: state.commands[name]

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        """Return 0: it is known."""
        return 0.0


@dataclass(frozen=True, kw_only=True)
class GoalFromSite(ObservationTerm):
    """The way from a site to a goal position, turned with the base joint (x away from the column, z up)."""

    says: ClassVar[str] = "Vector from the site {site} to the position {command}: goal minus site [m]. " + TURNED
    source: ClassVar[Source] = "derived"
    unit: ClassVar[str] = "m"

    command: str
    """A command that is a position in the world frame."""
    site: str = "hand_tcp"
    """The site."""
    joint: str = "base"
    """The joint whose angle turns the frame."""

    def components(self, scene: Scene) -> tuple[str, ...]:
        """Return x, y, z."""
        return XYZ

    def bind(self, scene: Scene) -> ObservationFn:
        """Return the turned difference [env, 3] m."""
        scene.command_size(self.command)
        site, joint, name = scene.site(self.site), scene.joints((self.joint,))[0], self.command

        def way(state: State) -> Array:
            gap_w = state.commands[name] - state.site_pos_w[:, site]
            return turned_back(gap_w, state.joint_pos[:, joint])

        return way

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        """Return 0: the noise of angles goes to the angles alone."""
        return 0.0


@dataclass(frozen=True, kw_only=True)
class GoalTurn(ObservationTerm):
    """How far a vertical joint at the world's origin still has to turn to face a goal, the way that its range allows.

    Not wrapped to half a turn: a base that can not go past 180 degrees must come back the other way, and from the
    wrapped angle a policy learns to push against the stop instead.
    """

    says: ClassVar[str] = (
        "atan2(y, x) of the position {command} in the world frame, minus the measured angle of the joint {joint} "
        "[rad]; not wrapped to half a turn."
    )
    source: ClassVar[Source] = "derived"
    unit: ClassVar[str] = "rad"

    command: str
    """A command that is a position in the world frame."""
    joint: str = "base"
    """The joint."""

    def components(self, scene: Scene) -> tuple[str, ...]:
        """Return one number."""
        return ("angle",)

    def bind(self, scene: Scene) -> ObservationFn:
        """Return the angle [env, 1] rad."""
        scene.command_size(self.command)
        joint, name = scene.joints((self.joint,))[0], self.command

        def turn(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            goal_w = state.commands[name]
            return (xp.atan2(goal_w[:, 1], goal_w[:, 0]) - state.joint_pos[:, joint])[:, None]

        return turn

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        """Return 0: the noise of angles goes to the angles alone."""
        return 0.0


@dataclass(frozen=True, kw_only=True)
class LastAction(ObservationTerm):
    """The action that was carried out last, each -1 to 1."""

    says: ClassVar[str] = (
        "The action that was carried out last, clipped to -1 to 1, in the order of the actions; 0 when an episode "
        "begins."
    )
    source: ClassVar[Source] = "derived"
    unit: ClassVar[str] = "1"

    def components(self, scene: Scene) -> tuple[str, ...]:
        """Return numbers."""
        return tuple(str(i) for i in range(scene.action_size))

    def bind(self, scene: Scene) -> ObservationFn:
        """Return the last action [env, action]."""
        del scene
        return lambda state: state.action

    def sensor_noise_std(self, sensors: SensorNoise, dt_s: float) -> float:
        """Return 0: it is known."""
        return 0.0


def turned_back(vec_w: Array, angle_rad: Array) -> Array:
    """Return vectors [env, 3] turned by minus an angle [env] about z."""
    xp = array_namespace(vec_w)
    cos, sin = xp.cos(angle_rad), xp.sin(angle_rad)
    x, y = vec_w[:, 0], vec_w[:, 1]
    return xp.stack((cos * x + sin * y, cos * y - sin * x, vec_w[:, 2]), axis=-1)


OBSERVATIONS: dict[str, type[ObservationTerm]] = {
    term.__name__: term
    for term in (JointPos, JointVel, TargetLead, SitePos, Command, GoalFromSite, GoalTurn, LastAction)
}
"""Terms by class name, so that a policy's contract can name them."""

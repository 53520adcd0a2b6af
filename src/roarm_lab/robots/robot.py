"""What a robot is: plain facts, each with a source, read by simulation, driver, gateway and tests alike.

Every joint turns about (or slides along) the +z axis of its child link, as in both robots' URDFs, so a joint needs an
origin and no axis. All values are SI: metres, radians, kilograms, newton metres.
"""

from dataclasses import dataclass
from math import inf
from typing import Literal

from roarm_lab.core.errors import BadInputError, UnknownNameError

Vec3 = tuple[float, float, float]
Axis = Literal["x", "y", "z"]


@dataclass(frozen=True, kw_only=True)
class Servo:
    """What drives a joint: a position servo, seen from the joint."""

    stall_torque_nm: float
    """Largest torque [N m]."""
    no_load_speed_rad_s: float
    """Speed without load [rad/s]. With the stall torque it gives the damping that makes this speed a ceiling."""
    stiffness_nm_per_rad: float
    """Torque per radian of position error [N m/rad]."""
    deadband_rad: float = 0.0
    """Position error below which the servo does nothing [rad]."""
    dry_friction_nm: float = 0.0
    """Coulomb friction of the gear [N m]."""
    armature_kgm2: float = 0.0
    """Rotor inertia seen at the joint [kg m^2]."""
    torque_fraction: float = 1.0
    """Share of the stall torque that the firmware allows (0..1]."""

    @property
    def damping_nms_per_rad(self) -> float:
        """Viscous damping that equals the stall torque at the no-load speed [N m s/rad]."""
        return self.stall_torque_nm / self.no_load_speed_rad_s

    @property
    def force_limit_nm(self) -> float:
        """Largest torque the joint ever gets [N m]."""
        return self.stall_torque_nm * self.torque_fraction


@dataclass(frozen=True, kw_only=True)
class Joint:
    """One moving joint, in the order of the kinematic chain."""

    name: str
    parent: str
    child: str
    origin_xyz_m: Vec3
    origin_rpy_rad: Vec3
    """Pose of the child link in the parent at angle 0 (URDF convention: roll, pitch, yaw about fixed axes)."""
    lower_rad: float
    upper_rad: float
    max_speed_rad_s: float
    max_accel_rad_s2: float
    servo: Servo
    max_lead_rad: float = 0.4
    """How far a sent target may be ahead of the measured angle [rad]."""
    target_past_lower_rad: float = 0.0
    """How far below `lower_rad` a target may lie [rad]. A gripper told to close further than the object allows presses
    with stiffness times position error; this is that error's room when the jaws are nearly closed."""
    urdf_name: str = ""
    """The name in the vendor's URDF."""

    @property
    def target_lower_rad(self) -> float:
        """Lowest target the joint's servo may be sent [rad]; the highest is `upper_rad`."""
        return self.lower_rad - self.target_past_lower_rad


@dataclass(frozen=True, kw_only=True)
class Link:
    """A rigid body with its inertia."""

    name: str
    mass_kg: float
    com_m: Vec3
    inertia_kgm2: tuple[float, float, float, float, float, float]
    """ixx iyy izz ixy ixz iyz about the centre of mass, axes of the link [kg m^2]."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A box, cylinder or capsule fixed to a link."""

    name: str
    link: str
    kind: Literal["box", "cylinder", "capsule"]
    pos_m: Vec3
    size_m: Vec3
    """Half sizes of a box; (radius, half length, 0) of a cylinder or capsule (of a capsule: of its straight part)."""
    axis: Axis = "z"
    """Long axis of a cylinder or capsule."""
    material: str = "metal"
    """Decides the colour; on a collision shape, `pad` marks a gripping face."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A named frame on a link."""

    name: str
    link: str
    xyz_m: Vec3
    rpy_rad: Vec3 = (0.0, 0.0, 0.0)
    title: str = ""
    """What people call it, for instance `the fingertips`; by its name where nothing is said."""

    @property
    def in_words(self) -> str:
        """What it is called in a sentence."""
        return self.title or f"the site {self.name!r}"


@dataclass(frozen=True, kw_only=True)
class Robot:
    """An arm: joints in order, links, sites, shapes, keyframes."""

    name: str
    """Identifier, for instance `roarm_m3`."""
    title: str
    """Name for people, for instance `Waveshare RoArm-M3-Pro`."""
    base_link: str
    base_height_m: float
    """Height of the base link's origin above the table plane [m]."""
    joints: tuple[Joint, ...]
    links: tuple[Link, ...]
    sites: tuple[Site, ...]
    visuals: tuple[Shape, ...]
    collisions: tuple[Shape, ...]
    keyframes: tuple[tuple[str, tuple[float, ...]], ...]
    """(name, joint angles [rad] in the order of `joints`)."""
    ee_site: str
    """Where things are grasped."""
    gripper_joint: str
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(naming scheme, joint names in our order), for instance the URDF's."""
    payload_kg: float = inf
    sources: tuple[tuple[str, str], ...] = ()
    """(fact, where it comes from)."""

    def __post_init__(self) -> None:
        """Check that names are unique and known, and that ranges and keyframes make sense."""
        shapes = self.visuals + self.collisions
        for kind, parts in (("joint", self.joints), ("link", self.links), ("site", self.sites), ("shape", shapes)):
            self._refuse_twins(kind, [part.name for part in parts])
        links = [link.name for link in self.links]
        for name in (self.base_link, *(part.link for part in (*self.sites, *shapes)), *self._jointed_links()):
            if name not in links:
                raise UnknownNameError("link", name, links)
        for joint in self.joints:
            if not -inf < joint.lower_rad < joint.upper_rad < inf:
                raise BadInputError(
                    f"Joint {joint.name!r} of {self.name!r}: lower_rad ({joint.lower_rad}) must be below "
                    f"upper_rad ({joint.upper_rad}), both finite."
                )
        for key, angles in self.keyframes:
            if len(angles) != len(self.joints):
                raise BadInputError(
                    f"Keyframe {key!r} of {self.name!r} has {len(angles)} angles, expected {len(self.joints)}: "
                    f"{', '.join(self.joint_names)}."
                )
        self.site(self.ee_site)
        self.joint(self.gripper_joint)

    def _refuse_twins(self, kind: str, names: list[str]) -> None:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise BadInputError(f"Robot {self.name!r} has more than one {kind} named {', '.join(twice)}.")

    def _jointed_links(self) -> list[str]:
        return [name for joint in self.joints for name in (joint.parent, joint.child)]

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Names of the joints in order."""
        return tuple(joint.name for joint in self.joints)

    def joint(self, name: str) -> Joint:
        """Return the joint called `name`.

        Raises:
            UnknownNameError: No joint has that name.
        """
        for joint in self.joints:
            if joint.name == name:
                return joint
        raise UnknownNameError("joint", name, self.joint_names)

    def site(self, name: str) -> Site:
        """Return the site called `name`.

        Raises:
            UnknownNameError: No site has that name.
        """
        for site in self.sites:
            if site.name == name:
                return site
        raise UnknownNameError("site", name, [s.name for s in self.sites])

    def keyframe(self, name: str) -> tuple[float, ...]:
        """Return the joint angles [rad] of keyframe `name`, in the order of `joints`.

        Raises:
            UnknownNameError: No keyframe has that name.
        """
        table = dict(self.keyframes)
        if name not in table:
            raise UnknownNameError("keyframe", name, table)
        return table[name]

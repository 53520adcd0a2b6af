"""A robot as URDF, written from its facts."""

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from roarm_lab.robots.robot import Joint, Link, Robot, Shape, Vec3

_TURNS: dict[str, Vec3] = {
    "x": (0.0, 1.5707963267948966, 0.0),
    "y": (-1.5707963267948966, 0.0, 0.0),
    "z": (0.0, 0.0, 0.0),
}
"""Roll, pitch, yaw that put a URDF cylinder, which lies along z, along another axis."""


def urdf_text(robot: Robot) -> str:
    """Return the robot as URDF text: inertias, limits, efforts, speeds, shapes, and its sites as massless links.

    Efforts are what the servos may give with their torque limits, speeds are the project's limits. Collision capsules
    become a cylinder and two spheres, because URDF has no capsules. The root link is the base link.
    """
    root = ET.Element("robot", name=robot.name)
    for link in robot.links:
        _add_link(root, robot, link)
    for joint in robot.joints:
        _add_joint(root, joint)
    for site in robot.sites:
        ET.SubElement(root, "link", name=site.name)
        fixed = ET.SubElement(root, "joint", name=f"{site.link}_to_{site.name}", type="fixed")
        _add_origin(fixed, site.xyz_m, site.rpy_rad)
        ET.SubElement(fixed, "parent", link=site.link)
        ET.SubElement(fixed, "child", link=site.name)
    ET.indent(root)
    return '<?xml version="1.0"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add_link(root: ET.Element, robot: Robot, link: Link) -> None:
    element = ET.SubElement(root, "link", name=link.name)
    inertial = ET.SubElement(element, "inertial")
    _add_origin(inertial, link.com_m)
    ET.SubElement(inertial, "mass", value=_number(link.mass_kg))
    axes = ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")
    values = zip(axes, link.inertia_kgm2, strict=True)
    ET.SubElement(inertial, "inertia", {axis: _number(value) for axis, value in values})
    for shape in robot.visuals:
        if shape.link == link.name:
            _add_shape(element, "visual", shape)
    for shape in robot.collisions:
        if shape.link == link.name:
            _add_shape(element, "collision", shape)


def _add_joint(root: ET.Element, joint: Joint) -> None:
    element = ET.SubElement(root, "joint", name=joint.name, type="revolute")
    _add_origin(element, joint.origin_xyz_m, joint.origin_rpy_rad)
    ET.SubElement(element, "parent", link=joint.parent)
    ET.SubElement(element, "child", link=joint.child)
    ET.SubElement(element, "axis", xyz="0 0 1")
    ET.SubElement(
        element,
        "limit",
        lower=_number(joint.lower_rad),
        upper=_number(joint.upper_rad),
        effort=_number(joint.servo.force_limit_nm),
        velocity=_number(joint.max_speed_rad_s),
    )
    servo = joint.servo
    ET.SubElement(
        element, "dynamics", damping=_number(servo.damping_nms_per_rad), friction=_number(servo.dry_friction_nm)
    )


def _add_shape(link: ET.Element, tag: str, shape: Shape) -> None:
    """Add a shape; the end caps of a capsule become elements of their own."""
    element = ET.SubElement(link, tag, name=shape.name)
    _add_origin(element, shape.pos_m, _TURNS[shape.axis] if shape.kind != "box" else (0.0, 0.0, 0.0))
    geometry = ET.SubElement(element, "geometry")
    if shape.kind == "box":
        ET.SubElement(geometry, "box", size=_numbers(2.0 * half for half in shape.size_m))
        return
    radius, half, _ = shape.size_m
    ET.SubElement(geometry, "cylinder", radius=_number(radius), length=_number(2.0 * half))
    for end, sign in (("low", -1.0), ("high", 1.0)) if shape.kind == "capsule" else ():
        cap = ET.SubElement(link, tag, name=f"{shape.name}_{end}")
        _add_origin(cap, _along(shape, sign * half))
        ET.SubElement(ET.SubElement(cap, "geometry"), "sphere", radius=_number(radius))


def _along(shape: Shape, distance_m: float) -> Vec3:
    x, y, z = shape.pos_m
    match shape.axis:
        case "x":
            return x + distance_m, y, z
        case "y":
            return x, y + distance_m, z
        case "z":
            return x, y, z + distance_m


def _add_origin(element: ET.Element, xyz_m: Vec3, rpy_rad: Vec3 = (0.0, 0.0, 0.0)) -> None:
    ET.SubElement(element, "origin", xyz=_numbers(xyz_m), rpy=_numbers(rpy_rad))


def _numbers(values: Iterable[float]) -> str:
    return " ".join(_number(value) for value in values)


def _number(value: float) -> str:
    """Return up to 10 significant digits: exact for every fact, without 0.30000000000000004."""
    return f"{value:.10g}"

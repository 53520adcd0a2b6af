"""The model of a robot and of its table, built from the robot's facts alone.

Everything that moves contacts what is meant to be touched and nothing else: the table and the robot's foot are
*surroundings*, the robot meets surroundings and objects, an object meets all three. A robot does not meet itself, which
keeps training fast; the gate and inverse kinematics do not rely on it.
"""

from typing import Literal

import mujoco
import numpy as np

from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.robot import Joint, Link, Robot, Servo, Shape, Vec3
from roarm_lab.sim.backend import Box
from roarm_lab.sim.cameras import add_scene_cameras, add_wrist_camera, quat_from_rpy

Rgba = tuple[float, float, float, float]

SURROUNDINGS, ROBOT, OBJECT = (1, 0), (2, 1), (4, 3)
"""(contype, conaffinity): two shapes touch when one's contype meets the other's conaffinity."""
MATERIALS: dict[str, Rgba] = {
    "metal": (0.62, 0.64, 0.67, 1.0),
    "servo": (0.13, 0.14, 0.16, 1.0),
    "board": (0.10, 0.22, 0.16, 1.0),
    "pad": (0.20, 0.45, 0.80, 1.0),
}
"""Colours; a material that is not listed is drawn as metal."""
VISUAL_GROUP, COLLISION_GROUP, SITE_GROUP = 2, 3, 4
"""MuJoCo's viewers show groups 0 to 2 and hide the others at first."""

BOX_RGBA: Rgba = (0.90, 0.45, 0.15, 1.0)
NOSLIP = {"train": 0, "hold": 3}
"""Iterations that stop the creeping of gripped things; 3 cost about a fifth of the speed."""

STICKING = (0.999, 0.999, 0.001, 0.5, 2.0)
"""How hard dry friction is. MuJoCo's default (0.9) lets a joint creep to its target within seconds; with this one a
joint half a deadband away creeps 6 % of the way in 10 s. It costs 8 % of the speed, harder values cost more."""


SLIPPERY = 0.1
"""Sliding friction of the table. MuJoCo takes the larger of two, so what lies on the table decides."""


def robot_spec(robot: Robot, *, visuals: bool = True, dry_friction: bool = True) -> mujoco.MjSpec:
    """Return the robot alone, its base link at the world's origin.

    Bodies are called as the links; joints, actuators and sites as in the facts; a collision shape is a geom of its own
    name. Every actuator is a position servo whose control is the joint target in radians.

    Args:
        robot: The facts.
        visuals: Add the shapes that are only looked at. They cost about a fifth of the simulation's speed.
        dry_friction: Simulate dry friction and the servos' deadband; see `_friction_nm`.
    """
    spec = mujoco.MjSpec()
    spec.modelname = robot.name
    spec.compiler.degree = False
    joint_of = {joint.child: joint for joint in robot.joints}
    for link in _from_the_base(robot):
        _add_link(spec, link, joint_of.get(link.name), dry_friction=dry_friction)
    _add_shapes(spec, robot, visuals=visuals)
    for site in robot.sites:
        quat = quat_from_rpy(site.rpy_rad)
        spec.body(site.link).add_site(name=site.name, pos=site.xyz_m, quat=quat, size=(0.003,) * 3, group=SITE_GROUP)
    for joint in robot.joints:
        _add_servo(spec, joint)
        if joint.parent == robot.base_link:
            # MuJoCo lets neighbours overlap, but not when one of them stands still.
            spec.add_exclude(bodyname1=joint.parent, bodyname2=joint.child)
    add_wrist_camera(spec, robot)
    _add_keyframes(spec, robot)
    return spec


def scene_spec(
    robot: Robot,
    *,
    visuals: bool = True,
    table: bool = True,
    dry_friction: bool = True,
    boxes: tuple[Box, ...] = (),
    contact: Literal["train", "hold"] = "train",
) -> mujoco.MjSpec:
    """Return the robot on its table (plane z = 0), with light, the cameras front, side and wrist, and the options.

    Args:
        robot: The facts.
        visuals: Add the shapes that are only looked at.
        table: Add the table plane; without it there is nothing to touch.
        dry_friction: As in `robot_spec`.
        boxes: Loose cubes on the table.
        contact: See `SimConfig.contact`.
    """
    spec = robot_spec(robot, visuals=visuals, dry_friction=dry_friction)
    _set_options(spec)
    spec.option.noslip_iterations = NOSLIP[contact]
    spec.body(robot.base_link).pos = (0.0, 0.0, robot.base_height_m)
    if table:
        _add_table(spec, visuals=visuals)
    spec.worldbody.add_light(
        name="lamp",
        type=mujoco.mjtLightType.mjLIGHT_SPOT,
        pos=(0.7, -0.7, 1.7),
        dir=(-0.3, 0.4, -1.0),
        cutoff=60.0,
        diffuse=(0.6, 0.6, 0.6),
    )
    add_scene_cameras(spec)
    for box in boxes:
        add_box(spec, robot, box)
    spec.stat.center, spec.stat.extent = (0.15, 0.0, 0.2), 0.7  # what viewers frame at start
    return spec


def add_box(spec: mujoco.MjSpec, robot: Robot, box: Box) -> None:
    """Add a loose cube, resting on the table in front of the arm, and a contact sensor for each gripping face."""
    half_m = box.size_m / 2
    body = spec.worldbody.add_body(name=box.name, pos=(0.25, 0.0, half_m))
    body.add_freejoint(name=box.name)
    body.add_geom(
        name=box.name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=(half_m, half_m, half_m),
        mass=box.mass_kg,
        friction=(box.friction, 0.005, 0.0001),
        rgba=BOX_RGBA,
        contype=OBJECT[0],
        conaffinity=OBJECT[1],
        group=VISUAL_GROUP,
    )
    for shape in robot.collisions:
        if shape.material == "pad":
            sensor = spec.add_sensor(
                name=touch_sensor(box.name, shape.name),
                type=mujoco.mjtSensor.mjSENS_CONTACT,
                objtype=mujoco.mjtObj.mjOBJ_GEOM,
                objname=shape.name,
                reftype=mujoco.mjtObj.mjOBJ_GEOM,
                refname=box.name,
            )
            sensor.intprm[:3] = (1, 0, 1)  # one number: how many contacts were found


def touch_sensor(box: str, shape: str) -> str:
    """Return the name of the sensor that counts contacts between a box and a gripping face."""
    return f"{box}_at_{shape}"


def _from_the_base(robot: Robot) -> list[Link]:
    """Return the links, every parent before its children.

    Raises:
        BadInputError: A link hangs on no joint.
    """
    links = {link.name: link for link in robot.links}
    order = [robot.base_link]
    for name in order:
        order += [joint.child for joint in robot.joints if joint.parent == name]
    loose = sorted(set(links) - set(order))
    if loose:
        raise BadInputError(f"Links of {robot.name!r} hang on no joint from {robot.base_link!r}: {', '.join(loose)}.")
    return [links[name] for name in order]


def _add_link(spec: mujoco.MjSpec, link: Link, joint: Joint | None, *, dry_friction: bool) -> None:
    parent = spec.body(joint.parent) if joint else spec.worldbody
    body = parent.add_body(name=link.name)
    # The inertia is a fact of its own: shapes are simplified and do not weigh anything.
    body.mass, body.ipos, body.fullinertia, body.explicitinertial = link.mass_kg, link.com_m, link.inertia_kgm2, True
    if joint is None:
        return
    body.pos, body.quat = joint.origin_xyz_m, quat_from_rpy(joint.origin_rpy_rad)
    body.add_joint(
        name=joint.name,
        type=mujoco.mjtJoint.mjJNT_HINGE,
        axis=(0.0, 0.0, 1.0),
        range=(joint.lower_rad, joint.upper_rad),
        damping=joint.servo.damping_nms_per_rad,
        armature=joint.servo.armature_kgm2,
        frictionloss=_friction_nm(joint.servo) if dry_friction else 0.0,
        solimp_friction=STICKING,
    )


def _friction_nm(servo: Servo) -> float:
    """Return the torque that holds a joint at rest [N m]: dry friction, and what the spring would do in the deadband.

    Inside its deadband a servo gives no torque, so a joint stays where it is as long as stiffness times error is small.
    Friction of the same size does the same to the joint. It costs a third of the simulation's speed.
    """
    return servo.dry_friction_nm + servo.deadband_rad * servo.stiffness_nm_per_rad


def _add_servo(spec: mujoco.MjSpec, joint: Joint) -> None:
    limit_nm = joint.servo.force_limit_nm
    servo = spec.add_actuator(
        name=joint.name,
        target=joint.name,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        ctrlrange=(joint.target_lower_rad, joint.upper_rad),
        forcerange=(-limit_nm, limit_nm),
    )
    servo.set_to_position(kp=joint.servo.stiffness_nm_per_rad)


def _add_shapes(spec: mujoco.MjSpec, robot: Robot, *, visuals: bool) -> None:
    for shape in robot.collisions:
        bits = SURROUNDINGS if shape.link == robot.base_link else ROBOT
        geom = _add_geom(spec, shape, COLLISION_GROUP)
        geom.contype, geom.conaffinity = bits
        if shape.material == "pad":
            _make_gripping(geom)
    for shape in robot.visuals if visuals else ():
        geom = _add_geom(spec, shape, VISUAL_GROUP)
        geom.contype = geom.conaffinity = 0


def _add_geom(spec: mujoco.MjSpec, shape: Shape, group: int) -> mujoco.MjsGeom:
    kinds = {
        "box": mujoco.mjtGeom.mjGEOM_BOX,
        "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
        "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
    }
    turns: dict[str, Vec3] = {"x": (0.0, np.pi / 2, 0.0), "y": (-np.pi / 2, 0.0, 0.0), "z": (0.0, 0.0, 0.0)}
    return spec.body(shape.link).add_geom(
        name=shape.name,
        type=kinds[shape.kind],
        pos=shape.pos_m,
        size=shape.size_m,
        quat=quat_from_rpy(turns[shape.axis] if shape.kind != "box" else turns["z"]),
        rgba=MATERIALS.get(shape.material, MATERIALS["metal"]),
        group=group,
    )


def _make_gripping(geom: mujoco.MjsGeom) -> None:
    """Set the contact of a gripping face: torsional friction too, stiff, and deciding over what it touches."""
    geom.condim = 4
    geom.friction = (1.0, 0.02, 0.0005)  # a guess for rubber pads
    geom.solref = (0.01, 1.0)
    geom.solimp = (0.95, 0.99, 0.001, 0.5, 2.0)
    geom.priority = 1


def _set_options(spec: mujoco.MjSpec) -> None:
    """Set what holds a cube in this gripper at 5 ms steps.

    The jaws form a V and push the cube out, so friction must not creep: with elliptic cones and impratio 100 it creeps
    by 0.15 mm/s. Fewer than 50 line-search iterations are faster only because the cube is flung away.
    """
    option = spec.option
    option.timestep = 0.005
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.solver = mujoco.mjtSolver.mjSOL_NEWTON
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.jacobian = mujoco.mjtJacobian.mjJAC_DENSE
    option.impratio = 100.0
    option.iterations = 20
    option.ls_iterations = 50
    option.noslip_iterations = 0


def _add_table(spec: mujoco.MjSpec, *, visuals: bool) -> None:
    table = spec.worldbody.add_geom(
        name="table",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=(0.7, 0.7, 0.05),
        friction=(SLIPPERY, 0.005, 0.0001),
        rgba=(0.85, 0.83, 0.79, 1.0),
        contype=SURROUNDINGS[0],
        conaffinity=SURROUNDINGS[1],
    )
    if visuals:
        _paint(spec, table)


def _paint(spec: mujoco.MjSpec, table: mujoco.MjsGeom) -> None:
    """Give the table squares, and the world a sky."""
    spec.add_texture(
        name="squares",
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        rgb1=(0.93, 0.92, 0.90),
        rgb2=(0.86, 0.85, 0.82),
        width=256,
        height=256,
    )
    material = spec.add_material(name="table", texrepeat=(10.0, 10.0), texuniform=True, rgba=(1.0, 1.0, 1.0, 1.0))
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "squares"
    table.material = "table"
    table.rgba = (1.0, 1.0, 1.0, 1.0)
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=(0.85, 0.89, 0.94),
        rgb2=(0.62, 0.70, 0.80),
        width=64,
        height=64,
    )


def _add_keyframes(spec: mujoco.MjSpec, robot: Robot) -> None:
    order = [robot.joint_names.index(joint.name) for joint in spec.joints]  # MuJoCo's order is depth first
    for name, angles in robot.keyframes:
        spec.add_key(name=name, qpos=[angles[index] for index in order], ctrl=list(angles))

"""The Waveshare RoArm-M3-Pro as facts.

Where the numbers come from (also kept in `ROARM_M3.sources`; the long table is in docs/robots.md):
vendor = the vendor's URDF/SRDF (waveshareteam/roarm_ws) and wiki page; firmware = its sources of 2025-01-08 and
2026-07-01; servo = ST3215 register documentation and data sheet; derived = computed by us from those;
guess = nobody has measured it.
"""

from math import pi

from roarm_lab.robots.roarm_m3_shapes import COLLISIONS, VISUALS
from roarm_lab.robots.robot import Joint, Link, Robot, Servo, Site

_STEP_RAD = 2 * pi / 4096
"""One encoder step of the servo, 0.088 degrees (servo)."""
_MAX_SPEED_RAD_S = 2.5
"""What tasks and the gate allow: about half the servo's 270 degrees/s, a choice of ours."""
_MAX_ACCEL_RAD_S2 = 254 * 100 * _STEP_RAD
"""38.96 rad/s^2: the acceleration register's largest value, 254, counts 100 steps/s^2 each (servo)."""
_QUARTER = pi / 2
"""The URDF rounds it to 1.5708. The exact value moves the tool by at most 0.006 mm and makes the arm exactly planar."""


def _servo(count: int = 1, torque_fraction: float = 1.0) -> Servo:
    """Return one bus servo, or two on one axis, at 12 V and the P gain 16 that the firmware sets at every boot."""
    return Servo(
        stall_torque_nm=2.94 * count,  # 30 kg cm (servo)
        no_load_speed_rad_s=270 * pi / 180,  # 45 turns a minute (servo)
        stiffness_nm_per_rad=18.0 * count,  # derived: 37 N m/rad at P 32; agrees with the droop users report
        deadband_rad=_STEP_RAD,  # registers at their defaults (servo)
        dry_friction_nm=0.05 * count,  # guess
        armature_kgm2=0.028 * count,  # guess: rotor inertia times 345 squared is not published
        torque_fraction=torque_fraction,
    )


_JOINTS = (
    # Origins: vendor. Ranges: the tightest of both firmwares and the URDF, a hair inside where the servo wraps around.
    Joint(
        name="base",
        parent="base_link",
        child="link1",
        origin_xyz_m=(0.0, 0.0, 0.0),
        origin_rpy_rad=(0.0, 0.0, 0.0),
        lower_rad=-3.13,
        upper_rad=3.13,  # +pi would be goal step -1 (firmware)
        max_speed_rad_s=_MAX_SPEED_RAD_S,
        max_accel_rad_s2=_MAX_ACCEL_RAD_S2,
        servo=_servo(),
        urdf_name="base_link_to_link1",
    ),
    Joint(
        name="shoulder",
        parent="link1",
        child="link2",
        origin_xyz_m=(0.0, 0.0, 0.051959),
        origin_rpy_rad=(-_QUARTER, -_QUARTER, 0.0),
        lower_rad=-_QUARTER,
        upper_rad=_QUARTER,
        max_speed_rad_s=_MAX_SPEED_RAD_S,
        max_accel_rad_s2=_MAX_ACCEL_RAD_S2,
        servo=_servo(count=2),  # servos 12 and 13 work on one axis
        urdf_name="link1_to_link2",
    ),
    Joint(
        name="elbow",
        parent="link2",
        child="link3",
        origin_xyz_m=(0.236815, 0.030002, 0.0),
        origin_rpy_rad=(0.0, 0.0, _QUARTER),
        lower_rad=0.0,  # the newer firmware's clamp
        upper_rad=2.95,  # the URDF's
        max_speed_rad_s=_MAX_SPEED_RAD_S,
        max_accel_rad_s2=_MAX_ACCEL_RAD_S2,
        servo=_servo(),
        urdf_name="link2_to_link3",
    ),
    Joint(
        name="wrist",
        parent="link3",
        child="link4",
        origin_xyz_m=(0.0, -0.144586, 0.0),
        origin_rpy_rad=(0.0, 0.0, 0.0),
        lower_rad=-_QUARTER,
        upper_rad=_QUARTER,
        max_speed_rad_s=_MAX_SPEED_RAD_S,
        max_accel_rad_s2=_MAX_ACCEL_RAD_S2,
        servo=_servo(),
        urdf_name="link3_to_link4",
    ),
    Joint(
        name="roll",
        parent="link4",
        child="link5",
        origin_xyz_m=(0.015147, -0.053653, 0.0),
        origin_rpy_rad=(_QUARTER, _QUARTER, 0.0),
        lower_rad=-3.13,
        upper_rad=3.13,  # as the base
        max_speed_rad_s=_MAX_SPEED_RAD_S,
        max_accel_rad_s2=_MAX_ACCEL_RAD_S2,
        servo=_servo(),
        urdf_name="link4_to_link5",
    ),
    Joint(
        name="gripper",
        parent="link5",
        child="gripper_link",
        origin_xyz_m=(0.0, 0.018821, 0.052035),
        origin_rpy_rad=(-_QUARTER, -_QUARTER, 0.0),
        lower_rad=0.0,  # closed; the firmware itself would push on
        upper_rad=1.5,
        max_speed_rad_s=_MAX_SPEED_RAD_S,
        max_accel_rad_s2=_MAX_ACCEL_RAD_S2,
        servo=_servo(torque_fraction=0.30),  # torque limit register 300 of 1000, set at boot (firmware)
        target_past_lower_rad=0.3,  # ours: enough to reach the torque limit with the jaws almost closed
        urdf_name="link5_to_gripper_link",
    ),
)

# The vendor's inertials sum to 0.449 kg (no servos in them), the arm weighs 1.021 kg. These are derived: servo 64.5 g,
# aluminium 2.7 g/cm3 times part volume, the base takes the rest. About 20 % uncertain per link.
_LINKS = (
    Link(
        name="base_link",
        mass_kg=0.34,
        com_m=(-0.00155, 0.0, -0.03785),
        inertia_kgm2=(0.0002945, 0.0003835, 0.0003427, 0.0, -6.982e-05, 0.0),
    ),
    Link(
        name="link1",
        mass_kg=0.182,
        com_m=(0.0, 0.0, 0.03195),
        inertia_kgm2=(0.0001262, 6.882e-05, 8.516e-05, 0.0, 0.0, 0.0),
    ),
    Link(
        name="link2",
        mass_kg=0.178,
        com_m=(0.12576, 0.0008, -0.0001),
        inertia_kgm2=(6.744e-05, 0.001023, 0.000983, -2.721e-05, 4.022e-08, 6.841e-09),
    ),
    Link(
        name="link3",
        mass_kg=0.152,
        com_m=(-0.00093, -0.0706, 0.00024),
        inertia_kgm2=(0.0005205, 2.214e-05, 0.0005151, 3.543e-06, -8.086e-10, 1.848e-06),
    ),
    Link(
        name="link4",
        mass_kg=0.07,
        com_m=(0.00147, -0.03341, 0.0),
        inertia_kgm2=(1.71e-05, 1.815e-05, 2.195e-05, -1.596e-06, 0.0, 0.0),
    ),
    Link(
        name="link5",
        mass_kg=0.0855,
        com_m=(-0.00311, -0.0006, 0.04458),
        inertia_kgm2=(6.777e-05, 6.759e-05, 1.817e-05, -3.743e-10, 1.033e-05, 1.406e-07),
    ),
    Link(
        name="gripper_link",
        mass_kg=0.0135,
        com_m=(0.03184, -0.00154, -0.01892),
        inertia_kgm2=(3.63e-06, 8.563e-06, 5.764e-06, 5.459e-07, 2.327e-09, 4.621e-11),
    ),
)

_KEYFRAMES = (
    ("zero", (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),  # straight up
    # The next three: the vendor's SRDF, gripper closed.
    ("home", (0.0, 0.0, _QUARTER, 0.0, 0.0, 0.0)),
    ("ready", (0.0, 0.0, 2.618, -1.0472, 0.0, 0.0)),
    ("observe", (0.0, 0.0, _QUARTER, _QUARTER, 0.0, 0.0)),
    # Ours: gripper straight down, hand_tcp at (0.25, 0, 0.13) m above the table, open 0.8 rad (inverse kinematics).
    ("task_start", (0.0, 0.417094, 1.350965, 1.373533, 0.0, 0.8)),
)

_URDF_NAMES = tuple(joint.urdf_name for joint in _JOINTS)

ROARM_M3 = Robot(
    name="roarm_m3",
    title="Waveshare RoArm-M3-Pro",
    base_link="base_link",
    base_height_m=0.0711,  # lowest point of the foot's mesh; the URDF's 0.0701 puts the foot 1 mm into the floor
    joints=_JOINTS,
    links=_LINKS,
    sites=(
        Site(
            name="hand_tcp",
            link="link5",
            xyz_m=(0.0, 0.0, 0.115428),
            rpy_rad=(_QUARTER, -_QUARTER, 0.0),
            title="the fingertips",
        ),
        # Derived: the centre of a 3 cm cube that lies against the fixed jaw. hand_tcp is on the roll axis, 1 cm off.
        Site(
            name="grasp",
            link="link5",
            xyz_m=(0.005, -0.0005, 0.107),
            rpy_rad=(_QUARTER, -_QUARTER, 0.0),
            title="the fingertips",
        ),
    ),
    visuals=VISUALS,
    collisions=COLLISIONS,
    keyframes=_KEYFRAMES,
    ee_site="grasp",
    gripper_joint="gripper",
    aliases=(
        ("urdf", _URDF_NAMES),
        ("usd", _URDF_NAMES),
        ("sdk", ("1", "2", "3", "4", "5", "6")),  # its calls take joint numbers
        ("firmware", ("b", "s", "e", "t", "r", "g")),
        ("lerobot", ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")),
    ),
    payload_kg=0.2,  # at 0.5 m (vendor)
    sources=(
        ("joint origins, hand_tcp", "vendor URDF, waveshareteam/roarm_ws at 62146ad"),
        ("joint ranges", "tightest of both firmwares and the URDF"),
        ("masses, inertias", "derived from servo data, part volumes and the product's 1.021 kg; about 20 % uncertain"),
        ("stall torque, speed, deadband", "ST3215 data at 12 V; not measured on this arm"),
        ("stiffness", "derived for P 16; the firmware sets it at every boot"),
        ("armature, dry friction", "guess"),
        ("speed limit", "choice of this project"),
        ("acceleration limit", "largest value of the servo's acceleration register"),
        ("grasp site, collision shapes", "derived from the vendor's meshes"),
        ("keyframes home, ready, observe", "vendor SRDF"),
    ),
)

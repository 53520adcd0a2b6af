"""A small made-up arm with round numbers, so that tests can be worked out by hand.

The base turns about the vertical. At elbow 0 the forearm is level and points along x; gravity increases the angle.
"""

from roarm_lab.robots.robot import Joint, Link, Robot, Servo, Site

SERVO = Servo(
    stall_torque_nm=3.0, no_load_speed_rad_s=4.0, stiffness_nm_per_rad=18.0, dry_friction_nm=0.05, armature_kgm2=0.01
)

TOY = Robot(
    name="toy",
    title="Toy arm",
    base_link="base_link",
    base_height_m=0.1,
    joints=(
        Joint(
            name="base",
            parent="base_link",
            child="upper",
            origin_xyz_m=(0.0, 0.0, 0.0),
            origin_rpy_rad=(0.0, 0.0, 0.0),
            lower_rad=-3.0,
            upper_rad=3.0,
            max_speed_rad_s=1.5,
            max_accel_rad_s2=6.0,
            servo=SERVO,
        ),
        Joint(
            name="elbow",
            parent="upper",
            child="fore",
            origin_xyz_m=(0.0, 0.0, 0.1),
            origin_rpy_rad=(-1.5707963267948966, 0.0, 0.0),
            lower_rad=0.0,
            upper_rad=2.5,
            max_speed_rad_s=1.0,
            max_accel_rad_s2=4.0,
            servo=SERVO,
        ),
        Joint(
            name="gripper",
            parent="fore",
            child="jaw",
            origin_xyz_m=(0.2, 0.0, 0.0),
            origin_rpy_rad=(0.0, 0.0, 0.0),
            lower_rad=0.0,
            upper_rad=1.5,
            max_speed_rad_s=2.0,
            max_accel_rad_s2=100.0,
            servo=SERVO,
            max_lead_rad=0.3,
            target_past_lower_rad=0.2,
        ),
    ),
    links=(
        Link(name="base_link", mass_kg=0.5, com_m=(0.0, 0.0, 0.0), inertia_kgm2=(1e-3, 1e-3, 1e-3, 0.0, 0.0, 0.0)),
        Link(name="upper", mass_kg=0.2, com_m=(0.0, 0.0, 0.05), inertia_kgm2=(2e-4, 2e-4, 1e-4, 0.0, 0.0, 0.0)),
        Link(name="fore", mass_kg=0.2, com_m=(0.1, 0.0, 0.0), inertia_kgm2=(1e-4, 4e-4, 4e-4, 0.0, 0.0, 0.0)),
        Link(name="jaw", mass_kg=0.05, com_m=(0.02, 0.0, 0.0), inertia_kgm2=(1e-5, 2e-5, 2e-5, 0.0, 0.0, 0.0)),
    ),
    sites=(Site(name="hand", link="fore", xyz_m=(0.25, 0.0, 0.0)),),
    visuals=(),
    collisions=(),
    keyframes=(("home", (0.0, 1.0, 0.5)), ("zero", (0.0, 0.0, 0.0))),
    ee_site="hand",
    gripper_joint="gripper",
)

"""Shapes of the RoArm-M3: what it looks like (49 primitives) and what touches things (10 primitives).

Visuals: boxes and cylinders fitted to the vendor's meshes, metres in link frames, our own primitives (the meshes are
not redistributed). Sampled mesh surfaces lie 0.0 to 0.27 mm from them on average, 8.6 mm at worst (wrist bracket).
"""

from roarm_lab.robots.robot import Axis, Shape, Vec3


def _box(name: str, link: str, pos_m: Vec3, half_size_m: Vec3, material: str = "metal") -> Shape:
    return Shape(name=name, link=link, kind="box", pos_m=pos_m, size_m=half_size_m, material=material)


def _cylinder(name: str, link: str, pos_m: Vec3, round_m: tuple[float, float], *, axis: Axis = "z") -> Shape:
    return Shape(name=name, link=link, kind="cylinder", pos_m=pos_m, size_m=(*round_m, 0.0), axis=axis)


# Round shapes take (radius, half length); a capsule's half length is that of its straight part.
_BASE_LINK = (
    _box("foot", "base_link", (-0.01, 0.0, -0.05305), (0.046, 0.0408, 0.01805), "board"),
    _box("servo_11_column", "base_link", (0.0125, 0.0, -0.0175), (0.0235, 0.0133, 0.0175), "servo"),
    _box("top_plate", "base_link", (0.01076, 0.0, 0.00075), (0.03176, 0.021, 0.00075)),
)

_LINK1 = (
    _cylinder("bearing", "link1", (0.0, 0.0, 0.007), (0.021, 0.0055)),
    _box("bracket_floor", "link1", (0.0, 0.0, 0.01325), (0.0274, 0.0362, 0.00075)),
    _box("bracket_left", "link1", (0.0, 0.03545, 0.031), (0.0227, 0.00075, 0.017)),
    _box("bracket_right", "link1", (0.0, -0.03545, 0.031), (0.0227, 0.00075, 0.017)),
    _box("servo_12", "link1", (0.0, 0.01735, 0.039525), (0.01236, 0.01735, 0.022625), "servo"),
    _box("servo_13", "link1", (0.0, -0.01735, 0.039525), (0.01236, 0.01735, 0.022625), "servo"),
)

_LINK2 = (
    _box("shoulder_horn_left", "link2", (0.0072, 0.0015, 0.03865), (0.0172, 0.0125, 0.00075)),
    _box("shoulder_horn_right", "link2", (0.0072, 0.0015, -0.03885), (0.0172, 0.0125, 0.00075)),
    _box("shoulder_cross", "link2", (0.02365, -0.00075, -0.0001), (0.00075, 0.01475, 0.0395)),
    _box("shoulder_lip", "link2", (0.03435, -0.01475, 0.0), (0.00995, 0.00075, 0.027)),
    _box("rail_left", "link2", (0.1244, 0.0, 0.0138), (0.1, 0.01, 0.005)),
    _box("rail_right", "link2", (0.1244, 0.0, -0.014), (0.1, 0.01, 0.005)),
    _box("elbow_end_plate", "link2", (0.22515, -0.00075, -0.0001), (0.00075, 0.01335, 0.0202)),
    _box("elbow_lip", "link2", (0.21815, -0.01335, -0.0001), (0.00775, 0.00075, 0.0151)),
    _box("elbow_fork_left", "link2", (0.23635, 0.015, 0.01935), (0.01045, 0.025, 0.00075)),
    _box("elbow_fork_right", "link2", (0.23635, 0.015, -0.01955), (0.01045, 0.025, 0.00075)),
)

_LINK3 = (
    _box("servo_14", "link3", (0.0, -0.0125, 0.0), (0.01236, 0.02261, 0.017), "servo"),
    _box("servo_15", "link3", (0.0, -0.13209, 0.00048), (0.01236, 0.02261, 0.017), "servo"),
    _cylinder("tube", "link3", (-0.0033, -0.07225, 0.0002), (0.008, 0.03505), axis="y"),
    _box("tube_clamp_low", "link3", (-0.00325, -0.10225, 0.0002), (0.01075, 0.00505, 0.014)),
    _box("tube_clamp_high", "link3", (-0.00325, -0.04225, 0.0002), (0.01075, 0.00505, 0.014)),
    _box("bracket", "link3", (-0.01475, -0.0281, 0.00025), (0.00075, 0.0227, 0.01775)),
)

_LINK4 = (
    _box("servo_16", "link4", (0.00265, -0.03283, 0.0), (0.02261, 0.017, 0.01236), "servo"),
    _box("u_end", "link4", (-0.009335, -0.05155, 0.0), (0.019335, 0.00075, 0.0202)),
    _box("u_left", "link4", (0.0043, -0.013, 0.01945), (0.0057, 0.0225, 0.00075)),
    _box("u_right", "link4", (0.0043, -0.013, -0.01945), (0.0057, 0.0225, 0.00075)),
    _box("u_left_root", "link4", (-0.005, -0.04315, 0.01945), (0.015, 0.00765, 0.00075)),
    _box("u_right_root", "link4", (-0.005, -0.04315, -0.01945), (0.015, 0.00765, 0.00075)),
)

_LINK5 = (
    _box("servo_17", "link5", (0.0, -0.00075, 0.03954), (0.01236, 0.016, 0.02261), "servo"),
    _box("jaw_base_floor", "link5", (-0.0009, 0.0, 0.00045), (0.0164, 0.0178, 0.00075)),
    _box("jaw_base_wall", "link5", (0.01475, 0.0, 0.0239), (0.00075, 0.0178, 0.0227)),
    _box("jaw_base_side_right", "link5", (-0.00165, -0.017, 0.0115), (0.01565, 0.0008, 0.0103)),
    _box("jaw_base_side_left", "link5", (-0.00165, 0.01705, 0.0115), (0.01565, 0.00075, 0.0103)),
    _box("fixed_jaw_side_left", "link5", (-0.01735, 0.01595, 0.05975), (0.00585, 0.00075, 0.04225)),
    _box("fixed_jaw_side_right", "link5", (-0.01735, -0.017, 0.05975), (0.00585, 0.0008, 0.04225)),
    _box("fixed_jaw_face", "link5", (-0.010765, -0.00055, 0.0946), (0.000735, 0.01705, 0.0154)),
    _box("fixed_jaw_tip", "link5", (-0.010765, -0.0005, 0.11495), (0.000735, 0.0133, 0.00495)),
    _cylinder("led", "link5", (-0.022, -0.0005, 0.0764), (0.009, 0.0116)),
)

_GRIPPER_LINK = (
    _box("arm_top", "gripper_link", (0.001615, 0.0, 0.0), (0.012385, 0.01, 0.00075)),
    _box("arm_bottom", "gripper_link", (0.001615, 0.0, -0.03785), (0.012385, 0.01, 0.00075)),
    _box("cheek_top", "gripper_link", (0.025, 0.0046, 0.0), (0.011, 0.0106, 0.00075)),
    _box("cheek_bottom", "gripper_link", (0.025, 0.0046, -0.03785), (0.011, 0.0106, 0.00075)),
    _box("cheek_tip_top", "gripper_link", (0.043, 0.00025, 0.0), (0.007, 0.00475, 0.00075)),
    _box("cheek_tip_bottom", "gripper_link", (0.043, 0.00025, -0.03785), (0.007, 0.00475, 0.00075)),
    _box("face", "gripper_link", (0.0404, -0.00524, -0.0189), (0.0166, 0.00074, 0.0195)),
    _box("tip", "gripper_link", (0.06204, -0.00524, -0.019), (0.00504, 0.00074, 0.012)),
)

VISUALS: tuple[Shape, ...] = _BASE_LINK + _LINK1 + _LINK2 + _LINK3 + _LINK4 + _LINK5 + _GRIPPER_LINK
"""All 49 shapes to look at."""

# Two capsules per jaw, radius 4 mm, their axes one radius behind the inner faces of the meshes (x = -10.03 mm of link5,
# y = -5.98 mm of gripper_link), together as long and as wide as the jaw's tip.
_FIXED_FINGER_M = (0.004, 0.0209)
_MOVING_FINGER_M = (0.004, 0.01758)


def _capsule(
    name: str, link: str, pos_m: Vec3, round_m: tuple[float, float], *, axis: Axis, material: str = "metal"
) -> Shape:
    size = (*round_m, 0.0)
    return Shape(name=name, link=link, kind="capsule", pos_m=pos_m, size_m=size, axis=axis, material=material)


def _fixed_finger(name: str, y_m: float) -> Shape:
    return _capsule(name, "link5", (-0.01403, y_m, 0.095), _FIXED_FINGER_M, axis="z", material="pad")


def _moving_finger(name: str, z_m: float) -> Shape:
    return _capsule(name, "gripper_link", (0.0455, -0.00198, z_m), _MOVING_FINGER_M, axis="x", material="pad")


COLLISIONS: tuple[Shape, ...] = (
    _box("foot_collision", "base_link", (-0.01, 0.0, -0.05305), (0.046, 0.0408, 0.01805)),
    _capsule("column_collision", "link1", (0.0, 0.0, 0.037), (0.025, 0.012), axis="y"),
    _capsule("upper_arm_collision", "link2", (0.12, 0.0, 0.0), (0.02, 0.1), axis="x"),
    _capsule("forearm_collision", "link3", (-0.0015, -0.0723, 0.0002), (0.0175, 0.065), axis="y"),
    _capsule("wrist_collision", "link4", (0.0, -0.032, 0.0), (0.02, 0.006), axis="x"),
    _box("palm_collision", "link5", (-0.004, 0.0, 0.0307), (0.0195, 0.0178, 0.0315)),
    _fixed_finger("fixed_jaw_right", -0.0105),
    _fixed_finger("fixed_jaw_left", 0.0095),
    _moving_finger("moving_jaw_right", -0.029),
    _moving_finger("moving_jaw_left", -0.009),
)
"""What touches the world, simplified from the mesh boxes. Material `pad` marks the gripping faces."""

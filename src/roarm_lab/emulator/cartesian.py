"""Motion in the tool's coordinates: interpolated moves, which block, and single ones."""

from math import cos, isnan, nan, pi

from roarm_lab.emulator.computer import Computer, Work
from roarm_lab.robots.firmware_kinematics import FirmwarePose, inverse

INTERPOLATION_S = 0.002
"""The wait in every step of an interpolated move, on top of the write: about 3.5 ms together."""
CLOSED_WIRE_RAD = 3.14
INIT_POSE = (346.16, 0.0, 223.13, 0.0, 0.0)
"""x, y, z [mm], t, r [rad] of the pose that the boot ends in."""
INIT_SPEED = 0.25

Target = tuple[float, float, float, float, float]
"""x, y, z [mm], t, r [rad]."""


def solved(target: Target, gripper_wire_rad: float) -> tuple[float, ...]:
    """Return the six angles on the wire for a pose; shoulder, elbow and wrist are NaN when there is no solution."""
    x, y, z, pitch, roll = target
    return (*inverse(FirmwarePose(x / 1000.0, y / 1000.0, z / 1000.0, pitch, roll)).angles, gripper_wire_rad)


def move_pose(computer: Computer, target: Target, gripper_wire_rad: float, speed: float) -> Work:
    """Go to a pose in a straight line, blocking; the gripper jumps at once.

    The start is the last measured pose, except for roll, which is that of the last such move. Speed is a share of the
    way per step, times the longest of the ways in mm and rad, so a pure rotation is nearly a jump. A move that makes no
    way is left out, as the newer firmware does.
    """
    ram = computer.ram
    if speed <= 0.0:
        return
    start = (ram.pose.x_mm, ram.pose.y_mm, ram.pose.z_mm, ram.pose.pitch_rad, ram.roll_rad)
    ram.roll_rad = target[4]
    longest = max(abs(a - b) for a, b in zip(target, start, strict=True))
    step = speed / longest if longest else 2.0  # beyond the end after one write
    last: tuple[float, ...] | None = None
    at = 0.0 if longest else 1.0
    while at <= 1.0 and not ram.stopped:
        share = (1.0 - cos(pi * at)) / 2.0
        x, y, z, t, r = (a + (b - a) * share for a, b in zip(start, target, strict=True))
        joints = solved((x, y, z, t, r), gripper_wire_rad)
        if any(isnan(angle) for angle in joints):
            if last is not None:
                yield from computer.drive(last, ram.speed, ram.acc)
            return
        last = joints
        yield from computer.drive(joints, ram.speed, ram.acc)
        yield INTERPOLATION_S
        at += step


def move_axis(computer: Computer, axis: int, value: float, speed: float) -> Work:
    """Move one of x, y, z [mm], t, r, g [rad] (1 to 6); the others keep what was measured, roll what was last told."""
    ram = computer.ram
    if not 1 <= axis <= 6:
        return
    pose = [ram.pose.x_mm, ram.pose.y_mm, ram.pose.z_mm, ram.pose.pitch_rad, ram.roll_rad]
    gripper = CLOSED_WIRE_RAD if computer.firmware.axis_move_closes_gripper else ram.wire_joints[5]
    if axis == 6:
        gripper = value
    else:
        pose[axis - 1] = value
    x, y, z, t, r = pose
    yield from move_pose(computer, (x, y, z, t, r), gripper, speed)


def move_direct(computer: Computer, target: Target, gripper_wire_rad: float) -> Work:
    """Send all servos to a pose at once, unguarded: without a solution three joints go to their zero (not verified)."""
    joints = solved(target, gripper_wire_rad)
    yield from computer.drive(joints, computer.ram.speed, computer.ram.acc)


def jog_tick(computer: Computer) -> Work:
    """Do one tick of a jog; it goes on until it is stopped, and nothing watches over it."""
    jog = computer.ram.jog
    if not jog.direction:
        jog.goal = list(_cartesian_now(computer) if jog.cartesian else computer.ram.wire_joints)
        return
    way = (1.0 if jog.direction == 1 else -1.0) * jog.speed
    before = list(jog.goal)
    if jog.cartesian:
        jog.goal[jog.axis] += 0.1 * way / (1.0 if jog.axis < 3 else 200.0)
        x, y, z, t, r, g = jog.goal
        joints = solved((x, y, z, t, r), g)
        if any(isnan(angle) for angle in joints):
            jog.goal = before
            return
        yield from computer.drive(joints, 0, 0)
        return
    jog.goal[jog.axis] += 0.0005 * way
    jog.goal[jog.axis] = _clamped(computer, jog.axis, jog.goal[jog.axis])
    yield from computer.drive_joint(jog.axis, jog.goal[jog.axis], 0, 0)


def start_jog(computer: Computer, *, cartesian: bool, axis: int, direction: int, speed: int) -> None:
    """Begin, change or stop a jog; the shared speed and acceleration become 0."""
    jog, ram = computer.ram.jog, computer.ram
    ram.speed = ram.acc = 0
    if not (1 <= axis <= 6 and 0 <= direction <= 2):
        return
    if not jog.direction or jog.cartesian != cartesian:
        jog.cartesian = cartesian
        jog.goal = list(_cartesian_now(computer) if cartesian else ram.wire_joints)
    jog.axis, jog.direction, jog.speed = axis - 1, direction, speed


def _cartesian_now(computer: Computer) -> tuple[float, ...]:
    ram = computer.ram
    gripper = CLOSED_WIRE_RAD if computer.firmware.axis_move_closes_gripper else ram.wire_joints[5]
    return ram.pose.x_mm, ram.pose.y_mm, ram.pose.z_mm, ram.pose.pitch_rad, ram.roll_rad, gripper


def _clamped(computer: Computer, joint: int, angle_rad: float) -> float:
    """Keep a jog's goal within what the servos will be sent, so that it does not run away behind the clamp."""
    lower = -pi / 4 if computer.firmware.elbow_lower_step == 512 else 0.0
    limits = ((-pi, pi), (-pi / 2, pi / 2), (lower, 3.14), (-pi / 2, pi / 2), (-pi, pi), (1.0738, 5.2094))
    low, high = limits[joint] if 0 <= joint < 6 else (nan, nan)
    return min(max(angle_rad, low), high)

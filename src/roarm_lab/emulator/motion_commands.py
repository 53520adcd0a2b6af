"""Commands that move the arm (`T` 100 to 123) and ask where it is."""

from math import pi, radians

from roarm_lab.emulator.cartesian import INIT_POSE, move_axis, move_direct, move_pose, start_jog
from roarm_lab.emulator.computer import Computer, Work
from roarm_lab.emulator.feedback import half_away
from roarm_lab.emulator.homing import homing
from roarm_lab.emulator.json_text import Command

UPRIGHT = (0.0, 0.0, 0.0, 0.0, 0.0, pi)
SETTLE_S = 2.0
"""How long `T:110` waits for its moves. Not known; a guess."""
SPEED_REGISTER_BITS, ACC_REGISTER_BITS = 0xFFFF, 0xFF


def home(computer: Computer, command: Command) -> Work | None:
    """100: the boot's homing again, unless the servo check failed at boot."""
    return homing(computer) if computer.ram.servos_ok else None


def joint_rad(computer: Computer, command: Command) -> Work | None:
    """101: one joint to an angle on the wire."""
    joint = command.u8("joint")
    if not 1 <= joint <= 6:
        return None
    return computer.drive_joint(joint - 1, command.real("rad"), command.u16("spd"), command.u8("acc"))


def joints_rad(computer: Computer, command: Command) -> Work:
    """102: all joints in one write; the shared speed and acceleration become 0."""
    names = ("base", "shoulder", "elbow", "wrist", "roll", "hand")
    angles = tuple(command.real(name) for name in names)
    yield from computer.drive(angles, command.u16("spd"), command.u8("acc"))
    computer.ram.speed = computer.ram.acc = 0


def axis(computer: Computer, command: Command) -> Work:
    """103: one axis of the pose, interpolated, blocking."""
    return move_axis(computer, command.u8("axis"), command.real("pos"), command.real("spd"))


def pose(computer: Computer, command: Command) -> Work:
    """104: a pose, interpolated, blocking."""
    return move_pose(computer, _target(command), command.real("g"), command.real("spd"))


def pose_direct(computer: Computer, command: Command) -> Work:
    """1041: a pose at once."""
    return move_direct(computer, _target(command), command.real("g"))


def ask(computer: Computer, command: Command) -> Work:
    """105: read the servos and print the feedback line."""
    yield from computer.read_servos()
    yield from computer.say_feedback()


def hand(computer: Computer, command: Command) -> Work:
    """106: the gripper."""
    return computer.drive_joint(5, command.real("cmd"), command.u16("spd"), command.u8("acc"))


def new_x_axis(computer: Computer, command: Command) -> Work:
    """110: stand upright, turn the base, and call that its middle for good."""
    yield from computer.drive(UPRIGHT, 600, 20)
    yield SETTLE_S
    yield from computer.drive_joint(0, radians(command.real("xAxisAngle")), 600, 20)
    yield SETTLE_S
    computer.bus.set_middle(11)


def delay(computer: Computer, command: Command) -> Work:
    """111: do nothing for a while, blocking."""
    yield max(command.i32("cmd"), 0) / 1000.0


def joint_deg(computer: Computer, command: Command) -> Work:
    """121: one joint in degrees; for the base it prints the angle twice."""
    joint, degrees = command.u8("joint"), command.real("angle")
    if not 1 <= joint <= 6:
        return
    yield from computer.drive_joint(joint - 1, radians(degrees), *_registers(command))
    if joint == 1:
        yield from computer.say(f"{degrees:.2f}\n{radians(degrees):.2f}")


def joints_deg(computer: Computer, command: Command) -> Work:
    """122: all joints in degrees; speed and acceleration stay in the shared registers."""
    computer.ram.speed, computer.ram.acc = _registers(command)
    angles = tuple(radians(command.real(name)) for name in "bsetrh")
    yield from computer.drive(angles, computer.ram.speed, computer.ram.acc)


def jog(computer: Computer, command: Command) -> None:
    """123: move on and on."""
    start_jog(
        computer,
        cartesian=command.u8("m") == 1,
        axis=command.u8("axis"),
        direction=command.u8("cmd"),
        speed=command.u8("spd"),
    )


def init_pose(computer: Computer) -> Work:
    """Move to the init pose as the older firmware's boot ends."""
    return move_pose(computer, INIT_POSE, pi, 0.25)


def _target(command: Command) -> tuple[float, float, float, float, float]:
    x, y, z, t, r = (command.real(name) for name in "xyztr")
    return x, y, z, t, r


def _registers(command: Command) -> tuple[int, int]:
    """Return the registers for whole deg/s and whole degrees: truncated first, and the acceleration wraps at 256."""
    speed = half_away(command.u16("spd") * 4096 / 360) & SPEED_REGISTER_BITS
    return speed, half_away(command.u8("acc") * 4096 / 360) & ACC_REGISTER_BITS


COMMANDS = {
    100: home, 101: joint_rad, 102: joints_rad, 103: axis, 104: pose, 1041: pose_direct, 105: ask, 106: hand,
    110: new_x_axis, 111: delay, 121: joint_deg, 122: joints_deg, 123: jog,
}  # fmt: skip

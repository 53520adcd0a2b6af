"""Commands about torque, control registers, ids and the emergency stop."""

from math import pi

from roarm_lab.emulator.computer import Computer, Work
from roarm_lab.emulator.faults import SERVO_IDS
from roarm_lab.emulator.json_text import Command
from roarm_lab.emulator.servo_bus import EVERY

SERVOS_OF_JOINT = ((11,), (12, 13), (14,), (15,), (16,), (17,))
LOWEST_LIMIT, HIGHEST_LIMIT = 50, 1000
FOLDED_WIRE_RAD = (0.0, -pi / 2, pi, 0.0, 0.0, pi)
"""Where the newer firmware drives before it lets go."""
FOLD_SPEED_STEP_S, FOLD_ACC, FOLD_NEAR_STEPS, FOLD_AT_MOST_S = 600, 20, 40, 8.0
"""How it does so is not known: speed, acceleration and the end of the wait are guesses."""
POLL_S = 0.05


def emergency(computer: Computer, command: Command) -> Work | None:
    """0: the older firmware lets the arm drop for ten seconds, blocking; the newer one sets a flag."""
    if computer.firmware.emergency_drops_s:
        return _drop(computer)
    computer.stop()
    return None


def _drop(computer: Computer) -> Work:
    computer.bus.write_torque(EVERY, on=False)
    yield computer.firmware.emergency_drops_s
    computer.bus.write_torque(EVERY, on=True)


def end_emergency(computer: Computer, command: Command) -> None:
    """999: clear the flag."""
    computer.ram.stopped = False


def hand_torque(computer: Computer, command: Command) -> None:
    """107: torque limit of the gripper."""
    computer.bus.write_torque_limit(17, _limit(command, "tor"))


def joint_pi(computer: Computer, command: Command) -> None:
    """108: registers P and I of a joint."""
    joint = command.u8("joint")
    for servo in SERVOS_OF_JOINT[joint - 1] if 1 <= joint <= 6 else ():
        computer.bus.write_pi(servo, command.u8("p"), command.u8("i"))


def reset_pi(computer: Computer, command: Command) -> None:
    """109: registers P and I of all joints as after a boot."""
    computer.bus.write_pi_of_boot()


def torque_limits(computer: Computer, command: Command) -> None:
    """112: a soft arm, or full torque again. In the older firmware wrist and roll take the elbow's value."""
    soft = command.u8("mode") == 1
    names = "bseeeh" if computer.firmware.mixes_torque_limits else "bsetrh"
    for servos, name in zip(SERVOS_OF_JOINT, names, strict=True):
        for servo in servos:
            computer.bus.write_torque_limit(servo, _limit(command, name) if soft else HIGHEST_LIMIT)


def torque(computer: Computer, command: Command) -> Work | None:
    """210: torque of all servos; the newer firmware folds the arm before it lets go."""
    on = command.u8("cmd") != 0
    if not on and computer.firmware.folds_before_release:
        return _fold_and_release(computer)
    computer.bus.write_torque(EVERY, on=on)
    return None


def _fold_and_release(computer: Computer) -> Work:
    yield from computer.drive(FOLDED_WIRE_RAD, FOLD_SPEED_STEP_S, FOLD_ACC)
    until_s = computer.now_s + FOLD_AT_MOST_S
    while computer.now_s < until_s and not _folded(computer):
        yield from computer.read_servos()
        yield POLL_S
    computer.bus.write_torque(EVERY, on=False)


def _folded(computer: Computer) -> bool:
    """Whether all servos are near the folded pose."""
    near_rad = FOLD_NEAR_STEPS * 2.0 * pi / 4096
    ways = zip(computer.ram.wire_joints, FOLDED_WIRE_RAD, strict=True)
    return all(abs(is_at - goal) <= near_rad for is_at, goal in ways)


def set_id(computer: Computer, command: Command) -> None:
    """501: give a servo another id, for good."""
    computer.bus.set_id(command.u8("raw"), command.u8("new"))


def set_middle(computer: Computer, command: Command) -> None:
    """502: call the present position the middle, for good; 254 does it to every servo."""
    computer.bus.set_middle(command.u8("id"))


def set_p(computer: Computer, command: Command) -> None:
    """503: register P of one servo."""
    servo = command.u8("id")
    for one in computer.bus.found(servo):
        one.p = command.u8("p")


def boot_limits(computer: Computer, limit: int) -> None:
    """Set the torque limit of every servo."""
    for servo in SERVO_IDS:
        computer.bus.write_torque_limit(servo, limit)


def _limit(command: Command, name: str) -> int:
    return min(max(command.i32(name), LOWEST_LIMIT), HIGHEST_LIMIT)


COMMANDS = {
    0: emergency, 999: end_emergency, 107: hand_torque, 108: joint_pi, 109: reset_pi, 112: torque_limits, 210: torque,
    501: set_id, 502: set_middle, 503: set_p,
}  # fmt: skip

"""The motion of every boot: all joints to their middles, and servo 13 learns where servo 12 stands."""

from roarm_lab.emulator.computer import Computer, Work
from roarm_lab.emulator.servo_bus import EVERY, READ_S, WRITE_S

MIDDLE, SPEED_STEP_S, ACC = 2047, 600, 20
SHOULDER_NEAR, ELBOW_NEAR = 120, 80
"""Steps from the middle at which a wait ends."""
POLL_S, SETTLE_S, END_S = 0.010, 1.2, 1.0


def homing(computer: Computer) -> Work:
    """Go home, blocking. Whatever pulls at the arm now biases servo 13 against 12 until the next boot."""
    bus = computer.bus
    bus.write_goal(11, MIDDLE, SPEED_STEP_S, ACC)
    bus.write_torque(13, on=False)
    yield WRITE_S
    yield from _go_near(computer, 12, SHOULDER_NEAR)
    yield SETTLE_S
    bus.set_middle(13)
    bus.write_goal(13, MIDDLE, SPEED_STEP_S, ACC)  # which switches its torque on
    yield from _go_near(computer, 14, ELBOW_NEAR)
    for servo in (15, 16, 17):
        bus.write_goal(servo, MIDDLE, SPEED_STEP_S, ACC)
        yield WRITE_S
    yield END_S


def _go_near(computer: Computer, servo: int, near: int) -> Work:
    """Send a servo to its middle and wait for it; a failed read lets all servos go and ends the wait."""
    computer.bus.write_goal(servo, MIDDLE, SPEED_STEP_S, ACC)
    while True:
        yield READ_S
        found = computer.bus.read(servo)
        if found is None:
            computer.bus.write_torque(EVERY, on=False)
            return
        if abs(found.position - MIDDLE) <= near:
            return
        yield POLL_S

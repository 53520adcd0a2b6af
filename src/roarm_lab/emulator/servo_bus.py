"""The half-duplex bus between computer and servos: who answers, what is written, how long it takes."""

from dataclasses import dataclass

from roarm_lab.emulator.faults import SERVO_IDS
from roarm_lab.emulator.servo import Servo
from roarm_lab.emulator.world import ServoWorld

READ_S = 0.0011
"""Two transactions of one servo at 1 Mbaud. Six servos: 6 to 8 ms per loop (derived, not measured)."""
FAILED_READ_S = 0.010
"""Waiting for a servo that does not answer. Not known; a guess."""
WRITE_S = 0.0015
"""A synchronous write of all goals with what surrounds it, so that an interpolated step takes 3.5 ms (derived)."""
EVERY = 254
"""The id that every servo obeys."""
BOOT_P = 16
"""Register P that the firmware writes to every servo at boot; register I becomes 0."""


@dataclass(frozen=True)
class Reading:
    """What one read returns."""

    position: int = 0
    """Encoder steps, 0 to 4095."""
    load: int = 0
    """0.1 % of the stall torque, signed."""
    current_ma: float = 0.0
    torque_on: bool = False


class ServoBus:
    """Addresses servos by id. A servo that does not answer takes no writes either."""

    def __init__(self, world: ServoWorld) -> None:
        self.world = world
        self._frozen: dict[int, Reading] = {}

    def found(self, servo_id: int) -> list[Servo]:
        """Return the servos that obey an id: all of them for 254."""
        if self.world.faults.bus_unpowered:
            return []
        dead = self.world.faults.dead_servos
        return [
            servo for place, servo in self.world.servos.items() if servo_id in (EVERY, servo.id) and place not in dead
        ]

    def read(self, servo_id: int) -> Reading | None:
        """Return what a servo says, or None when none answers."""
        servos = self.found(servo_id)
        if not servos:
            return None
        servo = servos[0]
        if not self.world.faults.frozen_feedback or servo_id not in self._frozen:
            self._frozen[servo_id] = Reading(servo.reading, servo.load, servo.current_ma, servo.torque_on)
        return self._frozen[servo_id]

    def ping(self, servo_id: int) -> bool:
        """Return whether a servo answers."""
        return bool(self.found(servo_id))

    def write_goal(self, servo_id: int, goal: int, speed: int, acc: int) -> None:
        """Send a servo to a position [step] with speed [step/s] and acceleration [100 step/s^2] registers."""
        for servo in self.found(servo_id):
            servo.write_goal(goal, speed, acc)

    def write_torque(self, servo_id: int, *, on: bool) -> None:
        """Switch a servo's torque."""
        for servo in self.found(servo_id):
            servo.write_torque(on=on)

    def write_torque_limit(self, servo_id: int, limit: int) -> None:
        """Set a torque limit [0.1 %]."""
        for servo in self.found(servo_id):
            servo.torque_limit = limit

    def write_pi(self, servo_id: int, p: int, i: int) -> None:
        """Set the registers P and I."""
        for servo in self.found(servo_id):
            servo.p, servo.i = p, i

    def write_pi_of_boot(self) -> None:
        """Set P and I of all servos as every boot does."""
        for servo_id in SERVO_IDS:
            self.write_pi(servo_id, BOOT_P, 0)

    def set_middle(self, servo_id: int) -> None:
        """Make present positions read 2048, for good."""
        for servo in self.found(servo_id):
            servo.set_middle()

    def set_id(self, old: int, new: int) -> None:
        """Give a servo another id, for good."""
        for servo in self.found(old):
            servo.id = new

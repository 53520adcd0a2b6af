"""Which arm is meant: the words after `--arm` become a connected arm, the same for every verb."""

from collections.abc import Generator
from contextlib import contextmanager

from roarm_lab.core.clock import Clock, MonotonicClock
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.hardware.link import Address
from roarm_lab.robots.arm import Arm
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import SimConfig

ARMS = {
    "sim": "simulated here, in real time",
    "emulator": "the vendor's firmware pretended on this computer, behind the real driver",
    "serial": "at a USB cable: serial:PORT, or serial alone when there is only one",
    "http": "over the arm's Wi-Fi: http:HOST",
    "rfc2217": "at a serial port shared over the network: rfc2217://HOST:PORT",
    "socket": "the same without RFC 2217: socket://HOST:PORT",
}
"""Kind -> what it is."""
HERE = frozenset({"sim", "emulator"})
"""Kinds that have no place."""
FIRMWARE = "20260701"
"""Which firmware `emulator` pretends: the newer one."""


def check_arm(words: str) -> str:
    """Return the kind of arm that the words after `--arm` mean.

    Raises:
        UnknownNameError: There is no such kind of arm.
        BadInputError: The place is missing, or given where there is none.
    """
    kind, colon, _ = words.partition(":")
    if kind not in ARMS:
        raise UnknownNameError("kind of arm", kind, ARMS)
    if kind not in HERE:
        Address.parse(words)
    elif colon:
        raise BadInputError(f"An arm of kind {kind!r} has no place; got {words!r}.")
    return kind


@contextmanager
def connected(words: str, robot: Robot, *, clock: Clock | None = None, sim: SimConfig | None = None) -> Generator[Arm]:
    """Yield an arm; it is closed afterwards.

    Args:
        words: What stands after `--arm`.
        robot: What kind of arm it is.
        clock: The time a simulated arm lives in; real time by default.
        sim: How a simulated arm is simulated, and what lies on its table.

    Raises:
        UnknownNameError: There is no such kind of arm.
        BadInputError: The words do not say where it is.
        MissingError: It is not there.
        UnsafeCommandError: Its pose is impossible.
    """
    kind = check_arm(words)
    if kind == "sim":
        from roarm_lab.sim.arm import SimArm

        opened = SimArm(robot, clock=clock or MonotonicClock(), config=sim)
    elif kind == "emulator":
        opened = _emulated()
    else:
        from roarm_lab.hardware.roarm_m3 import RoArmM3

        opened = RoArmM3.connect(words)
    with opened as arm:
        yield arm


@contextmanager
def _emulated() -> Generator[Arm]:
    """Yield the driver on the port of a pretended firmware that runs as a process of its own."""
    from roarm_lab.emulator.process import emulator_process
    from roarm_lab.hardware.roarm_m3 import RoArmM3

    with emulator_process(FIRMWARE, "--pty") as emulator, RoArmM3.connect(f"serial:{emulator.addresses.serial}") as arm:
        yield arm

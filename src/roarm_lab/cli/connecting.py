"""Which arm is meant: the words after `--arm` become a connected arm, the same for every verb."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from roarm_lab.core.clock import Clock, MonotonicClock
from roarm_lab.core.errors import BadInputError, MissingError, UnknownNameError
from roarm_lab.robots.arm import Arm
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import SimConfig

ARMS = {
    "sim": "simulated here, in real time",
    "emulator": "the vendor's firmware pretended on this computer, behind the real driver",
    "serial": "at a USB cable: serial:PORT, or serial alone when there is only one",
    "http": "over the network: http:HOST",
}
"""Kind -> what it is."""
NEEDS_PLACE, TAKES_PLACE = frozenset({"http"}), frozenset({"serial", "http"})


@dataclass(frozen=True)
class ArmAddress:
    """Where an arm is."""

    kind: str
    """A key of `ARMS`."""
    place: str = ""
    """Port or host; empty where there is none, or where it is to be found."""

    def __str__(self) -> str:
        """Return the words that mean this."""
        return f"{self.kind}:{self.place}" if self.place else self.kind


def parse_arm(words: str) -> ArmAddress:
    """Return what the words after `--arm` mean.

    Raises:
        UnknownNameError: There is no such kind of arm.
        BadInputError: A place is missing, or given where there is none.
    """
    kind, colon, place = words.partition(":")
    if kind not in ARMS:
        raise UnknownNameError("kind of arm", kind, ARMS)
    if colon and kind not in TAKES_PLACE:
        raise BadInputError(f"--arm {kind} has no place; got {words!r}.")
    if not place and (colon or kind in NEEDS_PLACE):
        example = "serial:/dev/ttyUSB0" if kind == "serial" else "http:192.168.4.1"
        raise BadInputError(f"--arm {words!r} does not say where the arm is. Write it like {example}.")
    return ArmAddress(kind, place)


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
    address = parse_arm(words)
    with _opened(address, robot, clock, sim) as arm:
        yield arm


def _opened(address: ArmAddress, robot: Robot, clock: Clock | None, sim: SimConfig | None) -> Any:
    if address.kind == "sim":
        from roarm_lab.sim.arm import SimArm

        return SimArm(robot, clock=clock or MonotonicClock(), config=sim)
    if address.kind == "emulator":
        return _emulated(robot)
    return _driver().connect(str(address))


@contextmanager
def _emulated(robot: Robot) -> Generator[Arm]:
    """Yield the driver on the port of a pretended firmware that runs as a process of its own."""
    del robot
    with _part("roarm_lab.emulator.process").emulator() as address, _driver().connect(address) as arm:
        yield arm


def _driver() -> Any:
    return _part("roarm_lab.hardware.roarm_m3").RoArmM3


def _part(module: str) -> Any:
    """Return a module that drives or pretends an arm; it is loaded only when an arm of that kind is asked for."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise MissingError(f"This version has no {module}, so only --arm sim works.") from error

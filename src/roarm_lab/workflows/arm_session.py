"""Which arm is meant: the words after `--arm` become a connected arm, the same for every verb."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from roarm_lab.core.clock import Clock, MonotonicClock
from roarm_lab.core.errors import BadInputError, UnknownNameError, UnsafeCommandError
from roarm_lab.hardware.link import DEVICE, Address
from roarm_lab.robots.arm import Arm, GatedArm
from roarm_lab.robots.gate_config import GateRules
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.robot import Robot
from roarm_lab.robots.station import FILE, Station, load_station
from roarm_lab.sim.backend import SimConfig

if TYPE_CHECKING:
    from roarm_lab.hardware.roarm_m3 import RoArmM3

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
    if DEVICE.fullmatch(words):
        return "serial"
    kind, colon, _ = words.partition(":")
    if kind not in ARMS:
        raise UnknownNameError("kind of arm", kind, ARMS)
    if kind not in HERE:
        Address.parse(words)
    elif colon:
        raise BadInputError(f"An arm of kind {kind!r} has no place; got {words!r}.")
    return kind


def station_for(path: Path | None, words: str, robot: Robot) -> Station | None:
    """Return the station that counts: the one in a file; for a real arm by default the one in the working folder.

    Args:
        path: The file that was named (`--station`); None when none was.
        words: What stands after `--arm`. A simulated or emulated arm has no station unless one is named.
        robot: What kind of arm it is.

    Raises:
        BadInputError: The file that was named is missing, or what stands in it can not be used.
    """
    if path is None and (words in HERE or not (FILE.exists() or FILE.is_symlink())):  # a link to nowhere is refused
        return None
    return load_station(path or FILE, robot)


@contextmanager
def connected(
    words: str,
    robot: Robot,
    *,
    clock: Clock | None = None,
    sim: SimConfig | None = None,
    station: Station | None = None,
) -> Generator[Arm]:
    """Yield an arm; it is closed afterwards.

    Args:
        words: What stands after `--arm`; empty for the station's address.
        robot: What kind of arm it is.
        clock: The time a simulated arm lives in; real time by default.
        sim: How a simulated arm is simulated, and what lies on its table.
        station: Its limits and its stop file hold for every arm. Its offsets and its USB serial number are those of
            the real one, and only used there.

    Raises:
        UnknownNameError: There is no such kind of arm.
        BadInputError: The words do not say where it is.
        MissingError: It is not there.
        UnsafeCommandError: Its pose is impossible.
    """
    words = words or (station.address if station else "serial")
    kind, rules = check_arm(words), station and station.rules()
    stop = station and station.estop_file()
    if kind == "sim":
        from roarm_lab.sim.arm import SimArm

        opened = SimArm(robot, clock=clock or MonotonicClock(), config=sim, rules=rules)
    elif kind == "emulator":
        opened = _emulated(rules)
    else:
        opened = real_arm(words, station, clock=clock)
    with opened as arm:
        if stop and kind in HERE:
            arm.stop_on(stop)
        yield arm


def real_arm(
    words: str, station: Station | None, *, reset: bool = False, torque_on: bool = False, clock: Clock | None = None
) -> "RoArmM3":
    """Return a real arm, calibrated, limited and stopped as its station says.

    Args:
        words: Its address; empty for the station's, or the one on USB.
        station: None where there is no station file.
        reset: Start its firmware anew, which moves it.
        torque_on: Make limp servos hold where they are.
        clock: What readings are stamped with.

    Raises:
        BadInputError: The station is another arm's, or its stop file can not be used.
        MissingError: It is not there.
        UnsafeCommandError: Its pose is impossible, or it should be reset although its station's stop file is there.
    """
    from roarm_lab.hardware.calibration import Calibration
    from roarm_lab.hardware.roarm_m3 import RoArmM3

    if station is None:
        return RoArmM3.connect(words or "serial", reset=reset, torque_on=torque_on, clock=clock)
    stop = station.estop_file()  # a folder that is missing is refused before the arm is asked anything
    if reset and stop and (wanted := stop.wants_stop()):  # a reset moves the arm outside the gate, which asks later
        raise UnsafeCommandError(f"The arm is not started anew, because that moves it: {wanted}.")
    arm = RoArmM3.connect(
        words or station.address,
        usb_serial=station.usb_serial,
        rules=station.rules(),
        calibration=Calibration(station.offsets_rad(ROARM_M3)),
        reset=reset,
        torque_on=torque_on,
        clock=clock,
    )
    if stop:
        arm.stop_on(stop)
    return arm


@contextmanager
def _emulated(rules: GateRules | None) -> Generator[GatedArm]:
    """Yield the driver on the port of a pretended firmware that runs as a process of its own."""
    from roarm_lab.emulator.process import emulator_process
    from roarm_lab.hardware.roarm_m3 import RoArmM3

    with (
        emulator_process(FIRMWARE, "--pty") as emulator,
        RoArmM3.connect(f"serial:{emulator.addresses.serial}", rules=rules) as arm,
    ):
        yield arm

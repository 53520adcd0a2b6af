"""One way to an arm: what `arm=` says becomes a value, the value a connected arm behind its gate."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import ArrayLike

from roarm_lab.core.clock import Clock, MonotonicClock
from roarm_lab.core.errors import BadInputError, UnknownNameError, UnsafeCommandError
from roarm_lab.gateway.dry_arm import DryArm
from roarm_lab.hardware.link import DEVICE, Address
from roarm_lab.robots.arm import GatedArm
from roarm_lab.robots.estop import EstopFile
from roarm_lab.robots.gate_config import GateRules
from roarm_lab.robots.perception import BoxTruth
from roarm_lab.robots.robot import Robot
from roarm_lab.robots.station import FILE, Station, load_station
from roarm_lab.robots.table import get_robot
from roarm_lab.sim.backend import Box, SimConfig

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
VIRTUAL = frozenset({"sim", "emulator"})
"""Kinds that are not real: they have no place, and nobody can be hurt by them."""
FIRMWARE = "20260701"
"""Which firmware an emulated arm has: the newer one."""
EMULATED_BOXES = (Box(name="cube"),)
"""What the emulator can have on its table."""
PARKED_M = (1.0, 0.0, 0.1)
"""Where the emulator's cube waits at first [m]: out of reach, above the table."""


@dataclass(frozen=True)
class ArmAddress:
    """Which arm is meant."""

    text: str
    """As it was written, for instance `serial:/dev/ttyUSB0`."""
    kind: str
    """One of `ARMS`."""

    @classmethod
    def parse(cls, text: str) -> "ArmAddress":
        """Return the arm that a text means; a device file is one at a USB cable.

        Raises:
            UnknownNameError: There is no such kind of arm.
            BadInputError: The place is missing, or given where there is none.
        """
        if DEVICE.fullmatch(text):
            return cls(text, "serial")
        kind, colon, _ = text.partition(":")
        if kind not in ARMS:
            raise UnknownNameError("kind of arm", kind, ARMS)
        if kind not in VIRTUAL:
            Address.parse(text)
        elif colon:
            raise BadInputError(f"An arm of kind {kind!r} has no place; got {text!r}.")
        return cls(text, kind)

    @property
    def virtual(self) -> bool:
        """Whether it is simulated or emulated."""
        return self.kind in VIRTUAL

    def __str__(self) -> str:
        return self.text


class Table(Protocol):
    """Boxes that can be put anywhere and judged, because they are not real."""

    def place_box(self, name: str, pos_w: ArrayLike, quat_w: ArrayLike = ...) -> None:
        """Put a box at a position [3] m in the world frame, turned as a quaternion wxyz says."""
        ...

    def truth(self) -> BoxTruth:
        """Return where the boxes are and which jaws touch them."""
        ...


@dataclass(frozen=True, kw_only=True)
class ArmRequest:
    """Which arm to open, and how."""

    address: ArmAddress
    """Which one."""
    robot: Robot
    """What kind of arm it is."""
    sim: SimConfig = field(default_factory=SimConfig)
    """How a simulated arm is simulated; its boxes lie on the table of one that is not real."""
    firmware: str = FIRMWARE
    """Which one an emulated arm has."""
    fast: bool = False
    """Not in real time; for an arm that is not real."""
    dry_run: bool = False
    """Keep every target from the arm."""
    station: Station | None = None
    """Its limits and its stop file hold for every arm; its offsets and its USB serial number are a real one's."""
    stop_file: Path | None = None
    """As long as it exists, nothing is sent."""

    def validate(self) -> None:
        """Refuse what does not fit together, before the arm is asked anything.

        Raises:
            BadInputError: A real arm is to be fast, or the emulator has not the task's boxes.
        """
        if self.fast and not self.address.virtual:
            raise BadInputError("`fast=True` is for `arm='sim'` and `arm='emulator'`: real arms live in real time.")
        if self.address.kind == "emulator" and self.sim.boxes not in {(), EMULATED_BOXES}:
            boxes = list(self.sim.boxes)
            raise BadInputError(f"The emulator has one cube (3 cm, 30 g) on its table; this task needs {boxes}.")


@dataclass(frozen=True)
class ArmSession:
    """An arm, connected. Everything that is sent to it passes its gate."""

    arm: GatedArm
    """Where to read and send; it is gated, always."""
    address: ArmAddress
    """Which one it is."""
    station: Station | None = None
    """What holds at its place."""
    table: Table | None = None
    """Its boxes; None for an arm whose boxes nobody can move or judge."""
    about: Callable[[], dict[str, Any]] = dict
    """Facts for a summary, asked for at the end."""
    fast: bool = False
    """Whether it lives in simulated time."""
    dry_run: bool = False
    """Whether every target is kept from it."""


@contextmanager
def connect_arm(
    address: str = "sim", *, robot: str = "roarm_m3", station: Path | None = None, fast: bool = False
) -> Generator[ArmSession]:
    """Yield a connected arm, which is closed afterwards. Connecting moves nothing.

    Args:
        address: `sim`, `emulator`, `serial`, `serial:PORT`, `http:HOST`, `rfc2217://HOST:PORT` or `socket://HOST:PORT`.
        robot: What kind of arm it is.
        station: The file with its limits, its calibration and its stop file. For a real arm `station.yaml` in the
            working folder, if there is one.
        fast: Let a simulated or emulated arm go as fast as it can instead of in real time.

    Raises:
        UnknownNameError: There is no such kind of arm, or no such robot.
        BadInputError: The address or the station can not be used.
        MissingError: The arm is not there.
        UnsafeCommandError: Its pose is impossible.
    """
    facts, where = get_robot(robot), ArmAddress.parse(address)
    found = station_for(station, where, facts)
    with open_arm(ArmRequest(address=where, robot=facts, station=found, fast=fast)) as session:
        yield session


@contextmanager
def open_arm(request: ArmRequest) -> Generator[ArmSession]:
    """Yield the arm that is meant; it is closed afterwards.

    Raises:
        BadInputError: The request does not fit together.
        MissingError: The arm is not there.
        UnsafeCommandError: Its pose is impossible.
    """
    request.validate()
    rules = request.station and request.station.rules()
    stops = [] if request.stop_file is None else [EstopFile(request.stop_file)]
    if request.station and (stop := request.station.estop_file()) and (request.address.virtual or request.dry_run):
        stops.append(stop)  # a real arm looks for it itself
    with ExitStack() as stack:
        match request.address.kind:
            case "sim":
                session = stack.enter_context(_simulated(request, rules))
            case "emulator":
                session = stack.enter_context((_in_lockstep if request.fast else _in_real_time)(request, rules))
            case _:
                arm = stack.enter_context(connect_real(request.address.text, request.robot, request.station))
                session = ArmSession(arm, request.address, request.station)
        if request.dry_run:
            dry = stack.enter_context(DryArm(session.arm, rules))
            session = replace(session, arm=dry, dry_run=True)
        for stop in stops:
            session.arm.stop_on(stop)
        yield replace(session, fast=request.fast)


def station_for(path: Path | None, address: ArmAddress | None, robot: Robot) -> Station | None:
    """Return the station that counts: the one in a file; for a real arm by default the one in the working folder.

    Args:
        path: The file that was named; None when none was.
        address: Which arm; None for a real one that is still to be found. A simulated or emulated arm has no station
            unless one is named.
        robot: What kind of arm it is.

    Raises:
        BadInputError: The file that was named is missing, or what stands in it can not be used.
    """
    virtual = address is not None and address.virtual
    if path is None and (virtual or not (FILE.exists() or FILE.is_symlink())):  # a link to nowhere is refused
        return None
    return load_station(path or FILE, robot)


def connect_real(
    text: str,
    robot: Robot,
    station: Station | None,
    *,
    reset: bool = False,
    torque_on: bool = False,
    clock: Clock | None = None,
) -> "RoArmM3":
    """Return a real arm, calibrated, limited and stopped as its station says.

    Args:
        text: Its address; empty for the station's, or the one on USB.
        robot: What kind of arm it is.
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
        return RoArmM3.connect(text or "serial", reset=reset, torque_on=torque_on, clock=clock)
    stop = station.estop_file()  # a folder that is missing is refused before the arm is asked anything
    if reset and stop and (wanted := stop.wants_stop()):  # a reset moves the arm outside the gate, which asks later
        raise UnsafeCommandError(f"The arm is not started anew, because that moves it: {wanted}.")
    arm = RoArmM3.connect(
        text or station.address,
        usb_serial=station.usb_serial,
        rules=station.rules(),
        calibration=Calibration(station.offsets_rad(robot)),
        reset=reset,
        torque_on=torque_on,
        clock=clock,
    )
    if stop:
        arm.stop_on(stop)
    return arm


@contextmanager
def _simulated(request: ArmRequest, rules: GateRules | None) -> Generator[ArmSession]:
    from roarm_lab.core.clock import SimulatedClock
    from roarm_lab.sim.arm import SimArm

    clock = SimulatedClock() if request.fast else MonotonicClock()
    with SimArm(request.robot, clock=clock, config=request.sim, rules=rules) as arm:
        yield ArmSession(arm, request.address, request.station, arm if request.sim.boxes else None)


@contextmanager
def _in_real_time(request: ArmRequest, rules: GateRules | None) -> Generator[ArmSession]:
    """Yield the driver on the port of a pretended firmware that runs as a process of its own."""
    from roarm_lab.emulator.process import emulator_process
    from roarm_lab.emulator.table import EmulatedTable
    from roarm_lab.hardware.roarm_m3 import RoArmM3

    cube = PARKED_M if request.sim.boxes else None
    clock = MonotonicClock()
    with ExitStack() as stack:
        emulator = stack.enter_context(emulator_process(request.firmware, pty=True, booted=True, cube=cube))
        table = EmulatedTable(emulator.command, clock).watching() if request.sim.boxes else None
        if table is not None:
            stack.callback(table.close)
        address = f"serial:{emulator.addresses.serial}"
        arm = stack.enter_context(RoArmM3.connect(address, clock=clock, rules=rules, eye=table))
        yield _emulated(request, arm, table)


@contextmanager
def _in_lockstep(request: ArmRequest, rules: GateRules | None) -> Generator[ArmSession]:
    """Yield the driver on a pretended firmware in this process, whose time goes on with the driver's questions."""
    from roarm_lab.emulator.board import Board
    from roarm_lab.emulator.firmware import firmware_named
    from roarm_lab.emulator.lockstep import LockstepClock, lockstep_arm
    from roarm_lab.emulator.table import EmulatedTable, asked_here
    from roarm_lab.emulator.world import ServoWorld

    world = ServoWorld(boxes=request.sim.boxes, config=SimConfig(contact="hold"))
    for box in world.boxes:
        world.place_box(box, PARKED_M)
    board = Board(firmware_named(request.firmware), world)
    board.boot()
    clock = LockstepClock(board)
    table = EmulatedTable(asked_here(world), clock) if request.sim.boxes else None
    with lockstep_arm(board, clock, rules=rules, eye=table) as arm:
        yield _emulated(request, arm, table)


def _emulated(request: ArmRequest, arm: "RoArmM3", table: Table | None) -> ArmSession:
    about = lambda: {"firmware": request.firmware, "connection": vars(arm.counts)}  # noqa: E731
    return ArmSession(arm, request.address, request.station, table, about)

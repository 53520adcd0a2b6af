"""An arm to run a policy on, and what can be done to the boxes on its table where they are not real."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from numpy.typing import ArrayLike

from roarm_lab.core.clock import MonotonicClock, SimulatedClock
from roarm_lab.core.errors import BadInputError
from roarm_lab.gateway.dry_arm import DryArm
from roarm_lab.robots.arm import Arm, GatedArm
from roarm_lab.robots.estop import EstopFile
from roarm_lab.robots.gate_config import GateRules
from roarm_lab.robots.perception import BoxTruth
from roarm_lab.robots.robot import Robot
from roarm_lab.robots.station import Station
from roarm_lab.sim.arm import SimArm
from roarm_lab.sim.backend import Box, SimConfig
from roarm_lab.workflows.arm_session import FIRMWARE, HERE, check_arm, connected

EMULATED_BOXES = (Box(name="cube"),)
"""What `roarm emulate --cube` puts on its table."""
PARKED = (1.0, 0.0, 0.1)
"""Where the emulator's cube waits at first [m]: out of reach, above the table."""


class Table(Protocol):
    """Boxes that can be put anywhere and judged, because they are not real."""

    def place_box(self, name: str, pos_w: ArrayLike, quat_w: ArrayLike = ...) -> None:
        """Put a box at a position [3] m in the world frame, turned as a quaternion wxyz says."""
        ...

    def truth(self) -> BoxTruth:
        """Return where the boxes are and which jaws touch them."""
        ...


@dataclass(frozen=True)
class Stage:
    """An arm, connected."""

    arm: Arm
    table: Table | None = None
    """None for an arm whose boxes nobody can move or judge."""
    about: Callable[[], dict[str, object]] = dict
    """Facts for the summary, asked for at the end."""


@contextmanager
def stage(
    words: str,
    robot: Robot,
    sim: SimConfig,
    *,
    firmware: str = FIRMWARE,
    fast: bool = False,
    dry_run: bool = False,
    station: Station | None = None,
    stop_file: Path | None = None,
) -> Generator[Stage]:
    """Yield the arm that is meant, with the task's boxes on the table of one that is not real.

    Args:
        words: What stands after `--arm`.
        robot: What kind of arm it is.
        sim: How a simulated arm is simulated; its boxes are the task's.
        firmware: Which one an emulated arm has.
        fast: Not in real time.
        dry_run: Keep every target from the arm.
        station: What holds at this place; its calibration is that of a real arm.
        stop_file: As long as it exists, nothing is sent.

    Raises:
        BadInputError: These do not fit together, or the emulator has not the task's boxes.
        MissingError: The arm is not there.
        UnsafeCommandError: Its pose is impossible.
    """
    kind, rules = check_arm(words), station and station.rules()
    if fast and kind not in HERE:
        raise BadInputError("--fast is for --arm sim and --arm emulator: real arms live in real time.")
    if kind == "emulator" and sim.boxes not in {(), EMULATED_BOXES}:
        raise BadInputError(f"The emulator has one cube (3 cm, 30 g) on its table; this task needs {list(sim.boxes)}.")
    stops = [None if stop_file is None else EstopFile(stop_file), station and station.estop_file()]
    with ExitStack() as stack:
        if kind == "emulator":
            found = stack.enter_context((_in_step if fast else _in_real_time)(firmware, sim, rules))
        else:
            clock = SimulatedClock() if fast else MonotonicClock()
            arm = stack.enter_context(connected(words, robot, clock=clock, sim=sim, station=station))
            found = Stage(arm, arm if isinstance(arm, SimArm) and sim.boxes else None)
        if dry_run:
            found = Stage(stack.enter_context(DryArm(found.arm, rules)), found.table, found.about)
        for stop in stops:
            if stop is not None and isinstance(found.arm, GatedArm):
                found.arm.stop_on(stop)
        yield found


@contextmanager
def _in_real_time(firmware: str, sim: SimConfig, rules: GateRules | None) -> Generator[Stage]:
    from roarm_lab.emulator.process import emulator_process
    from roarm_lab.emulator.table import EmulatedTable
    from roarm_lab.hardware.roarm_m3 import RoArmM3

    cube = ("--cube", *map(str, PARKED)) if sim.boxes else ()
    clock = MonotonicClock()
    with ExitStack() as stack:
        emulator = stack.enter_context(emulator_process(firmware, "--pty", "--booted", *cube))
        table = EmulatedTable(emulator.command, clock).watching() if sim.boxes else None
        if table is not None:
            stack.callback(table.close)
        address = f"serial:{emulator.addresses.serial}"
        arm = stack.enter_context(RoArmM3.connect(address, clock=clock, rules=rules, eye=table))
        yield Stage(arm, table, lambda: {"firmware": firmware, "connection": vars(arm.counts)})


@contextmanager
def _in_step(firmware: str, sim: SimConfig, rules: GateRules | None) -> Generator[Stage]:
    from roarm_lab.emulator.board import Board
    from roarm_lab.emulator.firmware import firmware_named
    from roarm_lab.emulator.lockstep import LockstepClock, lockstep_arm
    from roarm_lab.emulator.table import EmulatedTable, asked_here
    from roarm_lab.emulator.world import ServoWorld

    world = ServoWorld(boxes=sim.boxes, config=SimConfig(contact="hold"))
    for box in world.boxes:
        world.place_box(box, PARKED)
    board = Board(firmware_named(firmware), world)
    board.boot()
    clock = LockstepClock(board)
    table = EmulatedTable(asked_here(world), clock) if sim.boxes else None
    with lockstep_arm(board, clock, rules=rules, eye=table) as arm:
        yield Stage(arm, table, lambda: {"firmware": firmware, "connection": vars(arm.counts)})

"""An arm that something happens to while it waits, is steered by a person or driven by a policy, and what became of it.

Driver and emulated firmware share one thread and simulated time (`emulator.lockstep`): the same bytes as on a port, the
same run every time, and no waiting.
"""

import io
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.emulator.board import Board
from roarm_lab.emulator.fault_parser import with_fault
from roarm_lab.emulator.faults import Faults
from roarm_lab.emulator.firmware import firmware_named
from roarm_lab.emulator.lockstep import LockstepClock, lockstep_arm
from roarm_lab.gateway.arm_policy import ArmPolicy
from roarm_lab.gateway.loop import Cycle, CycleLog, EpisodeLog, move_slowly, run_episode
from roarm_lab.hardware.roarm_m3 import RoArmM3
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.teleop.jog import Jog
from roarm_lab.teleop.keyboard import Keyboard
from roarm_lab.teleop.session import teleoperate
from roarm_lab.teleop.status_line import StatusLine
from tests.teleop.teleop_session import Typist

PERIOD_S = 0.05
AT_TURN = 20
"""When it happens: the arm moves by then."""
START = np.array([0.2, 0.0, 1.4, 0.3, 0.2, 0.6])
BASE = 0
HINT = "C clears it, after you have looked at the arm"
DROOP_RAD = 0.07  # 4 degrees, the most that users report


@dataclass
class Seen:
    """What a person, the log and the arm's serial line saw."""

    words: str = ""
    """What was said."""
    held: str | None = None
    """Why the arm was held first."""
    moves: list[bytes] = field(default_factory=list[bytes])
    """Lines with targets that reached the arm, in order."""
    moves_while_held: list[bytes] = field(default_factory=list[bytes])
    """Those after the first hold."""
    wrong_rad: float = 0.0
    """How far a pose that was believed was from a true one of the last moments, at most."""
    episode: EpisodeLog | None = None


class Bench:
    """One emulated arm and its driver."""

    def __init__(self, board: Board, arm: RoArmM3) -> None:
        self.board, self.arm, self.seen = board, arm, Seen()
        self._true: list[Float64] = []
        self._tap()

    def happens(self, fault: str) -> None:
        """Let a fault begin."""
        self.board.faults = with_fault(self.board.faults, fault)

    def is_repaired(self) -> None:
        """End all faults."""
        self.board.faults = Faults(seed=self.board.faults.seed)

    def passes(self, seconds: float) -> None:
        """Let time pass, looking at the arm as a program does that only reads."""
        for _ in range(round(seconds / PERIOD_S)):
            self.arm.clock.sleep_until_s(self.arm.clock.now_s() + PERIOD_S)
            self.look()

    def look(self) -> None:
        """Note how far a believed pose is from the truth of the last second, and why the arm is held."""
        self._true = [*self._true[-round(1.0 / PERIOD_S) :], self.board.joint_pos]
        sample, latched = self.arm.read(), self.arm.latched
        if sample.valid:
            gap = min(float(np.max(np.abs(sample.joint_pos - true))) for true in self._true)
            self.seen.wrong_rad = max(self.seen.wrong_rad, gap)
        if latched is not None and self.seen.held is None:
            self.seen.held = latched

    def waits(self, fault: str, seconds: float) -> Seen:
        """Do nothing but read while it happens."""
        self.happens(fault)
        self.passes(seconds)
        self.seen.words = self.arm.read().reason
        return self.seen

    def is_steered(self, keys: Sequence[str], events: Mapping[int, Callable[[], object]]) -> Seen:
        """Let a person type, one text per turn, while things happen in some of the turns."""
        out, numbers = io.StringIO(), iter(range(len(keys)))

        def watch(turn: object) -> None:
            self.look()
            event = events.get(next(numbers))
            if event is not None:
                event()

        jog = Jog(ROARM_M3, Keyboard(Typist(keys)), PERIOD_S, speed=0.35)
        teleoperate(self.arm, jog, watch=[StatusLine(out, hint=HINT), watch], seconds=len(keys) * PERIOD_S)
        self.seen.words += out.getvalue()
        return self.seen

    def is_driven(self, policy: ArmPolicy, log: Path, event: Callable[[], object], seconds: float) -> Seen:
        """Let a policy drive while something happens, with every cycle written to a file."""
        commands = policy.draw_commands(np.random.default_rng(0))

        def watch(cycle: Cycle) -> None:
            self.look()
            if cycle.cycle == AT_TURN:
                event()

        with log.open("xb", buffering=0) as file:
            self.seen.episode = run_episode(
                self.arm, policy, commands, log=CycleLog(file), seconds=AT_TURN * PERIOD_S + seconds, watch=watch
            )
        self.look()
        self.seen.words = self.seen.episode.held or ""
        return self.seen

    def moves_again(self) -> bool:
        """Let the arm go, as a person does who has looked at it, and whether a slow move arrives."""
        self.arm.release()
        self.passes(0.3)
        goal = np.array([self.arm.sent[BASE] - 0.3, *START[1:]])
        move_slowly(self.arm, goal, PERIOD_S)
        self.passes(0.5)
        return bool(np.max(np.abs(self.board.joint_pos - goal)) <= DROOP_RAD)

    def _tap(self) -> None:
        receive = self.board.receive

        def tapped(data: bytes) -> None:
            if b'"T":102' in data:
                self.seen.moves.append(data.strip())
                if self.seen.held is not None:
                    self.seen.moves_while_held.append(data.strip())
            receive(data)

        self.board.receive = tapped  # pyright: ignore[reportAttributeAccessIssue]


@contextmanager
def bench(firmware: str) -> Generator[Bench]:
    """Yield an arm at `START` with its driver."""
    board = Board(firmware_named(firmware))
    board.boot()
    with lockstep_arm(board, LockstepClock(board)) as arm:
        move_slowly(arm, START, PERIOD_S)
        yield Bench(board, arm)

"""Teleoperation: one loop in which a person's device is the policy, and the person's orders come before anything else.

Per turn: wait for the tick, hear what the person wants (emergency stop, pause, clear), read the newest sample, ask the
teleoperator, send. The arm's gate stands inside `send`. On any doubt the arm is held, and the loop goes on listening,
so that a person can look and let it go on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Protocol

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.core.clock import Ticker
from roarm_lab.core.errors import BadInputError, RoarmLabError, UnsafeCommandError
from roarm_lab.core.messages import ActionChunk, Observation
from roarm_lab.gateway.freshness import fresh_sample
from roarm_lab.robots.arm import Arm, ArmSample

RATE_HZ = 20.0
"""Control cycles per second: what a serial line of this arm carries."""
MIN_RATE_HZ, MAX_RATE_HZ = 5.0, 100.0
"""Slower, a person steers a memory; faster, no arm of this kind answers."""
MAX_AGE_S = 0.25
"""A reading older than this holds the arm. A person steers by eye, so that it may be older than a policy's; over the
serial line readings are 35 to 60 ms old, and now and then 110 ms on a busy computer."""
PAUSED = "paused by a person"
UNMEANT_S = 0.2
"""A choice: who clears so soon after a stop can not have seen it; the key was pressed for an earlier one."""
JOINT_POS, JOINT_TARGET = "joint_pos", "joint_target"
"""What a teleoperator sees: the measured angles and the last sent target, [joint] rad each."""


class OperatorCommand(Enum):
    """What a person may want at any moment, whatever the teleoperator is."""

    STOP = "emergency stop by a person"
    """Hold until `CLEAR`."""
    STOP_UNKNOWN = (
        "a key without a meaning was pressed, or the terminal itself sent something: either stops the arm. C counts at "
        "its second press, a second later"
    )
    STOP_LAYOUT = "the keyboard layout is not Latin, so its keys are not known: any of them stops the arm. Switch it"
    """Both as `STOP`: who presses any key at all, on any keyboard, may mean it."""
    CLEAR = "clear"
    """End a hold or an emergency stop: the person has looked at the arm."""
    PAUSE = "pause"
    """Hold; the second time, go on. A hold of another kind, or an emergency stop, is not ended by it: who presses it in
    a fright, when the arm has just been held for a fault, wants it to stand."""
    HOLD = "several keys came together"
    """Pause, and never go on: a hand that falls on the keyboard means nothing else."""

    @property
    def stops(self) -> bool:
        """Whether it is an emergency stop."""
        return self in {OperatorCommand.STOP, OperatorCommand.STOP_UNKNOWN, OperatorCommand.STOP_LAYOUT}


class OperatorInput(Protocol):
    """Where orders come from."""

    def orders(self, now_s: float) -> Sequence[OperatorCommand]:
        """Return what was wanted since the last call, in order. Called every turn, also while the arm is held.

        Raises:
            UnsafeCommandError: The device is gone, so that nobody could stop the arm: it is held.
        """
        ...


class Teleoperator(OperatorInput, Protocol):
    """A policy with a person behind it."""

    @property
    def name(self) -> str:
        """What it is, for people."""
        ...

    @property
    def note(self) -> str:
        """How it stands at the moment, in a few words: mode, speed, who drives."""
        ...

    @property
    def trouble(self) -> str:
        """Why it does not do what the person wants; empty when it does."""
        ...

    def reset(self) -> None:
        """Begin anew, at the target that the next observation tells. Called before the first turn and after a hold."""
        ...

    def infer(self, observation: Observation) -> ActionChunk:
        """Return where the joints should go; see `JOINT_POS` and `JOINT_TARGET` for what is observed.

        Raises:
            RoarmLabError: It can not say; the arm is held.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class TeleopTurn:
    """One turn of the loop, for those who show it. Angles in rad, times in s."""

    number: int
    time_s: float
    """On the arm's clock."""
    late_s: float
    """How late the turn began."""
    compute_s: float
    """How long it took."""
    age_s: float
    """How old the sample is."""
    sample: ArmSample
    requested: Float64 | None
    """What was asked for; None when nothing was."""
    sent: Float64
    """The target that stands, as it left the gate."""
    latched: str | None
    """Why nothing is sent."""
    name: str
    note: str
    trouble: str = ""
    """Why the arm does not do what the person wants: the teleoperator's words, or what stood in the gate's way."""


@dataclass(frozen=True, kw_only=True)
class TeleopLog:
    """How a session went."""

    turns: int
    sent: int
    """Turns in which a target was sent."""
    missed: int
    """Periods that went by without a turn."""
    worst_late_s: float
    held: str | None
    """Why the arm is held at the end; None if it is not."""


Watch = Callable[[TeleopTurn], None]


def check_rate(rate_hz: float) -> float:
    """Return the rate.

    Raises:
        BadInputError: It is not one at which an arm can be steered.
    """
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise BadInputError(f"The rate must be {MIN_RATE_HZ:g} to {MAX_RATE_HZ:g} Hz, got {rate_hz:g}.")
    return rate_hz


def observe(arm: Arm, max_age_s: float = MAX_AGE_S, behind_s: float = 0.0) -> Observation:
    """Return what a teleoperator sees.

    Args:
        arm: Whose angles.
        max_age_s: What is older is refused.
        behind_s: How late the turn began: this computer's share of the age.

    Raises:
        UnsafeCommandError: The sample failed or is too old.
    """
    sample = fresh_sample(arm, max_age_s, behind_s)
    return Observation(sample.measured_at_s, {JOINT_POS: sample.joint_pos, JOINT_TARGET: arm.sent})


def answer(observation: Observation, requested: Float64, period_s: float) -> ActionChunk:
    """Return requested angles [joint] rad as the answer to an observation."""
    return ActionChunk(observation.observed_at_s, period_s, np.array(requested, dtype=np.float64)[None])


def teleoperate(
    arm: Arm,
    teleoperator: Teleoperator,
    *,
    rate_hz: float = RATE_HZ,
    desks: Sequence[OperatorInput] = (),
    watch: Sequence[Watch] = (),
    seconds: float | None = None,
    max_age_s: float = MAX_AGE_S,
    end_when_held: bool = False,
) -> TeleopLog:
    """Let a teleoperator move an arm until time is up; Ctrl-C and every other end by an exception hold the arm.

    Args:
        arm: What to move.
        teleoperator: Who says where.
        rate_hz: Turns per second.
        desks: More places where orders come from.
        watch: Called after every turn; must not wait for anything.
        seconds: How long; until Ctrl-C by default.
        max_age_s: Readings older than this hold the arm.
        end_when_held: End when the arm is held, because nobody could let it go on.

    Raises:
        BadInputError: The rate makes no sense.
    """
    turns = None if seconds is None else max(round(seconds * rate_hz), 1)
    timing = _Timing(1.0 / check_rate(rate_hz), max_age_s)
    session = _Session(arm, teleoperator, timing, (teleoperator, *desks), watch)
    try:
        while (turns is None or session.number < turns) and not (end_when_held and arm.latched):
            session.turn()
    except BaseException as error:
        arm.hold(str(error) or type(error).__name__)
        raise
    return session.log()


@dataclass(frozen=True)
class _Timing:
    period_s: float
    max_age_s: float


class _Session:
    def __init__(
        self,
        arm: Arm,
        teleoperator: Teleoperator,
        timing: _Timing,
        desks: Sequence[OperatorInput],
        watch: Sequence[Watch],
    ) -> None:
        self._arm, self._teleoperator, self._timing = arm, teleoperator, timing
        self._desks, self._watch = desks, watch
        self._ticker = Ticker(arm.clock, timing.period_s)
        self._fresh = True
        self._latched, self._stopped_s = arm.latched, -inf
        self.number, self._sent = 0, 0

    def turn(self) -> None:
        late_s = self._ticker.wait()
        began_s = self._arm.clock.now_s()
        self._hear(began_s)
        requested = None
        if self._arm.latched is None:
            try:
                requested = self._drive()
            except RoarmLabError as error:
                self._arm.hold(str(error))
        self._fresh = self._fresh or self._arm.latched is not None
        self._tell(late_s, began_s, requested)
        self.number += 1

    def log(self) -> TeleopLog:
        return TeleopLog(
            turns=self.number,
            sent=self._sent,
            missed=self._ticker.missed,
            worst_late_s=self._ticker.worst_late_s,
            held=self._arm.latched,
        )

    def _hear(self, now_s: float) -> None:
        """Obey all orders. A desk that is gone holds the arm, after the others were heard."""
        if self._arm.latched != self._latched:
            self._latched, self._stopped_s = self._arm.latched, now_s
        trouble: str | None = None
        for desk in self._desks:
            try:
                for order in desk.orders(now_s):
                    self._obey(order, now_s)
            except UnsafeCommandError as error:
                trouble = trouble or str(error)
        if trouble is not None:
            self._arm.hold(trouble)

    def _obey(self, order: OperatorCommand, now_s: float) -> None:
        if order.stops:
            self._stopped_s = now_s
        match order:
            case OperatorCommand.STOP | OperatorCommand.STOP_UNKNOWN | OperatorCommand.STOP_LAYOUT:
                self._arm.estop(order.value)
            case OperatorCommand.CLEAR:
                if now_s - self._stopped_s >= UNMEANT_S:
                    self._arm.clear()
            case OperatorCommand.PAUSE | OperatorCommand.HOLD if self._arm.latched is None:
                self._arm.hold(PAUSED, gives_way=True)
            case OperatorCommand.PAUSE:
                if self._arm.latched == PAUSED:
                    self._arm.release()
            case OperatorCommand.HOLD:
                pass  # it stands already

    def _drive(self) -> Float64:
        observation = observe(self._arm, self._timing.max_age_s, self._ticker.behind_s)
        if self._fresh:
            self._teleoperator.reset()
            self._fresh = False
        chunk = self._teleoperator.infer(observation)
        if chunk.observed_at_s != observation.observed_at_s:
            raise UnsafeCommandError(f"{self._teleoperator.name} answered an old observation; nothing was sent.")
        self._arm.send(chunk.joint_target[0], self._timing.period_s)
        self._sent += 1
        return chunk.joint_target[0]

    def _tell(self, late_s: float, began_s: float, requested: Float64 | None) -> None:
        sample, now_s = self._arm.read(), self._arm.clock.now_s()
        turn = TeleopTurn(
            number=self.number,
            time_s=now_s,
            late_s=late_s,
            compute_s=now_s - began_s,
            age_s=now_s - sample.measured_at_s,
            sample=sample,
            requested=requested,
            sent=self._arm.sent,
            latched=self._arm.latched,
            name=self._teleoperator.name,
            note=self._teleoperator.note,
            trouble=self._teleoperator.trouble or getattr(self._arm, "blocked", None) or "",
        )
        for watch in self._watch:
            watch(turn)

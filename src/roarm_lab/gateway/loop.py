"""The control loop: one policy, one arm, a fixed rate. It holds the arm on any doubt and writes down every cycle.

Per cycle: wait for the tick, read the newest sample and, if the policy needs it, the newest look, ask the policy, send.
The arm's gate stands inside `send`.
"""

import gc
import json
import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from roarm_lab.core.arrays import Float32, Float64
from roarm_lab.core.clock import Ticker
from roarm_lab.core.errors import RoarmLabError, UnsafeCommandError
from roarm_lab.gateway.arm_policy import ArmPolicy
from roarm_lab.gateway.freshness import StaleError, fresh_sample, fresh_sight
from roarm_lab.policies.network import NoActionError
from roarm_lab.robots.arm import Arm
from roarm_lab.robots.perception import BoxTruth

SLOW_RAD_S = 0.6
"""Joint speed of moves that nobody asked to be fast."""
FRESH_WITHIN_S, LOOK_S = 1.0, 0.01
"""A choice: how long to wait for new readings after a pause of our own making, and how often to look."""
ARRIVED_RAD = 0.06
"""How near the measured pose must come: an arm with proportional servos stops up to 3.8 degrees short."""
SETTLE_S = 2.0
"""Time to come that near after the last target of a slow move."""
MAX_AGE_PERIODS = 3.0
"""A sample or a look older than this many control periods is too old to act on. At 20 Hz that is 0.15 s: the newer
firmware's readings are up to 65 ms old, and a line that breaks off takes the next one with it, another 56 ms."""
NOT_UNRECORDED = "An arm is not driven unrecorded."
ROOM_BYTES = 1 << 18
"""Proven to be free before an episode moves anything: 300 cycles of 0.8 kB; our tasks'
episodes have 50 and 60."""

LOGGED_AS = {"requested": "wish"}
"""Fields of a cycle that have another name in the log, which programs read."""


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """One turn of the loop, as it is logged. Angles in rad, times in s on the arm's clock."""

    episode: int
    cycle: int
    time_s: float
    late_s: float
    """How late the turn began."""
    age_s: float
    """How old the sample was when the target was sent."""
    compute_s: float
    """Time from the tick to the sent target."""
    joint_pos: list[float]
    requested: list[float]
    sent: list[float]
    success: bool | None
    """Whether the task was being done; None where nobody could tell."""
    distance_m: float
    box_pos_w: list[list[float]] | None = None
    """Where boxes were seen [box, 3] m in the world frame; None for a policy without boxes."""
    answered: bool = True
    """Whether there was an action; without one, from a policy far away, the last target stays. Logged where False."""

    def to_plain(self) -> dict[str, Any]:
        """Return the line of the log; there, what was requested is called `wish`."""
        plain = {LOGGED_AS.get(name, name): value for name, value in vars(self).items()}
        if self.answered:
            del plain["answered"]
        return plain


@dataclass(frozen=True, kw_only=True)
class EpisodeLog:
    """How an episode on an arm went."""

    success: bool | None
    """Whether the task was done and still is at the end; None where nobody could tell."""
    distance_m: float | None
    """How far off the last observation was; None without one."""
    cycles: int
    worst_late_s: float
    missed: int
    """Control periods that went by without a turn."""
    held: str | None
    """Why the arm was held before the episode's end; None if it was not."""
    stale: bool = False
    """Whether that was because a reading of the arm or a look at its boxes was too old."""
    unanswered: int = 0
    """Cycles in which a policy far away gave no action in time."""
    recorded: bool = True
    """Whether the log of cycles is complete; an arm is not driven on where it can not be written."""


class NotArrivedError(UnsafeCommandError):
    """An arm did not come near enough to where it was sent."""


class LogError(RoarmLabError):
    """What an arm does can not be written down."""


class CycleLog:
    """Writes one JSON line per cycle; every line is on its way to the disk before the next cycle begins."""

    def __init__(self, file: RawIOBase | None = None, path: Path | None = None) -> None:
        """Write to `file`, opened with `open(path, "xb", buffering=0)`, or nowhere.

        Without a buffer a line costs one write, and no rest is left that could fail when the file is closed.

        Args:
            file: Where to.
            path: Where people look for it: a file that is not there any more counts as one that can not be written.
        """
        self._file = file
        self._path = path and path.absolute()
        self.late_s: list[float] = []
        self.compute_s: list[float] = []
        self.age_s: list[float] = []

    def prove(self) -> None:
        """Make sure, before anything moves, that there is room for `ROOM_BYTES` more where people look for the log.

        Raises:
            LogError: There is not.
        """
        if self._file is None:
            return
        try:
            self._fill_and_cut(self._file)
        except OSError as error:
            raise _unwritable(error) from error
        self._refuse_lost()

    def add(self, cycle: Cycle) -> None:
        """Keep a cycle.

        Raises:
            LogError: The file can not be written, for instance because the disk is full, or is not there any more.
        """
        self.late_s.append(cycle.late_s)
        self.compute_s.append(cycle.compute_s)
        self.age_s.append(cycle.age_s)
        if self._file is None:
            return
        self._write(json.dumps(cycle.to_plain(), allow_nan=False).encode() + b"\n")
        self._refuse_lost()

    def _fill_and_cut(self, file: RawIOBase) -> None:
        end = file.tell()
        try:
            # Noise, as some file systems take zeros without having room for them; one line of text to who reads along.
            self._write(os.urandom(ROOM_BYTES // 2).hex().encode())
            os.fsync(file.fileno())  # others say only now that there is none
        except BaseException:  # Ctrl-C included: no noise stays in the log
            with suppress(OSError):
                file.truncate(file.seek(end))
            raise
        file.truncate(file.seek(end))

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        try:
            written = self._file.write(data)
        except OSError as error:
            raise _unwritable(error) from error
        if written != len(data):
            raise LogError(f"The cycle log took only a part of a line: the disk may be full. {NOT_UNRECORDED}")

    def _refuse_lost(self) -> None:
        """Refuse a file that was removed or renamed: what is written to it then is seen by nobody."""
        if self._file is None or self._path is None:
            return
        try:
            there = os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except OSError as error:
            raise LogError(f"The cycle log {self._path} is gone: {error.strerror}. {NOT_UNRECORDED}") from error
        if not there:
            raise LogError(f"The cycle log {self._path} is gone: another file has its name. {NOT_UNRECORDED}")

    def timing_ms(self) -> dict[str, Any]:
        """Return p50, p99 and maximum of lateness, computing time and age of the samples [ms]."""
        return {
            name: {
                "p50": float(np.quantile(values, 0.5)) * 1e3,
                "p99": float(np.quantile(values, 0.99)) * 1e3,
                "max": float(np.max(values)) * 1e3,
            }
            for name, values in (("late_ms", self.late_s), ("compute_ms", self.compute_s), ("age_ms", self.age_s))
            if values
        }


def _unwritable(error: OSError) -> LogError:
    return LogError(f"The cycle log can not be written: {error.strerror}. {NOT_UNRECORDED}")


@contextmanager
def quiet_memory(arm: Arm, period_s: float) -> Generator[None]:
    """Keep Python's garbage collector from looking through what is there already, inside the block.

    One look through all of a loaded simulator and network takes 20 ms and more, and comes when it likes. The one look
    before the block keeps the arm's own thread from reading, for 0.25 s among eight million objects; so readings as new
    as a cycle of `period_s` needs them are waited for. Where none come the first cycle says why.
    """
    gc.collect()
    gc.freeze()
    try:
        _wait_for_new_readings(arm, MAX_AGE_PERIODS * period_s)
        yield
    finally:
        gc.unfreeze()


def _wait_for_new_readings(arm: Arm, max_age_s: float) -> None:
    until_s = arm.clock.now_s() + FRESH_WITHIN_S
    while (now_s := arm.clock.now_s()) < until_s:
        sample = arm.read()
        if sample.valid and now_s - sample.measured_at_s <= max_age_s:
            return
        arm.clock.sleep_until_s(now_s + LOOK_S)


def move_slowly(
    arm: Arm,
    goal: ArrayLike,
    period_s: float,
    speed_rad_s: float = SLOW_RAD_S,
    *,
    watch: Callable[[], None] | None = None,
) -> None:
    """Move all joints to `goal` [joint] rad together, at most at `speed_rad_s`, and wait until the arm is there.

    Args:
        arm: What to move.
        goal: Where to.
        period_s: Time between two targets.
        speed_rad_s: Of the joint that has the longest way.
        watch: Called before every target; what it raises ends the move.

    Raises:
        NotArrivedError: It did not come within `ARRIVED_RAD`.
        UnsafeCommandError: The arm could not be read.

    Whatever ends it early, Ctrl-C included, holds the arm.
    """
    with _holding(arm):
        goal, start = np.asarray(goal, dtype=np.float64), arm.sent
        turns = max(int(np.ceil(np.max(np.abs(goal - start)) / (speed_rad_s * period_s))), 1)
        ticker = Ticker(arm.clock, period_s)
        for turn in range(1, turns + 1 + round(SETTLE_S / period_s)):
            ticker.wait()
            if watch is not None:
                watch()
            sample = fresh_sample(arm, MAX_AGE_PERIODS * period_s, ticker.behind_s)
            if turn > turns and np.max(np.abs(sample.joint_pos - goal)) <= ARRIVED_RAD:
                return
            arm.send(start + min(turn / turns, 1.0) * (goal - start), period_s)
        gap = np.abs(fresh_sample(arm, MAX_AGE_PERIODS * period_s).joint_pos - goal)
        worst = int(np.argmax(gap))
        raise NotArrivedError(
            f"The arm did not arrive: joint {arm.robot.joint_names[worst]!r} is {gap[worst]:.3f} rad from where it "
            f"should be. Is something in its way?"
        )


def run_episode(
    arm: Arm,
    policy: ArmPolicy,
    commands: Mapping[str, Float32],
    *,
    episode: int = 0,
    log: CycleLog | None = None,
    seconds: float | None = None,
    watch: Callable[[Cycle], None] | None = None,
    truth: Callable[[], BoxTruth] | None = None,
) -> EpisodeLog:
    """Let the policy drive the arm for one episode; on any doubt hold the arm and end.

    An error for people (a bad sample, boxes out of sight, a refused target, a full disk) ends the episode and is told
    in the log. Anything else, Ctrl-C included, holds the arm as well and is raised on.

    Args:
        arm: Where to read and send.
        policy: What to do.
        commands: What is asked for, [1, size] by name.
        episode: Number for the log.
        log: Where cycles go.
        seconds: Length; the policy's own by default.
        watch: Called after every cycle.
        truth: What a simulated arm knows about its boxes. Without it, success of a task that is judged by such
            knowledge is unknown, unless the arm was held: then it is False.
    """
    period_s = policy.control_dt_s
    cycles = max(round((policy.episode_s if seconds is None else seconds) / period_s), 1)
    policy.reset()
    ticker = Ticker(arm.clock, period_s)
    # The starting pose is the first observation; success is judged after each motion, as in evaluation.
    held_steps, known, distance_m, done, held, stale, recorded = 0, True, None, 0, None, False, True
    unanswered = 0
    log = log or CycleLog()
    try:
        with _holding(arm):
            for number in range(cycles + 1):
                late_s = ticker.wait()
                turn = _turn(arm, policy, commands, truth, behind_s=ticker.behind_s, send=number < cycles)
                held_steps = policy.holding.count(held_steps, bool(turn.success)) if number > 0 else 0
                known, distance_m = turn.success is not None, turn.distance_m
                if number < cycles:
                    done += 1
                    unanswered += not turn.answered
                    cycle = Cycle(episode=episode, cycle=number, late_s=late_s, **vars(turn))
                    log.add(cycle)
                    if watch is not None:
                        watch(cycle)
    except RoarmLabError as error:
        held, stale, recorded = str(error), isinstance(error, StaleError), not isinstance(error, LogError)
    success = held is None and policy.holding.suffices(held_steps)
    return EpisodeLog(
        success=success if known or held is not None else None,
        distance_m=distance_m,
        cycles=done,
        worst_late_s=ticker.worst_late_s,
        missed=ticker.missed,
        held=held,
        stale=stale,
        unanswered=unanswered,
        recorded=recorded,
    )


@dataclass(frozen=True, kw_only=True)
class _Turn:
    time_s: float
    age_s: float
    compute_s: float
    joint_pos: list[float]
    requested: list[float]
    sent: list[float]
    success: bool | None
    distance_m: float
    box_pos_w: list[list[float]] | None
    answered: bool


def _turn(
    arm: Arm,
    policy: ArmPolicy,
    commands: Mapping[str, Float32],
    truth: Callable[[], BoxTruth] | None,
    *,
    behind_s: float,
    send: bool,
) -> _Turn:
    began_s, period_s = arm.clock.now_s(), policy.control_dt_s
    sample = fresh_sample(arm, MAX_AGE_PERIODS * period_s, behind_s)
    sight = fresh_sight(arm, MAX_AGE_PERIODS * period_s, behind_s) if policy.boxes else None
    ahead_s = began_s - sample.measured_at_s + arm.delay_s
    observation = policy.observe(sample, arm.sent, commands, sight, ahead_s=ahead_s)
    success, distance_m = policy.is_success(truth() if truth else None), policy.distance_m()
    requested: Float64 = arm.sent
    sent: Float64 = arm.sent
    answered = True
    if send:
        try:
            requested = policy.infer(observation).joint_target[0]
        except NoActionError:
            answered = False
        sent = arm.send(requested, period_s)
    now_s = arm.clock.now_s()
    return _Turn(
        time_s=now_s,
        age_s=now_s - sample.measured_at_s,
        compute_s=now_s - began_s,
        joint_pos=sample.joint_pos.tolist(),
        requested=requested.tolist(),
        sent=sent.tolist(),
        success=success,
        distance_m=distance_m,
        box_pos_w=sight.box_pos_w[sight.rows(policy.boxes)].tolist() if sight else None,
        answered=answered,
    )


@contextmanager
def _holding(arm: Arm) -> Generator[None]:
    """Hold the arm when the block ends with an error of whatever kind, Ctrl-C included, and raise it on."""
    try:
        yield
    except BaseException as error:
        arm.hold(str(error) or type(error).__name__)
        raise

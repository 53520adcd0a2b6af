"""An arm as programs see it, real or simulated: read it, send it requests, hold it. The gate can not be gone around."""

import math
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol, Self, final

import numpy as np
from numpy.typing import ArrayLike

from roarm_lab.core.arrays import Float64
from roarm_lab.core.clock import Clock
from roarm_lab.core.digits import beside
from roarm_lab.core.errors import BadInputError, MissingError, UnsafeCommandError
from roarm_lab.robots.estop import StopSource
from roarm_lab.robots.gate import MIN_DT_S, Gate
from roarm_lab.robots.gate_config import GateRules
from roarm_lab.robots.perception import Sight
from roarm_lab.robots.robot import Robot

MAX_SAMPLE_AGE_S = 0.5
"""Nothing is sent on a measurement older than this [s]: the arm may be anywhere by now."""


@dataclass(frozen=True, eq=False, repr=False)
class ArmSample:
    """What an arm measured at one moment, or why it could not. Made by `of` and `failed`.

    A failed reading is never a number: it has no angles that could be mistaken for a pose.
    """

    measured_at_s: float
    """When it was measured, on the arm's clock."""
    reason: str
    """Why there is no pose; empty when there is one."""
    _joint_pos: Float64 | None
    _effort: Float64 | None = None

    @classmethod
    def of(cls, measured_at_s: float, joint_pos: ArrayLike, effort: ArrayLike | None = None) -> Self:
        """Return a good reading with joint angles [joint] rad and, where the arm measures it, each servo's effort.

        Args:
            measured_at_s: When it was measured, on the arm's clock.
            joint_pos: Joint angles [joint] rad.
            effort: See the property; None where the arm does not measure it.

        Raises:
            BadInputError: An angle is not finite, they are not a list, or an effort is not -1 to 1.
        """
        angles = np.array(joint_pos, dtype=np.float64)
        if angles.ndim != 1 or not np.isfinite(angles).all():
            raise BadInputError(f"Joint angles must be a list of finite numbers [rad], got {angles.tolist()}.")
        angles.setflags(write=False)
        return cls(measured_at_s, "", angles, None if effort is None else _checked_effort(effort, len(angles)))

    @classmethod
    def failed(cls, measured_at_s: float, reason: str) -> Self:
        """Return a reading that did not work, and why."""
        return cls(measured_at_s, reason, None)

    @property
    def valid(self) -> bool:
        """Whether there is a pose."""
        return self._joint_pos is not None

    @property
    def joint_pos(self) -> Float64:
        """Joint angles [joint] rad, in the order of `robot.joint_names`; read-only.

        Raises:
            MissingError: The reading failed.
        """
        if self._joint_pos is None:
            raise MissingError(f"There is no joint pose: {self.reason}.")
        return self._joint_pos

    @property
    def effort(self) -> Float64 | None:
        """How hard each servo drives [joint], as a share of its full drive, -1 to 1; read-only.

        Positive drives towards larger angles. It is the duty of the motor's voltage, not a torque in N m. None where
        the arm does not measure it, or the reading failed; NaN for a servo whose firmware does not tell.
        """
        return self._effort

    def __repr__(self) -> str:
        """Return the pose, or why there is none."""
        what = f"failed: {self.reason}" if self._joint_pos is None else f"joint_pos={self._joint_pos.tolist()}"
        return f"ArmSample({self.measured_at_s:.3f} s, {what})"


def _checked_effort(effort: ArrayLike, joints: int) -> Float64:
    shares = np.array(effort, dtype=np.float64)
    if shares.shape != (joints,) or (np.abs(shares) > 1.0).any():
        raise BadInputError(
            f"Effort must be one share of full drive, -1 to 1, for each of {joints} joints, got {shares.tolist()}. "
            f"A servo that counts in thousandths needs dividing by 1000."
        )
    shares.setflags(write=False)
    return shares


class Arm(Protocol):
    """What every arm offers; `GatedArm` is how it is offered."""

    @property
    def robot(self) -> Robot:
        """The facts about this arm."""
        ...

    @property
    def clock(self) -> Clock:
        """The time this arm lives in."""
        ...

    @property
    def provides(self) -> frozenset[str]:
        """The sources of observations it has: `measured`, `derived`, with a camera also `perception`."""
        ...

    @property
    def delay_s(self) -> float:
        """How long it takes until a target that is sent begins to act; 0 for an arm that is simulated here."""
        ...

    @property
    def sent(self) -> Float64:
        """The last joint target that was sent [joint] rad; before the first, the pose found at connect time."""
        ...

    @property
    def latched(self) -> str | None:
        """Why nothing is sent at the moment; None when requests are taken."""
        ...

    def read(self) -> ArmSample:
        """Return the newest measurement. Never waits for a new one and never raises: a failure is a sample too."""
        ...

    def see(self) -> Sight:
        """Return the newest look at the boxes on the table. Never waits for a new one; a failure is a look too."""
        ...

    def send(self, requested: ArrayLike, dt_s: float) -> Float64:
        """Move towards joint angles [joint] rad and return the target really sent.

        Args:
            requested: Where the joints should go [joint] rad.
            dt_s: Time step of the caller's loop. If less time went by since the last target, that counts.

        Raises:
            UnsafeCommandError: The gate refuses, or the arm's pose is unknown. The last target stands.
        """
        ...

    def hold(self, reason: str = "the arm was told to hold", *, gives_way: bool = False) -> None:
        """Repeat the last sent target, gripper included, and refuse requests until `release`.

        Args:
            reason: What `latched` says until then.
            gives_way: A later hold that does not give way tells its own reason instead: a pause hides no fault.
        """
        ...

    def release(self) -> None:
        """End a hold."""
        ...

    def estop(self, reason: str) -> None:
        """Hold until a person says `clear`."""
        ...

    def clear(self) -> None:
        """End a hold or an emergency stop."""
        ...

    def close(self) -> None:
        """Let go of the arm; it keeps its last target. May be called more than once."""
        ...


class GatedArm(ABC):
    """Base of all arms: every target passes the gate on its way to `_transmit`, and no subclass can change that.

    A subclass says how to read, transmit and disconnect; one with a camera also how to see, and then it adds
    `perception` to `provides`. All methods may be called from several threads: a watchdog's
    `hold` waits for a `send` in progress and comes after it, never in between.
    """

    provides: frozenset[str] = frozenset({"measured", "derived"})
    delay_s: float = 0.0
    """How long it takes until a target that is sent begins to act, beside the motion itself."""

    def __init__(self, robot: Robot, clock: Clock, found: ArmSample, rules: GateRules | None = None) -> None:
        """Start at the pose the arm was found in.

        Args:
            robot: The facts about this arm.
            clock: The time it lives in.
            found: Its first reading.
            rules: What its gate enforces beyond the robot's facts; the defaults of `GateRules` unless given.

        Raises:
            MissingError: The pose could not be read.
            UnsafeCommandError: The pose is impossible, see `Gate`.
            BadInputError: A station's limit is wider than the hardware's.
        """
        self.robot = robot
        self.clock = clock
        self._lock = threading.RLock()
        self._gate = Gate(robot, sent=found.joint_pos, rules=rules)
        self._stops: tuple[StopSource, ...] = ()
        self._sent_at_s = -math.inf
        self._effort_at_s = -math.inf
        self._closed = False

    def __init_subclass__(cls) -> None:
        """Refuse a subclass that replaces anything between a request and the gate."""
        super().__init_subclass__()
        changed = [name for name in _FINAL if getattr(cls, name) is not getattr(GatedArm, name)]
        if changed:
            raise TypeError(
                f"{cls.__name__} may not override {', '.join(changed)} of GatedArm: every target passes its gate. "
                f"Say how to reach the arm in _read, _transmit and _disconnect."
            )

    @property
    def sent(self) -> Float64:
        """The last joint target that was sent [joint] rad; before the first, the pose found at connect time."""
        return self._gate.sent

    @property
    def latched(self) -> str | None:
        """Why nothing is sent at the moment; None when requests are taken."""
        return self._gate.latched

    @final
    def read(self) -> ArmSample:
        """Return the newest measurement."""
        if self._closed:
            return ArmSample.failed(self.clock.now_s(), "the arm was closed")
        return self._read()

    @final
    def see(self) -> Sight:
        """Return the newest look at the boxes on the table."""
        if self._closed:
            return Sight.failed(self.clock.now_s(), "the arm was closed")
        return self._see()

    @final
    def send(self, requested: ArrayLike, dt_s: float) -> Float64:
        """Move towards joint angles [joint] rad as far as the gate allows; return the target really sent.

        The time that counts is the shorter one of `dt_s` and what went by since the last target: calling more often
        does not make the arm faster, and after a pause it does not leap.
        """
        with self._lock:
            self._stop_if_wanted()
            sample, now_s = self.read(), self.clock.now_s()
            self._refuse_unknown_pose(sample, now_s)
            self._relieve_overload(sample)
            since_s = now_s - self._sent_at_s
            if not since_s >= MIN_DT_S:
                raise UnsafeCommandError(
                    f"This request comes {since_s:g} s after the last one. Wait for the next time step before sending; "
                    f"a simulated clock must be told to."
                )
            target = self._gate.target(requested, sample.joint_pos, min(dt_s, since_s))
            self._sent_at_s = now_s
            self._transmit(target)
            return target

    @property
    def blocked(self) -> str | None:
        """What stood in the way of the last request, so that less was sent; None if nothing did."""
        return self._gate.blocked

    @final
    def stop_on(self, source: StopSource) -> None:
        """Ask this source too, before anything is sent, whether it wants an emergency stop."""
        with self._lock:
            self._stops = (*self._stops, source)

    @final
    def hold(self, reason: str = "the arm was told to hold", *, gives_way: bool = False) -> None:
        """Repeat the last sent target, gripper included, and refuse requests until `release`; see `Arm.hold`."""
        with self._lock:
            self._repeat(self._gate.hold(reason, gives_way=gives_way))

    @final
    def release(self) -> None:
        """End a hold.

        Raises:
            UnsafeCommandError: It is an emergency stop, which needs `clear`.
        """
        with self._lock:
            self._gate.release()
            self._freed()

    @final
    def estop(self, reason: str) -> None:
        """Hold until a person says `clear`."""
        with self._lock:
            self._repeat(self._gate.estop(reason))

    @final
    def clear(self) -> None:
        """End a hold or an emergency stop. For a person who has looked at the arm."""
        with self._lock:
            self._gate.clear()
            self._freed()

    @final
    def close(self) -> None:
        """Let go of the arm; it keeps its last target. May be called more than once."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._disconnect()

    def __enter__(self) -> Self:
        """Return the arm, to be closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the arm."""
        self.close()

    @abstractmethod
    def _read(self) -> ArmSample:
        """Return the newest measurement without waiting for one; report a failure as a sample."""

    @abstractmethod
    def _transmit(self, target: Float64) -> None:
        """Pass a target [joint] rad on to the servos. Called by `send`, `hold` and `estop` alone."""

    def _see(self) -> Sight:
        """Return the newest look without waiting for one; report a failure as a look."""
        return Sight.failed(self.clock.now_s(), "this arm has no camera")

    def _disconnect(self) -> None:
        """Free what the arm holds; called once."""
        return

    def _freed(self) -> None:
        """Begin anew after `release` or `clear`, where that takes more than opening the gate. Never raises."""
        return

    def _repeat(self, target: Float64) -> None:
        if not self._closed:
            self._transmit(target)

    def _stop_if_wanted(self) -> None:
        for source in self._stops:
            reason = source.wants_stop()
            if reason is not None:
                self.estop(reason)
                raise UnsafeCommandError(f"Nothing was sent: {reason}.")

    def _relieve_overload(self, sample: ArmSample) -> None:
        if sample.effort is None:
            return
        elapsed_s = sample.measured_at_s - self._effort_at_s
        self._effort_at_s = sample.measured_at_s
        # Nobody knows what the servos did in a long gap, or before the first reading.
        counted_s = elapsed_s if 0.0 <= elapsed_s <= MAX_SAMPLE_AGE_S else 0.0
        if self._gate.relieve(sample.effort, sample.joint_pos, counted_s):
            self._repeat(self._gate.sent)
            raise UnsafeCommandError(f"The arm is held: {self._gate.latched}.")

    def _refuse_unknown_pose(self, sample: ArmSample, now_s: float) -> None:
        if not sample.valid:
            raise UnsafeCommandError(f"Nothing was sent, because the arm's pose is unknown: {sample.reason}.")
        age_s = now_s - sample.measured_at_s
        if not age_s <= MAX_SAMPLE_AGE_S:
            raise UnsafeCommandError(
                f"Nothing was sent, because the newest pose is {beside(age_s, MAX_SAMPLE_AGE_S, digits=2)} s "
                f"old, more than {MAX_SAMPLE_AGE_S} s."
            )


_FINAL = (
    *("sent", "latched", "blocked", "read", "see", "send", "stop_on", "hold", "release", "estop", "clear", "close"),
    *("_repeat", "_stop_if_wanted", "_relieve_overload", "_refuse_unknown_pose"),
)

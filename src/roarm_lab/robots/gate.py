"""The gate in front of every arm: what goes in is requested, what comes out may be sent."""

from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike

from roarm_lab.core.arrays import Bool, Float64, Int
from roarm_lab.core.digits import beside
from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.robots.collision_guard import Guard, steps
from roarm_lab.robots.gate_config import GateRules, tightened
from roarm_lab.robots.limits import JointLimits, limit_target
from roarm_lab.robots.overload import EffortWatch
from roarm_lab.robots.robot import Robot

MIN_DT_S, MAX_DT_S = 1e-6, 0.5
"""Shortest and longest time between two targets [s]. A longer one would allow a leap after a pause."""
LOOK_AROUND = 6.0
"""When something must be looked at, so is all that is up to this many times as far away: looking at more things at once
costs little, and then nothing needs looking at for a few targets."""
LEAD_SLACK_RAD = 1e-9
"""Rounding: a target that was cut short may be this much further from the measured pose than its lead."""
NOTHING: Int = np.zeros(0, dtype=np.int64)


class Gate:
    """Turns requested joint angles into targets [joint] rad that may be sent. Stateful: it knows what was sent last.

    A requested angle out of range becomes the limit. What is not a number is refused rather than limited: `minimum`
    and `maximum` let NaN through. The rate is taken from the last *sent* target, not from the measured pose: an arm
    droops under load, so a rate taken from the measured pose would ratchet it down and open a closed gripper.

    What comes out is read-only and always inside the joints' ranges and within `max_lead` of the measured pose. On the
    way there from the last sent target the arm stays above the table, inside its workspace and off itself; an arm that
    was found where it should not be may move as long as that gets no worse.
    """

    def __init__(self, robot: Robot, sent: ArrayLike, rules: GateRules | None = None) -> None:
        """Start from rest at a pose.

        Args:
            robot: Whose limits apply.
            sent: The last target the arm got, or the measured pose when it has just been connected [joint] rad. A pose
                outside a joint's range by up to its `max_lead` counts as the limit.
            rules: What else applies; the defaults of `GateRules` unless given.

        Raises:
            UnsafeCommandError: The pose is not one finite angle per joint, or further outside a joint's range.
            BadInputError: A station's limit is wider than the hardware's.
        """
        self.robot, self.rules = robot, rules or GateRules()
        self.limits = JointLimits.of(tightened(robot, self.rules.station_limits))
        start = self._finite("starting pose", sent)
        self._refuse_far_outside(start)
        self._sent = _read_only(np.clip(start, self.limits.lower, self.limits.upper))
        self._velocity: Float64 = np.zeros_like(self._sent)
        self._guard = Guard(robot, self.rules)
        self._known_m = self._guard.room_m(self._sent[None])[:, 0]
        """No more room than there is at the last sent target [thing] m; it is worked out anew where it gets small."""
        self._floor_m = np.minimum(self._known_m, 0.0)
        self._watch = EffortWatch(robot, self.rules.effort) if self.rules.effort else None
        self._blocked: str | None = None
        self._latched: str | None = None
        self._needs_clear = self._gives_way = False

    @property
    def sent(self) -> Float64:
        """The last target that was let through [joint] rad."""
        return self._sent

    @property
    def latched(self) -> str | None:
        """Why nothing passes at the moment; None when the gate is open."""
        return self._latched

    @property
    def blocked(self) -> str | None:
        """What stood in the way of the last request, so that less was sent; None if nothing did."""
        return self._blocked

    def target(self, requested: ArrayLike, measured: ArrayLike, dt_s: float) -> Float64:
        """Return what may be sent [joint] rad. A refusal changes nothing: the last sent target stands.

        Args:
            requested: Where the joints should go [joint] rad.
            measured: Measured angles [joint] rad.
            dt_s: Time since the last target, 1e-6 to 0.5 s.

        Raises:
            UnsafeCommandError: The gate is latched; an angle is not a finite number; the number of angles is wrong; a
                joint measures further outside its range than its `max_lead`; the time is out of range; or the measured
                pose is so far off that the target must come nearer to it, and something is in every way that was tried.
        """
        if self._latched is not None:
            raise UnsafeCommandError(f"Nothing may be sent: {self._latched}. Clear that first.")
        if not MIN_DT_S <= dt_s <= MAX_DT_S:
            raise UnsafeCommandError(
                f"The time between two targets must be {MIN_DT_S:g} to {MAX_DT_S:g} s, got {dt_s}. After a pause start "
                f"with the usual time step; the arm then sets off slowly."
            )
        goal, pose = self._finite("requested angle", requested), self._finite("measured angle", measured)
        self._refuse_far_outside(pose)
        self._advance(goal, pose, float(dt_s))
        return self._sent

    def relieve(self, effort: Float64, measured: Float64, elapsed_s: float) -> bool:
        """Count how hard the servos drive; return whether one was overloaded for too long, which holds the arm.

        An overloaded joint's target is then moved to its measured angle once, so that the servo stops pushing. The
        other joints keep theirs, the gripper its grip. Nothing is counted while the gate is latched.

        Args:
            effort: Share of full drive of each servo [joint], -1 to 1.
            measured: Measured angles [joint] rad.
            elapsed_s: Time since the last measured effort.
        """
        if self._watch is None or self._latched is not None:
            return False
        pose = self._finite("measured angle", measured)
        late = self._watch.add(effort, elapsed_s)
        if late is None:
            return False
        there = np.where(late, np.clip(pose, self.limits.lower, self.limits.upper), self._sent)
        target, room, _ = self._guard.furthest(self._sent, steps(self._sent, there), self._floor_m)
        self._accept(target, np.zeros_like(target), np.arange(len(room)), room)
        self._latch(self._watch.reason(late, effort))
        self._watch.forget()
        return True

    def hold(self, reason: str = "the arm was told to hold", *, gives_way: bool = False) -> Float64:
        """Return the last sent target and let nothing pass until `release`. Holding again changes nothing.

        The target stops dead where it is: a hold is for emergencies, and braking it gently would be motion. The arm
        itself may be behind and still closes that gap, which `max_lead` bounds.

        Args:
            reason: What `latched` says until then.
            gives_way: A later hold that does not give way tells its own reason instead: a pause hides no fault.
        """
        self._latch(reason, gives_way=gives_way)
        return self._sent

    def estop(self, reason: str) -> Float64:
        """Like `hold`, but only `clear` opens the gate again. The first reason is the one that is reported."""
        if not self._needs_clear:
            self._latched = None
        self._latch(reason)
        self._needs_clear = True
        return self._sent

    def release(self) -> None:
        """End a hold. Nothing happens if there is none.

        Raises:
            UnsafeCommandError: It is an emergency stop, which needs `clear`.
        """
        if self._needs_clear:
            raise UnsafeCommandError(f"This is more than a hold: {self._latched}. Look at the arm, then clear it.")
        self._latched = None

    def clear(self) -> None:
        """End a hold or an emergency stop. For a person who has looked at the arm."""
        self._latched, self._needs_clear = None, False

    def _advance(self, goal: Float64, pose: Float64, dt_s: float) -> None:
        """Move the target towards the goal, as far as there is room.

        Looked at is the way to the target and on to where the arm could stop. It costs nothing while all is far away.
        """
        target, velocity = limit_target(goal, self._sent, self._velocity, pose, self.limits, dt_s)
        ahead = target + velocity * np.abs(velocity) / (2.0 * self.limits.max_accel)
        ahead = np.minimum(np.maximum(ahead, self.limits.lower), self.limits.upper)
        near = self._near(np.abs(target - self._sent) + np.abs(ahead - target))
        way = steps(self._sent, target, ahead) if len(near) else ahead[None]
        nearest, room, self._blocked = self._guard.furthest(self._sent, way, self._floor_m, near)
        if self._blocked is None:
            self._accept(target, velocity, near, room - self._guard.swing_m[near] @ np.abs(nearest - target))
        else:
            self._go_around(nearest, ahead, pose, dt_s, near)

    def _go_around(self, nearest: Float64, ahead: Float64, pose: Float64, dt_s: float, near: Int) -> None:
        """Move the target along what is in the way after `nearest`, on the way to `ahead`, braking in time.

        A target that still gets too near is cut short: the arm stops there, as hard as in a hold.
        """
        aside = self._guard.alongside(nearest, ahead, self._floor_m, near)
        target, velocity = limit_target(aside, self._sent, self._velocity, pose, self.limits, dt_s)
        near = self._near(np.maximum(np.abs(target - self._sent), np.abs(ahead - self._sent)))
        end, room, still = self._guard.furthest(self._sent, steps(self._sent, target), self._floor_m, near)
        if still is not None:
            end, room = self._straight(aside, target, near, (end, room))
            velocity = (end - self._sent) / dt_s
            if np.any(np.abs(end - pose) > self.limits.max_lead + LEAD_SLACK_RAD):
                end, velocity, near, room = self._retreat(pose, dt_s)
        self._accept(end, velocity, near, room)

    def _straight(
        self, aside: Float64, target: Float64, near: Int, best: tuple[Float64, Float64]
    ) -> tuple[Float64, Float64]:
        """Return what gets further: what was found, or going straight `aside`, no joint by more than to `target`.

        Joints that move at their own rates leave a straight way, which may bring them into what it was to avoid.
        """
        wanted, allowed = aside - self._sent, target - self._sent
        if not np.all(wanted * allowed >= 0.0) or not np.any(wanted):
            return best
        part = np.where(wanted == 0.0, 1.0, np.abs(allowed) / np.where(wanted == 0.0, 1.0, np.abs(wanted))).min()
        # Rounding must not carry a joint past its target, which may be the end of its range.
        ends = np.minimum(self._sent, target), np.maximum(self._sent, target)
        way = steps(self._sent, np.clip(self._sent + min(float(part), 1.0) * wanted, *ends))
        end, room, _ = self._guard.furthest(self._sent, way, self._floor_m, near)
        further = np.abs(end - self._sent).max() > np.abs(best[0] - self._sent).max()
        return (end, room) if further else best

    def _retreat(self, pose: Float64, dt_s: float) -> tuple[Float64, Float64, Int, Float64]:
        """Return a target towards the measured pose, its rate, what was looked at, and the room there.

        It goes straight, just so far that every joint is within its lead. The arm really is at the measured pose, so
        there is nearly always room; where the straight way passes too near to something first, the joints that are
        within their lead turn it aside. It sets off from rest: what is in the way has just stopped the arm.

        Raises:
            UnsafeCommandError: Something is in both ways.
        """
        sent, limits, rest = self._sent, self.limits, np.zeros_like(self._sent)
        gap = pose - sent
        part = float(np.max(1.0 - limits.max_lead / np.maximum(np.abs(gap), limits.max_lead)))
        straight = sent + part * gap
        near = self._near(np.maximum(part * np.abs(gap), limits.max_accel * dt_s**2))
        target, velocity = limit_target(straight, sent, rest, pose, limits, dt_s)
        end, room, blocked = self._guard.furthest(sent, steps(sent, target), self._floor_m, near)
        if blocked is not None:
            aside = self._guard.alongside(sent, straight, self._floor_m, near, free=np.abs(gap) < limits.max_lead)
            target, velocity = limit_target(aside, sent, rest, pose, limits, dt_s)
            end, room, blocked = self._guard.furthest(sent, steps(sent, target), self._floor_m, near)
        if blocked is not None:
            self._refuse_past_lead(pose, blocked)
        return end, velocity, near, room

    def _near(self, travel: Float64) -> Int:
        """Return the things that the arm could come too near to when its joints move by up to `travel` [joint] rad."""
        spare_m, shrink_m = self._known_m - self._floor_m, self._guard.swing_m @ travel
        if (spare_m > shrink_m).all():
            return NOTHING
        return np.flatnonzero(spare_m <= LOOK_AROUND * shrink_m)

    def _accept(self, target: Float64, velocity: Float64, looked_at: Int, room_m: Float64) -> None:
        """Send a target, and keep what was learned about the room there [looked at] m.

        Between two poses inside the range, what is worked out can lie outside by rounding: it is the limit then.
        """
        target = np.minimum(np.maximum(target, self.limits.lower), self.limits.upper)
        self._known_m = self._known_m - self._guard.swing_m @ np.abs(target - self._sent)
        self._known_m[looked_at] = np.maximum(self._known_m[looked_at], room_m)
        self._sent, self._velocity = _read_only(target), velocity
        if np.any(self._floor_m < 0.0):  # found where it should not be: what has got better may not get worse again
            self._floor_m = np.maximum(self._floor_m, self._guard.floor_m(target))

    def _refuse_past_lead(self, pose: Float64, blocked: str) -> NoReturn:
        past = int(np.argmax(np.abs(self._sent - pose) - self.limits.max_lead))
        raise UnsafeCommandError(
            f"Joint {self.robot.joint_names[past]!r} is at {pose[past]:.3f} rad, more than its lead of "
            f"{self.limits.max_lead[past]:g} rad from its target {self._sent[past]:.3f}, and on the way there "
            f"{blocked}. Move the arm nearer by hand, or connect again."
        )

    def _latch(self, reason: str, *, gives_way: bool = False) -> None:
        if self._latched is None or (self._gives_way and not gives_way):
            self._latched, self._gives_way = reason, gives_way
        self._velocity = np.zeros_like(self._sent)

    def _finite(self, what: str, values: ArrayLike) -> Float64:
        """Return a float64 copy of the angles [joint]; refuse by the name of the joint."""
        try:
            angles = np.array(values, dtype=np.float64)
        except (TypeError, ValueError, OverflowError) as problem:
            raise UnsafeCommandError(f"The {what} is not a list of numbers: {problem}.") from problem
        names = self.robot.joint_names
        if angles.shape != (len(names),):
            raise UnsafeCommandError(
                f"The {what} has shape {angles.shape}, expected {(len(names),)}: one angle [rad] for each of "
                f"{', '.join(names)}."
            )
        bad = self._first(~np.isfinite(angles))
        if bad is not None:
            raise UnsafeCommandError(
                f"The {what} for joint {names[bad]!r} is {angles[bad]}; it must be a finite number [rad]."
            )
        return angles

    def _refuse_far_outside(self, pose: Float64) -> None:
        limits = self.limits
        inside = (limits.lower - limits.max_lead <= pose) & (pose <= limits.upper + limits.max_lead)
        bad = self._first(~inside)
        if bad is not None:
            lead = limits.max_lead[bad]
            at = beside(pose[bad], limits.lower[bad] - lead, limits.upper[bad] + lead)
            raise UnsafeCommandError(
                f"Joint {self.robot.joint_names[bad]!r} is at {at} rad, more than {lead:g} "
                f"rad outside its range of {limits.lower[bad]:g} to {limits.upper[bad]:g} rad. Check the calibration, "
                f"or move the joint by hand with the power off."
            )

    @staticmethod
    def _first(mask: Bool) -> int | None:
        return int(np.argmax(mask)) if mask.any() else None


def _read_only(angles: Float64) -> Float64:
    angles.setflags(write=False)
    return angles

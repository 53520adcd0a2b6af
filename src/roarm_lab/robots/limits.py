"""The one truth about how far and how fast a joint target may move: used by the gate and inside training alike."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from roarm_lab.core.arrays import Array, array_namespace, asarray_like, to_numpy
from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.robot import Robot

FIELDS = ("lower", "upper", "max_speed", "max_accel", "max_lead")
LIMITS_MEAN = (
    "From wish to target, for each joint alone: s is the target sent last, v its rate (0 when an episode begins), m "
    "the measured angle, dt control_dt_s, c = max_accel_rad_s2 dt^2; the other names are those of `joints`. "
    "(1) gap = clip(wish, target_lower_rad, upper_rad) - s. "
    "(2) Braking: n = floor(sqrt(2 |gap| / c + 1/4) - 1/2); step = sign(gap) (|gap| / (n + 1) + n c / 2). "
    "(3) step = clip(step, v dt - c, v dt + c). (4) step = clip(step, -max_speed_rad_s dt, max_speed_rad_s dt). "
    "(5) target = clip(s + step, m - max_lead_rad, m + max_lead_rad). "
    "(6) target = clip(target, target_lower_rad, upper_rad). "
    "(7) pull = target - (s + step), made = step + pull; the new rate is 0 if made pull > 0, else made / dt."
)
"""`limit_target` in words, for a policy's contract."""


@dataclass(frozen=True, eq=False)
class JointLimits:
    """What `limit_target` enforces, one number per joint, in the order of `robot.joint_names`."""

    lower: Array
    """Smallest target [joint] rad: below the joint's range where it may press against something."""
    upper: Array
    """Largest target [joint] rad."""
    max_speed: Array
    """Largest rate of the target [joint] rad/s."""
    max_accel: Array
    """Largest change of that rate [joint] rad/s^2."""
    max_lead: Array
    """How far the target may be from the measured angle [joint] rad."""
    _converted: dict[tuple[object, ...], JointLimits] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, robot: Robot) -> JointLimits:
        """Return the robot's limits as float64 NumPy arrays.

        Raises:
            BadInputError: A speed, acceleration or lead is not a positive finite number.
        """
        for joint in robot.joints:
            for name in ("max_speed_rad_s", "max_accel_rad_s2", "max_lead_rad"):
                if not 0.0 < getattr(joint, name) < float("inf"):
                    raise BadInputError(
                        f"Joint {joint.name!r} of {robot.name!r}: {name} must be positive and finite, "
                        f"got {getattr(joint, name)}."
                    )
        return cls(
            lower=_constants([joint.target_lower_rad for joint in robot.joints]),
            upper=_constants([joint.upper_rad for joint in robot.joints]),
            max_speed=_constants([joint.max_speed_rad_s for joint in robot.joints]),
            max_accel=_constants([joint.max_accel_rad_s2 for joint in robot.joints]),
            max_lead=_constants([joint.max_lead_rad for joint in robot.joints]),
        )

    def like(self, array: Array) -> JointLimits:
        """Return the same limits in the library, floating type, device and shape of `array`; made once for each.

        In full shape, because adding [joint] to [env, joint] costs NumPy five times as much as adding two equal shapes.
        """
        key = (type(array), array.dtype, getattr(array, "device", None), tuple(array.shape))
        if key not in self._converted:
            made = JointLimits(*(_filled(getattr(self, name), array) for name in FIELDS))
            self._converted[key] = made._converted[key] = made
        return self._converted[key]


def limit_target(  # noqa: PLR0917 - the order is the one of the formulas
    goal: Array, sent: Array, velocity: Array, measured: Array, limits: JointLimits, dt_s: float
) -> tuple[Array, Array]:
    """Return the next joint target [..., joint] rad and its rate [..., joint] rad/s.

    Five rules, a later one outranks an earlier one:

    1. The target goes to the goal (limited to the joint's range), but never faster than it can brake: it takes the
       largest rate from which steps of `max_accel` bring it to rest on the goal. Goals lie inside the range, so this
       also stops it before every joint limit, whatever is asked for next.
    2. The rate changes by at most `max_accel * dt_s`. Where `max_accel * dt_s >= 2 * max_speed` this rule is idle.
    3. The rate is at most `max_speed`.
    4. The target is at most `max_lead` from the measured angle. Only this rule may break 2 and 3, and only by pulling
       the target towards the measured angle: a blocked or pushed arm must not wind up a step that it later jumps.
    5. The target is inside the joint's range, even if the measured angle is not. This only ever acts after a pull, on
       a `sent` that was outside the range (an arm found there when it was connected), or on rounding.

    The rate returned is the one of the step really made, so that an arm that lags goes on smoothly. It is zero where
    rule 4 or 5 moved the target further than intended or backwards: the target does not go on by itself from there.

    Braking is exact for a steady `dt_s`. After a step shorter than the one before, braking can take up to
    `max_speed * (longer - shorter) / 2` more room: a goal may be overshot by that much, a joint limit never (rule 5).

    The same code runs on NumPy and torch, for one arm or many: elementwise, out of place, without branches on data.
    It does not check: NaN in gives NaN out. Whoever talks to an arm goes through `Gate`, which refuses it.

    Args:
        goal: Where the joints should end up [..., joint] rad.
        sent: The last target [..., joint] rad.
        velocity: The rate returned with it (zero at the start) [..., joint] rad/s.
        measured: Measured angles [..., joint] rad.
        limits: What to enforce; one arm's or `like` any array.
        dt_s: Time between the last target and this one.
    """
    xp = array_namespace(sent)
    limits = limits.like(sent)
    # From here on rates are steps: radians per dt_s.
    rate_change = limits.max_accel * dt_s**2
    max_step = limits.max_speed * dt_s
    last_step = velocity * dt_s

    step = _braking_step(_between(goal, limits.lower, limits.upper, xp) - sent, rate_change, xp)
    step = _between(step, last_step - rate_change, last_step + rate_change, xp)
    step = _between(step, -max_step, max_step, xp)
    intended = sent + step
    target = _between(intended, measured - limits.max_lead, measured + limits.max_lead, xp)
    target = _between(target, limits.lower, limits.upper, xp)

    pull = target - intended
    made = step + pull
    # made * pull > 0: further than intended, or backwards.
    return target, xp.where(made * pull > 0.0, 0.0, made) / dt_s


def _braking_step(gap: Array, rate_change: Array, xp: Array) -> Array:
    """Return the largest step towards a goal `gap` away from which the steps can shrink to nothing on the goal.

    Steps u, u - c, u - 2c, ... (c = `rate_change`) while positive, n + 1 of them, cover (n + 1) u - c n (n + 1) / 2.
    Set equal to the gap this gives u; n is the largest number with c n (n + 1) / 2 <= gap. With n = 0 the step is the
    gap itself, so the goal is reached exactly.
    """
    distance = xp.abs(gap)
    shrinks = xp.floor(xp.sqrt(distance * (2.0 / rate_change) + 0.25) - 0.5)
    return xp.copysign(distance / (shrinks + 1.0) + shrinks * (0.5 * rate_change), gap)


def _between(values: Array, low: Array, high: Array, xp: Array) -> Array:
    """Return the values limited to low..high. On small NumPy arrays much cheaper than `clip`."""
    return xp.minimum(xp.maximum(values, low), high)


def _filled(values: Array, array: Array) -> Array:
    """Return the values of one arm, repeated to the shape of `array` and of its kind."""
    one_arm = to_numpy(values).reshape(-1, values.shape[-1])[0]
    return asarray_like(np.ascontiguousarray(np.broadcast_to(one_arm, tuple(array.shape))), array)


def _constants(values: list[float]) -> Array:
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array

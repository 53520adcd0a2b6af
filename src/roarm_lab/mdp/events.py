"""Event terms: what happens to the world at startup, at a reset, or in between."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from roarm_lab.core.arrays import Array, array_namespace, asarray_like
from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.state import State
from roarm_lab.mdp.draws import evenly
from roarm_lab.mdp.effects import (
    ActionDelayEffect,
    Effect,
    JointOffsetEffect,
    MeasurementDelayEffect,
    PushEffect,
    ScaleModelEffect,
    StartPoseEffect,
)
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import EventFn, EventTerm, check_not_negative

MAX_DELAY_S = 0.5
"""A link that is later than this can not be controlled at all."""


@dataclass(frozen=True, kw_only=True)
class StartPose(EventTerm):
    """Puts the arm near a keyframe, at rest."""

    says: ClassVar[str] = (
        "Puts the joints at angles drawn evenly within {spread_rad} rad (the first joint: {base_spread_rad} rad) to"
        " both sides of the keyframe {keyframe}, then clipped to lower_rad and upper_rad; at rest, the targets sent"
        " last being the same angles and their rate 0."
    )
    modes: ClassVar[tuple[str, ...]] = ("reset",)

    keyframe: str = "task_start"
    spread_rad: float = 0.15
    """Each joint starts within plus or minus this of the keyframe."""
    base_spread_rad: float = 0.6
    """The same for the first joint."""

    def __post_init__(self) -> None:
        """Refuse a negative spread."""
        super().__post_init__()
        check_not_negative(self, "spread_rad", "base_spread_rad")

    def draws(self, scene: Scene) -> int:
        """Return one number per joint."""
        return len(scene.robot.joints)

    def bind(self, scene: Scene) -> EventFn:
        """Return joint angles [env, joint] rad, inside the limits."""
        robot = scene.robot
        middle = robot.keyframe(self.keyframe)
        spread = [self.base_spread_rad] + [self.spread_rad] * (len(robot.joints) - 1)
        lower, upper = [j.lower_rad for j in robot.joints], [j.upper_rad for j in robot.joints]

        def start(random: Array, state: State) -> Effect:
            del state
            xp = array_namespace(random)
            joint_pos = asarray_like(middle, random) + asarray_like(spread, random) * (2.0 * random - 1.0)
            inside = xp.minimum(xp.maximum(joint_pos, asarray_like(lower, random)), asarray_like(upper, random))
            return StartPoseEffect(values=inside)

        return start


@dataclass(frozen=True, kw_only=True)
class RandomizingTerm(EventTerm):
    """An event that makes worlds differ from each other: domain randomisation, no part of the task itself."""


@dataclass(frozen=True, kw_only=True)
class ScaleModel(RandomizingTerm):
    """Multiplies a field of the physical model by one random factor per world, drawn log-uniformly."""

    says: ClassVar[str] = (
        "Multiplies {field} ({names}) of the physical model by one factor per world, its logarithm drawn evenly, "
        "{factor}."
    )
    modes: ClassVar[tuple[str, ...]] = ("startup", "reset")

    field: str
    """Name of the model field: body_mass, dof_damping, dof_armature, dof_frictionloss, actuator_stiffness,
    geom_friction, box_size."""
    factor: Range = Range(0.8, 1.25)
    names: tuple[str, ...] = ()
    """Which bodies, joints, actuators, geoms or boxes; none means all."""

    def __post_init__(self) -> None:
        """Refuse factors that are not positive."""
        super().__post_init__()
        if not self.factor.low > 0.0:
            raise BadInputError(f"ScaleModel.factor must be positive, got {self.factor.low}.")

    def draws(self, scene: Scene) -> int:
        """Return one."""
        del scene
        return 1

    def bind(self, scene: Scene) -> EventFn:
        """Return factors [env, 1]."""
        del scene
        low, ratio = self.factor.low, self.factor.high / self.factor.low

        def scale(random: Array, state: State) -> Effect:
            del state
            factors = low * asarray_like(ratio, random) ** random
            return ScaleModelEffect(values=factors, field=self.field, names=self.names)

        return scale


@dataclass(frozen=True, kw_only=True)
class JointOffset(RandomizingTerm):
    """Moves the zero of every encoder: angles are measured, and targets followed, by this much too high."""

    says: ClassVar[str] = (
        "Moves the zero of each encoder: measured angle minus true angle is drawn evenly over {offset_rad} rad."
    )
    modes: ClassVar[tuple[str, ...]] = ("reset",)

    offset_rad: Range = Range(-0.035, 0.035)

    def draws(self, scene: Scene) -> int:
        """Return one number per joint."""
        return len(scene.robot.joints)

    def bind(self, scene: Scene) -> EventFn:
        """Return measured minus true angle [env, joint] rad."""
        del scene
        return lambda random, state: JointOffsetEffect(values=evenly(self.offset_rad, random))


@dataclass(frozen=True, kw_only=True)
class _Delay(RandomizingTerm):
    """Lets something be late by a time that is drawn for each world."""

    modes: ClassVar[tuple[str, ...]] = ("reset",)
    effect: ClassVar[type[ActionDelayEffect] | type[MeasurementDelayEffect]]

    delay_s: Range = Range(0.0, 0.0)

    def __post_init__(self) -> None:
        """Refuse what can not be a delay on a link that works."""
        super().__post_init__()
        if not 0.0 <= self.delay_s.low <= self.delay_s.high <= MAX_DELAY_S:
            raise BadInputError(
                f"{type(self).__name__}.delay_s must be within 0 to {MAX_DELAY_S} s, got {self.delay_s.low} to "
                f"{self.delay_s.high}."
            )

    def draws(self, scene: Scene) -> int:
        """Return one."""
        del scene
        return 1

    def bind(self, scene: Scene) -> EventFn:
        """Return delays [env, 1] s."""
        del scene
        return lambda random, state: self.effect(values=evenly(self.delay_s, random))


@dataclass(frozen=True, kw_only=True)
class ActionDelay(_Delay):
    """Lets targets reach the servos late."""

    says: ClassVar[str] = "Joint targets reach the servos late, by a time drawn evenly over {delay_s} s."
    effect = ActionDelayEffect

    delay_s: Range = Range(0.0, 0.06)


@dataclass(frozen=True, kw_only=True)
class MeasurementDelay(_Delay):
    """Lets joint angles be known late: what is measured is where the joints were a while ago."""

    says: ClassVar[str] = "Joint angles are known late, by a time drawn evenly over {delay_s} s."
    effect = MeasurementDelayEffect

    delay_s: Range = Range(0.0, 0.03)


@dataclass(frozen=True, kw_only=True)
class PushJoints(EventTerm):
    """Kicks the arm: adds a random speed to every joint."""

    says: ClassVar[str] = (
        "Adds to the speed of each joint a number drawn evenly from -{speed_rad_s} to {speed_rad_s} rad/s."
    )
    modes: ClassVar[tuple[str, ...]] = ("interval",)

    mode: Literal["startup", "reset", "interval"] = "interval"
    speed_rad_s: float = 0.5
    """Largest added speed."""

    def __post_init__(self) -> None:
        """Refuse a negative speed."""
        super().__post_init__()
        check_not_negative(self, "speed_rad_s")

    def draws(self, scene: Scene) -> int:
        """Return one number per joint."""
        return len(scene.robot.joints)

    def bind(self, scene: Scene) -> EventFn:
        """Return added joint speeds [env, joint] rad/s."""
        del scene
        speed = self.speed_rad_s

        def push(random: Array, state: State) -> Effect:
            del state
            return PushEffect(values=speed * (2.0 * random - 1.0))

        return push

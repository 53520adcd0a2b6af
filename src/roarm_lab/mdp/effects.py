"""What an event does to worlds, as data: the environment carries it out."""

from dataclasses import dataclass

from roarm_lab.core.arrays import Array


@dataclass(frozen=True, kw_only=True)
class Effect:
    """New numbers for every world; which ones of them get theirs is the environment's business."""

    values: Array
    """[env, ...], in the unit of the effect."""


@dataclass(frozen=True, kw_only=True)
class StartPoseEffect(Effect):
    """The arm is put at rest at measured joint angles [env, joint] rad."""


@dataclass(frozen=True, kw_only=True)
class BoxPoseEffect(Effect):
    """A box is put somewhere, at rest: poses [env, 7], position in the world m, then quaternion wxyz."""

    box: str


@dataclass(frozen=True, kw_only=True)
class ScaleModelEffect(Effect):
    """A field of the physical model is multiplied by factors [env, 1]."""

    field: str
    names: tuple[str, ...] = ()
    """Which bodies, joints, actuators, geoms or boxes; none means all."""


@dataclass(frozen=True, kw_only=True)
class JointOffsetEffect(Effect):
    """Measured minus true joint angles become [env, joint] rad."""


@dataclass(frozen=True, kw_only=True)
class ActionDelayEffect(Effect):
    """Targets reach the servos late, by [env, 1] s."""


@dataclass(frozen=True, kw_only=True)
class MeasurementDelayEffect(Effect):
    """Joint angles are this old when they are measured, [env, 1] s."""


@dataclass(frozen=True, kw_only=True)
class PushEffect(Effect):
    """Joint speeds [env, joint] rad/s are added."""

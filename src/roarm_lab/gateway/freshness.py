"""What is known of an arm and of its boxes, if it is new enough to act on; if it is not, who paused."""

from roarm_lab.core.digits import beside
from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.robots.arm import Arm, ArmSample
from roarm_lab.robots.perception import Sight


class StaleError(UnsafeCommandError):
    """What is known of the arm or of its boxes is too old to act on."""


def fresh_sample(arm: Arm, max_age_s: float, behind_s: float = 0.0) -> ArmSample:
    """Return the newest sample.

    Args:
        arm: Whose.
        max_age_s: What is older is refused.
        behind_s: How late the turn began that asks: this computer's share of the age.

    Raises:
        StaleError: It is too old.
        UnsafeCommandError: It failed.
    """
    sample = arm.read()
    if not sample.valid:
        raise UnsafeCommandError(f"The arm could not be read: {sample.reason}.")
    _refuse_old("sample", arm.clock.now_s() - sample.measured_at_s, max_age_s, behind_s)
    return sample


def fresh_sight(arm: Arm, max_age_s: float, behind_s: float = 0.0) -> Sight:
    """Return the newest look at the boxes.

    Args:
        arm: At whose boxes.
        max_age_s: What is older is refused.
        behind_s: How late the turn began that asks: this computer's share of the age.

    Raises:
        StaleError: It is too old.
        UnsafeCommandError: It failed.
    """
    sight = arm.see()
    if not sight.valid:
        raise UnsafeCommandError(f"The boxes can not be seen: {sight.reason}.")
    _refuse_old("look", arm.clock.now_s() - sight.seen_at_s, max_age_s, behind_s)
    return sight


def _refuse_old(what: str, age_s: float, max_age_s: float, behind_s: float) -> None:
    if not 0.0 <= age_s <= max_age_s:
        paused = "The arm, its connection or this computer paused."
        if max_age_s < age_s <= max_age_s + behind_s:  # in time it would have been new enough
            paused = f"This computer paused: the turn that needed it came {behind_s:.3f} s late."
        age = beside(age_s, 0.0, max_age_s)
        raise StaleError(f"The newest {what} is {age} s old; the limit is {max_age_s:.3f} s. {paused}")

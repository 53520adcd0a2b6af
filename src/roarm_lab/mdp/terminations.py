"""Termination, success and curriculum terms."""

from dataclasses import dataclass
from typing import ClassVar

from roarm_lab.core.arrays import Array
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.state import State
from roarm_lab.mdp.rewards import site_to_goal_m
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import (
    CurriculumTerm,
    RewardFn,
    SuccessTerm,
    TerminationTerm,
    TestFn,
    check_finite,
    check_not_negative,
    check_positive,
)


@dataclass(frozen=True, kw_only=True)
class SiteBelow(TerminationTerm):
    """Ends the episode when a site sinks below a height, for instance into the table."""

    says: ClassVar[str] = "The site {site} is lower than {height_m} m in the world frame."

    site: str = "hand_tcp"
    height_m: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a height that is not a number."""
        check_finite(self, "height_m")

    def bind(self, scene: Scene) -> TestFn:
        """Return whether the site is too low [env]."""
        site, height = scene.site(self.site), self.height_m
        return lambda state: state.site_pos_w[:, site, 2] < height


@dataclass(frozen=True, kw_only=True)
class SiteHeldAtGoal(SuccessTerm):
    """A site stays within a distance of a commanded position until the episode ends."""

    says: ClassVar[str] = "The site {site} is less than {within_m} m from the position {command}."

    command: str
    site: str = "hand_tcp"
    within_m: float = 0.02

    def __post_init__(self) -> None:
        """Refuse a distance or holding time that is not positive."""
        super().__post_init__()
        check_positive(self, "within_m")

    def bind(self, scene: Scene) -> TestFn:
        """Return whether the site is close enough now [env]."""
        distance, within = self.distance(scene), self.within_m

        def at_goal(state: State) -> Array:
            return distance(state) < within

        return at_goal

    def distance(self, scene: Scene) -> RewardFn:
        """Return the distance between site and goal [env] m."""
        return site_to_goal_m(scene, self.site, self.command)


@dataclass(frozen=True, kw_only=True)
class RampWeight(CurriculumTerm):
    """Multiplies a reward's weight by a factor that goes straight from `start` to `end`."""

    start: float = 0.0
    end: float = 1.0
    steps: int
    """Environment steps after which the factor has reached `end`."""

    def __post_init__(self) -> None:
        """Refuse negative factors and a ramp without length."""
        check_not_negative(self, "start", "end")
        if not self.steps >= 1:
            raise BadInputError(f"RampWeight.steps must be 1 or more, got {self.steps}.")

    def factor(self, steps: int) -> float:
        """Return the factor after `steps` environment steps."""
        share = min(max(steps / self.steps, 0.0), 1.0)
        return self.start + (self.end - self.start) * share

"""Success terms: when a task is being done right now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from roarm_lab.core.arrays import Array, array_namespace
from roarm_lab.core.state import State
from roarm_lab.mdp.meaning import touch_in_words
from roarm_lab.mdp.object_rewards import box_to_goal_m
from roarm_lab.mdp.rewards import site_to_goal_m
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import RewardFn, Source, SuccessDescription, SuccessTerm, TestFn, check_positive
from roarm_lab.robots.robot import Robot


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

    def describe(self, robot: Robot) -> SuccessDescription:
        """Return that the site is to be near the goal."""
        return SuccessDescription(
            site=self.site,
            holds=robot.site(self.site).in_words,
            within_m=self.within_m,
            command=self.command,
        )

    def distance(self, scene: Scene) -> RewardFn:
        """Return the distance between site and goal [env] m."""
        return site_to_goal_m(scene, self.site, self.command)


@dataclass(frozen=True, kw_only=True)
class BoxHeldAtGoal(SuccessTerm):
    """A box is held in the air: within a distance of the goal, all jaws touching it, until the episode ends."""

    says: ClassVar[str] = (
        "The centre of the box {box} is less than {within_m} m from the position {command}, and every jaw touches "
        "the box. {touch}"
    )
    source: ClassVar[Source] = "sim_only"

    box: str = "cube"
    command: str = "goal"
    within_m: float = 0.025

    def __post_init__(self) -> None:
        """Refuse a distance or holding time that is not positive."""
        check_positive(self, "within_m")
        check_positive(self, "hold_s")

    def bind(self, scene: Scene) -> TestFn:
        """Return whether it is held there now [env]."""
        distance, box, within = self.distance(scene), scene.box(self.box), self.within_m

        def held(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            return xp.logical_and(distance(state) < within, xp.all(state.touching[:, box], axis=-1))

        return held

    def facts(self, scene: Scene) -> Mapping[str, str]:
        """Return when a jaw touches."""
        return {"touch": touch_in_words(scene)}

    def describe(self, robot: Robot) -> SuccessDescription:
        """Return that the box is to be near the goal, in the gripper."""
        return SuccessDescription(
            site=robot.ee_site,
            holds=f"the {self.box} in the gripper",
            besides=f"every jaw touches the {self.box}",
            within_m=self.within_m,
            command=self.command,
            box=self.box,
        )

    def distance(self, scene: Scene) -> RewardFn:
        """Return the distance between box and goal [env] m."""
        return box_to_goal_m(scene, self.box, self.command)

"""Reward terms: shaping terms from 0 to 1, penalties of 0 or more."""

from dataclasses import dataclass
from typing import ClassVar

from roarm_lab.core.arrays import Array, array_namespace, asarray_like, columns
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.state import State
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import RewardFn, RewardTerm, check_finite, check_positive
from roarm_lab.robots.capsules import ArmCapsules


def site_to_goal_m(scene: Scene, site: str, command: str) -> RewardFn:
    """Return the function state to distance [env] m between a site and a commanded position."""
    index = scene.site(site)
    scene.command_size(command)

    def distance(state: State) -> Array:
        xp = array_namespace(state.joint_pos)
        gap_w = state.commands[command] - state.site_pos_w[:, index]
        return xp.sqrt(xp.sum(gap_w * gap_w, axis=-1))

    return distance


@dataclass(frozen=True, kw_only=True)
class SiteNearGoal(RewardTerm):
    """1 with the site on the goal, falling as 1 - tanh(distance / scale)."""

    command: str
    site: str = "hand_tcp"
    scale_m: float = 0.2
    """Distance at which the term has fallen to 0.24."""

    def __post_init__(self) -> None:
        """Refuse a scale that is not positive."""
        super().__post_init__()
        check_positive(self, "scale_m")

    def bind(self, scene: Scene) -> RewardFn:
        """Return the closeness [env], 0 to 1."""
        distance, scale = site_to_goal_m(scene, self.site, self.command), self.scale_m

        def near(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            return 1.0 - xp.tanh(distance(state) / scale)

        return near


@dataclass(frozen=True, kw_only=True)
class SiteAtGoal(RewardTerm):
    """1 while the site is within a distance of the goal, else 0."""

    command: str
    site: str = "hand_tcp"
    within_m: float = 0.02

    def __post_init__(self) -> None:
        """Refuse a distance that is not positive."""
        super().__post_init__()
        check_positive(self, "within_m")

    def bind(self, scene: Scene) -> RewardFn:
        """Return 1 or 0 [env]."""
        distance, within = site_to_goal_m(scene, self.site, self.command), self.within_m

        def at_goal(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            return xp.astype(distance(state) < within, state.joint_pos.dtype)

        return at_goal


@dataclass(frozen=True, kw_only=True)
class ActionRate(RewardTerm):
    """Squared change of the action between two steps: keeps motion smooth."""

    penalty: ClassVar[bool] = True

    def bind(self, scene: Scene) -> RewardFn:
        """Return the squared change [env]."""
        del scene

        def change(state: State) -> Array:
            xp = array_namespace(state.action)
            step = state.action - state.last_action
            return xp.sum(step * step, axis=-1)

        return change


@dataclass(frozen=True, kw_only=True)
class JointSpeed(RewardTerm):
    """Sum of squared joint speeds [rad^2/s^2]: calms the arm."""

    penalty: ClassVar[bool] = True

    def bind(self, scene: Scene) -> RewardFn:
        """Return the sum of squares [env]."""
        del scene

        def speed(state: State) -> Array:
            xp = array_namespace(state.joint_vel)
            return xp.sum(state.joint_vel * state.joint_vel, axis=-1)

        return speed


@dataclass(frozen=True, kw_only=True)
class ServoStrain(RewardTerm):
    """How hard the servos push: per joint 0 up to a share of full drive, 1 at full drive, added up.

    An arm that leans on the table costs a policy nothing in simulation, and its target may run ahead of it for ever. On
    an arm the gate holds it for that. Joints whose firmware limits their torque are left out: a gripper pushes to grip.
    """

    penalty: ClassVar[bool] = True

    share: float = 0.5
    """Where it begins. At constant top speed a servo of the RoArm-M3 drives with 0.53 against its own damping."""

    def __post_init__(self) -> None:
        """Refuse a share that is not between 0 and 1."""
        super().__post_init__()
        if not 0.0 <= self.share < 1.0:
            raise BadInputError(f"ServoStrain.share must be at least 0 and below 1, got {self.share}.")

    def bind(self, scene: Scene) -> RewardFn:
        """Return the sum over joints [env]."""
        joints = [j for j, joint in enumerate(scene.robot.joints) if joint.servo.torque_fraction == 1.0]
        servos = [scene.robot.joints[j].servo for j in joints]
        drive_per_rad = [servo.stiffness_nm_per_rad / servo.stall_torque_nm for servo in servos]
        share = self.share

        def strain(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            lead = xp.abs(columns(state.joint_target, joints) - columns(state.joint_pos, joints))
            over = (lead * asarray_like(drive_per_rad, lead) - share) / (1.0 - share)
            return xp.sum(xp.minimum(xp.maximum(over, xp.zeros_like(over)), xp.ones_like(over)), axis=-1)

        return strain


@dataclass(frozen=True, kw_only=True)
class SelfCollision(RewardTerm):
    """How near the two nearest links are: 0 at a margin or further, 1 where they touch, more where they overlap.

    The gate keeps an arm off itself, but simulated links pass through each other. The same capsules judge both.
    """

    penalty: ClassVar[bool] = True

    margin_m: float = 0.01
    """Where it begins. The gate stops at 3 mm."""

    def __post_init__(self) -> None:
        """Refuse a margin that is not positive."""
        super().__post_init__()
        check_positive(self, "margin_m")

    def bind(self, scene: Scene) -> RewardFn:
        """Return the nearness [env] in margins."""
        capsules, margin_m = _capsules(scene, self), self.margin_m

        def nearness(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            nearest_m = xp.min(capsules.clearance_m(state.joint_pos), axis=0)
            lacking_m = margin_m - nearest_m
            return xp.maximum(lacking_m, xp.zeros_like(lacking_m)) / margin_m

        return nearness


@dataclass(frozen=True, kw_only=True)
class BelowTable(RewardTerm):
    """How far the arm's lowest point is below a height [m], 0 above it."""

    penalty: ClassVar[bool] = True

    height_m: float = 0.0
    """Of the table, in the world frame."""

    def __post_init__(self) -> None:
        """Refuse a height that is not a number."""
        super().__post_init__()
        check_finite(self, "height_m")

    def bind(self, scene: Scene) -> RewardFn:
        """Return the depth [env] m."""
        capsules, height_b = _capsules(scene, self), self.height_m - scene.robot.base_height_m

        def depth(state: State) -> Array:
            xp = array_namespace(state.joint_pos)
            lowest_b = capsules.lowest_b(*capsules.ends_b(state.joint_pos))[capsules.fixed :]
            depth_m = height_b - xp.min(lowest_b, axis=0)
            return xp.maximum(depth_m, xp.zeros_like(depth_m))

        return depth


def _capsules(scene: Scene, term: RewardTerm) -> ArmCapsules:
    capsules = ArmCapsules(scene.robot)
    if not len(capsules.pairs):
        raise BadInputError(
            f"{type(term).__name__} needs a robot with collision shapes; {scene.robot.name!r} has none."
        )
    return capsules

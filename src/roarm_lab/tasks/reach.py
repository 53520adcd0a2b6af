"""Reach: bring the fingertips to a point in space and hold them there."""

from collections.abc import Callable

from roarm_lab.core.arrays import Array, array_namespace
from roarm_lab.core.state import State
from roarm_lab.envs.config import EnvConfig, Region
from roarm_lab.mdp.actions import JointDelta
from roarm_lab.mdp.commands import ReachablePosition
from roarm_lab.mdp.events import StartPose
from roarm_lab.mdp.observations import (
    Command,
    GoalFromSite,
    GoalTurn,
    JointPos,
    JointVel,
    LastAction,
    SitePos,
    TargetLead,
)
from roarm_lab.mdp.rewards import ActionRate, JointSpeed, SiteAtGoal, SiteNearGoal
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.success import SiteHeldAtGoal
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.robot import Robot


def goal_radius_m(scene: Scene) -> Callable[[State], Array]:
    """Return the function state to distance [env] m of the goal from the base axis."""
    del scene

    def radius(state: State) -> Array:
        goal_w = state.commands["goal"]
        return array_namespace(goal_w).hypot(goal_w[:, 0], goal_w[:, 1])

    return radius


def goal_height_m(scene: Scene) -> Callable[[State], Array]:
    """Return the function state to height [env] m of the goal above the table."""
    del scene
    return lambda state: state.commands["goal"][:, 2]


def goal_turn_rad(scene: Scene) -> Callable[[State], Array]:
    """Return the function state to how far [env] rad the base must turn from its start to face the goal."""
    base = scene.joints(("base",))[0]

    def turn(state: State) -> Array:
        goal_w, xp = state.commands["goal"], array_namespace(state.joint_pos)
        gap = xp.atan2(goal_w[:, 1], goal_w[:, 0]) - state.joint_pos[:, base]
        return xp.abs(xp.atan2(xp.sin(gap), xp.cos(gap)))

    return turn


def reach(robot: Robot = ROARM_M3, *, within_m: float = 0.02, hold_s: float = 0.4) -> EnvConfig:
    """Hold the fingertips within `within_m` of a random reachable point during the last `hold_s` of the episode."""
    site = "hand_tcp"
    return EnvConfig(
        task="reach",
        robot=robot,
        episode_s=2.5,  # half a turn of the base at 2.5 rad/s takes 1.5 s, and the goal must then be held
        commands={"goal": ReachablePosition(site=site)},
        actions={"joints": JointDelta(step_rad=0.125)},
        observations={
            "actor": {
                "joint_pos": JointPos(),
                "joint_vel": JointVel(scale=0.2),
                "target_lead": TargetLead(),
                "tcp": SitePos(site=site, scale=4.0),
                "goal_from_tcp": GoalFromSite(command="goal", site=site, scale=5.0),
                "goal_turn": GoalTurn(command="goal"),
                "goal": Command(command="goal", scale=4.0),
                "last_action": LastAction(),
            }
        },
        rewards={
            "near": SiteNearGoal(weight=0.25, command="goal", site=site, scale_m=0.2),
            "close": SiteNearGoal(weight=0.25, command="goal", site=site, scale_m=0.02),
            "at_goal": SiteAtGoal(weight=0.125, command="goal", site=site, within_m=within_m),
            "action_rate": ActionRate(weight=-0.0025),
            "joint_speed": JointSpeed(weight=-0.0005),
        },
        events={"start": StartPose(keyframe="task_start", spread_rad=0.15, base_spread_rad=0.6)},
        success=SiteHeldAtGoal(command="goal", site=site, within_m=within_m, hold_s=hold_s),
        regions={
            "goal radius": Region(value=goal_radius_m, edges=(0.25, 0.4), names=("< 0.25 m", "0.25-0.4 m", "> 0.4 m")),
            "goal height": Region(value=goal_height_m, edges=(0.15, 0.3), names=("< 0.15 m", "0.15-0.3 m", "> 0.3 m")),
            "turn to the goal": Region(
                value=goal_turn_rad, edges=(0.7, 1.8), names=("< 40 deg", "40-103 deg", "> 103 deg")
            ),
        },
    )

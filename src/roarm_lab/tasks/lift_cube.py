"""Lift: grasp the cube on the table, carry it to a point in the air and hold it there."""

from collections.abc import Callable

from roarm_lab.core.arrays import Array, array_namespace
from roarm_lab.core.configs import Range
from roarm_lab.core.state import State
from roarm_lab.envs.config import EnvConfig, Region
from roarm_lab.mdp.actions import GripperOpening, JointDelta
from roarm_lab.mdp.commands import PositionNearBox
from roarm_lab.mdp.events import StartPose
from roarm_lab.mdp.object_events import BoxOnTable
from roarm_lab.mdp.object_observations import (
    BoxAxesInSite,
    BoxFromSite,
    BoxInSite,
    BoxPos,
    BoxVel,
    GoalFromBox,
    SiteApproach,
    Touching,
)
from roarm_lab.mdp.object_rewards import BoxAtGoal, BoxLifted, BoxNearGoal, SiteNearBox
from roarm_lab.mdp.observations import JointPos, JointVel, LastAction, TargetLead
from roarm_lab.mdp.rewards import ActionRate, JointSpeed, ServoStrain
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.success import BoxHeldAtGoal
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import Box, SimConfig


def box_radius_m(scene: Scene) -> Callable[[State], Array]:
    """Return the function state to distance [env] m of the cube from the base axis."""
    box = scene.box("cube")

    def radius(state: State) -> Array:
        pos_w = state.box_pos_w[:, box]
        return array_namespace(pos_w).hypot(pos_w[:, 0], pos_w[:, 1])

    return radius


def lift_cube(robot: Robot = ROARM_M3, *, size_m: float = 0.03, mass_kg: float = 0.03) -> EnvConfig:
    """Hold a cube within 2.5 cm of a random point at least 10 cm above the table, both jaws touching, at the end."""
    hand = robot.ee_site
    arm = tuple(name for name in robot.joint_names if name != robot.gripper_joint)
    rest_m = size_m / 2
    actor = {
        "joint_pos": JointPos(),
        "joint_vel": JointVel(scale=0.2),
        "target_lead": TargetLead(scale=5.0),
        "cube": BoxPos(scale=4.0),
        "cube_from_hand": BoxFromSite(site=hand, scale=8.0),
        "cube_in_hand": BoxInSite(site=hand, scale=8.0),
        "cube_axes": BoxAxesInSite(site=hand),
        "approach": SiteApproach(site=hand),
        "goal_from_cube": GoalFromBox(scale=5.0),
        "last_action": LastAction(),
    }
    return EnvConfig(
        task="lift-cube",
        robot=robot,
        sim=SimConfig(boxes=(Box(name="cube", size_m=size_m, mass_kg=mass_kg),)),
        episode_s=3.0,
        commands={"goal": PositionNearBox()},
        actions={
            "arm": JointDelta(joint_names=arm, step_rad=0.125),
            "gripper": GripperOpening(span_rad=Range(-0.2, 1.2)),
        },
        observations={"actor": actor, "critic": {"cube_vel": BoxVel(), "touching": Touching()}},
        rewards={
            "near": SiteNearBox(weight=0.25, site=hand, scale_m=0.2),
            "lifted": BoxLifted(weight=0.125, rest_m=rest_m),
            "carried": BoxNearGoal(weight=1.0, rest_m=rest_m, scale_m=0.25),
            "close": BoxNearGoal(weight=0.5, rest_m=rest_m, scale_m=0.04),
            "at_goal": BoxAtGoal(weight=0.5, within_m=0.025),
            "action_rate": ActionRate(weight=-0.0025),
            "joint_speed": JointSpeed(weight=-0.0005),
            "strain": ServoStrain(weight=-0.05),
        },
        events={
            "start": StartPose(keyframe="task_start", spread_rad=0.15, base_spread_rad=0.3),
            "cube": BoxOnTable(rest_m=rest_m),
        },
        success=BoxHeldAtGoal(hold_s=0.4),
        regions={
            "cube radius": Region(
                value=box_radius_m, edges=(0.22, 0.27), names=("< 0.22 m", "0.22-0.27 m", "> 0.27 m")
            ),
        },
    )

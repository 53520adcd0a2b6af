"""Action terms: what the numbers of a policy do to joints. Limits are not their business: the gate's come after."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from roarm_lab.core.arrays import Array, array_namespace, asarray_like, columns
from roarm_lab.core.configs import Range
from roarm_lab.core.state import State
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import ActionFn, ActionTerm, check_positive
from roarm_lab.robots.kinematics import Kinematics

DAMPING = 1e-3
"""Damping of the inverse Jacobian [m^2]: bounds joint steps near a singularity at the cost of some accuracy there."""
DAMPING_MATRIX = tuple(tuple(DAMPING * (row == column) for column in range(4)) for row in range(4))


@dataclass(frozen=True, kw_only=True)
class _OfJoints(ActionTerm):
    """One number per joint."""

    joint_names: tuple[str, ...] = ()
    """Which joints; none means all."""

    def size(self, scene: Scene) -> int:
        """Return one number per joint."""
        return len(self.joints(scene))

    def joints(self, scene: Scene) -> list[int]:
        """Return the joints' indices."""
        return scene.joints(self.joint_names)

    def facts(self, scene: Scene) -> Mapping[str, str]:
        """Return the joints' names, also where none were given."""
        return {"joint_names": _names(self, scene)}


@dataclass(frozen=True, kw_only=True)
class JointTarget(_OfJoints):
    """-1 to 1 spans the joint's whole range."""

    says: ClassVar[str] = (
        "Absolute and linear: the wished angle of each of the joints {joint_names} is its lower_rad at -1 and its "
        "upper_rad at 1."
    )

    def bind(self, scene: Scene) -> ActionFn:
        """Return targets [env, joint] rad at the given share of the range."""
        joints = [scene.robot.joints[i] for i in self.joints(scene)]
        middle = [(j.lower_rad + j.upper_rad) / 2 for j in joints]
        half = [(j.upper_rad - j.lower_rad) / 2 for j in joints]

        def target(state: State, action: Array) -> Array:
            del state
            return asarray_like(middle, action) + asarray_like(half, action) * action

        return target


@dataclass(frozen=True, kw_only=True)
class JointDelta(_OfJoints):
    """The action times `step_rad` is added to the target that was sent last."""

    says: ClassVar[str] = (
        "The wished angle of each of the joints {joint_names} is the target sent last (after the limits) plus "
        "{step_rad} rad times the action."
    )

    step_rad: float = 0.125
    """Change per control step at action 1."""

    def __post_init__(self) -> None:
        """Refuse a step that is not positive."""
        check_positive(self, "step_rad")

    def bind(self, scene: Scene) -> ActionFn:
        """Return last target plus step [env, joint] rad."""
        joints, step = self.joints(scene), self.step_rad
        return lambda state, action: columns(state.joint_target, joints) + step * action


@dataclass(frozen=True, kw_only=True)
class GripperOpening(ActionTerm):
    """-1 closes the gripper, 1 opens it."""

    says: ClassVar[str] = (
        "Absolute and linear: the wished angle of the joint {joint} goes over {span_rad} rad, the first at -1 "
        "(closed), the second at 1 (open); 0 is the middle. A larger angle is more open."
    )

    span_rad: Range = Range(0.0, 1.2)
    """Gripper angles at -1 and at 1."""

    def size(self, scene: Scene) -> int:
        """Return one number."""
        del scene
        return 1

    def joints(self, scene: Scene) -> list[int]:
        """Return the gripper's index."""
        return scene.joints((scene.robot.gripper_joint,))

    def facts(self, scene: Scene) -> Mapping[str, str]:
        """Return the gripper's name."""
        return {"joint": _names(self, scene)}

    def bind(self, scene: Scene) -> ActionFn:
        """Return the gripper's target [env, 1] rad."""
        low, high = self.span_rad.low, self.span_rad.high
        return lambda state, action: low + (high - low) * 0.5 * (action + 1.0)


@dataclass(frozen=True, kw_only=True)
class EePose(ActionTerm):
    """Moves a site: three numbers of translation along the world axes, then pitch and roll rates of the hand.

    One damped least-squares step of the Jacobian from the last sent target, so it needs no solver and has no branches.
    """

    says: ClassVar[str] = (
        "Moves the site {site} from where the targets sent last (after the limits) put it: three numbers of "
        "translation along the world's x, y, z, {step_m} m per control step at 1, one of pitch and one of roll, "
        "{step_rad} rad at 1. The wished angles of the joints {joints} are these targets plus J' (J J' + {damping} "
        "I)^-1 (dx, dy, dz, dpitch), J' being J transposed, with the site's Jacobian in the world frame as rows of "
        "J: x, y, z, and rotation about (-sin q, cos q, 0), q the target of the first joint; the column of the "
        "joint {roll_joint} is 0. Its own wished angle is its target plus droll."
    )

    site: str = "hand_tcp"
    step_m: float = 0.02
    """Translation per control step at action 1."""
    step_rad: float = 0.1
    """Rotation per control step at action 1."""
    roll_joint: str = "roll"

    def __post_init__(self) -> None:
        """Refuse steps that are not positive."""
        check_positive(self, "step_m", "step_rad")

    def size(self, scene: Scene) -> int:
        """Return five: x, y, z, pitch, roll."""
        del scene
        return 5

    def joints(self, scene: Scene) -> list[int]:
        """Return all joints but the gripper."""
        return scene.joints([name for name in scene.robot.joint_names if name != scene.robot.gripper_joint])

    def facts(self, scene: Scene) -> Mapping[str, str]:
        """Return the joints' names, and the damping."""
        return {"joints": _names(self, scene), "damping": f"{DAMPING:g}"}

    def bind(self, scene: Scene) -> ActionFn:
        """Return joint targets [env, joint] rad."""
        kinematics, joints, site = Kinematics(scene.robot), self.joints(scene), self.site
        scene.site(site)
        roll = joints.index(scene.joints((self.roll_joint,))[0])
        turns_roll = [float(index == roll) for index in range(len(joints))]

        def target(state: State, action: Array) -> Array:
            xp = array_namespace(action)
            jacobian = columns(kinematics.jacobian(state.joint_target, site), joints)
            pitch_axis = xp.stack((-xp.sin(state.joint_target[:, 0]), xp.cos(state.joint_target[:, 0])), axis=-1)
            pitch = xp.sum(jacobian[:, 3:5, :] * pitch_axis[:, :, None], axis=1)[:, None, :]
            rows = xp.concat((jacobian[:, :3, :], pitch), axis=1)
            way = xp.concat((self.step_m * action[:, :3], self.step_rad * action[:, 3:4]), axis=1)
            # The roll joint turns the hand about its own axis: it gets the roll rate alone.
            roll_only = asarray_like(turns_roll, action)
            rows = rows * (1.0 - roll_only)
            square = rows @ xp.matrix_transpose(rows) + asarray_like(DAMPING_MATRIX, action)
            step = xp.matrix_transpose(rows) @ xp.linalg.solve(square, way[:, :, None])
            return columns(state.joint_target, joints) + step[:, :, 0] + self.step_rad * action[:, 4:5] * roll_only

        return target


def _names(term: ActionTerm, scene: Scene) -> str:
    return ", ".join(scene.robot.joint_names[index] for index in term.joints(scene))


ACTIONS: dict[str, type[ActionTerm]] = {
    term.__name__: term for term in (JointTarget, JointDelta, GripperOpening, EePose)
}
"""Terms by class name, so that a policy's contract can name them."""

"""Action terms: which joints they move, by how much, and that the tool goes where the action says."""

import math
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.mdp import actions
from roarm_lab.mdp.actions import DAMPING, EePose, GripperOpening, JointDelta, JointTarget
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3
from tests.mdp.fake_state import bare, scene, toy_scene

FLOAT32 = 1e-6
KINEMATICS = Kinematics(ROARM_M3)
BENT = np.array([0.3, 0.4, 1.3, 0.9, 0.5, 0.8])  # well away from singular poses
SMALL = 0.01  # action: 0.2 mm and 1 mrad, small enough for the bend of the path not to count
ACROSS = np.array([-math.sin(BENT[0]), math.cos(BENT[0]), 0.0])  # turning about it lowers the tip
EXACT = 0.01  # bend of the path and float32
LOST = 0.12  # the damping, 1e-3 m^2, against the squared singular values here; measured 0.10 at worst


def test_minus_1_to_1_spans_the_joints_range() -> None:
    term = JointTarget(joint_names=("elbow", "base"))
    assert term.joints(toy_scene()) == [1, 0]
    requested = term.bind(toy_scene())(
        bare(action=np.zeros((3, 3))), np.float32([[-1.0, -1.0], [1.0, 1.0], [0.0, 0.5]])
    )
    # The toy's elbow goes from 0 to 2.5, its base from -3 to 3.
    np.testing.assert_allclose(requested, [[0.0, -3.0], [2.5, 3.0], [1.25, 1.5]], atol=FLOAT32)


def test_a_delta_is_added_to_what_was_sent_last() -> None:
    term = JointDelta(step_rad=0.1)
    state = bare(joint_pos=[[9.0, 9.0, 9.0]], joint_target=[[0.5, 1.0, 0.2]])
    requested = term.bind(toy_scene())(state, np.float32([[1.0, -0.5, 0.0]]))
    np.testing.assert_allclose(requested, [[0.6, 0.95, 0.2]], atol=FLOAT32)


def test_the_gripper_closes_at_minus_1_and_opens_at_1() -> None:
    term = GripperOpening(span_rad=Range(-0.2, 1.2))
    assert term.joints(toy_scene()) == [2]
    requested = term.bind(toy_scene())(bare(action=np.zeros((3, 3))), np.float32([[-1.0], [1.0], [0.0]]))
    np.testing.assert_allclose(requested, [[-0.2], [1.2], [0.5]], atol=FLOAT32)


def moved_by(action: list[float], site: str = "hand_tcp", pose: np.ndarray = BENT) -> tuple[np.ndarray, np.ndarray]:
    """Return how a site is displaced [3] m and turned (rotation vector [3] rad) when the joints follow an action."""
    term = EePose(site=site)
    state = bare(joint_pos=[pose], joint_target=[pose])
    goal = pose.copy()
    goal[term.joints(scene())] = term.bind(scene())(state, np.float32([action]))[0]
    pos, rot = KINEMATICS.site_pose(pose, site)
    new_pos, new_rot = KINEMATICS.site_pose(goal, site)
    turn = new_rot @ rot.T
    vector = 0.5 * np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    return new_pos - pos, vector


@pytest.fixture(params=["damped", "exact"])
def lost(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """Return which share of a motion may be missing, with the damping as it is and with next to none."""
    if request.param == "damped":
        return LOST
    monkeypatch.setattr(actions, "DAMPING_MATRIX", 1e-7 * np.eye(4))
    return EXACT


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("site", ["hand_tcp", "grasp"])
def test_the_site_moves_along_the_world_axis_that_the_action_names(axis: int, site: str, lost: float) -> None:
    action = np.zeros(5)
    action[axis] = SMALL
    moved, turned = moved_by(list(action), site)
    np.testing.assert_allclose(moved, SMALL * 0.02 * np.eye(3)[axis], atol=lost * SMALL * 0.02)
    assert abs(turned @ ACROSS) < lost * SMALL * 0.02 / 0.1  # rad: the hand does not tip meanwhile


def test_pitch_tips_the_hand_down_and_keeps_the_tool_in_place(lost: float) -> None:
    moved, turned = moved_by([0.0, 0.0, 0.0, SMALL, 0.0])
    assert np.linalg.norm(moved) < lost * SMALL * 0.1 * 0.3  # m: of what turning a 0.3 m lever would do
    assert turned @ ACROSS == pytest.approx(SMALL * 0.1, rel=lost)


def test_roll_turns_the_roll_joint_alone() -> None:
    term = EePose()
    requested = term.bind(scene())(bare(joint_pos=[BENT], joint_target=[BENT]), np.float32([[0, 0, 0, 0, 1.0]]))
    expected = BENT[:5].copy()
    expected[4] += 0.1
    np.testing.assert_allclose(requested[0], expected, atol=FLOAT32)


@pytest.mark.parametrize("site", ["hand_tcp", "grasp"])  # grasp is off the roll axis: rolling would move it
def test_translation_and_pitch_leave_the_roll_joint_alone(site: str) -> None:
    state = bare(joint_pos=[BENT], joint_target=[BENT])
    requested = EePose(site=site).bind(scene())(state, np.float32([[1, -1, 1, -1, 0]]))
    assert requested[0, 4] == np.float32(BENT[4])


def test_a_stretched_arm_asks_for_bounded_steps() -> None:
    up = np.zeros(6)  # straight up: singular
    requested = EePose().bind(scene())(bare(joint_pos=[up], joint_target=[up]), np.float32([[1, 1, 1, 1, 1]]))
    # A damped inverse is at most 1 / (2 sqrt(damping)); the way is |(0.02, 0.02, 0.02, 0.1)| = 0.106 long.
    assert np.abs(requested[0, :4]).max() <= 0.106 / (2.0 * math.sqrt(DAMPING))


def test_a_pose_action_leaves_the_gripper_to_others() -> None:
    assert EePose().joints(scene()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("value", [0.0, -0.1, math.nan, math.inf])
@pytest.mark.parametrize(("kind", "field"), [(JointDelta, "step_rad"), (EePose, "step_m"), (EePose, "step_rad")])
def test_a_step_must_be_positive(kind: Any, field: str, value: float) -> None:
    with pytest.raises(BadInputError, match=rf"{kind.__name__}\.{field} must be positive and finite, got {value}"):
        kind(**{field: value})


def test_unknown_names_show_before_the_first_step() -> None:
    with pytest.raises(UnknownNameError, match="There is no joint named 'wirst'. Did you mean 'wrist'"):
        JointDelta(joint_names=("wirst",)).bind(scene())
    with pytest.raises(UnknownNameError, match="There is no site named 'tcp'"):
        EePose(site="tcp").bind(scene())
    with pytest.raises(UnknownNameError, match="There is no joint named 'rol'. Did you mean 'roll'"):
        EePose(roll_joint="rol").bind(scene())

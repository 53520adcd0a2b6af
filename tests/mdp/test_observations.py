"""Observation terms on numbers worked out by hand."""

import math

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError
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
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import ObservationFn, ObservationTerm, SensorNoise
from tests.mdp.every_term import NEEDED, OBSERVATIONS, name_of
from tests.mdp.fake_state import bare, toy_scene
from tests.toy_robot import TOY

FLOAT32 = 1e-6
POSE = [[0.1, 0.2, 0.3]]


def test_joints_come_all_or_picked_by_name_in_the_order_asked() -> None:
    np.testing.assert_array_equal(JointPos().bind(toy_scene())(bare(joint_pos=POSE)), np.float32(POSE))
    picked = JointPos(joints=("gripper", "base"))
    assert picked.components(toy_scene()) == ("gripper", "base")
    np.testing.assert_array_equal(picked.bind(toy_scene())(bare(joint_pos=POSE)), np.float32([[0.3, 0.1]]))


def test_joint_speeds_are_those_of_the_state() -> None:
    some = JointVel(joints=("elbow",)).bind(toy_scene())
    np.testing.assert_array_equal(some(bare(joint_vel=[[1.0, -2.0, 3.0]])), [[-2.0]])


def test_the_lead_is_target_minus_angle() -> None:
    state = bare(joint_pos=POSE, joint_target=[[0.15, 0.2, 0.0]])
    np.testing.assert_allclose(TargetLead().bind(toy_scene())(state), [[0.05, 0.0, -0.3]], atol=FLOAT32)
    gripper = TargetLead(joints=("gripper",)).bind(toy_scene())
    np.testing.assert_allclose(gripper(state), [[-0.3]], atol=FLOAT32)


def test_a_site_is_where_it_is_in_the_world() -> None:
    np.testing.assert_array_equal(SitePos(site="hand").bind(toy_scene())(bare(hand_w=[[1.0, 2.0, 3.0]])), [[1, 2, 3]])


def test_a_command_is_shown_as_it_was_given() -> None:
    state = bare(hand_w=[[0.0, 0.0, 0.0]], goal_w=[[0.1, 0.2, 0.3]])
    np.testing.assert_array_equal(Command(command="goal").bind(toy_scene())(state), np.float32([[0.1, 0.2, 0.3]]))


def test_a_command_that_is_no_position_has_numbered_components() -> None:
    scene = Scene(robot=TOY, control_dt_s=0.05, command_sizes=(("opening", 2),))
    assert Command(command="opening").components(scene) == ("0", "1")
    assert Command(command="goal").components(toy_scene()) == ("x", "y", "z")


def test_the_way_to_the_goal_turns_with_the_base() -> None:
    way = GoalFromSite(command="goal", site="hand").bind(toy_scene())
    hand_w, goal_w = [[0.0, 0.1, 0.2]] * 3, [[0.0, 0.4, 0.6]] * 3  # 0.3 m left, 0.4 m up
    turned = way(bare(hand_w=hand_w, goal_w=goal_w, joint_pos=[[0, 0, 0], [math.pi / 2, 0, 0], [-math.pi / 2, 0, 0]]))
    # Facing left, what was left is ahead; facing right, it is behind.
    np.testing.assert_allclose(turned, [[0.0, 0.3, 0.4], [0.3, 0.0, 0.4], [-0.3, 0.0, 0.4]], atol=FLOAT32)


def test_the_turn_to_the_goal_is_not_wrapped() -> None:
    turn = GoalTurn(command="goal", joint="base").bind(toy_scene())
    behind_right, base_left = math.radians(-170.0), math.radians(170.0)
    goal_w = [[math.cos(behind_right), math.sin(behind_right), 0.2], [0.0, 0.3, 0.2]]
    got = turn(bare(hand_w=[[0, 0, 0]] * 2, goal_w=goal_w, joint_pos=[[base_left, 0, 0], [0, 0, 0]]))
    # 20 degrees across the seam, but the base must go 340 degrees back.
    np.testing.assert_allclose(np.degrees(got), [[-340.0], [90.0]], rtol=FLOAT32)


def test_the_last_action_is_the_one_carried_out() -> None:
    state = bare(action=[[0.1, 0.2, 0.3]], last_action=[[9.0, 9.0, 9.0]])
    np.testing.assert_array_equal(LastAction().bind(toy_scene())(state), np.float32([[0.1, 0.2, 0.3]]))
    assert LastAction().components(toy_scene()) == ("0", "1", "2")


def test_every_term_says_where_its_number_comes_from_and_in_which_unit() -> None:
    for term in OBSERVATIONS:
        assert term.source in ("measured", "derived", "perception", "sim_only")
        assert term.unit
    assert {name_of(term) for term in OBSERVATIONS if term.source == "measured"} == {"JointPos"}  # the encoders


def test_the_noise_of_sensors_becomes_that_of_what_is_made_from_them() -> None:
    sensors = SensorNoise(joint_pos_rad=0.01, box_pos_m=0.002)
    noise = {name_of(term): term.sensor_noise_std(sensors, 0.05) for term in OBSERVATIONS}
    assert {name: std for name, std in noise.items() if std} == pytest.approx(
        {
            "JointPos": 0.01,
            "JointVel": 0.01 * math.sqrt(2.0) / 0.05,  # the difference of two angles, over its time
            "TargetLead": 0.01,
            "BoxPos": 0.002,
            "BoxFromSite": 0.002,
            "BoxInSite": 0.002,
            "GoalFromBox": 0.002,
        }
    )


def test_the_noise_of_sensors_is_added_to_a_terms_own() -> None:
    sensors = SensorNoise(joint_pos_rad=0.03)
    assert JointPos(noise_std=0.04, scale=2.0).with_sensor_noise(sensors, 0.05) == JointPos(noise_std=0.05, scale=2.0)
    own = SitePos(noise_std=0.04)
    assert own.with_sensor_noise(sensors, 0.05) is own


def test_a_term_that_does_not_say_what_sensors_do_to_it_is_refused() -> None:
    class Silent(ObservationTerm):
        source, unit = "derived", "1"

        def components(self, scene: Scene) -> tuple[str, ...]:
            return ()

        def bind(self, scene: Scene) -> ObservationFn:
            return lambda state: state.action

    with pytest.raises(TypeError, match="sensor_noise_std"):
        Silent()  # type: ignore[abstract]


@pytest.mark.parametrize("field", ["noise_std", "delay_s", "history_s"])
@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
@pytest.mark.parametrize("term", OBSERVATIONS, ids=name_of)
def test_noise_delay_and_history_must_be_0_or_more(term: object, field: str, value: float) -> None:
    with pytest.raises(BadInputError, match=rf"{name_of(term)}\.{field} must be 0 or more, got {value}"):
        type(term)(**NEEDED.get(name_of(term), {}), **{field: value})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_scale_must_be_finite(value: float) -> None:
    with pytest.raises(BadInputError, match=rf"JointVel\.scale must be a finite number, got {value}"):
        JointVel(scale=value)


def test_unknown_names_show_before_the_first_step() -> None:
    with pytest.raises(UnknownNameError, match="There is no joint named 'elbwo'. Did you mean 'elbow'"):
        JointPos(joints=("elbwo",)).bind(toy_scene())
    with pytest.raises(UnknownNameError, match="There is no site named 'head'"):
        SitePos(site="head").bind(toy_scene())
    for term in (Command(command="gaol"), GoalFromSite(command="gaol", site="hand"), GoalTurn(command="gaol")):
        with pytest.raises(UnknownNameError, match="There is no command named 'gaol'. Did you mean 'goal'"):
            term.bind(toy_scene())

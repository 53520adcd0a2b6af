"""The table, the workspace and the arm itself as the gate sees them, and the limits of one station."""

import math
import re

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError, UnsafeCommandError
from roarm_lab.robots.capsules import ArmCapsules
from roarm_lab.robots.collision_guard import Guard, steps
from roarm_lab.robots.gate import Gate
from roarm_lab.robots.gate_config import GateRules, Workspace, tightened
from roarm_lab.robots.inverse_kinematics import InverseKinematics
from roarm_lab.robots.roarm_m3 import ROARM_M3

DT_S = 0.05
HOME = np.array(ROARM_M3.keyframe("home"))
START = np.array(ROARM_M3.keyframe("task_start"))
NEARLY_M = 2e-3  # m: an eighth of the spacing of poses looked at, at the hand, and what sliding leaves
IK = InverseKinematics(ROARM_M3)
CAPSULES = ArmCapsules(ROARM_M3)


def over(x_m: float, height_m: float, pitch: float = math.pi / 2) -> np.ndarray:
    """Return the pose with hand_tcp at a height above the table, gripper pointing down and nearly closed."""
    return np.append(IK.solve_one([x_m, 0.0, height_m - ROARM_M3.base_height_m], pitch), 0.3)


def pushed(gate: Gate, requested: np.ndarray, turns: int = 80) -> np.ndarray:
    for _ in range(turns):
        gate.target(requested, gate.sent, DT_S)
    return gate.sent


def tip_height_m(joint_pos: np.ndarray) -> float:
    """Return the height of the fingers' lowest point over the table."""
    lowest_b = CAPSULES.lowest_b(*CAPSULES.ends_b(joint_pos[None]))[:, 0]
    pads = [low for low, capsule in zip(lowest_b, CAPSULES.capsules, strict=True) if capsule.pad]
    return float(min(pads)) + ROARM_M3.base_height_m


def test_fingers_may_be_told_to_go_1_cm_below_the_table_and_no_further() -> None:
    gate = Gate(ROARM_M3, over(0.25, 0.1))
    sent = pushed(gate, over(0.25, -0.05))
    assert -0.01 - 1e-9 <= tip_height_m(sent) <= -0.01 + NEARLY_M
    assert gate.blocked is not None
    assert gate.blocked.endswith("would meet the table")


def test_a_request_that_keeps_clear_is_not_touched() -> None:
    gate = Gate(ROARM_M3, over(0.25, 0.1))
    sent = pushed(gate, over(0.25, 0.01))
    assert gate.blocked is None
    np.testing.assert_allclose(sent, over(0.25, 0.01), atol=1e-9)


def test_the_arm_moves_along_the_table_rather_than_stop() -> None:
    gate = Gate(ROARM_M3, over(0.22, 0.02))
    sent = pushed(gate, over(0.28, -0.02))
    assert IK.target_of(sent)[0][0] > 0.25
    assert tip_height_m(sent) >= -0.01 - 1e-9


def test_a_higher_table_stops_it_earlier_and_none_not_at_all() -> None:
    higher = pushed(Gate(ROARM_M3, over(0.25, 0.15), GateRules(table_height_m=0.05)), over(0.25, 0.0))
    assert 0.04 - 1e-9 <= tip_height_m(higher) <= 0.04 + NEARLY_M
    free = pushed(Gate(ROARM_M3, over(0.25, 0.1), GateRules(table_height_m=None)), over(0.25, -0.05))
    np.testing.assert_allclose(free, over(0.25, -0.05), atol=1e-9)


def test_the_rest_of_the_arm_stays_above_the_table() -> None:
    # The shoulder leans right forward: the forearm or the palm would be first to touch.
    gate = Gate(ROARM_M3, HOME)
    pushed(gate, np.array([0.0, 1.5, 1.2, -1.0, 0.0, 0.3]))
    guard = Guard(ROARM_M3, GateRules())
    assert guard.room_m(gate.sent[None]).min() >= -1e-9
    assert gate.blocked is not None


def test_the_arm_does_not_fold_into_itself() -> None:
    gate = Gate(ROARM_M3, HOME)
    pushed(gate, np.array([0.0, -0.5, 2.95, 1.57, 0.0, 1.0]))
    assert gate.blocked is not None
    assert "upper_arm_collision would meet" in gate.blocked


def test_the_hand_stays_inside_its_workspace_round_shapes_included() -> None:
    box = Workspace(lower_w=(0.1, -0.1, 0.0), upper_w=(0.5, 0.1, 0.5))
    gate = Gate(ROARM_M3, over(0.3, 0.1), GateRules(workspace=box))
    sent = pushed(gate, over(0.3, 0.1) + np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    assert gate.blocked == "the hand would leave the workspace above in y"
    # The palm is 4 cm wide, so the point between the fingers is about 2.5 cm inside; its capsules add 1 cm at most.
    assert 0.055 < IK.target_of(sent)[0][1] < 0.08


def test_it_brakes_before_the_table_instead_of_running_into_it() -> None:
    gate, rate = Gate(ROARM_M3, over(0.25, 0.13)), np.zeros(6)
    for _ in range(80):
        last, target = gate.sent, gate.target(over(0.25, -0.1), gate.sent, DT_S)
        now = (target - last) / DT_S
        # What can not be braked for exactly, since joints brake each on their own, is at most one step's worth.
        assert np.all(np.abs(now - rate) <= 2.0 * gate.limits.max_accel * DT_S)
        rate = now


def test_an_arm_far_from_where_it_was_sent_is_refused_if_the_way_there_is_blocked() -> None:
    gate = Gate(ROARM_M3, over(0.25, 0.05))
    below = over(0.25, 0.05) + np.array([0.0, 0.9, 0.0, 0.0, 0.0, 0.0])  # deep under the table
    with pytest.raises(UnsafeCommandError, match=r"'shoulder' is at .* more than its lead of 0\.4 .* meet the table"):
        gate.target(over(0.25, 0.05), below, DT_S)
    np.testing.assert_array_equal(gate.sent, over(0.25, 0.05))


# Seen in simulation: a policy presses the jaws, turned aside, on the table beside a cube.
PRESSING = np.array([-1.3733, 1.0365, 1.9615, 1.2387, -0.6618, 0.3653])
STUCK = np.array([-1.0274, 0.7824, 1.5619, 1.2940, -0.6819, 0.3425])
DEEPER = np.array([-1.3436, 1.0754, 1.9528, 1.1624, -0.6663, 0.3231])
CREEP = np.array([0.0, 0.0, -0.002, 0.0, 0.0, 0.0])  # rad per turn: the elbow gives way under the load


def pressed(turns: int) -> tuple[Gate, np.ndarray]:
    """Return a gate that went on for some turns of pressing an arm that is stuck on the table, and where that is."""
    gate, measured = Gate(ROARM_M3, PRESSING), STUCK
    for _ in range(turns):
        before, measured = gate.sent, measured + CREEP
        sent = gate.target(DEEPER, measured, DT_S)
        assert np.all(np.abs(sent - measured) <= gate.limits.max_lead + 1e-9)
        assert np.abs(sent - before).max() <= gate.limits.max_speed.min() * DT_S
    return gate, measured


def test_an_arm_that_presses_on_the_table_and_is_stuck_goes_on_with_small_retreats() -> None:
    gate, _ = pressed(turns=40)
    assert gate.blocked is not None
    assert gate.blocked.endswith("would meet the table")
    assert PRESSING[2] - gate.sent[2] == pytest.approx(40 * 0.002, abs=0.005)  # no further than the lead asks for
    assert Guard(ROARM_M3, GateRules()).room_m(gate.sent[None]).min() >= -1e-9


def test_a_request_that_leads_away_from_the_table_works_at_once_after_retreats() -> None:
    gate, measured = pressed(turns=40)
    before = tip_height_m(gate.sent)
    gate.target(measured + np.array([0.0, -0.5, 0.0, 0.0, 0.0, 0.0]), measured + CREEP, DT_S)
    assert gate.blocked is None
    assert tip_height_m(gate.sent) > before


def test_steps_end_exactly_where_they_should_and_are_close_together() -> None:
    way = steps(np.zeros(2), np.array([0.1, -0.3]), np.array([0.1, 0.1]))
    np.testing.assert_array_equal(way[14], [0.1, -0.3])
    np.testing.assert_array_equal(way[-1], [0.1, 0.1])
    assert np.abs(np.diff(way, axis=0)).max() <= 0.02 + 1e-12


def test_a_gate_that_looks_at_nothing_is_as_before() -> None:
    free = GateRules(table_height_m=None, self_margin_m=None)
    assert Guard(ROARM_M3, free).names == ()
    requested = np.array([0.0, 1.5, 0.6, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(pushed(Gate(ROARM_M3, HOME, free), requested), requested, atol=1e-9)


def test_a_station_makes_ranges_smaller() -> None:
    gate = Gate(ROARM_M3, HOME, GateRules(station_limits={"base": (-0.5, 0.25), "gripper": (0.2, 1.0)}))
    assert pushed(gate, HOME + np.array([2.0, 0.0, 0.0, 0.0, 0.0, -1.0]))[0] == 0.25
    assert gate.sent[5] == 0.2  # no pressing further either: this end was raised
    assert gate.limits.upper[1] == ROARM_M3.joint("shoulder").upper_rad


def test_a_lower_end_left_as_it_is_keeps_its_room_to_press() -> None:
    tight = tightened(ROARM_M3, {"gripper": (0.0, 1.0)})
    assert tight.joint("gripper").target_lower_rad == ROARM_M3.joint("gripper").target_lower_rad


@pytest.mark.parametrize(
    "limits", [(-3.2, 1.0), (-1.0, 3.2), (1.0, -1.0), (0.5, 0.5), (math.nan, 1.0), (0.0, math.inf)]
)
def test_a_station_can_not_widen_a_range(limits: tuple[float, float]) -> None:
    said = f"joint 'base', {limits[0]} to {limits[1]} rad, must lie inside the hardware's, -3.13 to 3.13 rad"
    with pytest.raises(BadInputError, match=re.escape(said)):
        Gate(ROARM_M3, HOME, GateRules(station_limits={"base": limits}))


def test_a_station_limit_for_a_joint_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="no joint named 'elbw'"):
        Gate(ROARM_M3, HOME, GateRules(station_limits={"elbw": (0.0, 1.0)}))


def test_rules_that_make_no_sense_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"lower y \(0.2 m\) must be below its upper \(0.1 m\)"):
        Workspace(lower_w=(0.0, 0.2, 0.0), upper_w=(0.5, 0.1, 0.5))
    with pytest.raises(BadInputError, match=r"table_height_m must be -1 to 1 m, got nan"):
        GateRules(table_height_m=math.nan)
    with pytest.raises(BadInputError, match=r"finger_depth_m must be 0 to 0\.05 m, got 0\.1"):
        GateRules(finger_depth_m=0.1)
    with pytest.raises(BadInputError, match=r"self_margin_m must be 0 to 0\.05 m, got -0\.001"):
        GateRules(self_margin_m=-0.001)

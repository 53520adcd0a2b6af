"""A simulated arm that follows its clock, sags, reads in encoder steps, and stops for good when its world breaks."""

import math
import time

import numpy as np
import pytest

from roarm_lab.core.clock import MonotonicClock, SimulatedClock
from roarm_lab.core.errors import BadInputError, MissingError, UnknownNameError, UnsafeCommandError
from roarm_lab.robots.limits import JointLimits, limit_target
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.arm import MAX_CATCH_UP_S, SimArm
from roarm_lab.sim.backend import Box, SimConfig
from roarm_lab.sim.table import make_backend
from tests.arm_contract import ARM_CONTRACT, DT_S, Check, pass_time, send_for
from tests.grasp_scene import close_around_cube
from tests.toy_robot import TOY

START = np.array(ROARM_M3.keyframe("task_start"))
ENCODER_STEP_RAD = 2 * math.pi / 4096
SETTLED = 1e-3  # rad: what is left of the motion after the times used here
TWO_ROADS = 2e-5  # rad: limits in float64 here and float32 there, over 40 steps; measured below 1e-6
A_STEP_S = 0.005
"""One step of physics."""
FLOAT32 = 1e-6  # rad: the simulator hands out float32


def make(robot: Robot = ROARM_M3, **options: object) -> SimArm:
    options = {"clock": SimulatedClock(), "start_joint_pos": START} | options
    return SimArm(robot, **options)  # pyright: ignore[reportArgumentType]


TABLE = SimConfig(boxes=(Box(name="brick", size_m=0.04), Box(name="cube")))
TURNED = (0.8, 0.0, 0.0, 0.6)
FALLEN_M = 1e-3  # m: how deep a box at rest may sink in


@pytest.fixture
def arm() -> SimArm:
    return make()


@pytest.fixture
def table() -> SimArm:
    """An arm with two boxes before it, apart from each other."""
    arm = make(config=TABLE)
    arm.place_box("cube", [0.22, -0.1, 0.015])
    arm.place_box("brick", [0.2, 0.15, 0.02], TURNED)
    return arm


@pytest.mark.parametrize("check", ARM_CONTRACT, ids=lambda check: check.__name__)
def test_keeps_the_arm_contract(check: Check) -> None:
    check(make)


@pytest.mark.parametrize("check", ARM_CONTRACT, ids=lambda check: check.__name__)
def test_a_toy_arm_with_encoders_keeps_it_too(check: Check) -> None:
    check(lambda: make(TOY, start_joint_pos=None, encoder_step_rad=ENCODER_STEP_RAD))


@pytest.mark.parametrize("check", ARM_CONTRACT, ids=lambda check: check.__name__)
def test_an_arm_that_sees_boxes_keeps_it_too(check: Check) -> None:
    check(lambda: make(config=TABLE))


def test_real_time_runs_the_same_code() -> None:
    arm = make(clock=MonotonicClock())
    began_s = time.monotonic()
    send_for(arm, START + 0.1, 4)
    assert time.monotonic() - began_s >= 4 * DT_S
    asked_s = arm.clock.now_s()
    sample = arm.read()
    assert asked_s - A_STEP_S <= sample.measured_at_s <= arm.clock.now_s()
    assert np.all(sample.joint_pos[[0, 4, 5]] > START[[0, 4, 5]])


def test_nobody_waits_for_simulated_time(arm: SimArm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it slept"))
    send_for(arm, START, 200)
    assert arm.clock.now_s() == pytest.approx(10.0)


def test_the_world_moves_only_with_its_clock(arm: SimArm) -> None:
    arm.send(START + 0.1, DT_S)
    first, again = arm.read(), arm.read()
    np.testing.assert_array_equal(first.joint_pos, again.joint_pos)
    assert first.measured_at_s == again.measured_at_s
    pass_time(arm)
    assert arm.read().measured_at_s == pytest.approx(DT_S)


def test_asking_often_or_seldom_gives_the_same_motion() -> None:
    often, seldom = make(), make()
    for step in range(20):
        for each in (often, seldom):
            each.send(START + 0.3, DT_S)
        for k in range(10):
            often.clock.sleep_until_s(DT_S * (step + k / 10))
            often.read()
        for each in (often, seldom):
            each.clock.sleep_until_s(DT_S * (step + 1))
    np.testing.assert_allclose(often.read().joint_pos, seldom.read().joint_pos, rtol=0.0, atol=FLOAT32)


def test_it_moves_as_a_world_in_training_does(arm: SimArm) -> None:
    world = make_backend(ROARM_M3, 1, SimConfig(threads=1))
    world.reset(None, START[None, :])
    of, target, rate = JointLimits.of(ROARM_M3), START[None, :].astype(np.float32), np.zeros((1, 6), dtype=np.float32)
    for step in range(40):
        requested = START + 0.8 * math.sin(0.3 * step)
        target, rate = limit_target(
            requested[None, :].astype(np.float32), target, rate, world.get("joint_pos"), of, DT_S
        )
        world.step(target, round(DT_S / world.physics_dt_s))
        send_for(arm, requested, 1)
        np.testing.assert_allclose(arm.sent, target[0], rtol=0.0, atol=TWO_ROADS)
        np.testing.assert_allclose(arm.read().joint_pos, world.get("joint_pos")[0], rtol=0.0, atol=TWO_ROADS)


def test_the_arm_sags_under_its_weight_by_torque_over_stiffness() -> None:
    # The toy's forearm is level at 0: 0.2 kg at 0.1 m and a jaw of 0.05 kg at 0.22 m.
    level = np.zeros(3)
    arm = make(TOY, start_joint_pos=level)
    send_for(arm, level, 60)
    torque_nm = 9.81 * (0.2 * 0.1 + 0.05 * 0.22)
    elbow = TOY.joint("elbow").servo
    sag_rad, stuck_rad = torque_nm / elbow.stiffness_nm_per_rad, elbow.dry_friction_nm / elbow.stiffness_nm_per_rad
    assert abs(arm.read().joint_pos[1] - sag_rad) < stuck_rad + SETTLED


def test_effort_is_what_the_servos_spring_pulls_with(arm: SimArm) -> None:
    send_for(arm, arm.sent, 40)
    sample = arm.read()
    assert sample.effort is not None
    servos = [joint.servo for joint in ROARM_M3.joints]
    pull_nm = (arm.sent - sample.joint_pos) * [servo.stiffness_nm_per_rad for servo in servos]
    np.testing.assert_allclose(sample.effort * [servo.stall_torque_nm for servo in servos], pull_nm, atol=1e-9)
    assert np.all(np.abs(sample.effort) < 0.3)  # 0.47 N m of 2.94 at most (docs/robots.md), resting at home


def test_a_gripper_never_drives_harder_than_its_torque_limit() -> None:
    arm = SimArm(ROARM_M3, clock=SimulatedClock())
    send_for(arm, np.array([0.0, 0.0, 1.5708, 0.0, 0.0, -0.3]), 40)
    effort = arm.read().effort
    assert effort is not None
    assert effort[5] == pytest.approx(-0.30)


def test_angles_are_read_in_encoder_steps() -> None:
    arm = make(encoder_step_rad=ENCODER_STEP_RAD)
    exact = make()
    for each in (arm, exact):
        send_for(each, START + 0.1234, 10)
    steps = arm.read().joint_pos / ENCODER_STEP_RAD
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)
    gap = np.abs(arm.read().joint_pos - exact.read().joint_pos)
    assert np.all(gap < 3 * ENCODER_STEP_RAD)


def test_a_hold_keeps_the_pose(arm: SimArm) -> None:
    send_for(arm, START - 0.3, 5)
    arm.hold()
    pass_time(arm, 2.0)
    held = arm.read().joint_pos
    pass_time(arm, 2.0)
    np.testing.assert_allclose(arm.read().joint_pos, held, atol=SETTLED)


def test_a_world_that_diverges_is_no_pose_and_stops_the_arm(arm: SimArm) -> None:
    send_for(arm, START, 2)
    arm._backend.set("joint_pos", np.full((1, 6), np.nan))
    pass_time(arm)
    sample = arm.read()
    assert not sample.valid
    assert "diverged" in sample.reason
    with pytest.raises(UnsafeCommandError, match=r"pose is unknown: the simulated world 0 diverged.*joint 'base'"):
        arm.send(START, DT_S)
    arm.clear()
    pass_time(arm)
    assert not arm.read().valid  # it stays broken: MuJoCo has put it somewhere else
    arm.hold()


def test_a_long_pause_is_made_up_for_in_part(arm: SimArm, monkeypatch: pytest.MonkeyPatch) -> None:
    done, step = list[int](), arm._backend.step

    def counted(targets: np.ndarray, steps: int) -> None:
        done.append(steps)
        step(targets, steps)

    monkeypatch.setattr(arm._backend, "step", counted)
    pass_time(arm, 1000.0)
    assert arm.read().measured_at_s == pytest.approx(1000.0)
    assert sum(done) * A_STEP_S == pytest.approx(MAX_CATCH_UP_S)


def test_boxes_are_seen_where_they_were_put(table: SimArm) -> None:
    assert table.boxes == ("brick", "cube")
    sight = table.see()
    np.testing.assert_allclose(sight.box_pos_w, [[0.2, 0.15, 0.02], [0.22, -0.1, 0.015]], atol=FLOAT32)
    np.testing.assert_allclose(sight.box_quat_w, [TURNED, (1.0, 0.0, 0.0, 0.0)], atol=FLOAT32)
    pass_time(table, 1.0)
    later = table.see()
    assert later.seen_at_s == pytest.approx(1.0)
    np.testing.assert_allclose(later.box_pos_w, sight.box_pos_w, atol=FALLEN_M)


def test_a_box_put_down_is_at_rest_and_the_others_and_the_arm_stay(table: SimArm) -> None:
    table.place_box("cube", [0.22, -0.1, 0.5])
    pass_time(table, 0.2)  # it falls: 0.2 m, at 2 m/s
    before = table.read().joint_pos
    assert table.see().box_pos_w[1, 2] == pytest.approx(0.5 - 0.5 * 9.81 * 0.2**2, abs=0.01)
    table.place_box("cube", [0.22, -0.1, 0.5])
    np.testing.assert_array_equal(table.read().joint_pos, before)
    pass_time(table, 0.005)  # a physics step: at 2 m/s it would have been a centimetre
    assert table.see().box_pos_w[1, 2] == pytest.approx(0.5, abs=FALLEN_M)
    np.testing.assert_allclose(table.see().box_pos_w[0], [0.2, 0.15, 0.02], atol=FALLEN_M)


def test_putting_down_a_box_is_no_request_and_works_on_a_held_arm(table: SimArm) -> None:
    table.estop("a person pressed the button")
    sent = table.sent
    table.place_box("cube", [0.25, 0.0, 0.015])
    np.testing.assert_allclose(table.see().box_pos_w[1], [0.25, 0.0, 0.015], atol=FLOAT32)
    np.testing.assert_array_equal(table.sent, sent)
    assert table.latched == "a person pressed the button"


def test_a_box_can_not_be_put_anywhere(table: SimArm) -> None:
    with pytest.raises(UnknownNameError, match="There is no box named 'cub'. Did you mean 'cube'"):
        table.place_box("cub", [0.2, 0.0, 0.015])
    with pytest.raises(BadInputError, match="pose of box 'cube' must be finite"):
        table.place_box("cube", [0.2, math.nan, 0.015])
    with pytest.raises(BadInputError, match=r"'cube' must be a quaternion wxyz of length 1, got one of length 2"):
        table.place_box("cube", [0.2, 0.0, 0.015], [2.0, 0.0, 0.0, 0.0])
    with pytest.raises(BadInputError, match=r"needs a position \[3\] and a quaternion \[4\]"):
        table.place_box("cube", [0.2, 0.0])


def test_without_boxes_there_is_nothing_to_see(arm: SimArm) -> None:
    assert (arm.boxes, arm.provides) == ((), {"measured", "derived"})
    assert arm.see().reason == "there are no boxes on this arm's table"
    with pytest.raises(MissingError, match="no boxes"):
        arm.truth()


def test_a_broken_world_shows_no_boxes(table: SimArm) -> None:
    table._backend.set("joint_pos", np.full((1, 6), np.nan))
    pass_time(table)
    assert "diverged" in table.see().reason
    with pytest.raises(MissingError, match="diverged"):
        table.truth()


def test_only_the_simulator_knows_what_a_jaw_touches(table: SimArm) -> None:
    assert not table.truth().touching.any()
    close_around_cube(table)
    truth = table.truth()
    np.testing.assert_array_equal(truth.touching, [[False, False], [True, True]])
    assert truth.sight.box_pos_w[1, 2] > 0.05  # it hangs in the air
    np.testing.assert_array_equal(truth.sight.box_pos_w, table.see().box_pos_w)


def test_a_start_outside_the_ranges_is_refused() -> None:
    with pytest.raises(UnsafeCommandError, match=r"Joint 'elbow' is at -1\.000 rad"):
        make(start_joint_pos=[0.0, 0.0, -1.0, 0.0, 0.0, 0.0])
    with pytest.raises(UnsafeCommandError, match=r"starting pose has shape \(2,\)"):
        make(start_joint_pos=[0.0, 0.0])


@pytest.mark.parametrize("step", [-0.1, math.nan, math.inf])
def test_an_encoder_step_that_makes_no_sense_is_refused(step: float) -> None:
    with pytest.raises(BadInputError, match=f"encoder_step_rad must be 0 or more, got {step}"):
        make(encoder_step_rad=step)


def test_markers_are_shown_where_they_were_put(arm: SimArm) -> None:
    arm.set_marker("goal", [0.3, 0.0, 0.2])
    arm.set_marker("goal", [0.3, 0.1, 0.2])
    np.testing.assert_array_equal(arm.markers["goal"], [0.3, 0.1, 0.2])
    with pytest.raises(BadInputError, match="The position of marker 'goal' must be three finite numbers"):
        arm.set_marker("goal", [0.3, math.nan, 0.2])
    with pytest.raises(UnknownNameError, match="There is no marker named 'gaol'. Did you mean 'goal'"):
        arm.set_marker("gaol", [0.3, 0.0, 0.2])


def test_a_marker_shows_in_the_picture(arm: SimArm) -> None:
    try:
        without = arm.render(size=(160, 120))
    except MissingError as problem:
        pytest.skip(str(problem))
    arm.set_marker("goal", [0.3, 0.0, 0.3])
    assert without.shape == (120, 160, 3)
    assert np.any(arm.render(size=(160, 120)) != without)
    arm.close()


def test_boxes_show_in_the_picture(table: SimArm) -> None:
    try:
        before = table.render(size=(160, 120))
    except MissingError as problem:
        pytest.skip(str(problem))
    table.place_box("cube", [0.3, 0.0, 0.3])
    assert np.any(table.render(size=(160, 120)) != before)
    table.close()

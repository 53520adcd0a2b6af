"""One servo: profile, droop, limits, stall protection."""

import pytest

from roarm_lab.emulator.servo import STALL_TORQUE_NM, STEP_RAD, Servo

DT_S = 0.005
ONE_TICK = DT_S  # an arrival is seen at the end of a tick


def servo(**registers: int) -> Servo:
    one = Servo(11, 1, 2048.0, **registers)  # type: ignore[arg-type]
    one.p = 16
    return one


def seconds_to_goal(one: Servo) -> float:
    """Let the shaft follow its profile exactly, and count."""
    ticks = 0
    while one.moving:
        one.advance((one.profile - 2048.0) * STEP_RAD, 0.0, DT_S)
        ticks += 1
    return ticks * DT_S


def test_without_acceleration_the_way_takes_distance_by_speed() -> None:
    one = servo()
    one.write_goal(2548, 500, 0)
    assert seconds_to_goal(one) == pytest.approx(1.0, abs=ONE_TICK)


def test_with_acceleration_the_profile_is_a_trapezoid() -> None:
    one = servo()
    one.write_goal(3048, 500, 10)  # 1000 step/s^2: 0.5 s up, 0.5 s down, 125 steps each, 750 steps between
    assert seconds_to_goal(one) == pytest.approx(0.5 + 1.5 + 0.5, abs=0.05)  # braking is planned tick by tick


def test_speed_0_is_the_highest() -> None:
    one = servo()
    one.write_goal(2048 + 1700, 0, 0)
    assert seconds_to_goal(one) == pytest.approx(0.5, abs=ONE_TICK)


def test_the_torque_is_18_newton_metres_per_radian_at_p_16_and_twice_that_at_32() -> None:
    one = servo()
    one.write_goal(2048, 0, 0)
    one.profile = 2048.0
    bent_rad = -40 * STEP_RAD
    assert one.advance(bent_rad, 0.0, DT_S) == pytest.approx(18.0 * 40 * STEP_RAD)
    one.p = 32
    assert one.advance(bent_rad, 0.0, DT_S) == pytest.approx(36.0 * 40 * STEP_RAD)


def test_the_load_is_positive_past_the_goal() -> None:
    one = servo()
    one.write_goal(2048, 0, 0)
    torque_nm = one.advance(40 * STEP_RAD, 0.0, DT_S)
    assert one.load == round(1000 * 18.0 * 40 * STEP_RAD / STALL_TORQUE_NM)
    assert torque_nm < 0.0


def test_one_step_beside_the_goal_it_does_nothing() -> None:
    one = servo()
    one.write_goal(2048, 0, 0)
    assert one.advance(1.0 * STEP_RAD, 0.0, DT_S) == 0.0
    assert one.advance(1.1 * STEP_RAD, 0.0, DT_S) < 0.0


def test_the_torque_limit_holds() -> None:
    one = servo(torque_limit=300)
    one.write_goal(4095, 0, 0)
    torques_nm = [one.advance(0.0, 0.0, DT_S) for _ in range(200)]
    assert max(torques_nm) == pytest.approx(0.3 * STALL_TORQUE_NM)
    assert one.load == -300


def test_a_stalled_servo_gives_a_fifth_after_two_seconds_until_it_is_told_the_other_way() -> None:
    one = servo()
    one.write_goal(4095, 0, 0)
    torques_nm = [one.advance(0.0, 0.0, DT_S) for _ in range(600)]
    assert torques_nm[300] == pytest.approx(STALL_TORQUE_NM)
    assert torques_nm[-1] == pytest.approx(0.2 * STALL_TORQUE_NM)
    one.write_goal(0, 0, 0)
    torques_nm = [one.advance(0.0, 0.0, DT_S) for _ in range(300)]
    assert min(torques_nm) == pytest.approx(-STALL_TORQUE_NM)


def test_the_back_emf_takes_the_torque_away_at_the_no_load_speed() -> None:
    one = servo()
    one.write_goal(4095, 0, 0)
    one.profile = 4095.0
    assert one.advance(0.0, 4.712389, DT_S) == pytest.approx(0.0, abs=1e-6)


def test_a_goal_outside_the_encoder_becomes_the_nearest_inside() -> None:
    one = servo()
    one.write_goal(-1, 0, 0)
    assert one.goal == 0


def test_without_power_it_is_limp_and_forgets_that_it_was_on() -> None:
    one = servo(torque_limit=300)
    one.write_goal(2148, 0, 0)
    one.write_power(on=False)
    assert one.advance(0.0, 0.0, DT_S) == 0.0
    one.write_power(on=True)
    assert (one.torque_on, one.torque_limit) == (False, 1000)

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roarm_lab.hardware.protocol import move
from roarm_lab.hardware.servo_speed import SLOWEST_RAD_S, registers
from roarm_lab.robots.limits import JointLimits
from roarm_lab.robots.roarm_m3 import ROARM_M3

LIMITS = JointLimits.of(ROARM_M3)
HOME = np.array(ROARM_M3.keyframe("home"))
STEP_RAD = 2 * math.pi / 4096
DT_S = 0.05


def moved(angle: float, joint: int = 0) -> np.ndarray:
    return HOME + np.eye(6)[joint] * angle


def test_a_stream_gets_its_own_speed_and_a_quarter_more() -> None:
    # 0.1 rad in 0.05 s are 2 rad/s, or 1304 steps/s.
    speed, accel = registers(moved(0.1), HOME, HOME + 0.02, DT_S, LIMITS)
    assert speed == math.ceil(1.25 * 2.0 / STEP_RAD)
    assert accel == 254  # the gate's 38.96 rad/s^2 in counts of 100 steps/s^2


def test_a_lag_is_made_up_for() -> None:
    speed, _ = registers(HOME, HOME, moved(-0.4), DT_S, LIMITS)
    assert speed == math.ceil(0.4 / 0.2 / STEP_RAD)


@given(
    target=st.lists(st.floats(-3.0, 3.0), min_size=6, max_size=6),
    last=st.lists(st.floats(-3.0, 3.0), min_size=6, max_size=6),
    dt_s=st.floats(0.0, 10.0),
)
def test_every_target_goes_out_with_a_positive_speed(target: list[float], last: list[float], dt_s: float) -> None:
    speed, accel = registers(np.array(target), np.array(last), np.array(last), dt_s, LIMITS)
    line = json.loads(move(target, speed, accel))
    assert line["spd"] >= 1
    assert line["acc"] >= 1


@pytest.mark.parametrize("dt_s", [-1.0, 0.0, 1e-9, 1e9])
def test_speed_is_never_zero_and_never_beyond_the_gates(dt_s: float) -> None:
    rest, _ = registers(HOME, HOME, HOME, dt_s, LIMITS)
    assert rest == math.ceil(SLOWEST_RAD_S / STEP_RAD)
    fast, _ = registers(moved(3.0), HOME, HOME, dt_s, LIMITS)
    assert fast == math.ceil(1.25 * 2.5 / STEP_RAD)


def a_servo(speed_steps_s: int, pos: float, vel: float, goal: float, dt_s: float) -> tuple[float, float]:
    """The servo's own trapezoid, in steps: to the goal at a limited speed and 25400 steps/s^2, stopping on it."""
    accel, h = 25400.0, 1e-4
    for _ in range(round(dt_s / h)):
        brake = math.copysign(math.sqrt(2 * accel * abs(goal - pos)), goal - pos)
        wanted = max(-speed_steps_s, min(speed_steps_s, brake))
        vel += max(-accel * h, min(accel * h, wanted - vel))
        pos += vel * h
    return pos, vel


@pytest.mark.parametrize("rate_rad_s", [0.3, 1.0, 2.4])
def test_a_servo_follows_a_stream_without_standing_still_or_falling_behind(rate_rad_s: float) -> None:
    pos, vel, speeds, target = 0.0, 0.0, list[float](), HOME
    for k in range(1, 61):
        last, target = target, moved(rate_rad_s * DT_S * k)
        measured = moved((pos - 0.05 * vel) * STEP_RAD)  # about 50 ms old
        speed, _ = registers(target, last, measured, DT_S, LIMITS)
        goal = (target[0] - HOME[0]) / STEP_RAD
        for _ in range(10):
            pos, vel = a_servo(speed, pos, vel, goal, DT_S / 10)
            speeds.append(vel * STEP_RAD)
    assert target[0] - HOME[0] - pos * STEP_RAD < rate_rad_s * DT_S  # less than one target behind
    assert np.mean(np.array(speeds[200:])) == pytest.approx(rate_rad_s, rel=0.02)

"""Measuring an arm: how punctual the control loop is, and how long a command takes until motion is measured."""

import math
import multiprocessing
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np

from roarm_lab.core.clock import Ticker
from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.core.provenance import usable_cores
from roarm_lab.gateway.freshness import fresh_sample
from roarm_lab.gateway.loop import MAX_AGE_PERIODS, move_slowly, quiet_memory
from roarm_lab.robots.arm import Arm
from roarm_lab.robots.robot import Robot
from roarm_lab.workflows.arm_session import ArmAddress, ArmRequest, open_arm, station_for
from roarm_lab.workflows.evaluation.bench_machine import machine
from roarm_lab.workflows.evaluation.bench_request import BenchRequest
from roarm_lab.workflows.frontend import Frontend, end_if_cancelled, require_permission

PERIOD_S = 0.05
LOOP_S = 20.0
SWING_RAD, SWING_S = 0.2, 2.0
"""The base waves this far each way, in this time."""
STEP_RAD = 0.1
"""What a command of the latency measurement asks for."""
FIRST_MOTION_RAD = 2.5 * 2.0 * math.pi / 4096
"""More than two steps of the encoder: a joint at rest may waver by one."""
REST_TURNS = 13
"""Cycles between two commands, in which the arm comes to rest; 13 of 50 ms meet the stream of readings anywhere."""
LOOK_S, PATIENCE_S = 0.001, 1.0
PUNCTUAL_S = (0.002, 0.005)
"""Within how much a cycle counts as punctual: on an idle and on a busy machine."""


def measure_arm(request: BenchRequest, frontend: Frontend, robot: Robot) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the machine and its load, and how the arm was driven.

    Raises:
        MissingError: The arm is not there.
        NotPermittedError: It may not move.
        UnsafeCommandError: It can not be driven.
    """
    address = ArmAddress.parse(request.arm)
    if not address.virtual:
        require_permission(frontend, "arm-moves", f"The base of the arm at {address} turns now. Is its way free?")
    with ExitStack() as stack:
        station = station_for(None, address, robot)
        opened = open_arm(ArmRequest(address=address, robot=robot, firmware=request.firmware, station=station))
        session = stack.enter_context(opened)
        watch = partial(end_if_cancelled, frontend)
        move_slowly(session.arm, robot.keyframe("home"), PERIOD_S, watch=watch)
        stack.enter_context(spinning(usable_cores() if request.busy else 0))
        stack.enter_context(quiet_memory(session.arm, PERIOD_S))
        about = machine()
        if request.what == "loop":
            result = measure_loop(session.arm, request.seconds or LOOP_S, watch)
        else:
            result = measure_latency(session.arm, request.commands, watch)
        return about, {"arm": request.arm, "busy": request.busy, **session.about(), **result}


def measure_loop(arm: Arm, seconds: float, watch: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Wave the base at 20 Hz and return how punctual the cycles were and what they cost [ms].

    A reading that is older than a policy would act on is counted, and does not end the measurement.

    Raises:
        UnsafeCommandError: The arm could not be read or driven.
    """
    start, ticker = arm.sent, Ticker(arm.clock, PERIOD_S)
    late_s, compute_s, age_s = list[float](), list[float](), list[float]()
    for turn in range(round(seconds / PERIOD_S)):
        late_s.append(ticker.wait())
        watch()
        began_s = arm.clock.now_s()
        sample = arm.read()
        swing_rad = SWING_RAD * math.sin(2.0 * math.pi * turn * PERIOD_S / SWING_S)
        arm.send(start + np.eye(len(start))[0] * swing_rad, PERIOD_S)
        age_s.append(began_s - sample.measured_at_s)
        compute_s.append(arm.clock.now_s() - began_s)
    return {
        "cycles": len(late_s),
        "missed": ticker.missed,
        "too_old": sum(age > MAX_AGE_PERIODS * PERIOD_S for age in age_s),
        **{f"within_{limit_s * 1e3:g}_ms": float(np.mean(np.array(late_s) <= limit_s)) for limit_s in PUNCTUAL_S},
        "late_ms": quantiles_ms(late_s),
        "compute_ms": quantiles_ms(compute_s),
        "sample_age_ms": quantiles_ms(age_s),
    }


def measure_latency(arm: Arm, commands: int, watch: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Step the base to and fro and return how long it took until a reading showed that it moves [ms].

    Raises:
        UnsafeCommandError: The arm could not be driven, or did not move.
    """
    side, home = np.eye(len(arm.sent))[0] * STEP_RAD, arm.sent
    took_s, measured_s, wish = list[float](), list[float](), home
    ticker = Ticker(arm.clock, PERIOD_S)
    for number in range(commands):
        watch()
        for _ in range(REST_TURNS):
            ticker.wait()
            arm.send(wish, PERIOD_S)
        rest_rad = fresh_sample(arm, PATIENCE_S).joint_pos[0]
        wish = home + (side if number % 2 == 0 else -side)
        ticker.wait()
        began_s = arm.clock.now_s()
        arm.send(wish, PERIOD_S)
        while abs((sample := fresh_sample(arm, PATIENCE_S)).joint_pos[0] - rest_rad) < FIRST_MOTION_RAD:
            waited_s = arm.clock.now_s() - began_s
            if waited_s > PATIENCE_S:
                raise UnsafeCommandError(f"The arm did not move within {PATIENCE_S:g} s of a command.")
            arm.clock.sleep_until_s(arm.clock.now_s() + LOOK_S)
        took_s.append(arm.clock.now_s() - began_s)
        measured_s.append(sample.measured_at_s - began_s)
    return {
        "commands": commands,
        "command_to_motion_ms": quantiles_ms(took_s),
        "of_it_until_measured_ms": quantiles_ms(measured_s),
    }


def quantiles_ms(values_s: Sequence[float]) -> dict[str, float]:
    """Return p50, p90, p99 and the worst of some times, in milliseconds."""
    marks = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: float(np.quantile(values_s, share)) * 1e3 for name, share in marks.items()}


@contextmanager
def spinning(processes: int) -> Generator[None]:
    """Keep cores busy with processes that do nothing but compute."""
    context = multiprocessing.get_context("spawn")
    running = [context.Process(target=_spin, daemon=True) for _ in range(processes)]
    for process in running:
        process.start()
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.join()


def _spin() -> None:
    while True:
        pass

"""Let a policy steer, and a person interrupt: policy, arm and keyboard put together."""

import numpy as np

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.random_streams import seed_for
from roarm_lab.gateway.arm_policy import check_sources
from roarm_lab.gateway.freshness import fresh_sight
from roarm_lab.gateway.loop import MAX_AGE_PERIODS
from roarm_lab.teleop.jog import Jog
from roarm_lab.teleop.policy_takeover import PolicyDriver, Wanted
from roarm_lab.teleop.session import TeleopLog
from roarm_lab.teleop.session import teleoperate as run_session
from roarm_lab.workflows.arm_session import ArmAddress, ArmRequest, open_arm, station_for
from roarm_lab.workflows.deployment.prepare_policy import prepare_policy, tell_drift
from roarm_lab.workflows.deployment.teleop_setup import Setup

SAME_RATE = 1e-6
SEEING = frozenset({"sim"})
"""Kinds of arms whose boxes are known in such a session."""


def steer_policy(setup: Setup) -> TeleopLog:
    """Let a bundle drive, and a person interrupt.

    Raises:
        BadInputError: Bundle, goal or rate do not fit.
        NotPermittedError: A real arm may not move.
    """
    request, address = setup.request, ArmAddress.parse(setup.request.arm)
    ready = prepare_policy(request.bundle, address, allow_drift=request.allow_drift, seeing=SEEING)
    policy = ready.policy
    rate_hz = 1.0 / policy.control_dt_s
    if request.rate is not None and abs(request.rate - rate_hz) > SAME_RATE * rate_hz:
        raise BadInputError(f"This policy was trained at {rate_hz:g} Hz and runs at that rate; leave `rate=` out.")
    goal = None if request.goal is None else policy.commands({"goal": request.goal})
    keyboard = setup.open_keyboard(needed=False)
    station = station_for(request.station, address, policy.robot)
    setup.require_to_move(address)
    opened = open_arm(ArmRequest(address=address, robot=policy.robot, sim=ready.sim, station=station))
    session = setup.stack.enter_context(opened)
    arm = session.arm
    check_sources(ready.bundle, arm.provides)
    boxes = policy.draw_boxes(np.random.default_rng(seed_for(request.seed, "arm-goals")), goal)
    policy.rehearse()
    tell_drift(setup.frontend, ready)
    if session.table is not None:
        for name, pose in boxes.items():
            session.table.place_box(name, pose[:3], pose[3:])
    jog = None
    if keyboard is not None:
        jog = Jog(policy.robot, keyboard, policy.control_dt_s, mode=request.mode or "joint", speed=request.speed)
    max_age_s = MAX_AGE_PERIODS * policy.control_dt_s
    look = (lambda: fresh_sight(arm, max_age_s)) if policy.boxes else None
    driver = PolicyDriver(policy, jog, look, Wanted(goal=goal, seed=request.seed))
    setup.attach(arm)
    return run_session(
        arm,
        driver,
        rate_hz=rate_hz,
        desks=setup.inputs,
        watch=setup.watch,
        seconds=request.seconds,
        max_age_s=max_age_s,
        end_when_held=keyboard is None,
    )

"""Steering with a bundle as the command line does it: policy, arm and keyboard put together."""

import sys
from pathlib import Path

import numpy as np

from roarm_lab.core.errors import BadInputError
from roarm_lab.gateway.arm_policy import ArmPolicy, check_sources
from roarm_lab.gateway.freshness import fresh_sight
from roarm_lab.gateway.loop import MAX_AGE_PERIODS
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.robots.table import get_robot
from roarm_lab.sim.arm import SimArm
from roarm_lab.teleop.jog import Jog
from roarm_lab.teleop.policy_takeover import PolicyDriver, Wanted
from roarm_lab.teleop.session import TeleopLog, teleoperate
from roarm_lab.workflows.arm_session import connected, station_for
from roarm_lab.workflows.bundle_check import check_task
from roarm_lab.workflows.deployment.teleoperate import Setup, attach, open_keyboard
from roarm_lab.workflows.deployment.unseen_boxes import refuse_unseen

SAME_RATE = 1e-6


def steer_policy(setup: Setup) -> TeleopLog:
    """Let a bundle drive, and a person interrupt.

    Raises:
        BadInputError: Bundle, goal or rate do not fit.
    """
    arguments = setup.arguments
    bundle = load_bundle(arguments.bundle or Path())
    task, drift = check_task(bundle, allow_drift=arguments.allow_drift, same_worlds=False)
    refuse_unseen(bundle, arguments.arm, seeing=("sim",))
    policy = ArmPolicy(bundle, get_robot(bundle.contract.interface["robot"]))
    rate_hz = 1.0 / policy.control_dt_s
    if arguments.rate is not None and abs(arguments.rate - rate_hz) > SAME_RATE * rate_hz:
        raise BadInputError(f"This policy was trained at {rate_hz:g} Hz and runs at that rate; leave --rate out.")
    goal = None if arguments.goal is None else policy.commands({"goal": arguments.goal})
    keyboard = open_keyboard(setup, needed=False)
    station = station_for(arguments.station, arguments.arm, policy.robot)
    arm = setup.stack.enter_context(connected(arguments.arm, policy.robot, sim=task.sim, station=station))
    check_sources(bundle, arm.provides)
    boxes = policy.draw_boxes(np.random.default_rng(arguments.seed), goal)
    policy.rehearse()
    sys.stderr.writelines(f"roarm: drift: {line}\n" for line in drift)
    if isinstance(arm, SimArm):
        for name, pose in boxes.items():
            arm.place_box(name, pose[:3], pose[3:])
    jog = None
    if keyboard is not None:
        jog = Jog(policy.robot, keyboard, policy.control_dt_s, mode=arguments.mode or "joint", speed=arguments.speed)
    max_age_s = MAX_AGE_PERIODS * policy.control_dt_s
    look = (lambda: fresh_sight(arm, max_age_s)) if policy.boxes else None
    driver = PolicyDriver(policy, jog, look, Wanted(goal=goal, seed=arguments.seed))
    attach(setup, arm)
    return teleoperate(
        arm,
        driver,
        rate_hz=rate_hz,
        desks=setup.desks,
        watch=setup.watch,
        seconds=arguments.seconds,
        max_age_s=max_age_s,
        end_when_held=keyboard is None,
    )

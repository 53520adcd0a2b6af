"""Driving an arm as the command line does it: arm and policy put together, cycles logged, the result said in words."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from roarm_lab.cli.evaluating import checked_task, say_drift
from roarm_lab.cli.run import RunArguments
from roarm_lab.core.arrays import Float32
from roarm_lab.core.clock import Clock, MonotonicClock, SimulatedClock
from roarm_lab.core.errors import MissingError, UnsafeCommandError
from roarm_lab.core.files import new_timed_folder, write_atomic
from roarm_lab.evaluate.statistics import wilson_interval
from roarm_lab.gateway.arm_policy import ArmPolicy, check_sources
from roarm_lab.gateway.loop import CycleLog, EpisodeLog, move_slowly, run_episode
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.robots.table import get_robot
from roarm_lab.sim.arm import SimArm

PARKED_M, PARKED_HEIGHT_M = 1.0, 0.1
"""Where boxes wait [m] while the arm goes to its start: beyond its reach, and so high that none is in the table."""


def drive(arguments: RunArguments) -> dict[str, Any]:
    """Run the episodes and return the summary, which is also written beside the log of cycles.

    Raises:
        BadInputError: The bundle or the goal can not be used; nothing has been written then.
        KeyboardInterrupt: Ctrl-C. The arm is held, and what was done until then is written.
    """
    bundle = load_bundle(arguments.bundle)
    task, drift = checked_task(bundle, allow_drift=arguments.allow_drift)
    robot = get_robot(bundle.contract.interface["robot"])
    policy = ArmPolicy(bundle, robot)
    goal = None if arguments.goal is None else policy.commands({"goal": arguments.goal})
    clock: Clock = SimulatedClock() if arguments.fast else MonotonicClock()
    with SimArm(robot, clock=clock, config=task.sim) as arm:
        check_sources(bundle, arm.provides)
        policy.draw_boxes(np.random.default_rng(arguments.seed), goal)  # a goal that suits no box is refused here
        policy.rehearse()
        say_drift(drift)
        folder = new_timed_folder(arguments.log, str(bundle.contract.interface["task"]))
        with (folder / "cycles.jsonl").open("xb", buffering=0) as file:
            log, episodes = CycleLog(file), list[EpisodeLog]()
            try:
                _run_all(arguments, arm, policy, goal, log=log, episodes=episodes)
            except KeyboardInterrupt:
                sys.stderr.write(f"\nroarm: stopped by Ctrl-C; the arm is held at its last target. Log: {folder}\n")
                raise
            finally:
                summary = _summary(arguments, policy, episodes, log, drift) | {"log": str(folder)}
                write_atomic(folder / "summary.json", json.dumps(summary, indent=1, allow_nan=False) + "\n")
    return summary


def say(summary: Mapping[str, Any]) -> None:
    """Print the summary in words."""
    sys.stdout.write(
        f"success     {_rate(summary)} on the {summary['arm']} arm, through the gate\n"
        f"cycles      {summary['cycles']} at {summary['rate_hz']:g} Hz{_pace(summary)}\n"
        f"log         {summary['log']}\n"
    )
    for reason in summary["held"]:
        sys.stdout.write(f"held        {reason}\n")


def _rate(summary: Mapping[str, Any]) -> str:
    if summary["interval"] is None:
        return "unknown, for nobody could judge all episodes,"
    low, high = summary["interval"]
    return f"{summary['successes']} of {summary['goals']} = {summary['success_rate']:.1%} [{low:.1%}, {high:.1%}]"


def _pace(summary: Mapping[str, Any]) -> str:
    late = summary["cycle_late_ms"]
    if not summary["real_time"]:
        return ", as fast as it goes"
    return (
        ""
        if late is None
        else (
            f"; late by {late['p50']:.2f} ms (median), {late['p99']:.2f} ms (99 %), {late['max']:.2f} ms (worst); "
            f"{summary['missed']} missed"
        )
    )


def _run_all(
    arguments: RunArguments,
    arm: SimArm,
    policy: ArmPolicy,
    goal: Mapping[str, Float32] | None,
    *,
    log: CycleLog,
    episodes: list[EpisodeLog],
) -> None:
    """Append one log per episode, each of which begins with a slow move; end early where the arm had to be held."""
    rng = np.random.default_rng(arguments.seed)
    for number in range(arguments.episodes):
        episodes.append(_one(arm, policy, goal, rng, number=number, log=log))
        _say_episode(number, episodes[-1], quiet=arguments.json or arguments.fast)
        if episodes[-1].held is not None:
            return


def _one(
    arm: SimArm,
    policy: ArmPolicy,
    goal: Mapping[str, Float32] | None,
    rng: np.random.Generator,
    *,
    number: int,
    log: CycleLog,
) -> EpisodeLog:
    """Move to the start pose, put the boxes down anew, and drive; what is not given is drawn as in training."""
    try:
        # Out of the hand and out of the way first; under the arm at its start there is room for every box.
        for index, name in enumerate(policy.boxes):
            arm.place_box(name, [PARKED_M, PARKED_M * index, PARKED_HEIGHT_M])
        move_slowly(arm, policy.start_pose, policy.control_dt_s)
        for name, pose in policy.draw_boxes(rng, goal).items():
            arm.place_box(name, pose[:3], pose[3:])
        commands = goal or policy.draw_commands(rng, arm.see() if policy.boxes else None)
    except (MissingError, UnsafeCommandError) as error:
        arm.hold(str(error))
        return EpisodeLog(success=False, distance_m=None, cycles=0, worst_late_s=0.0, missed=0, held=str(error))
    return run_episode(arm, policy, commands, episode=number, log=log, truth=arm.truth if policy.boxes else None)


def _say_episode(number: int, episode: EpisodeLog, *, quiet: bool) -> None:
    if quiet or episode.distance_m is None:
        return
    words = {True: "reached and held", False: "missed", None: "not judged"}
    word = "held" if episode.held else words[episode.success]
    sys.stdout.write(f"episode {number + 1:3}  {word}, {episode.distance_m * 1e3:.1f} mm off at the end\n")
    sys.stdout.flush()


def _summary(
    arguments: RunArguments, policy: ArmPolicy, episodes: list[EpisodeLog], log: CycleLog, drift: list[str]
) -> dict[str, Any]:
    successes, count = sum(episode.success is True for episode in episodes), len(episodes)
    judged = count > 0 and all(episode.success is not None for episode in episodes)
    timing = log.timing_ms()
    return {
        "arm": arguments.arm,
        "robot": policy.robot.name,
        "bundle": str(arguments.bundle),
        "real_time": not arguments.fast,
        "goals": count,
        "successes": successes,
        "success_rate": successes / count if judged else None,
        "interval": wilson_interval(successes, count) if judged else None,
        "rate_hz": 1.0 / policy.control_dt_s,
        "cycles": sum(episode.cycles for episode in episodes),
        "cycle_late_ms": timing.get("late_ms"),
        "cycle_compute_ms": timing.get("compute_ms"),
        "missed": sum(episode.missed for episode in episodes),
        "held": [episode.held for episode in episodes if episode.held],
        "drift": drift,
        "episodes": [asdict(episode) for episode in episodes],
    }

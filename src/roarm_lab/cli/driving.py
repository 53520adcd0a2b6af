"""Driving an arm as the command line does it: arm and policy put together, cycles logged, the result said in words."""

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from roarm_lab.cli.evaluating import checked_task
from roarm_lab.cli.run import RunArguments
from roarm_lab.core.clock import Clock, MonotonicClock, SimulatedClock
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import new_folder, write_atomic
from roarm_lab.evaluate.statistics import wilson_interval
from roarm_lab.gateway.arm_policy import ArmPolicy, check_sources
from roarm_lab.gateway.loop import CycleLog, EpisodeLog, move_slowly, run_episode
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.robots.table import get_robot
from roarm_lab.sim.arm import SimArm


def drive(arguments: RunArguments) -> dict[str, Any]:
    """Run the episodes and return the summary, which is also written beside the log of cycles."""
    bundle = load_bundle(arguments.bundle)
    _, drift = checked_task(bundle, allow_drift=arguments.allow_drift)
    robot = get_robot(bundle.contract.interface["robot"])
    policy = ArmPolicy(bundle, robot)
    goal = None if arguments.goal is None else policy.commands({"goal": arguments.goal})
    clock: Clock = SimulatedClock() if arguments.fast else MonotonicClock()
    folder = _folder(arguments.log, str(bundle.contract.interface["task"]))
    with SimArm(robot, clock=clock) as arm, (folder / "cycles.jsonl").open("w", encoding="utf-8") as file:
        check_sources(bundle, arm.provides)
        log, rng = CycleLog(file), np.random.default_rng(arguments.seed)
        episodes: list[EpisodeLog] = []
        try:
            for number in range(arguments.episodes):
                commands = goal or policy.draw_commands(rng)
                move_slowly(arm, policy.start_pose, policy.control_dt_s)
                episodes.append(run_episode(arm, policy, commands, episode=number, log=log))
                _say_episode(number, episodes[-1], quiet=arguments.json or arguments.fast)
                if arm.latched is not None:
                    break
        except KeyboardInterrupt:
            arm.hold("stopped by Ctrl-C")
            sys.stderr.write(f"\nroarm: the arm is held at its last target; {len(episodes)} episodes are in {folder}\n")
            raise
    summary = _summary(arguments, policy, episodes, log, drift) | {"log": str(folder)}
    write_atomic(folder / "summary.json", json.dumps(summary, indent=1) + "\n")
    return summary


def say(summary: dict[str, Any]) -> None:
    """Print the summary in words."""
    low, high = summary["interval"]
    late = summary["cycle_late_ms"]
    sys.stdout.write(
        f"success     {summary['successes']} of {summary['goals']} = {summary['success_rate']:.1%} "
        f"[{low:.1%}, {high:.1%}] on the {summary['arm']} arm, through the gate\n"
        f"cycles      {summary['cycles']} at {summary['rate_hz']:g} Hz; late by {late['p50']:.2f} ms (median), "
        f"{late['p99']:.2f} ms (99 %), {late['max']:.2f} ms (worst); {summary['missed']} missed\n"
        f"log         {summary['log']}\n"
    )
    for reason in summary["held"]:
        sys.stdout.write(f"held        {reason}\n")


def _folder(root: Path, task: str) -> Path:
    stem = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{task}"
    path, number = root / stem, 1
    while path.exists():
        number += 1
        path = root / f"{stem}-{number}"
    return new_folder(path)


def _say_episode(number: int, episode: EpisodeLog, *, quiet: bool) -> None:
    if quiet or episode.distance_m is None:
        return
    word = "reached and held" if episode.success else "missed"
    sys.stdout.write(f"episode {number + 1:3}  {word}, {episode.distance_m * 1e3:.1f} mm off at the end\n")
    sys.stdout.flush()


def _summary(
    arguments: RunArguments, policy: ArmPolicy, episodes: list[EpisodeLog], log: CycleLog, drift: list[str]
) -> dict[str, Any]:
    if not episodes:
        raise BadInputError("No episode was run.")
    successes = sum(episode.success for episode in episodes)
    timing = log.timing_ms()
    return {
        "arm": arguments.arm,
        "robot": policy.robot.name,
        "bundle": str(arguments.bundle),
        "real_time": not arguments.fast,
        "goals": len(episodes),
        "successes": successes,
        "success_rate": successes / len(episodes),
        "interval": wilson_interval(successes, len(episodes)),
        "rate_hz": 1.0 / policy.control_dt_s,
        "cycles": sum(episode.cycles for episode in episodes),
        "cycle_late_ms": timing.get("late_ms", {"p50": 0.0, "p99": 0.0, "max": 0.0}),
        "cycle_compute_ms": timing.get("compute_ms"),
        "missed": sum(episode.missed for episode in episodes),
        "held": [episode.held for episode in episodes if episode.held],
        "drift": drift,
        "episodes": [asdict(episode) for episode in episodes],
    }

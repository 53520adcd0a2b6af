"""Driving an arm as the command line does it: arm and policy put together, cycles logged, the result said in words."""

import json
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from roarm_lab.cli.deployment.run import RunArguments
from roarm_lab.core.arrays import Float32
from roarm_lab.core.errors import BadInputError, MissingError, UnsafeCommandError
from roarm_lab.core.files import new_timed_folder, write_atomic
from roarm_lab.core.shown import shown
from roarm_lab.evaluation.statistics import wilson_interval
from roarm_lab.gateway.arm_policy import ArmPolicy, check_sources
from roarm_lab.gateway.freshness import StaleError
from roarm_lab.gateway.loop import Cycle, CycleLog, EpisodeLog, LogError, move_slowly, quiet_memory, run_episode
from roarm_lab.policies.bundle import Bundle, load_bundle
from roarm_lab.policies.pretrained import shipped_bundle
from roarm_lab.robots.station import Station
from roarm_lab.robots.table import get_robot
from roarm_lab.sim.backend import SimConfig
from roarm_lab.workflows.arm_session import HERE, check_arm, station_for
from roarm_lab.workflows.arm_stages import Stage, stage
from roarm_lab.workflows.bundle_check import check_task
from roarm_lab.workflows.deployment.run_notes import notes_of
from roarm_lab.workflows.deployment.signals import ending_gently
from roarm_lab.workflows.deployment.unseen_boxes import refuse_unseen

PARKED_M, PARKED_HEIGHT_M = 1.0, 0.1
"""Where boxes wait [m] while the arm goes to its start: beyond its reach, and so high that none is in the table."""
NOTHING_MOVED = "Nothing was moved. Make room, or choose another folder with --log."


@dataclass(frozen=True)
class Prepared:
    """What a run needs besides the arm."""

    bundle: Bundle
    sim: SimConfig
    """How the task simulates an arm, and what lies on its table."""
    drift: list[str]
    policy: ArmPolicy
    goal: Mapping[str, Float32] | None
    station: Station | None


def prepared(arguments: RunArguments) -> Prepared:
    """Return what a run needs; refuses whatever can be refused without the arm, before anybody is asked anything.

    Raises:
        BadInputError: The bundle, the goal or the station can not be used, or a real arm lacks what the policy needs.
    """
    bundle = load_bundle(arguments.bundle or shipped_bundle())
    task, drift = check_task(bundle, allow_drift=arguments.allow_drift, same_worlds=False)
    check_arm(arguments.arm)
    refuse_unseen(bundle, arguments.arm)
    robot = get_robot(bundle.contract.interface["robot"])
    policy = ArmPolicy(bundle, robot)
    goal = None if arguments.goal is None else policy.commands({"goal": arguments.goal})
    station = station_for(arguments.station, arguments.arm, robot)
    policy.draw_boxes(np.random.default_rng(arguments.seed), goal)  # a goal that suits no box is refused here
    return Prepared(bundle, task.sim, drift, policy, goal, station)


def drive(arguments: RunArguments, ready: Prepared) -> dict[str, Any]:
    """Run the episodes and return the summary, which is also written beside the log of cycles.

    On an arm that is not real an episode in which it had to be held has failed, and the next one begins. A real arm
    stays held: the first hold ends the run, and `ended_by` of the summary says so.

    Raises:
        BadInputError: The arm can not be used; nothing has been written then.
        MissingError: The arm is not there.
        LogError: There is no room for the log; nothing has moved then.
        KeyboardInterrupt: Ctrl-C. The arm is held, and what was done until then is written.
    """
    bundle, policy, station, drift = ready.bundle, ready.policy, ready.station, ready.drift
    opened = stage(
        arguments.arm,
        policy.robot,
        ready.sim,
        firmware=arguments.firmware,
        fast=arguments.fast,
        dry_run=arguments.dry_run,
        station=station,
        stop_file=arguments.stop_file,
    )
    with ending_gently(), opened as found:
        check_sources(bundle, found.arm.provides)
        policy.rehearse()
        sys.stderr.writelines(f"roarm: drift: {line}\n" for line in drift)
        folder = new_timed_folder(arguments.log, str(bundle.contract.interface["task"]))
        # The log is there only when Ctrl-C is heeded: tidying up the memory takes a moment.
        with quiet_memory(found.arm, policy.control_dt_s), _new_log(folder) as log:
            episodes, ended_by, room = list[EpisodeLog](), "interrupted", True
            try:
                _prove(log, folder)
                ended_by = _run_all(arguments, found, policy, ready.goal, log=log, episodes=episodes)
            except LogError:
                room = False
                raise
            except KeyboardInterrupt:
                sys.stderr.write(f"\nroarm: stopped by Ctrl-C; {_left(arguments)} Log: {shown(folder)}\n")
                raise
            finally:
                summary = _summary(arguments, policy, episodes, log, drift)
                summary |= {"ended_by": ended_by, "station": station and station.facts()}
                summary |= {**found.about(), "log": str(folder), "notes": notes_of(summary, bundle)}
                if room:
                    _write_summary(folder, summary)
    return summary


@contextmanager
def _new_log(folder: Path) -> Generator[CycleLog]:
    """Yield a log in a new folder.

    Raises:
        LogError: It can not be made; nothing has moved yet.
    """
    path = folder / "cycles.jsonl"
    try:
        file = path.open("xb", buffering=0)
    except OSError as error:
        raise LogError(f"{path} can not be made: {error.strerror}. {NOTHING_MOVED}") from error
    with file:
        yield CycleLog(file, path)


def _prove(log: CycleLog, folder: Path) -> None:
    """Make sure that there is room for the log; remove its new folder again where there is none.

    Raises:
        LogError: The disk is full, or not there; nothing has moved yet.
    """
    try:
        log.prove()
    except LogError as error:
        with suppress(OSError):
            (folder / "cycles.jsonl").unlink()
            folder.rmdir()
        raise LogError(f"{error} {NOTHING_MOVED}") from error


def _write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write the summary; where that fails it is still printed, and the run ends as it would have."""
    try:
        write_atomic(folder / "summary.json", json.dumps(summary, indent=1, allow_nan=False) + "\n")
    except BadInputError as error:
        sys.stderr.write(f"roarm: there is no summary of this run. {error}\n")


def _left(arguments: RunArguments) -> str:
    return "nothing was sent." if arguments.dry_run else "the arm is held at its last target."


def say(summary: Mapping[str, Any]) -> None:
    """Print the summary in words."""
    done = "nothing was sent (dry run)" if summary["dry_run"] else _rate(summary)
    sys.stdout.write(
        f"success     {done} on the {summary['arm']} arm, through the gate\n"
        f"cycles      {summary['cycles']} at {summary['rate_hz']:g} Hz{_pace(summary)}\n"
        f"{_timing(summary)}"
        f"log         {shown(summary['log'])}\n"
    )
    for reason in summary["held"]:
        sys.stdout.write(f"held        {shown(reason)}\n")
    if summary["held"] and summary["ended_by"] is None:
        sys.stdout.write(f"{'':12}Episodes in which the simulated arm was held count as failed.\n")
    for note in summary["notes"]:
        sys.stdout.write(f"note        {note}\n")


def _rate(summary: Mapping[str, Any]) -> str:
    if summary["cycles"] == 0:
        return "unknown, for nothing ran"
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


def _timing(summary: Mapping[str, Any]) -> str:
    age, compute = summary["sample_age_ms"], summary["cycle_compute_ms"]
    if age is None or not summary["real_time"]:
        return ""
    return (
        f"timing      samples {age['p50']:.0f} ms old (median), {age['max']:.0f} ms (worst); "
        f"{compute['p50']:.2f} ms from tick to target, {compute['max']:.2f} ms (worst)\n"
    )


def _run_all(
    arguments: RunArguments,
    found: Stage,
    policy: ArmPolicy,
    goal: Mapping[str, Float32] | None,
    *,
    log: CycleLog,
    episodes: list[EpisodeLog],
) -> str | None:
    """Append one log per episode, each of which begins with a slow move; return what ended the run, None if nothing."""
    rng = np.random.default_rng(arguments.seed)
    quiet = arguments.json or arguments.fast
    watch = _say_cycle if arguments.dry_run and not arguments.json else None
    for number in range(arguments.episodes):
        episodes.append(_one(arguments, found, policy, goal, rng, number=number, log=log, watch=watch))
        _say_episode(number, episodes[-1], quiet=quiet or arguments.dry_run)
        if (ended_by := _left_held(arguments, found, episodes[-1])) is not None:
            return ended_by
    return None


def _left_held(arguments: RunArguments, found: Stage, episode: EpisodeLog) -> str | None:
    """Return why the arm stays held after an episode; None if it was not, or was released: nobody can be hurt by it."""
    if episode.held is None or arguments.arm not in HERE or not episode.recorded:
        return episode.held
    try:
        found.arm.release()
    except UnsafeCommandError as error:
        return str(error)
    return found.arm.latched or found.arm.read().reason or None


def _one(
    arguments: RunArguments,
    found: Stage,
    policy: ArmPolicy,
    goal: Mapping[str, Float32] | None,
    rng: np.random.Generator,
    *,
    number: int,
    log: CycleLog,
    watch: Callable[[Cycle], None] | None,
) -> EpisodeLog:
    """Move to the start pose, put the boxes down anew, and drive; what is not given is drawn as in training."""
    arm, table = found.arm, found.table
    try:
        log.prove()
        # Out of the hand and out of the way first; under the arm at its start there is room for every box.
        for index, name in enumerate(policy.boxes if table else ()):
            assert table is not None
            table.place_box(name, [PARKED_M, PARKED_M * index, PARKED_HEIGHT_M])
        if not arguments.dry_run:
            move_slowly(arm, policy.start_pose, policy.control_dt_s)
        if table is not None:
            for name, pose in policy.draw_boxes(rng, goal).items():
                table.place_box(name, pose[:3], pose[3:])
        commands = goal or policy.draw_commands(rng, arm.see() if policy.boxes else None)
    except (LogError, MissingError, UnsafeCommandError) as error:
        arm.hold(held := str(error))
        recorded = not isinstance(error, LogError)
        return EpisodeLog(
            success=False,
            distance_m=None,
            cycles=0,
            worst_late_s=0.0,
            missed=0,
            held=held,
            stale=isinstance(error, StaleError),
            recorded=recorded,
        )
    truth = table.truth if table is not None and policy.boxes else None
    episode = run_episode(arm, policy, commands, episode=number, log=log, truth=truth, watch=watch)
    return replace(episode, success=None) if arguments.dry_run and episode.held is None else episode


def _say_cycle(cycle: Cycle) -> None:
    """Say what would be sent, as differences from where the joints are."""
    steps = " ".join(f"{sent - now:+.3f}" for sent, now in zip(cycle.sent, cycle.joint_pos, strict=True))
    sys.stdout.write(f"cycle {cycle.episode + 1:3} {cycle.cycle:4}  would move [{steps}] rad\n")
    sys.stdout.flush()


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
    cycles = sum(episode.cycles for episode in episodes)
    judged = cycles > 0 and all(episode.success is not None for episode in episodes)
    timing = log.timing_ms()
    return {
        "arm": arguments.arm,
        "dry_run": arguments.dry_run,
        "robot": policy.robot.name,
        "bundle": str(arguments.bundle or policy.bundle.path),
        "real_time": not arguments.fast,
        "goals": count,
        "successes": successes,
        "success_rate": successes / count if judged else None,
        "interval": wilson_interval(successes, count) if judged else None,
        "rate_hz": 1.0 / policy.control_dt_s,
        "cycles": cycles,
        "cycle_late_ms": timing.get("late_ms"),
        "cycle_compute_ms": timing.get("compute_ms"),
        "sample_age_ms": timing.get("age_ms"),
        "missed": sum(episode.missed for episode in episodes),
        "held": [episode.held for episode in episodes if episode.held],
        "drift": drift,
        "episodes": [asdict(episode) for episode in episodes],
    }

"""The loop holds the arm on any doubt, and writes down what it did."""

import errno
import itertools
import json
import math
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from io import RawIOBase
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.clock import MonotonicClock, SimulatedClock
from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.gateway import loop
from roarm_lab.gateway.arm_policy import ArmPolicy
from roarm_lab.gateway.loop import (
    ARRIVED_RAD,
    FRESH_WITHIN_S,
    LOOK_S,
    MAX_AGE_PERIODS,
    ROOM_BYTES,
    SLOW_RAD_S,
    Cycle,
    CycleLog,
    LogError,
    fresh_sample,
    move_slowly,
    quiet_memory,
    run_episode,
)
from roarm_lab.policies.bundle import Bundle, load_bundle
from roarm_lab.robots.arm import ArmSample
from roarm_lab.robots.limits import JointLimits
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.arm import SimArm
from roarm_lab.tasks.reach import reach
from tests.bundles import inputs_of, nan, still_bundle, wild_bundle, with_network
from tests.gateway.perfect_arm import Fault, PerfectArm

START = np.array(ROARM_M3.keyframe("task_start"))
HOME = np.array(ROARM_M3.keyframe("home"))
GOAL = {"goal": np.float32([[0.3, 0.1, 0.2]])}
DT_S = 0.05
CYCLES = 50
ROUNDING = 1e-9


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return wild_bundle(tmp_path_factory.mktemp("b") / "bundle")


@pytest.fixture
def policy(bundle: Bundle) -> ArmPolicy:
    return ArmPolicy(bundle, ROARM_M3)


@pytest.fixture
def easy(tmp_path: Path) -> ArmPolicy:
    """A policy that does nothing, for a task in which that is enough."""
    config = replace(reach(), success=replace(reach().success, within_m=10.0))
    return ArmPolicy(load_bundle(still_bundle(tmp_path / "easy", config)), ROARM_M3)


def after(time_s: float, make: Callable[[float], ArmSample]) -> Fault:
    """Return a fault that begins `time_s` after the start of the clock at 100 s."""
    return lambda now_s: make(now_s) if now_s >= 100.0 + time_s - ROUNDING else None


def log_into(path: Path) -> CycleLog:
    return CycleLog(path.open("xb", buffering=0))


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# What goes well.


def test_every_cycle_is_a_line_of_json(policy: ArmPolicy, tmp_path: Path) -> None:
    arm, path, seen = PerfectArm(START), tmp_path / "cycles.jsonl", list[Cycle]()
    log = log_into(path)
    done = run_episode(arm, policy, GOAL, episode=3, log=log, watch=seen.append)
    lines = lines_of(path)
    assert path.read_text().endswith("}\n")
    assert done.cycles == len(lines) == len(seen) == len(log.late_s) == CYCLES
    assert [line["cycle"] for line in lines] == list(range(CYCLES))
    assert list(lines[0]) == [
        *("episode", "cycle", "time_s", "late_s", "age_s", "compute_s", "joint_pos", "wish", "sent", "success"),
        *("distance_m", "box_pos_w"),
    ]  # what programs read, whatever the fields are called
    assert all(line["episode"] == 3 for line in lines)
    np.testing.assert_allclose(np.diff([line["time_s"] for line in lines]), DT_S)
    np.testing.assert_array_equal([line["sent"] for line in lines], arm.targets)
    assert [cycle.to_plain() for cycle in seen] == lines
    assert (done.held, done.missed, arm.latched) == (None, 0, None)


def test_lines_are_on_their_way_before_the_next_cycle(policy: ArmPolicy, tmp_path: Path) -> None:
    path, counts = tmp_path / "cycles.jsonl", list[int]()
    run_episode(
        PerfectArm(START), policy, GOAL, log=log_into(path), watch=lambda cycle: counts.append(len(lines_of(path)))
    )
    assert counts == list(range(1, CYCLES + 1))


def test_what_is_sent_is_what_the_gate_allows(policy: ArmPolicy) -> None:
    arm, of, cycles = PerfectArm(START), JointLimits.of(ROARM_M3), list[Cycle]()
    run_episode(arm, policy, GOAL, watch=cycles.append)
    targets = np.array([START, *arm.targets])
    assert np.all(np.abs(np.diff(targets, axis=0)) <= of.max_speed * DT_S + ROUNDING)
    gaps = np.array([c.requested for c in cycles]) - [c.sent for c in cycles]
    assert np.any(np.abs(gaps) > 0.01)  # the gate had work


def test_success_is_what_holds_at_the_end(easy: ArmPolicy) -> None:
    done = run_episode(PerfectArm(START), easy, GOAL)
    assert done.success
    assert done.distance_m is not None
    assert done.distance_m > 0.02
    # Held for 0.4 s is 8 motions; of the starting pose alone nothing can be said.
    assert run_episode(PerfectArm(START), easy, GOAL, seconds=0.4).success
    assert not run_episode(PerfectArm(START), easy, GOAL, seconds=0.35).success


def test_the_last_motion_is_looked_at_before_judging(easy: ArmPolicy) -> None:
    looks: list[float] = []

    def fault(now_s: float) -> None:
        looks.append(now_s)

    arm = PerfectArm(START, fault=fault)
    done = run_episode(arm, easy, GOAL, seconds=0.4)
    assert done.cycles == len(arm.targets) == 8
    assert looks[-1] == pytest.approx(arm.clock.now_s())
    assert arm.clock.now_s() == pytest.approx(100.0 + 9 * DT_S)


def test_a_policy_that_does_nothing_misses_an_ordinary_goal(tmp_path: Path) -> None:
    still = ArmPolicy(load_bundle(still_bundle(tmp_path / "b")), ROARM_M3)
    done = run_episode(PerfectArm(START), still, GOAL)
    assert (done.success, done.held) == (False, None)


def test_real_time_keeps_twenty_cycles_a_second(policy: ArmPolicy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "MAX_AGE_PERIODS", 1e3)  # on a busy machine a reading may grow older than on the robot's
    with SimArm(ROARM_M3, clock=MonotonicClock(), start_joint_pos=START) as arm:
        log, began_s = CycleLog(), time.monotonic()
        done = run_episode(arm, policy, GOAL, seconds=1.0, log=log)
        elapsed_s = time.monotonic() - began_s
    assert done.held is None
    assert done.cycles == 20
    # 20 cycles and a last look, one period apart; a busy machine leaves out some turns.
    assert elapsed_s + ROUNDING >= (21 + done.missed) * DT_S
    assert set(log.timing_ms()) == {"late_ms", "compute_ms", "age_ms"}


# What goes wrong.


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda now_s: ArmSample.failed(now_s, "the cable is out"), "could not be read: the cable is out"),
        (lambda now_s: ArmSample.of(now_s - 0.16, START), "newest sample is 0.160 s old"),
        (lambda now_s: ArmSample.of(now_s - 0.1502, START), "newest sample is 0.1502 s old; the limit is 0.150 s"),
        (lambda now_s: ArmSample.of(now_s + 0.01, START), "newest sample is -0.010 s old"),
        (lambda now_s: ArmSample.of(math.nan, START), "newest sample is nan s old"),
    ],
)
def test_a_bad_sample_holds_the_arm(
    policy: ArmPolicy, tmp_path: Path, make: Callable[[float], ArmSample], reason: str
) -> None:
    arm, path = PerfectArm(START, fault=after(0.5, make)), tmp_path / "cycles.jsonl"
    done = run_episode(arm, policy, GOAL, log=log_into(path))
    assert done.held is not None
    assert arm.latched == done.held
    assert re.search(reason, done.held)
    assert done.stale == ("old" in reason)
    with pytest.raises(UnsafeCommandError):
        fresh_sample(arm, 0.1)
    assert not done.success
    # Ticks at 0.05 to 0.45 s were good ones.
    assert done.cycles == len(lines_of(path)) == 9
    np.testing.assert_array_equal(arm.targets[-1], arm.targets[-2])  # the hold repeats the last target
    np.testing.assert_array_equal(arm.sent, lines_of(path)[-1]["sent"])


@pytest.mark.parametrize(
    ("own_s", "who"),
    [(1.0, r"This computer paused: the turn that needed it came 0\.950 s late"), (0.0, "or this computer paused")],
)
def test_a_pause_of_this_computer_is_not_blamed_on_the_arm(policy: ArmPolicy, own_s: float, who: str) -> None:
    clock = SimulatedClock(start_s=100.0)
    silent_at_s = 100.5  # nothing is read from then on
    arm = PerfectArm(
        START, clock=clock, fault=lambda now_s: ArmSample.of(silent_at_s, START) if now_s > silent_at_s else None
    )

    def pause(cycle: Cycle) -> None:
        if cycle.cycle == 9:  # the turn at 100.5 s
            clock.sleep_until_s(clock.now_s() + own_s)

    done = run_episode(arm, policy, GOAL, watch=pause)
    assert done.held is not None
    assert re.search(who, done.held)
    assert done.stale


def test_a_pause_on_the_way_to_the_start_names_this_computer() -> None:
    class Pausing(SimulatedClock):
        def sleep_until_s(self, time_s: float) -> None:
            super().sleep_until_s(time_s + 2.0 if 100.24 < time_s < 100.26 else time_s)

    # For a moment after the pause there is no other reading than the one before it.
    arm = PerfectArm(
        START, clock=Pausing(100.0), fault=lambda now_s: ArmSample.of(100.2, START) if 102.0 < now_s < 102.3 else None
    )
    with pytest.raises(UnsafeCommandError, match="This computer paused: the turn that needed it came 2.000 s late"):
        move_slowly(arm, HOME, DT_S)


def test_a_sample_just_young_enough_is_used(policy: ArmPolicy) -> None:
    arm = PerfectArm(START, fault=lambda now_s: ArmSample.of(now_s - 0.099, START))
    assert fresh_sample(arm, 0.1).valid


def test_nan_from_the_policy_holds_the_arm(bundle: Bundle, tmp_path: Path) -> None:
    spoiled = ArmPolicy(load_bundle(with_network(bundle, nan(inputs_of(reach())), tmp_path / "nan")), ROARM_M3)
    arm = PerfectArm(START)
    done = run_episode(arm, spoiled, GOAL)
    assert done.cycles == 0
    assert done.held == arm.latched
    assert "not a number: number 0 of world 0 is nan" in str(done.held)
    np.testing.assert_array_equal(arm.sent, START)


def test_an_arm_that_is_held_by_somebody_else_ends_the_episode(policy: ArmPolicy) -> None:
    arm = PerfectArm(START)

    def watch(cycle: Cycle) -> None:
        if cycle.cycle == 4:
            arm.estop("a person pressed the button")

    done = run_episode(arm, policy, GOAL, watch=watch)
    assert done.cycles == 5
    assert "a person pressed the button" in str(done.held)
    assert arm.latched == "a person pressed the button"


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("a mistake"), KeyError("x"), OSError(28, "no space"), KeyboardInterrupt()]
)
def test_an_error_nobody_thought_of_holds_the_arm_and_is_raised(policy: ArmPolicy, error: BaseException) -> None:
    arm = PerfectArm(START)

    def watch(cycle: Cycle) -> None:
        if cycle.cycle == 7:
            raise error

    with pytest.raises(type(error)):
        run_episode(arm, policy, GOAL, watch=watch)
    assert arm.latched
    assert len(arm.targets) == 9  # eight cycles and the hold
    np.testing.assert_array_equal(arm.targets[-1], arm.targets[-2])


def test_an_error_inside_the_policy_holds_the_arm(policy: ArmPolicy, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(observation: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(policy, "infer", broken)
    arm = PerfectArm(START)
    with pytest.raises(RuntimeError, match="out of memory"):
        run_episode(arm, policy, GOAL)
    assert arm.latched == "out of memory"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
def test_a_full_disk_holds_the_arm(policy: ArmPolicy) -> None:
    arm = PerfectArm(START)
    with Path("/dev/full").open("wb", buffering=0) as file:
        done = run_episode(arm, policy, GOAL, log=CycleLog(file))
    assert done.held == arm.latched
    assert "cycle log can not be written: No space left on device. An arm is not driven unrecorded" in str(done.held)
    assert done.cycles == 1  # it was carried out before it could be logged


def removed(path: Path) -> None:
    path.unlink()


def with_its_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def renamed(path: Path) -> None:
    path.parent.rename(path.parent.with_name("tidied"))


def replaced(path: Path) -> None:
    path.rename(path.with_name("old"))
    path.touch()


@pytest.mark.parametrize("loses", [removed, with_its_folder, renamed, replaced])
def test_a_log_that_vanishes_in_mid_run_holds_the_arm_within_one_cycle(
    policy: ArmPolicy, tmp_path: Path, loses: Callable[[Path], None]
) -> None:
    arm, path = PerfectArm(START), tmp_path / "run" / "cycles.jsonl"
    path.parent.mkdir()

    def watch(cycle: Cycle) -> None:
        if cycle.cycle == 10:
            loses(path)

    with path.open("xb", buffering=0) as file:
        done = run_episode(arm, policy, GOAL, log=CycleLog(file, path), watch=watch)
    assert (done.cycles, done.recorded, done.held) == (12, False, arm.latched)
    assert f"The cycle log {path} is gone: " in str(done.held)
    assert str(done.held).endswith("An arm is not driven unrecorded.")


def test_room_for_the_log_is_proven_and_nothing_of_the_proof_stays(policy: ArmPolicy, tmp_path: Path) -> None:
    arm, path = PerfectArm(START), tmp_path / "cycles.jsonl"
    with path.open("xb", buffering=0) as file:
        log = CycleLog(file, path)
        log.prove()
        assert path.stat().st_size == 0
        run_episode(arm, policy, GOAL, log=log)
        log.prove()
        run_episode(arm, policy, GOAL, episode=1, log=log)
    lines = lines_of(path)
    assert [(line["episode"], line["cycle"]) for line in lines] == [(e, c) for e in range(2) for c in range(CYCLES)]
    assert max(len(line) for line in path.read_bytes().splitlines()) * 300 <= ROOM_BYTES


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
def test_a_full_disk_is_noticed_before_anything_is_logged() -> None:
    with (
        Path("/dev/full").open("wb", buffering=0) as file,
        pytest.raises(LogError, match="can not be written: No space left on device. An arm is not driven unrecorded"),
    ):
        CycleLog(file).prove()


def test_a_disk_that_becomes_full_during_the_proof_keeps_the_log_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cycles.jsonl"
    with path.open("xb", buffering=0) as file:
        file.write(b"{}\n")
        monkeypatch.setattr("roarm_lab.gateway.loop.os.fsync", no_space)
        with pytest.raises(LogError, match="No space left on device"):
            CycleLog(file, path).prove()
    assert path.read_bytes() == b"{}\n"


def no_space(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_that_nobody_wants_needs_no_room() -> None:
    CycleLog().prove()


class _Short(RawIOBase):
    def write(self, data: Any) -> int:
        return len(data) - 1


def test_half_a_line_is_an_error_too(policy: ArmPolicy) -> None:
    arm = PerfectArm(START)
    done = run_episode(arm, policy, GOAL, log=CycleLog(_Short()))
    assert "only a part of a line" in str(done.held)
    assert arm.latched
    with pytest.raises(LogError):
        CycleLog(_Short()).add(replace_cycle())


def replace_cycle() -> Cycle:
    zeros = [0.0] * 6
    return Cycle(
        episode=0, cycle=0, time_s=0.0, late_s=0.0, age_s=0.0, compute_s=0.0,
        joint_pos=zeros, requested=zeros, sent=zeros, success=False, distance_m=0.0,
    )  # fmt: skip


def test_timing_of_nothing_is_nothing() -> None:
    assert CycleLog().timing_ms() == {}
    log = CycleLog()
    log.add(replace(replace_cycle(), late_s=0.001, compute_s=0.002))
    log.add(replace(replace_cycle(), late_s=0.003, compute_s=0.002))
    assert log.timing_ms()["late_ms"] == pytest.approx({"p50": 2.0, "p99": 2.98, "max": 3.0})
    assert log.timing_ms()["compute_ms"] == pytest.approx({"p50": 2.0, "p99": 2.0, "max": 2.0})


# The slow move.


def test_a_slow_move_is_slow_straight_and_arrives() -> None:
    arm = PerfectArm(START)
    move_slowly(arm, HOME, DT_S)
    targets = np.array([START, *arm.targets])
    assert np.all(np.abs(np.diff(targets, axis=0)) <= SLOW_RAD_S * DT_S + ROUNDING)
    np.testing.assert_allclose(targets[-1], HOME, atol=ROUNDING)
    # All joints together: the longest way takes its time, and nothing more.
    seconds = np.max(np.abs(HOME - START)) / SLOW_RAD_S
    assert seconds <= arm.clock.now_s() - 100.0 <= seconds + 3 * DT_S
    shares = (targets[1:-1] - START) @ (HOME - START) / np.sum((HOME - START) ** 2)
    np.testing.assert_allclose(targets[1:-1], START + shares[:, None] * (HOME - START), atol=1e-6)
    assert arm.latched is None


def test_a_simulated_arm_with_weight_arrives_too() -> None:
    with SimArm(ROARM_M3, clock=SimulatedClock()) as arm:
        move_slowly(arm, START, DT_S)
        assert np.max(np.abs(arm.read().joint_pos - START)) <= ARRIVED_RAD
        assert arm.latched is None


def test_where_the_arm_is_already_it_stays() -> None:
    arm = PerfectArm(START)
    move_slowly(arm, START, DT_S)
    np.testing.assert_allclose(arm.targets, np.tile(START, (len(arm.targets), 1)), atol=ROUNDING)
    assert arm.clock.now_s() - 100.0 <= 3 * DT_S


@pytest.mark.parametrize("joint", ["base", "elbow", "gripper"])
def test_a_joint_that_is_obstructed_is_named_and_the_arm_held(joint: str) -> None:
    goal = START + 0.5 * np.where(START > 0.7, -1.0, 1.0)
    arm = PerfectArm(START, stuck=(joint,))
    with pytest.raises(UnsafeCommandError, match=rf"did not arrive: joint '{joint}' is 0.500 rad from where it should"):
        move_slowly(arm, goal, DT_S)
    assert "did not arrive" in str(arm.latched)


def test_an_obstacle_is_not_pushed_harder_than_the_gate_allows() -> None:
    arm = PerfectArm(START, stuck=("base",))
    with pytest.raises(UnsafeCommandError):
        move_slowly(arm, START + np.array([1.0, 0, 0, 0, 0, 0]), DT_S)
    lead = ROARM_M3.joint("base").max_lead_rad
    assert np.max(np.abs(np.array(arm.targets)[:, 0] - START[0])) <= lead + ROUNDING


def test_a_bad_sample_on_the_way_holds_the_arm() -> None:
    arm = PerfectArm(START, fault=after(0.3, lambda now_s: ArmSample.failed(now_s, "the cable is out")))
    with pytest.raises(UnsafeCommandError, match="the cable is out"):
        move_slowly(arm, HOME, DT_S)
    assert "the cable is out" in str(arm.latched)


def test_who_watches_a_slow_move_can_end_it_and_the_arm_is_held() -> None:
    arm, turns = PerfectArm(START), itertools.count()

    def enough() -> None:
        if next(turns) == 5:
            raise KeyboardInterrupt("enough")

    with pytest.raises(KeyboardInterrupt):
        move_slowly(arm, HOME, DT_S, watch=enough)
    assert arm.latched == "enough"
    assert np.max(np.abs(arm.sent - START)) <= 5 * SLOW_RAD_S * DT_S + ROUNDING


class _Interrupted(SimulatedClock):
    """Presses Ctrl-C while the loop sleeps, where it spends most of its time."""

    def sleep_until_s(self, time_s: float) -> None:
        if time_s > 0.5:
            raise KeyboardInterrupt
        super().sleep_until_s(time_s)


def test_ctrl_c_while_waiting_holds_the_arm(policy: ArmPolicy) -> None:
    arm = PerfectArm(START, clock=_Interrupted())
    with pytest.raises(KeyboardInterrupt):
        move_slowly(arm, HOME, DT_S)
    assert arm.latched == "KeyboardInterrupt"
    arm = PerfectArm(START, clock=_Interrupted())
    with pytest.raises(KeyboardInterrupt):
        run_episode(arm, policy, GOAL)
    assert arm.latched == "KeyboardInterrupt"


def test_after_the_memory_was_tidied_the_loop_waits_for_a_reading_as_new_as_a_cycle_needs() -> None:
    clock = SimulatedClock(start_s=100.0)
    paused_until_s = clock.now_s() + 0.3
    arm = PerfectArm(
        HOME, clock=clock, fault=lambda now_s: ArmSample.of(99.0, HOME) if now_s < paused_until_s else None
    )
    with quiet_memory(arm, DT_S):
        assert paused_until_s <= clock.now_s() <= paused_until_s + 2 * LOOK_S
        fresh_sample(arm, MAX_AGE_PERIODS * DT_S)


def test_a_reading_that_never_comes_is_waited_for_only_so_long() -> None:
    clock = SimulatedClock(start_s=100.0)
    arm = PerfectArm(HOME, clock=clock, fault=lambda now_s: ArmSample.of(99.0, HOME))
    with quiet_memory(arm, DT_S):
        assert clock.now_s() <= 100.0 + FRESH_WITHIN_S + LOOK_S
        with pytest.raises(UnsafeCommandError, match="old"):
            fresh_sample(arm, MAX_AGE_PERIODS * DT_S)

"""A policy drives an arm: how a run goes, what is refused before it, and every way in which it ends."""

import errno
import itertools
import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, MissingError, UnsafeCommandError
from roarm_lab.evaluation.statistics import wilson_interval
from roarm_lab.gateway.arm_policy import ArmPolicy
from roarm_lab.gateway.loop import ARRIVED_RAD, Cycle, CycleLog, LogError
from roarm_lab.mdp.object_observations import Touching
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.policies.contract import InterfaceError
from roarm_lab.policies.pretrained import shipped_bundle
from roarm_lab.robots.arm import ArmSample
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.sim.arm import SimArm
from roarm_lab.tasks import table
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach
from roarm_lab.workflows.arm_session import connect_arm
from roarm_lab.workflows.deployment import run_policy as workflow
from roarm_lab.workflows.deployment.run_policy import run_policy
from roarm_lab.workflows.deployment.run_request import RunRequest, RunResult
from roarm_lab.workflows.frontend import CancelledError, DryCycle, EpisodeEnded, Notice, NotPermittedError
from tests.bundles import inputs_of, nan, still_bundle, wild_bundle, with_network
from tests.frontends import Heard

REAL = "serial:/nowhere/tty"
"""A real arm that is not there."""


@pytest.fixture
def bundle(folder: Path) -> Path:
    wild_bundle(folder / "bundle")
    return Path("bundle")


@pytest.fixture
def nan_bundle(bundle: Path) -> Path:
    """A policy that turns the base, and gives NaN as soon as it turns."""
    return with_network(load_bundle(bundle), nan(inputs_of(reach()), when_moving=True), Path("nan"))


def fast(bundle: Path | None, episodes: int = 1, **changes: Any) -> RunRequest:
    return RunRequest(bundle=bundle, episodes=episodes, fast=True, **changes)


def log_of(folder: Path) -> Path:
    (made,) = (folder / "arm_runs").iterdir()
    return made


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / "cycles.jsonl").read_text().splitlines()]


def summary_of(path: Path) -> dict[str, Any]:
    return json.loads((path / "summary.json").read_text())


def distances(result: RunResult) -> list[float | None]:
    return [episode.distance_m for episode in result.episodes]


def no_way_open(*_: object, **__: object) -> None:
    raise AssertionError("an arm was opened")


# How it goes.


def test_the_result_the_summary_and_the_log_say_the_same(bundle: Path) -> None:
    result = run_policy(fast(bundle, 3))
    assert (result.arm, result.robot, result.bundle) == ("sim", ROARM_M3.name, "bundle")
    assert (result.goals, result.successes, result.success_rate) == (3, 0, 0.0)
    assert (result.cycles, result.rate_hz, result.real_time, result.held) == (150, 20.0, False, ())
    assert (result.interval, result.ended_by) == (wilson_interval(0, 3), None)
    assert len(set(distances(result))) == 3  # each has a goal of its own
    assert [(line["episode"], line["cycle"]) for line in lines_of(result.log)] == [
        (episode, cycle) for episode in range(3) for cycle in range(50)
    ]
    assert summary_of(result.log) == json.loads(json.dumps(result.to_plain()))


def test_each_episode_is_told(bundle: Path) -> None:
    heard = Heard()
    result = run_policy(fast(bundle, 2), heard)
    told = [event for event in heard.events if isinstance(event, EpisodeEnded)]
    assert [(event.number, event.success) for event in told] == [(0, False), (1, False)]
    assert [event.distance_m for event in told] == distances(result)
    assert heard.questions == []  # a simulated arm may move


def test_a_task_that_is_done_is_a_success(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(reach(), success=replace(reach().success, within_m=2.0))
    monkeypatch.setitem(table.TASKS, "reach", lambda: config)
    result = run_policy(fast(still_bundle(folder / "easy", config), 2))
    assert (result.successes, result.success_rate) == (2, 1.0)


def test_the_same_seed_asks_for_the_same_goals(bundle: Path) -> None:
    first, again, other = (distances(run_policy(fast(bundle, 2, seed=seed))) for seed in (1, 1, 2))
    assert first == again != other


def test_every_episode_has_a_fresh_cube_and_a_goal_near_it(folder: Path) -> None:
    result = run_policy(fast(still_bundle(folder / "lift", lift_cube()), 4))
    assert (result.successes, result.goals, result.cycles) == (0, 4, 240)
    lines = lines_of(result.log)
    cubes = np.array([line["box_pos_w"] for line in lines]).reshape(4, 60, 3)
    np.testing.assert_allclose(cubes, np.repeat(cubes[:, :1], 60, axis=1), atol=1e-3)  # nobody touches it
    assert len(np.unique(cubes[:, 0, 0])) == 4
    radius = np.hypot(cubes[:, 0, 0], cubes[:, 0, 1])
    assert np.all((radius >= 0.18 - 1e-3) & (radius <= 0.32 + 1e-3))
    assert all(line["success"] is False for line in lines)
    assert all(distance is not None and 0.08 < distance < 0.5 for distance in distances(result))


def test_a_goal_for_a_cube_is_asked_for_each_time(folder: Path) -> None:
    result = run_policy(fast(still_bundle(folder / "lift", lift_cube()), 3, goal=(0.1, -0.2, 0.2)))
    cubes = np.array([line["box_pos_w"][0] for line in lines_of(result.log)])[::60]
    gaps = np.linalg.norm(cubes - [0.1, -0.2, 0.2], axis=1)
    np.testing.assert_allclose(np.array(distances(result), dtype=float), gaps, atol=1e-3)


@pytest.mark.usefixtures("folder")
def test_the_policy_of_the_package_runs_without_any_training() -> None:
    result = run_policy(fast(None, 4))
    assert result.bundle == str(shipped_bundle())
    assert result.successes >= 2  # nearly all, as a rule


def test_a_dry_run_tells_what_would_be_sent_and_leaves_the_arm_where_it_is(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = list[object]()
    monkeypatch.setattr(SimArm, "_transmit", lambda _, target: moves.append(target))
    heard = Heard()
    result = run_policy(fast(bundle, dry_run=True), heard)
    told = [event for event in heard.events if isinstance(event, DryCycle)]
    assert [(event.episode, event.cycle) for event in told] == [(0, cycle) for cycle in range(50)]
    assert any(any(event.step_rad) for event in told)
    assert (result.dry_run, result.success_rate, result.episodes[0].success) == (True, None, None)
    assert moves == []


# An arm that is connected already.


def test_a_session_is_driven_and_stays_open(bundle: Path) -> None:
    with connect_arm("sim", fast=True) as session:
        result = run_policy(RunRequest(bundle=bundle, episodes=1, arm="emulator"), session=session)
        assert (result.arm, result.real_time, result.cycles) == (
            "sim",
            False,
            50,
        )  # what the session is, not the request
        assert session.arm.read().valid
        assert session.arm.latched is None


def test_a_stop_file_counts_for_a_session_too(bundle: Path, folder: Path) -> None:
    (folder / "stop").touch()
    with connect_arm("sim", fast=True) as session:
        result = run_policy(RunRequest(bundle=bundle, stop_file=Path("stop")), session=session)
    assert result.ended_by is not None
    assert "the stop file" in result.ended_by
    assert result.cycles == 0


def test_a_session_with_another_arm_than_the_policys_is_refused(
    bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect_arm("sim", fast=True) as session:
        monkeypatch.setattr(session.arm, "robot", replace(ROARM_M3, name="other"))
        with pytest.raises(InterfaceError, match="The policy is for 'roarm_m3', this arm is 'other'"):
            run_policy(RunRequest(bundle=bundle), session=session)
    assert not (folder / "arm_runs").exists()


# What may be done.


def test_a_real_arm_is_not_even_opened_without_permission(
    bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "open_arm", no_way_open)
    heard = Heard()
    with pytest.raises(NotPermittedError, match=r"Nothing was done\.$"):
        run_policy(RunRequest(bundle=bundle, arm=REAL), heard)
    assert [question.code for question in heard.questions] == ["arm-moves"]
    assert f"The policy moves the arm at {REAL} now" in heard.questions[0].text
    assert not (folder / "arm_runs").exists()


@pytest.mark.parametrize("dry_run", [False, True])
def test_with_permission_or_in_a_dry_run_a_real_arm_is_looked_for(bundle: Path, dry_run: bool) -> None:
    heard = Heard({} if dry_run else {"arm-moves": "yes"})
    with pytest.raises(MissingError, match="There is no port /nowhere/tty"):
        run_policy(RunRequest(bundle=bundle, arm=REAL, dry_run=dry_run), heard)
    assert len(heard.questions) == (0 if dry_run else 1)


def test_a_permission_for_something_else_does_not_count(bundle: Path) -> None:
    with pytest.raises(NotPermittedError):
        run_policy(RunRequest(bundle=bundle, arm=REAL), Heard({"arm-lets-go": "yes", "overwrite": "yes"}))


# What is refused.


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"episodes": 0}, "episodes must be 1 or more, got 0"),
        ({"seed": -1}, "seed must be 0 or more, got -1"),
        ({"goal": (9.0, 9.0, 9.0)}, r"\(9, 9, 9\) m is out of reach: the nearest point that the policy was trained to"),
        ({"goal": (0.0, 0.0, 0.0)}, r"\(0, 0, 0\) m is out of reach"),
        ({"goal": (float("nan"), 0.0, 0.2)}, "The command 'goal' needs 3 finite numbers, got .nan, 0.0, 0.2"),
        ({"goal": (float("inf"), 0.0, 0.2)}, "The command 'goal' needs 3 finite numbers, got .inf"),
        ({"arm": "simm"}, "There is no kind of arm named 'simm'. Did you mean 'sim'?"),
        ({"arm": "sim:x"}, "An arm of kind 'sim' has no place; got 'sim:x'"),
        ({"stop_file": Path("nowhere/stop")}, "does not exist"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    bundle: Path, folder: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        run_policy(replace(RunRequest(bundle=bundle), **changes))
    assert sorted(path.name for path in folder.iterdir()) == ["bundle"]


def test_a_real_arm_can_not_be_fast(bundle: Path) -> None:
    with pytest.raises(BadInputError, match="`fast=True` is for"):
        run_policy(fast(bundle, arm=REAL), Heard({"arm-moves": "yes"}))


def test_a_policy_that_must_see_boxes_is_refused_on_a_real_arm_before_anybody_is_asked(folder: Path) -> None:
    heard = Heard({"arm-moves": "yes"})
    with pytest.raises(InterfaceError, match="'lift-cube' needs to know where the cube is, and on a real arm nothing"):
        run_policy(RunRequest(bundle=still_bundle(folder / "lift", lift_cube()), arm=REAL), heard)
    assert heard.questions == []


def test_a_policy_for_an_arm_with_other_limits_is_refused_on_a_real_arm(bundle: Path) -> None:
    loaded = load_bundle(bundle)
    joints = [dict(joint) for joint in loaded.contract.interface["joints"]]
    joints[0]["max_speed_rad_s"] *= 2.0
    onnx = (bundle / "policy.onnx").read_bytes()
    other = with_network(loaded, onnx, Path("other"), joints=joints)
    with pytest.raises(InterfaceError, match=r"The bundle is for another arm: .*joints\[0\].max_speed_rad_s"):
        run_policy(RunRequest(bundle=other, arm=REAL), Heard({"arm-moves": "yes"}))


def test_bundles_that_are_none_are_refused(bundle: Path) -> None:
    with pytest.raises(BadInputError, match="There is no policy bundle at nothing"):
        run_policy(RunRequest(bundle=Path("nothing")))
    (bundle / "policy.onnx").write_bytes(b"nothing")
    with pytest.raises(BadInputError, match="not a readable ONNX model"):
        run_policy(RunRequest(bundle=bundle))


def test_a_policy_that_must_feel_a_cube_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lift = lift_cube()
    feeling = replace(lift, observations={"actor": {**lift.observations["actor"], "touching": Touching()}})
    monkeypatch.setitem(table.TASKS, "lift-cube", lambda: feeling)
    wild_bundle(folder / "lift", feeling)
    told = r"This arm can not provide what the policy needs: 'touching' \(sim_only\). It provides"
    with pytest.raises(InterfaceError, match=told):
        run_policy(fast(Path("lift")))


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        (
            (0.4, 0.0, 0.2),
            "(0.4, 0, 0.2) m is not where the policy was trained to carry 'cube': 0.18 to 0.3 m from the",
        ),
        ((0.2, 0.0, 0.3), "(0.2, 0, 0.3) m is not where the policy was trained"),
        ((-0.25, 0.0, 0.2), "not trained to carry a box to 'goal' (-0.25, 0, 0.2) from any place where boxes lie"),
    ],
)
def test_a_place_where_no_cube_can_be_carried_is_refused(
    folder: Path, goal: tuple[float, float, float], message: str
) -> None:
    wild_bundle(folder / "lift", lift_cube())
    with pytest.raises(BadInputError, match=re.escape(message)):
        run_policy(fast(Path("lift"), goal=goal))


def test_what_the_arm_can_not_measure_is_refused(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimArm, "provides", frozenset({"measured"}))
    with pytest.raises(InterfaceError, match=r"can not provide what the policy needs: 'joint_vel' \(derived\)"):
        run_policy(fast(bundle))


def test_a_file_where_the_log_should_be_is_said(bundle: Path, folder: Path) -> None:
    (folder / "arm_runs").write_text("")
    with pytest.raises(BadInputError, match="The folder arm_runs can not be made"):
        run_policy(fast(bundle))


# How the arm is held.


def test_a_policy_that_always_gives_nan_is_found_before_the_arm_moves(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = list[object]()
    monkeypatch.setattr(SimArm, "_transmit", lambda _, target: moves.append(target))
    with_network(load_bundle(bundle), nan(inputs_of(reach())), Path("nan"))
    with pytest.raises(BadInputError, match="The policy gave an action that is not a number"):
        run_policy(fast(Path("nan")))
    assert moves == []


def test_a_held_episode_on_a_simulated_arm_has_failed_and_the_next_one_begins(nan_bundle: Path) -> None:
    heard = Heard()
    result = run_policy(fast(nan_bundle, 4), heard)
    assert (result.goals, result.successes, result.success_rate) == (4, 0, 0.0)
    assert (len(result.held), result.ended_by) == (4, None)
    told = [event.held for event in heard.events if isinstance(event, EpisodeEnded)]
    assert all(reason and "The policy gave an action that is not a number" in reason for reason in told)
    lines = lines_of(result.log)
    assert {line["episode"] for line in lines} == {0, 1, 2, 3}
    first = np.array([line["joint_pos"] for line in lines if line["cycle"] == 0])
    np.testing.assert_allclose(first, np.tile(first[:1], (4, 1)), atol=ARRIVED_RAD)  # each after a slow move


def test_a_real_arm_stays_held_which_ends_the_run(nan_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow._PolicyRun, "_may_release", lambda self: False)  # as if the simulated arm were real
    result = run_policy(fast(nan_bundle, 4))
    assert result.goals == 1
    assert result.held == (result.ended_by,)
    assert 1 <= len(lines_of(result.log)) <= 5


def test_an_emergency_stop_ends_the_run_on_a_simulated_arm_too(bundle: Path, folder: Path) -> None:
    (folder / "stop").touch()
    result = run_policy(fast(bundle, 3, stop_file=Path("stop")))
    assert (result.goals, len(result.held)) == (1, 1)
    assert result.ended_by is not None
    assert result.ended_by.startswith("This is more than a hold: the stop file")


def test_a_simulated_arm_that_can_not_be_read_any_more_ends_the_run(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = SimArm._read
    calls = itertools.count()

    def broken(arm: SimArm) -> ArmSample:
        return read(arm) if next(calls) < 100 else ArmSample.failed(arm.clock.now_s(), "the cable is out")

    monkeypatch.setattr(SimArm, "_read", broken)
    result = run_policy(fast(bundle, 3))
    assert (result.goals, result.ended_by) == (1, "the cable is out")


def test_where_nothing_ran_no_rate_is_known(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "move_slowly", obstructed)
    result = run_policy(RunRequest(bundle=bundle, episodes=2))
    assert result.held == ("The arm did not arrive: joint 'elbow' is 0.700 rad from where it should be.",) * 2
    assert (result.goals, result.successes, result.cycle_late_ms) == (2, 0, None)
    assert (result.cycles, result.success_rate, result.interval) == (0, None, None)
    assert summary_of(result.log) == json.loads(json.dumps(result.to_plain()))


def obstructed(*_: object, **__: object) -> None:
    raise UnsafeCommandError("The arm did not arrive: joint 'elbow' is 0.700 rad from where it should be.")


def test_a_full_disk_holds_the_arm_and_ends_the_run(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add = CycleLog.add

    def full(log: CycleLog, cycle: Cycle) -> None:
        if cycle.cycle == 20:
            raise LogError("The cycle log can not be written: No space left on device.")
        add(log, cycle)

    monkeypatch.setattr(CycleLog, "add", full)
    result = run_policy(fast(bundle, 3))
    assert result.held == (result.ended_by,) == ("The cycle log can not be written: No space left on device.",)
    assert len(lines_of(result.log)) == 20


class NoRoom:
    """What `os` is for the log of an arm, on a full disk: names of files have room there, their content has none."""

    def __init__(self, full_after: int = 0) -> None:
        self.full_after, self.proofs = full_after, 0

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def fsync(self, descriptor: int) -> None:
        del descriptor
        self.proofs += 1
        if self.proofs > self.full_after:
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("dry_run", [False, True])
def test_where_the_disk_is_full_from_the_start_nothing_moves_and_nothing_is_left(
    bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    moves = list[object]()
    monkeypatch.setattr(SimArm, "_transmit", lambda _, target: moves.append(target))
    monkeypatch.setattr("roarm_lab.gateway.loop.os", NoRoom())
    with pytest.raises(LogError, match="No space left on device. An arm is not driven unrecorded. Nothing was moved."):
        run_policy(fast(bundle, dry_run=dry_run))
    assert moves == []
    assert list((folder / "arm_runs").iterdir()) == []


def test_a_disk_that_is_full_before_the_second_episode_keeps_its_slow_move_from_happening(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = list[object]()
    monkeypatch.setattr(workflow, "move_slowly", lambda *_, **__: moves.append(_))
    monkeypatch.setattr("roarm_lab.gateway.loop.os", NoRoom(full_after=2))
    result = run_policy(fast(bundle, 3))
    assert result.ended_by is not None
    assert "The cycle log can not be written: No space left on device." in result.ended_by
    assert len(moves) == 1
    assert [(done.cycles, done.recorded) for done in result.episodes] == [(50, True), (0, False)]


def test_where_the_log_vanishes_in_mid_run_the_arm_is_held_and_the_run_ends(
    bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = CycleLog.add

    def tidied(log: CycleLog, cycle: Cycle) -> None:
        if cycle.cycle == 20:
            shutil.rmtree(folder / "arm_runs")
        add(log, cycle)

    monkeypatch.setattr(CycleLog, "add", tidied)
    result = run_policy(fast(bundle, 3))
    assert result.cycles == 21
    assert re.search("The cycle log .*cycles.jsonl is gone: No such file or directory. An arm", str(result.ended_by))
    assert (result.log / "summary.json").exists()  # why it ended is told there too


def test_a_summary_that_can_not_be_written_is_told_and_the_result_still_returned(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: str) -> None:
        raise BadInputError(f"{path} can not be written: No space left on device. Choose another place.")

    monkeypatch.setattr(workflow, "write_atomic", full)
    heard = Heard()
    assert run_policy(fast(bundle), heard).goals == 1
    (told,) = (event for event in heard.events if isinstance(event, Notice))
    assert (told.code, told.level) == ("no-summary", "warning")


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Why simulated arms were held when they were closed."""
    found = list[str | None]()

    class Seen(SimArm):
        def _disconnect(self) -> None:
            found.append(self.latched)
            super()._disconnect()

    monkeypatch.setattr("roarm_lab.sim.arm.SimArm", Seen)
    return found


def test_a_mistake_of_ours_holds_the_arm_and_is_not_hidden(
    bundle: Path, folder: Path, held: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = itertools.count()

    def broken(policy: ArmPolicy, truth: object = None) -> bool:
        del policy, truth
        if next(calls) == 5:
            raise ZeroDivisionError("a mistake of the program")
        return False

    monkeypatch.setattr(ArmPolicy, "is_success", broken)
    with pytest.raises(ZeroDivisionError):
        run_policy(fast(bundle))
    assert held == ["a mistake of the program"]
    assert (log_of(folder) / "summary.json").exists()


# A front end that wants it to end.


class Impatient(Heard):
    """Cancels when it has been asked so often whether it wants the end."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._left = after

    def cancelled(self) -> bool:
        self._left -= 1
        return self._left < 0


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Targets that simulated arms were sent, without those that repeat the last one to hold it."""
    found, transmit = list[object](), SimArm._transmit

    def counted(arm: SimArm, target: Any) -> None:
        if arm.latched is None:
            found.append(target)
        transmit(arm, target)

    monkeypatch.setattr(SimArm, "_transmit", counted)
    return found


@pytest.mark.parametrize("after", [0, 10, 80], ids=["at once", "in the slow move", "in an episode"])
def test_cancelling_holds_the_arm_whatever_it_does(
    bundle: Path, folder: Path, held: list[str | None], moves: list[object], after: int
) -> None:
    heard = Impatient(after)
    with pytest.raises(CancelledError):
        run_policy(fast(bundle, 100), heard)
    assert held == ["the run was cancelled"]
    assert len(moves) <= after
    assert bool(moves) == (after > 0)
    assert bool(lines_of(log_of(folder))) == (after == 80)
    summary = summary_of(log_of(folder))
    assert (summary["ended_by"], summary["success_rate"]) == ("interrupted", None)
    (told,) = (event for event in heard.events if isinstance(event, Notice))
    assert told.text.startswith("stopped; the arm is held at its last target. Log: ")


def test_a_front_end_that_cancels_between_two_episodes_gets_what_was_done(bundle: Path, folder: Path) -> None:
    heard = Heard(cancel=lambda event: isinstance(event, EpisodeEnded) and event.number == 1)
    with pytest.raises(CancelledError):
        run_policy(fast(bundle, 100), heard)
    summary = summary_of(log_of(folder))
    assert (summary["goals"], summary["cycles"]) == (2, 100)


def test_a_session_that_is_cancelled_is_held_until_its_owner_releases_it(bundle: Path) -> None:
    with connect_arm("sim", fast=True) as session:
        with pytest.raises(CancelledError):
            run_policy(RunRequest(bundle=bundle), Impatient(0), session=session)
        assert session.arm.latched == "the run was cancelled"
        session.arm.release()
        assert run_policy(RunRequest(bundle=bundle, episodes=1), session=session).held == ()

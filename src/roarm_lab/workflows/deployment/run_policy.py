"""Let a policy drive an arm: arm and policy put together, episodes one after another, cycles logged."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from roarm_lab.core.arrays import Float32
from roarm_lab.core.errors import BadInputError, MissingError, UnsafeCommandError
from roarm_lab.core.files import new_timed_folder, write_atomic
from roarm_lab.core.object_references import short_name
from roarm_lab.core.random_streams import seed_for
from roarm_lab.core.shown import shown
from roarm_lab.evaluation.statistics import wilson_interval
from roarm_lab.gateway.arm_policy import check_sources
from roarm_lab.gateway.drift import identity_of, mismatches, write_mismatches
from roarm_lab.gateway.freshness import StaleError
from roarm_lab.gateway.loop import Cycle, CycleLog, EpisodeLog, LogError, move_slowly, quiet_memory, run_episode
from roarm_lab.policies.contract import InterfaceError
from roarm_lab.robots.estop import EstopFile
from roarm_lab.robots.station import Station
from roarm_lab.workflows.arm_session import ArmAddress, ArmRequest, ArmSession, open_arm, station_for
from roarm_lab.workflows.deployment.gateway_policy import NAME, GatewayPolicy, gateway_policy
from roarm_lab.workflows.deployment.prepare_policy import PolicyForArm, prepare_loaded, prepare_policy, tell_drift
from roarm_lab.workflows.deployment.run_notes import notes_of
from roarm_lab.workflows.deployment.run_request import RunRequest, RunResult
from roarm_lab.workflows.deployment.signals import ending_gently
from roarm_lab.workflows.frontend import (
    UNATTENDED,
    CancelledError,
    DryCycle,
    EpisodeEnded,
    Frontend,
    Notice,
    require_permission,
)

PARKED_M, PARKED_HEIGHT_M = 1.0, 0.1
"""Where boxes wait [m] while the arm goes to its start: beyond its reach, and so high that none is in the table."""
NOTHING_MOVED = "Nothing was moved. Make room, or choose another folder with `log=`."


def run_policy(request: RunRequest, frontend: Frontend = UNATTENDED, *, session: ArmSession | None = None) -> RunResult:
    """Run episodes and return how they went.

    On an arm that is not real an episode in which it had to be held has failed, and the next one begins. A real arm
    stays held: the first hold ends the run, and `ended_by` of the result says so.

    Args:
        request: What to run, and where.
        frontend: Hears of each episode; is asked before a real arm moves. When it cancels, the arm is held.
        session: An arm that is connected already; `arm`, `firmware`, `station`, `fast` and `dry_run` of the request do
            not count then. The stop file does: it stops that arm from then on.

    Raises:
        BadInputError: The bundle, the goal, the station or the arm can not be used; nothing has been written then.
        CancelledError: The front end cancelled. The arm is held, and what was done until then is written.
        InterfaceError: The policy is for another arm, or needs what this one can not provide.
        KeyboardInterrupt: Ctrl-C; likewise.
        LogError: There is no room for the log; nothing has moved then.
        MissingError: The arm is not there.
        NotPermittedError: The arm may not move.
    """
    request.validate()
    if session is not None:
        request = replace(request, arm=session.address.text, fast=session.fast, dry_run=session.dry_run)
    with ending_gently(frontend), gateway_policy(request) as gateway:
        address = ArmAddress.parse(request.arm)
        ready = _prepare(request, address, gateway)
        if session is not None and session.arm.robot.name != ready.policy.robot.name:
            own = session.arm.robot.name
            raise InterfaceError(f"The policy is for {ready.policy.robot.name!r}, this arm is {own!r}.")
        goal = None if request.goal is None else ready.policy.commands({"goal": request.goal})
        station = session.station if session else station_for(request.station, address, ready.policy.robot)
        if gateway is not None:
            ready = replace(ready, drift=(*ready.drift, *gateway.introduce(ready.policy.robot, station, ready.hashes)))
        rng = np.random.default_rng(seed_for(request.seed, "arm-goals"))
        ready.policy.draw_boxes(rng, goal)  # a goal that suits no box is refused here
        if not address.virtual and not request.dry_run:
            require_permission(frontend, "arm-moves", f"The policy moves the arm at {address} now. Is its way free?")
        with nullcontext(session) if session else open_arm(_arm_request(request, address, ready, station)) as found:
            if session is not None and request.stop_file is not None:
                session.arm.stop_on(EstopFile(request.stop_file))
            check_sources(ready.bundle, found.arm.provides)
            ready.policy.rehearse()
            if gateway is not None:
                gateway.remote.use_clock(found.arm.clock, real_time=not request.fast)
            tell_drift(frontend, ready)
            _write_drift(request, ready, station)
            return _PolicyRun(request, found, ready, goal, frontend, gateway=gateway).drive()


def _prepare(request: RunRequest, address: ArmAddress, gateway: GatewayPolicy | None) -> PolicyForArm:
    if gateway is None:
        return prepare_policy(request.bundle, address, allow_drift=request.allow_drift)
    return prepare_loaded(gateway.bundle, address, allow_drift=request.allow_drift)


def _write_drift(request: RunRequest, ready: PolicyForArm, station: Station | None) -> None:
    """Write down what differs, as far as it was allowed: some day somebody asks since when."""
    identity = identity_of(ready.policy.robot, station, ready.hashes)
    found = mismatches(ready.bundle.contract, None, identity)
    write_mismatches(request.log, NAME, found, station=station.name if station else request.arm, allowed=True)


def _arm_request(request: RunRequest, address: ArmAddress, ready: PolicyForArm, station: Station | None) -> ArmRequest:
    return ArmRequest(
        address=address,
        robot=ready.policy.robot,
        sim=ready.sim,
        firmware=request.firmware,
        fast=request.fast,
        dry_run=request.dry_run,
        station=station,
        stop_file=request.stop_file,
    )


class _PolicyRun:
    """The episodes of one run, and what is known of them."""

    def __init__(
        self,
        request: RunRequest,
        session: ArmSession,
        ready: PolicyForArm,
        goal: Mapping[str, Float32] | None,
        frontend: Frontend,
        *,
        gateway: GatewayPolicy | None,
    ) -> None:
        self._gateway = gateway
        self._request, self._session, self._frontend = request, session, frontend
        self._arm, self._table = session.arm, session.table
        self._ready, self._policy, self._goal = ready, ready.policy, goal
        self._rng = np.random.default_rng(seed_for(request.seed, "arm-goals"))
        self._episodes = list[EpisodeLog]()
        self._ended_by: str | None = "interrupted"
        self._folder = Path()

    def drive(self) -> RunResult:
        """Run the episodes, and write a summary however that ends."""
        task = str(self._ready.bundle.contract.interface["task"])
        self._folder = new_timed_folder(self._request.log, short_name(task))
        room = True
        # The log is there only when Ctrl-C is heeded: tidying up the memory takes a moment.
        with quiet_memory(self._arm, self._policy.control_dt_s), self._new_log() as log:
            try:
                self._prove(log)
                self._ended_by = self._run_all(log)
            except LogError:
                room = False
                raise
            except KeyboardInterrupt as stop:
                self._tell_stop(stop)
                raise
            finally:
                result = self._result(log)
                if room:
                    self._write(result)
        return result

    def _run_all(self, log: CycleLog) -> str | None:
        """Run one episode after another; return what ended the run, None if nothing did."""
        for number in range(self._request.episodes):
            episode = self._one(number, log)
            self._episodes.append(episode)
            if not self._request.dry_run and episode.distance_m is not None:
                self._frontend.tell(
                    EpisodeEnded(
                        number=number, success=episode.success, distance_m=episode.distance_m, held=episode.held
                    )
                )
            if (ended_by := self._left_held(episode)) is not None:
                return ended_by
        return None

    def _one(self, number: int, log: CycleLog) -> EpisodeLog:
        """Move to the start pose, put the boxes down anew, and drive; what is not given is drawn as in training."""
        arm, policy, table = self._arm, self._policy, self._table
        self._end_if_cancelled()
        try:
            log.prove()
            if self._gateway is not None:
                self._gateway.remote.begin(number)
            self._begin()
            commands = self._goal or policy.draw_commands(self._rng, arm.see() if policy.boxes else None)
        except (LogError, MissingError, UnsafeCommandError) as error:
            arm.hold(held := str(error))
            return EpisodeLog(
                success=False,
                distance_m=None,
                cycles=0,
                worst_late_s=0.0,
                missed=0,
                held=held,
                stale=isinstance(error, StaleError),
                recorded=not isinstance(error, LogError),
            )
        truth = table.truth if table is not None and policy.boxes else None
        episode = run_episode(arm, policy, commands, episode=number, log=log, truth=truth, watch=self._watch)
        return replace(episode, success=None) if self._request.dry_run and episode.held is None else episode

    def _begin(self) -> None:
        """Bring the arm to its start pose, and the boxes to where they are drawn."""
        policy, table = self._policy, self._table
        # Out of the hand and out of the way first; under the arm at its start there is room for every box.
        if table is not None:
            for index, name in enumerate(policy.boxes):
                table.place_box(name, [PARKED_M, PARKED_M * index, PARKED_HEIGHT_M])
        if not self._request.dry_run:
            move_slowly(self._arm, policy.start_pose, policy.control_dt_s, watch=self._end_if_cancelled)
        if table is not None:
            for name, pose in policy.draw_boxes(self._rng, self._goal).items():
                table.place_box(name, pose[:3], pose[3:])

    def _watch(self, cycle: Cycle) -> None:
        """Look after each cycle whether to end; of a dry run tell what would be sent."""
        if self._request.dry_run:
            step_rad = tuple(sent - now for sent, now in zip(cycle.sent, cycle.joint_pos, strict=True))
            self._frontend.tell(DryCycle(episode=cycle.episode, cycle=cycle.cycle, step_rad=step_rad))
        self._end_if_cancelled()

    def _end_if_cancelled(self) -> None:
        if self._frontend.cancelled():
            self._arm.hold(cancelled := "the run was cancelled")
            raise CancelledError(cancelled)

    def _left_held(self, episode: EpisodeLog) -> str | None:
        """Return why the arm stays held after an episode; None if it was not, or was released: nobody can be hurt."""
        if episode.held is None or not episode.recorded or not self._may_release():
            return episode.held
        try:
            self._arm.release()
        except UnsafeCommandError as error:
            return str(error)
        return self._arm.latched or self._arm.read().reason or None

    def _may_release(self) -> bool:
        """Whether a hold may end before a person has looked: nobody can be hurt by an arm that is not real."""
        return self._session.address.virtual

    def _tell_stop(self, stop: KeyboardInterrupt) -> None:
        left = "nothing was sent." if self._request.dry_run else "the arm is held at its last target."
        how = "stopped" if isinstance(stop, CancelledError) else "stopped by Ctrl-C"
        self._frontend.tell(Notice(code="stopped", text=f"{how}; {left} Log: {shown(self._folder)}"))

    @contextmanager
    def _new_log(self) -> Generator[CycleLog]:
        """Yield a log in the new folder.

        Raises:
            LogError: It can not be made; nothing has moved yet.
        """
        path = self._folder / "cycles.jsonl"
        try:
            file = path.open("xb", buffering=0)
        except OSError as error:
            raise LogError(f"{path} can not be made: {error.strerror}. {NOTHING_MOVED}") from error
        with file:
            yield CycleLog(file, path)

    def _prove(self, log: CycleLog) -> None:
        """Make sure that there is room for the log; remove its new folder again where there is none.

        Raises:
            LogError: The disk is full, or not there; nothing has moved yet.
        """
        try:
            log.prove()
        except LogError as error:
            with suppress(OSError):
                (self._folder / "cycles.jsonl").unlink()
                self._folder.rmdir()
            raise LogError(f"{error} {NOTHING_MOVED}") from error

    def _write(self, result: RunResult) -> None:
        """Write the summary; where that fails it is still returned, and the run ends as it would have."""
        text = json.dumps(result.to_plain(), indent=1, allow_nan=False) + "\n"
        try:
            write_atomic(self._folder / "summary.json", text)
        except BadInputError as error:
            self._frontend.tell(
                Notice(code="no-summary", text=f"there is no summary of this run. {error}", level="warning")
            )

    def _result(self, log: CycleLog) -> RunResult:
        episodes, request, timing = self._episodes, self._request, log.timing_ms()
        successes, count = sum(episode.success is True for episode in episodes), len(episodes)
        cycles = sum(episode.cycles for episode in episodes)
        judged = cycles > 0 and all(episode.success is not None for episode in episodes)
        station = self._session.station
        result = RunResult(
            arm=request.arm,
            dry_run=request.dry_run,
            robot=self._policy.robot.name,
            bundle=str(request.bundle or self._ready.bundle.path),
            gateway=request.gateway,
            unanswered=sum(episode.unanswered for episode in episodes),
            real_time=not request.fast,
            goals=count,
            successes=successes,
            success_rate=successes / count if judged else None,
            interval=wilson_interval(successes, count) if judged else None,
            rate_hz=1.0 / self._policy.control_dt_s,
            cycles=cycles,
            cycle_late_ms=timing.get("late_ms"),
            cycle_compute_ms=timing.get("compute_ms"),
            sample_age_ms=timing.get("age_ms"),
            missed=sum(episode.missed for episode in episodes),
            held=tuple(episode.held for episode in episodes if episode.held),
            drift=self._ready.drift,
            episodes=tuple(episodes),
            ended_by=self._ended_by,
            station=station and station.facts(),
            log=self._folder,
            about=self._session.about(),
        )
        return replace(result, notes=tuple(notes_of(result, self._ready.bundle)))

"""A simulated arm behind the same door as the real one: same gate, same calls, on real or simulated time."""

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roarm_lab.core.arrays import Float32, Float64
from roarm_lab.core.clock import Clock
from roarm_lab.core.errors import BadInputError, MissingError, UnknownNameError
from roarm_lab.robots.arm import ArmSample, GatedArm
from roarm_lab.robots.gate_config import GateRules
from roarm_lab.robots.perception import BoxTruth, Sight, check_pose
from roarm_lab.robots.robot import Robot
from roarm_lab.sim.backend import BOX_POSE, BOX_SPEED, SimConfig
from roarm_lab.sim.table import make_backend

MAX_CATCH_UP_S = 10.0
"""Most time the world makes up for in one call [s], some tens of milliseconds of computing."""
UNSEEN_POS_W = np.array([0.0, 0.0, -10.0])
"""Where markers wait before they are set [m]: far below the table."""
ROUNDING_STEPS = 1e-6
"""A physics step counts as due when this share of it is missing, so that rounding of the clock does not cost a step."""


def sources(config: SimConfig | None) -> frozenset[str]:
    """Return the sources of observations that an arm simulated like this provides: it sees boxes if there are any."""
    return SimArm.provides | {"perception"} if config and config.boxes else SimArm.provides


class SimArm(GatedArm):
    """One simulated arm. Its world moves up to the clock's time whenever the arm is read or gets a target.

    With a `MonotonicClock` it runs in real time, with a `SimulatedClock` as fast as it is asked; the code that drives
    it is the same. A world that diverges stays broken: readings and looks fail and nothing more is sent.

    With boxes on its table it sees them exactly and at once, as a perfect camera would, and provides `perception`.
    """

    def __init__(
        self,
        robot: Robot,
        *,
        clock: Clock,
        start_joint_pos: ArrayLike | None = None,
        config: SimConfig | None = None,
        encoder_step_rad: float = 0.0,
        markers: tuple[str, ...] = ("goal",),
        rules: GateRules | None = None,
    ) -> None:
        """Put the arm at rest.

        Args:
            robot: What to simulate.
            clock: The time the world follows.
            start_joint_pos: Joint angles at the start [joint] rad; keyframe `home` unless given.
            config: How to simulate, and what lies on the table; one world always runs on one thread.
            encoder_step_rad: Angles are read in whole steps of this; 2 pi / 4096 on bus servos, 0 for none.
            markers: Names for `set_marker`.
            rules: What the gate enforces beyond the robot's facts; the defaults of `GateRules` unless given.

        Raises:
            BadInputError: An angle at the start is not finite, or the encoder step makes no sense.
            UnsafeCommandError: The start has the wrong number of angles or is far outside a joint's range.
        """
        if not 0.0 <= encoder_step_rad < math.inf:
            raise BadInputError(f"encoder_step_rad must be 0 or more, got {encoder_step_rad}.")
        start = robot.keyframe("home") if start_joint_pos is None else start_joint_pos
        found = ArmSample.of(clock.now_s(), start)
        super().__init__(robot, clock, found, rules)
        self._encoder_step_rad = encoder_step_rad
        self.boxes = tuple(box.name for box in config.boxes) if config else ()
        """Names of the boxes on the table."""
        self.provides = sources(config)
        self._backend = make_backend(robot, 1, replace(config or SimConfig(), threads=1))
        self._backend.reset(None, found.joint_pos[None, :])
        self._target = self.sent
        servos = [joint.servo for joint in robot.joints]
        self._stiffness_nm_per_rad = np.array([servo.stiffness_nm_per_rad for servo in servos])
        self._force_limit_nm = np.array([servo.force_limit_nm for servo in servos])
        self._stall_torque_nm = np.array([servo.stall_torque_nm for servo in servos])
        self._origin_s = clock.now_s()
        self._steps = 0
        self._broken = ""
        self._markers: dict[str, Float64] = dict.fromkeys(markers, UNSEEN_POS_W)

    @property
    def markers(self) -> Mapping[str, Float64]:
        """Positions of the markers [3] m in the world frame, by name."""
        return MappingProxyType(self._markers)

    def set_marker(self, name: str, pos_w: ArrayLike) -> None:
        """Show a marker, for instance a goal, at a position [3] m in the world frame. It touches nothing.

        Raises:
            UnknownNameError: No marker has that name.
            BadInputError: The position is not three finite numbers.
        """
        if name not in self._markers:
            raise UnknownNameError("marker", name, self._markers)
        position = np.array(pos_w, dtype=np.float64)
        if position.shape != (3,) or not np.isfinite(position).all():
            raise BadInputError(f"The position of marker {name!r} must be three finite numbers [m], got {pos_w}.")
        self._markers[name] = position

    def place_box(self, name: str, pos_w: ArrayLike, quat_w: ArrayLike = (1.0, 0.0, 0.0, 0.0)) -> None:
        """Put a box, at rest, at a position [3] m in the world frame, turned as a quaternion wxyz says.

        It is what a person does between two tries. The arm does not move, so it is no request and passes no gate.

        Raises:
            UnknownNameError: No box has that name.
            BadInputError: The pose is not finite, or not a position and a quaternion of length 1.
        """
        if name not in self.boxes:
            raise UnknownNameError("box", name, self.boxes)
        pos, quat = np.asarray(pos_w, dtype=np.float64), np.asarray(quat_w, dtype=np.float64)
        if pos.shape != (3,) or quat.shape != (4,):
            raise BadInputError(f"Box {name!r} needs a position [3] and a quaternion [4], got {pos_w} and {quat_w}.")
        pose = np.concatenate([pos, quat])
        check_pose(name, pose)
        with self._lock:
            self._advance()
            self._backend.set(BOX_POSE + name, pose[None, :])
            self._backend.set(BOX_SPEED + name, np.zeros((1, 6)))

    def truth(self) -> BoxTruth:
        """Return what the simulator knows about its boxes now and no camera does, for judging success.

        Raises:
            MissingError: There are no boxes, or the world is broken.
        """
        with self._lock:
            return BoxTruth(self._true_sight(), np.asarray(self._backend.get("touching")[0], dtype=np.bool_))

    def render(self, camera: str = "front", size: tuple[int, int] = (640, 480)) -> NDArray[np.uint8]:
        """Return a picture [height, width, 3] of the arm now, with its markers.

        Raises:
            MissingError: Pictures can not be drawn here.
        """
        with self._lock:
            self._advance()
            return self._backend.render(0, camera=camera, size=size, markers=self._markers)

    def render_depth(self, camera: str = "front", size: tuple[int, int] = (640, 480)) -> Float32:
        """Return how far in front of a camera things are now [height, width] m; 0 where there is nothing.

        Raises:
            MissingError: Pictures can not be drawn here.
        """
        with self._lock:
            self._advance()
            return self._backend.render_depth(0, camera=camera, size=size)

    def _read(self) -> ArmSample:
        with self._lock:
            self._advance()
            if self._broken:
                return ArmSample.failed(self.clock.now_s(), self._broken)
            angles = np.asarray(self._backend.get("joint_pos")[0], dtype=np.float64)
            if self._encoder_step_rad:
                angles = np.round(angles / self._encoder_step_rad) * self._encoder_step_rad
            measured_at_s = min(self._time_s(), self.clock.now_s())  # never from the future, by rounding
            return ArmSample.of(measured_at_s, angles, self._drive(angles))

    def _drive(self, joint_pos: Float64) -> Float64:
        """Return each servo's effort [joint]: the simulated servo is a spring with a limit, and this is its law.

        A pair of servos on one axis shares the work, so the share is that of each. It is worked out from what was
        measured, encoder steps included, as the servo itself does.
        """
        drive_nm = (self._target - joint_pos) * self._stiffness_nm_per_rad
        return np.clip(drive_nm, -self._force_limit_nm, self._force_limit_nm) / self._stall_torque_nm

    def _see(self) -> Sight:
        with self._lock:
            try:
                return self._true_sight()
            except MissingError as error:
                return Sight.failed(self.clock.now_s(), str(error))

    def _true_sight(self) -> Sight:
        """Return where the boxes are now.

        Raises:
            MissingError: There are none, or the world is broken.
        """
        self._advance()
        if reason := self._broken or ("" if self.boxes else "there are no boxes on this arm's table"):
            raise MissingError(reason)
        seen_at_s = min(self._time_s(), self.clock.now_s())
        return Sight.of(seen_at_s, self.boxes, self._backend.get("box_pos_w")[0], self._backend.get("box_quat_w")[0])

    def _transmit(self, target: Float64) -> None:
        self._advance()  # up to now the old target counted
        self._target = target

    def _disconnect(self) -> None:
        self._backend.close()

    def _time_s(self) -> float:
        return self._origin_s + self._steps * self._backend.physics_dt_s

    def _advance(self) -> None:
        """Move the world up to now. Time beyond `MAX_CATCH_UP_S` is skipped: meanwhile the world stood still."""
        late_s = self.clock.now_s() - self._time_s()
        if late_s > MAX_CATCH_UP_S:
            self._origin_s += late_s - MAX_CATCH_UP_S
            late_s = MAX_CATCH_UP_S
        due = math.floor(late_s / self._backend.physics_dt_s + ROUNDING_STEPS)
        if due > 0 and not self._broken:
            self._backend.step(self._target[None, :], due)
            self._steps += due
            self._stop_if_diverged()

    def _stop_if_diverged(self) -> None:
        found = self._backend.divergences()
        if found:
            self._broken = f"the simulated {found[0]}"
            self._gate.estop(self._broken)

"""Seven servos on a simulated arm, and the boxes on its table."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import BadInputError, RoarmLabError, UnknownNameError
from roarm_lab.emulator.faults import Faults
from roarm_lab.emulator.servo import Servo
from roarm_lab.robots.perception import check_pose
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.robot import Joint, Robot
from roarm_lab.sim.backend import BOX_POSE, BOX_SPEED, JOINT_FORCE, Box, SimConfig
from roarm_lab.sim.table import make_backend

PHYSICS_DT_S = 0.005
MECHANICAL_STOPS_RAD = {
    "base": (-3.2, 3.2),
    "shoulder": (-1.62, 1.62),
    "elbow": (-1.0, 3.15),
    "wrist": (-1.62, 1.62),
    "roll": (-3.2, 3.2),
    "gripper": (0.0, 2.07),
}
"""Where the parts meet: just past what the firmware can command. The gripper's are the closed jaws, and the open stop
that users report near 1.1 rad on the wire. The others are guesses."""
FOLDED_RAD = (0.0, -1.62, 3.15, 0.58, 0.0, 0.0)
"""Laid back and folded: a pose that an arm without power keeps."""
GEAR_DRAG_NMS_PER_RAD = 0.1
"""Viscous drag of a servo that is switched off. Guess."""
SERVOS = (  # id, joint, direction, position that reads at joint angle 0
    (11, 0, -1, 2048.0),
    (12, 1, 1, 2048.0),
    (13, 1, -1, 2048.0),
    (14, 2, 1, 1024.0),
    (15, 3, 1, 2048.0),
    (16, 4, -1, 2048.0),
    (17, 5, -1, 2048.0),
)


def limp(robot: Robot) -> Robot:
    """Return the robot with its mechanical stops as ranges and with motors that do nothing.

    Drag and dry friction of the gears stay; the emulator's own servos come on top as joint torques.
    """
    return replace(robot, joints=tuple(_limp_joint(joint) for joint in robot.joints), keyframes=())


def _limp_joint(joint: Joint) -> Joint:
    lower, upper = MECHANICAL_STOPS_RAD[joint.name]
    nothing = 1e-9
    servo = replace(
        joint.servo,
        stiffness_nm_per_rad=nothing,
        stall_torque_nm=nothing,
        no_load_speed_rad_s=nothing / GEAR_DRAG_NMS_PER_RAD,
        deadband_rad=0.0,
        torque_fraction=1.0,
    )
    return replace(joint, lower_rad=lower, upper_rad=upper, target_past_lower_rad=0.0, servo=servo)


class ServoWorld:
    """The arm's body: physics at 200 Hz with the servos' torques. It survives every reset of the board."""

    def __init__(
        self,
        *,
        boxes: tuple[Box, ...] = (),
        start_joint_pos: ArrayLike = FOLDED_RAD,
        config: SimConfig | None = None,
    ) -> None:
        """Put the arm down, its servos limp.

        Args:
            boxes: Cubes on the table.
            start_joint_pos: Joint angles [joint] rad before the power is switched on.
            config: Further settings of the simulation.
        """
        start = np.asarray(start_joint_pos, dtype=np.float64)
        if start.shape != (len(ROARM_M3.joints),) or not np.isfinite(start).all():
            raise BadInputError(f"start_joint_pos must be {len(ROARM_M3.joints)} finite angles, got {start_joint_pos}.")
        settings = replace(config or SimConfig(), threads=1, physics_dt_s=PHYSICS_DT_S)
        settings = replace(settings, boxes=(*settings.boxes, *boxes))
        self.robot = limp(ROARM_M3)
        self.boxes = tuple(box.name for box in settings.boxes)
        """Names of the boxes on the table."""
        self.servos = {servo: Servo(servo, sign, zero) for servo, _, sign, zero in SERVOS}
        """By the id of their place on the arm, 11 to 17."""
        self.faults = Faults()
        self.steps = 0
        """Physics steps made."""
        self._backend = make_backend(self.robot, 1, settings)
        self._backend.reset(None, start[None])
        for servo, joint, _, _ in SERVOS:
            self.servos[servo].follow(float(start[joint]))

    @property
    def time_s(self) -> float:
        """How far the physics is."""
        return self.steps * PHYSICS_DT_S

    @property
    def joint_pos(self) -> Float64:
        """True joint angles [joint] rad, in the order and the signs of this project (gripper 0 closed)."""
        return np.asarray(self._backend.get("joint_pos")[0], dtype=np.float64)

    def step(self) -> None:
        """Make one step of physics.

        Raises:
            RoarmLabError: The simulation diverged.
        """
        angles, speeds = self._backend.get("joint_pos")[0].tolist(), self._backend.get("joint_vel")[0].tolist()
        torque_nm = [0.0] * len(angles)
        for servo, joint, _, _ in SERVOS:
            one = self.servos[servo]
            one.write_power(on=not (self.faults.bus_unpowered or servo in self.faults.dead_servos))
            torque_nm[joint] += one.advance(angles[joint], speeds[joint], PHYSICS_DT_S)
        self._backend.set(JOINT_FORCE, np.asarray([torque_nm]))
        self._backend.step(np.zeros((1, len(angles))), 1)
        self.steps += 1
        if self.steps % 200 == 0 and (found := self._backend.divergences()):
            raise RoarmLabError(f"The emulated arm's {found[0]}.")

    def box_pose(self, name: str) -> tuple[Float64, Float64]:
        """Return position [3] m in the world and quaternion wxyz of a box, as a perfect camera sees it.

        Raises:
            UnknownNameError: No box has that name.
        """
        self._check_box(name)
        pose = np.asarray(self._backend.get(BOX_POSE + name)[0], dtype=np.float64)
        return pose[:3], pose[3:]

    def touching(self) -> NDArray[np.bool_]:
        """Return whether a jaw touches a box [box, jaw], in the order of `boxes`."""
        return np.asarray(self._backend.get("touching")[0], dtype=np.bool_)

    def place_box(self, name: str, pos_w: ArrayLike, quat_w: ArrayLike = (1.0, 0.0, 0.0, 0.0)) -> None:
        """Put a box, at rest, at a position [3] m in the world, turned as a quaternion wxyz says.

        Raises:
            UnknownNameError: No box has that name.
            BadInputError: The pose is not finite, or not a position and a quaternion of length 1.
        """
        self._check_box(name)
        pose = np.concatenate([np.asarray(pos_w, dtype=np.float64), np.asarray(quat_w, dtype=np.float64)])
        check_pose(name, pose)
        self._backend.set(BOX_POSE + name, pose[None])
        self._backend.set(BOX_SPEED + name, np.zeros((1, 6)))

    def close(self) -> None:
        """Free the simulation."""
        self._backend.close()

    def _check_box(self, name: str) -> None:
        if name not in self.boxes:
            raise UnknownNameError("box", name, self.boxes)

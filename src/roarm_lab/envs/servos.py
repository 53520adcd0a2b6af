"""What lies between the joints of the simulator and what an arm measures and is told: zero errors and delay.

The policy, the limits and forward kinematics know measured angles alone, as on an arm.
"""

import math

import numpy as np

from roarm_lab.core.arrays import Array, Float32, Int
from roarm_lab.envs.config import EnvConfig
from roarm_lab.mdp.events import ActionDelay
from roarm_lab.sim.backend import Backend

PARTS = 5
"""Into how many parts a control step is cut when targets are late: 10 ms at 20 Hz."""


class Servos:
    """The servos of all worlds. Without zero errors and delay, a target goes straight to the simulator."""

    def __init__(self, config: EnvConfig, backend: Backend) -> None:
        self._backend, self._substeps = backend, config.substeps
        longest_s = max(
            (term.delay_s.high for term in config.events.values() if isinstance(term, ActionDelay)), default=0
        )
        self._parts = min(PARTS, config.substeps)
        self._part_s = config.control_dt_s / self._parts
        self._oldest = math.ceil(round(longest_s / self._part_s) / self._parts)
        """How many control steps back the oldest target lies that may still be on its way."""
        self._lower = np.asarray([joint.lower_rad for joint in config.robot.joints], dtype=np.float32)
        self._upper = np.asarray([joint.upper_rad for joint in config.robot.joints], dtype=np.float32)
        n, joints = backend.num_envs, len(config.robot.joints)
        self._late = np.zeros(n, dtype=np.int64)
        self._sent = np.zeros((self._oldest + 1, n, joints), dtype=np.float32)
        """True targets, the newest first."""
        self._offset: Float32 | None = None

    def set_offset(self, offset_rad: Float32, rows: Int) -> None:
        """Set measured minus true angles [env, joint] rad of worlds `rows`."""
        old = np.zeros_like(offset_rad) if self._offset is None else self._offset
        self._offset = old.copy()
        self._offset[rows] = offset_rad[rows]

    def set_delay(self, delay_s: Float32, rows: Int) -> None:
        """Set how late targets are [env, 1] s in worlds `rows`, to the nearest part of a control step."""
        self._late[rows] = np.round(delay_s[rows, 0] / self._part_s).astype(np.int64)

    def start(self, rows: Int, joint_pos: Float32) -> None:
        """Put worlds `rows` at rest where joint angles [env, joint] rad are measured, or at the nearest limit."""
        true = joint_pos[rows]
        if self._offset is not None:
            true = np.minimum(np.maximum(true - self._offset[rows], self._lower), self._upper)
        self._backend.reset(rows, true)
        self._sent[:, rows] = true

    def step(self, target: Float32) -> None:
        """Send measured targets [env, joint] rad and let a control step go by."""
        if self._offset is not None:
            target = target - self._offset
        self._backend.step(self._arriving(target) if self._oldest else target, self._substeps)

    def joint_pos(self) -> Array:
        """Return the measured joint angles [env, joint] rad."""
        true = self._backend.get("joint_pos")
        return true if self._offset is None else true + self._offset

    def _arriving(self, target: Float32) -> Float32:
        """Return what the servos follow in each part of the control step [part, env, joint]."""
        self._sent = np.concatenate((target[None], self._sent[:-1]))
        parts = np.arange(self._parts)[:, None]
        age = (self._late - parts + self._parts - 1) // self._parts
        return self._sent[np.maximum(age, 0), np.arange(len(target))]

"""What lies between the joints of the simulator and what an arm measures and is told: zero errors and delays.

The policy, the limits and forward kinematics know measured angles alone, as on an arm.
"""

import math

from roarm_lab.core.arrays import Array, array_namespace, asarray_like, device, pick, put
from roarm_lab.envs.config import EnvConfig
from roarm_lab.mdp.events import ActionDelay, MeasurementDelay
from roarm_lab.sim.backend import Backend

PARTS = 5
"""Into how many parts a control step is cut when targets are late: 10 ms at 20 Hz."""


class Servos:
    """The servos of all worlds. Without zero errors and delays, targets and angles pass straight through."""

    def __init__(self, config: EnvConfig, backend: Backend) -> None:
        self._backend, self._substeps = backend, config.substeps
        self._parts = min(PARTS, config.substeps)
        self._step_s, self._part_s = config.control_dt_s, config.control_dt_s / self._parts
        self._oldest = math.ceil(round(_longest_s(config, ActionDelay) / self._part_s) / self._parts)
        """How many control steps back the oldest target lies that may still be on its way."""
        blank = backend.get("joint_pos")
        xp = self._xp = array_namespace(blank)
        self._lower = asarray_like([joint.lower_rad for joint in config.robot.joints], blank)
        self._upper = asarray_like([joint.upper_rad for joint in config.robot.joints], blank)
        self._worlds = xp.arange(backend.num_envs, device=device(blank))
        self._late = xp.zeros_like(self._worlds)
        self._sent = xp.zeros((self._oldest + 1, *blank.shape), dtype=blank.dtype, device=device(blank))
        """True targets, the newest first."""
        self._oldest_seen = math.ceil(round(_longest_s(config, MeasurementDelay) / self._step_s, 6))
        """How many control steps back the oldest angle lies that may still be measured."""
        self._age = xp.zeros_like(blank[:, 0])
        """How old measured angles are [env], in control steps."""
        self._past = xp.zeros((self._oldest_seen + 1, *blank.shape), dtype=blank.dtype, device=device(blank))
        """True angles at the ends of control steps, the newest first."""
        self._offset: Array | None = None

    def carried(self) -> tuple[Array, Array, Array, Array, Array | None]:
        """Return the arrays that a step leaves for the next one."""
        return self._late, self._sent, self._age, self._past, self._offset

    def carry(self, arrays: tuple[Array, Array, Array, Array, Array | None]) -> None:
        """Go on from other arrays."""
        self._late, self._sent, self._age, self._past, self._offset = arrays

    def set_offset(self, offset_rad: Array, rows: Array) -> None:
        """Set measured minus true angles [env, joint] rad of worlds `rows` (see `chosen`, here as below)."""
        old = self._xp.zeros_like(offset_rad) if self._offset is None else self._offset
        self._offset = put(self._xp.asarray(old, copy=True), rows, pick(offset_rad, rows))

    def set_delay(self, delay_s: Array, rows: Array) -> None:
        """Set how late targets are [env, 1] s in worlds `rows`, to the nearest part of a control step."""
        late = self._xp.round(pick(delay_s, rows)[:, 0] / self._part_s)
        self._late = put(self._late, rows, self._xp.astype(late, self._late.dtype))

    def set_measurement_delay(self, delay_s: Array, rows: Array) -> None:
        """Set how old angles are [env, 1] s when they are measured in worlds `rows`."""
        self._age = put(self._age, rows, pick(delay_s, rows)[:, 0] / self._step_s)

    def start(self, rows: Array, joint_pos: Array) -> None:
        """Put worlds `rows` at rest where joint angles [env, joint] rad are measured, or at the nearest limit."""
        true = pick(joint_pos, rows)
        if self._offset is not None:
            true = true - pick(self._offset, rows)
            true = self._xp.minimum(self._xp.maximum(true, self._lower), self._upper)
        self._backend.reset(rows, true)
        self._sent = put(self._sent, rows, true, axis=1)
        if self._oldest_seen:
            self._past = put(self._past, rows, pick(self._backend.get("joint_pos"), rows), axis=1)

    def step(self, target: Array) -> None:
        """Send measured targets [env, joint] rad and let a control step go by."""
        if self._offset is not None:
            target = target - self._offset
        self._backend.step(self._arriving(target) if self._oldest else target, self._substeps)
        if self._oldest_seen:
            self._past = self._xp.concat((self._backend.get("joint_pos")[None], self._past[:-1]))

    def joint_pos(self) -> Array:
        """Return the measured joint angles [env, joint] rad."""
        true = self._delayed() if self._oldest_seen else self._backend.get("joint_pos")
        return true if self._offset is None else true + self._offset

    def _arriving(self, target: Array) -> Array:
        """Return what the servos follow in each part of the control step [part, env, joint]."""
        self._sent = self._xp.concat((target[None], self._sent[:-1]))
        parts = self._xp.arange(self._parts, device=device(self._late))[:, None]
        age = (self._late - parts + self._parts - 1) // self._parts
        return self._sent[age * (age > 0), self._worlds]

    def _delayed(self) -> Array:
        """Return the true angles [env, joint] rad of a while ago, on straight lines between ends of control steps."""
        xp = self._xp
        whole = xp.floor(self._age)
        newer = xp.astype(whole, self._late.dtype)
        older = newer + xp.astype(newer < self._oldest_seen, newer.dtype)
        recent = self._past[newer, self._worlds]
        return recent + (self._age - whole)[:, None] * (self._past[older, self._worlds] - recent)


def _longest_s(config: EnvConfig, kind: type[ActionDelay] | type[MeasurementDelay]) -> float:
    return max((term.delay_s.high for term in config.events.values() if isinstance(term, kind)), default=0.0)

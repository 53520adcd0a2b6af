"""An arm whose servos follow at once, and whose readings and joints can be made to fail."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from roarm_lab.core.arrays import Float64
from roarm_lab.core.clock import Clock, SimulatedClock
from roarm_lab.robots.arm import ArmSample, GatedArm
from roarm_lab.robots.perception import Sight
from roarm_lab.robots.roarm_m3 import ROARM_M3

Fault = Callable[[float], ArmSample | None]
"""Time on the arm's clock to the reading to give instead; None for a good one."""
Look = Callable[[float], Sight]
"""Time on the arm's clock to what is seen."""


class PerfectArm(GatedArm):
    """Keeps what was transmitted. Joints in `stuck` never move. With `look` it has a camera."""

    def __init__(
        self,
        start: ArrayLike,
        *,
        clock: Clock | None = None,
        fault: Fault = lambda time_s: None,
        stuck: tuple[str, ...] = (),
        look: Look | None = None,
    ) -> None:
        clock = clock or SimulatedClock(start_s=100.0)
        self.pose = np.asarray(start, dtype=np.float64)
        self.fault, self.look = fault, look
        if look:
            self.provides = self.provides | {"perception"}
        self.targets: list[Float64] = []
        self._free = np.array([name not in stuck for name in ROARM_M3.joint_names])
        super().__init__(ROARM_M3, clock, ArmSample.of(clock.now_s(), self.pose))

    def _read(self) -> ArmSample:
        now_s = self.clock.now_s()
        return self.fault(now_s) or ArmSample.of(now_s, self.pose)

    def _see(self) -> Sight:
        return self.look(self.clock.now_s()) if self.look else super()._see()

    def _transmit(self, target: Float64) -> None:
        self.targets.append(target)
        self.pose = np.where(self._free, target, self.pose)

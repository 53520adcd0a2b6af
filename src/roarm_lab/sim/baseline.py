"""The yardstick of speed: bare `mj_step`, replaying the very states and controls of an environment's run."""

import threading
import time

import mujoco
import numpy as np
from numpy.typing import NDArray

from roarm_lab.core.errors import BadInputError
from roarm_lab.sim.mujoco_cpu import MujocoCpu

INTEGRATION = mujoco.mjtState.mjSTATE_INTEGRATION.value


class RawReplay:
    """Keeps what worlds looked like before each control step, and steps the same again without an environment."""

    def __init__(self, backend: MujocoCpu, substeps: int) -> None:
        self._backend, self._substeps = backend, substeps
        names = [backend.model.actuator(index).name for index in range(backend.model.nu)]
        self._order = [backend.robot.joint_names.index(name) for name in names]
        self._rows: list[NDArray[np.float64]] = []
        self._targets: list[NDArray[np.float32]] = []

    def keep(self) -> None:
        """Remember the present state of all worlds."""
        self._rows.append(self._backend.batch.state.copy())

    def keep_target(self, joint_target: NDArray[np.float32]) -> None:
        """Remember the joint targets [env, joint] rad that the state kept last was then stepped with."""
        self._targets.append(joint_target)

    def physics_steps_per_s(self, threads: int) -> float:
        """Return the physics steps per second of `threads` simultaneous threads, and forget what was kept.

        Only the time inside `mj_step(model, data, substeps)` counts, not the writing of states between calls.

        Raises:
            BadInputError: Nothing has been kept since the last call.
        """
        if not self._targets:
            raise BadInputError("Nothing has been kept: call keep() before and keep_target() after each step.")
        rows, targets = np.concatenate(self._rows), np.concatenate(self._targets)
        self._rows.clear()
        self._targets.clear()
        shares = list(zip(np.array_split(rows, threads), np.array_split(targets, threads), strict=True))
        seconds = [0.0] * threads
        gate = threading.Barrier(threads)
        workers = [
            threading.Thread(target=self._replay, args=(share, gate, seconds, index))
            for index, share in enumerate(shares)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return sum(len(share[0]) * self._substeps / spent for share, spent in zip(shares, seconds, strict=True))

    def _replay(
        self,
        share: tuple[NDArray[np.float64], NDArray[np.float32]],
        gate: threading.Barrier,
        seconds: list[float],
        index: int,
    ) -> None:
        model, substeps = self._backend.model, self._substeps
        data = mujoco.MjData(model)
        spent = 0.0
        gate.wait()
        for row, target in zip(*share, strict=True):
            mujoco.mj_setState(model, data, row, INTEGRATION)
            data.ctrl[:] = target[self._order]
            began = time.perf_counter()
            mujoco.mj_step(model, data, substeps)
            spent += time.perf_counter() - began
        seconds[index] = spent

"""The yardstick of speed on a GPU: bare steps of MuJoCo Warp, replaying states and targets of an environment's run."""

import time

from roarm_lab.core.arrays import Array
from roarm_lab.core.errors import BadInputError
from roarm_lab.sim.mujoco_warp import MujocoWarp


class WarpReplay:
    """Keeps what worlds looked like before each control step, and steps the same again without an environment."""

    def __init__(self, backend: MujocoWarp, substeps: int) -> None:
        self._backend, self._substeps = backend, substeps
        self._states: list[dict[str, Array]] = []
        self._targets: list[Array] = []

    def keep(self) -> None:
        """Remember the present state of all worlds."""
        self._states.append(self._backend.physics_state())

    def keep_target(self, joint_target: Array) -> None:
        """Remember the joint targets [env, joint] rad that the state kept last was then stepped with."""
        self._targets.append(joint_target.clone())

    def physics_steps_per_s(self, threads: int) -> float:
        """Return the physics steps per second of all worlds together, and forget what was kept.

        Only the time of the steps counts, not the writing of states between them. The worlds go on from where they
        were. `threads` means nothing here.

        Raises:
            BadInputError: Nothing has been kept since the last call.
        """
        del threads
        if not self._targets:
            raise BadInputError("Nothing has been kept: call keep() before and keep_target() after each step.")
        now, spent_s = self._backend.physics_state(), 0.0
        for state, target in zip(self._states, self._targets, strict=True):
            self._backend.set_physics_state(state)
            self._backend.wait()
            began_s = time.perf_counter()
            self._backend.physics(target, self._substeps)
            self._backend.wait()
            spent_s += time.perf_counter() - began_s
        self._backend.set_physics_state(now)
        steps = len(self._targets) * self._backend.num_envs * self._substeps
        self._states.clear()
        self._targets.clear()
        return steps / spent_s

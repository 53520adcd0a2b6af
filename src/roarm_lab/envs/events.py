"""Carries out event terms: draws their random numbers and writes what they say into the simulator."""

import numpy as np

from roarm_lab.core.arrays import Float32, Int
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.state import State
from roarm_lab.envs.config import EnvConfig
from roarm_lab.mdp.events import BOX_POSE, MODEL_FIELD, ScaleModel
from roarm_lab.mdp.scene import Scene
from roarm_lab.sim.backend import Backend


class Events:
    """The event terms of a task, bound to a simulator.

    Random numbers are drawn for every world, so that a world's luck does not depend on the others.
    """

    def __init__(self, config: EnvConfig, scene: Scene, backend: Backend) -> None:
        self._backend, self._num_envs = backend, backend.num_envs
        self._zero = np.asarray(config.robot.keyframe("zero"), dtype=np.float32)
        for term in config.events.values():
            if isinstance(term, ScaleModel):
                backend.model_field(term.field)  # an unknown name shows here, not at the first reset
        bound = [(term, term.draws(scene), term.bind(scene)) for term in config.events.values()]
        self._startup = [(draws, function) for term, draws, function in bound if term.mode == "startup"]
        self._reset = [(draws, function) for term, draws, function in bound if term.mode == "reset"]
        self._interval = [
            (max(round(term.interval_s / config.control_dt_s), 1), draws, function)
            for term, draws, function in bound
            if term.mode == "interval"
        ]

    def startup(self, rng: np.random.Generator, state: State) -> None:
        """Carry out what happens once per seed. Only the physical model can be changed here: no episode has begun."""
        for draws, function in self._startup:
            for field, values in function(self._random(rng, draws), state).items():
                if not field.startswith(MODEL_FIELD):
                    raise BadInputError(f"An event in mode 'startup' can change the model only, not {field!r}.")
                self._backend.scale_model(field.removeprefix(MODEL_FIELD), values)

    def reset(self, rng: np.random.Generator, state: State, rows: Int) -> None:
        """Put worlds `rows` at rest in their start pose, boxes in theirs, and do what else happens at a reset."""
        joint_pos = np.tile(self._zero, (self._num_envs, 1))
        poses: dict[str, Float32] = {}
        for draws, function in self._reset:
            for field, values in function(self._random(rng, draws), state).items():
                if field.startswith(MODEL_FIELD):
                    self._backend.scale_model(field.removeprefix(MODEL_FIELD), values[rows], rows)
                elif field == "joint_pos":
                    joint_pos = values
                elif field.startswith(BOX_POSE):
                    poses[field] = values
                else:
                    raise BadInputError(f"An event in mode 'reset' can not change {field!r}.")
        self._backend.reset(rows, joint_pos[rows])
        for field, values in poses.items():
            self._backend.set(field, values[rows], rows)

    def interval(self, rng: np.random.Generator, state: State, step: int) -> None:
        """Carry out what happens every so often, in all worlds; `step` counts control steps since they were reset."""
        for every, draws, function in self._interval:
            if step % every:
                continue
            for field, values in function(self._random(rng, draws), state).items():
                if field != "joint_vel_added":
                    raise BadInputError(f"An event in mode 'interval' can not change {field!r}.")
                self._backend.set("joint_vel", self._backend.get("joint_vel") + values)

    def _random(self, rng: np.random.Generator, draws: int) -> Float32:
        return rng.random((self._num_envs, draws), dtype=np.float32)

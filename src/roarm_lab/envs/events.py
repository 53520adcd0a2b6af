"""Carries out event terms: draws their random numbers and writes what they say into the simulator."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from roarm_lab.core.arrays import Array, array_namespace, asarray_like, chosen, pick
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.random_streams import RandomStream
from roarm_lab.core.state import State
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.servos import Servos
from roarm_lab.envs.state import SimState
from roarm_lab.mdp.effects import (
    ActionDelayEffect,
    BoxPoseEffect,
    Effect,
    JointOffsetEffect,
    MeasurementDelayEffect,
    PushEffect,
    ScaleModelEffect,
    StartPoseEffect,
)
from roarm_lab.mdp.events import RandomizingTerm, ScaleModel
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import EventFn, EventTerm
from roarm_lab.sim.backend import BOX_POSE, Backend


class Bound(NamedTuple):
    """An event term, bound to a scene."""

    name: str
    term: EventTerm
    draws: int
    happen: EventFn


class Events:
    """The event terms of a task, bound to a simulator.

    Random numbers are drawn for every world, so that what one world draws does not depend on the others.
    """

    def __init__(self, config: EnvConfig, scene: Scene, backend: Backend, servos: Servos) -> None:
        self._backend, self._servos, self._num_envs = backend, servos, backend.num_envs
        blank = backend.get("joint_pos")
        xp = array_namespace(blank)
        self._zero = xp.zeros_like(blank) + asarray_like(config.robot.keyframe("zero"), blank)
        self._everybody = chosen(xp.ones_like(blank[:, 0], dtype=xp.bool))
        self._boxes = bool(config.sim.boxes)
        for term in config.events.values():
            if isinstance(term, ScaleModel):
                backend.model_field(term.field, term.names)  # an unknown name shows here, not at the first reset
        bound = [Bound(name, term, term.draws(scene), term.bind(scene)) for name, term in config.events.items()]
        self._startup = [event for event in bound if event.term.mode == "startup"]
        self._reset = [event for event in bound if event.term.mode == "reset"]
        self._interval = [
            (max(round(event.term.interval_s / config.control_dt_s), 1), event)
            for event in bound
            if event.term.mode == "interval"
        ]
        self.drawn: dict[str, Array] = {}
        """What each randomising event drew [env, number] when all worlds began, by the event's name."""

    @property
    def has_intervals(self) -> bool:
        """Whether anything happens in the middle of episodes, every so many steps."""
        return bool(self._interval)

    def startup(self, rng: RandomStream, state: State) -> None:
        """Carry out what happens once per seed. Only the physical model can be changed here: no episode has begun."""
        self.drawn = {}
        for event in self._startup:
            effect = event.happen(self._random(rng, event.draws), state)
            if not isinstance(effect, ScaleModelEffect):
                raise BadInputError(f"An event in mode 'startup' can change the model only: {_named(event, effect)}.")
            self._randomize(event, effect, self._everybody)

    def reset(self, rng: RandomStream, state: SimState, rows: Array) -> None:
        """Put worlds `rows` at rest in their start pose, boxes in theirs, and do what else happens at a reset.

        What a world is like comes first: where a box lies depends on how large it is.
        """
        numbers = [(event, self._random(rng, event.draws)) for event in self._reset]
        for event, random in numbers:
            if isinstance(event.term, RandomizingTerm):
                self._randomize(event, event.happen(random, state), rows)
        if self._boxes:
            state = replace(state, box_scale=self._backend.get("box_scale"))
        start = [
            (event, event.happen(random, state))
            for event, random in numbers
            if not isinstance(event.term, RandomizingTerm)
        ]
        self._put(start, rows)

    def _put(self, start: Sequence[tuple[Bound, Effect]], rows: Array) -> None:
        """Put the arms of worlds `rows` at rest, then their boxes."""
        joint_pos, boxes = self._zero, list[BoxPoseEffect]()
        for event, effect in start:
            match effect:
                case StartPoseEffect():
                    joint_pos = effect.values
                case BoxPoseEffect():
                    boxes.append(effect)
                case _:
                    raise BadInputError(
                        f"An event in mode 'reset' can place the arm and boxes: {_named(event, effect)}."
                    )
        self._servos.start(rows, joint_pos)
        for effect in boxes:
            self._backend.set(BOX_POSE + effect.box, pick(effect.values, rows), rows)

    def _randomize(self, event: Bound, effect: Effect, rows: Array) -> None:
        """Make worlds `rows` differ as an event says."""
        values = effect.values
        match effect:
            case ScaleModelEffect():
                self._backend.scale_model(effect.field, pick(values, rows), rows, effect.names)
            case JointOffsetEffect():
                self._servos.set_offset(values, rows)
            case ActionDelayEffect():
                self._servos.set_delay(values, rows)
            case MeasurementDelayEffect():
                self._servos.set_measurement_delay(values, rows)
            case _:
                raise BadInputError(f"A randomising event can change what worlds are like: {_named(event, effect)}.")
        if len(rows) == self._num_envs:
            self.drawn.setdefault(event.name, values)

    def interval(self, rng: RandomStream, state: State, step: int) -> None:
        """Carry out what happens every so often, in all worlds; `step` counts control steps since they were reset."""
        for every, event in self._interval:
            if step % every:
                continue
            effect = event.happen(self._random(rng, event.draws), state)
            if not isinstance(effect, PushEffect):
                raise BadInputError(f"An event in mode 'interval' can push joints only: {_named(event, effect)}.")
            self._backend.set("joint_vel", self._backend.get("joint_vel") + effect.values)

    def _random(self, rng: RandomStream, draws: int) -> Array:
        return rng.uniform(self._num_envs, draws)


def _named(event: Bound, effect: Effect) -> str:
    return f"{event.name!r} gives {type(effect).__name__}"

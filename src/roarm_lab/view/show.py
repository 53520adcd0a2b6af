"""A policy playing episodes in one simulated world, moment by moment: what live pages, films and replays show.

Episode k of a seed is the same in all of them, whatever was played before it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Protocol

import numpy as np

from roarm_lab.core.arrays import Float32, Float64
from roarm_lab.core.random_streams import seed_for
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env
from roarm_lab.evaluation.episode_player import Infer, Step, play
from roarm_lab.evaluation.outcomes import Outcome, outcome_of
from roarm_lab.sim.geometry import Geometry
from roarm_lab.sim.renderer import MARKER_RADIUS_M

POINT = 3
"""A command of three numbers is a position in the world."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What there is to see at one time."""

    time_s: float
    """Since the episode began."""
    qpos: Float64
    """Positions of everything [qpos]."""
    markers: Mapping[str, Float32]
    """Name to position [3] m in the world."""
    distance_m: float
    """How far off it is."""
    held_s: float
    """For how long the task has been done without a break."""
    box_scale: Mapping[str, float] = field(default_factory=dict[str, float])
    """How large boxes are against their size in the model, by name; 1 where nothing is said."""
    outcome: Outcome | None = None
    """In the last moment of an episode."""


@dataclass(frozen=True)
class Marker:
    """A ball that shows a commanded position; where it can, its radius is how near counts."""

    name: str
    radius_m: float


class Show(Protocol):
    """What can be watched: episodes by number, and the world they happen in."""

    config: EnvConfig
    geometry: Geometry
    markers: tuple[Marker, ...]
    tip_site: str

    @property
    def dt_s(self) -> float:
        """Time between two moments."""
        ...

    def play(self, number: int) -> Iterator[Moment]:
        """Yield the moments of episode `number`."""
        ...


class PolicyShow:
    """One world, one policy. Use it as a context."""

    def __init__(self, infer: Infer, config: EnvConfig, seed: int = 0) -> None:
        """Make the world.

        Args:
            infer: The policy.
            config: The task.
            seed: Seed of starts and goals.
        """
        self.config, self._infer, self._seed = config, infer, seed
        one = replace(config, random_age=False, sim=replace(config.sim, threads=1))
        self._env = Env(one, 1, autoreset=False)
        self._distance = config.success.distance(self._env.scene)
        self.geometry = Geometry.of_backend(self._env.backend)
        self.markers = markers_of(config)
        self.tip_site = config.described.site
        """The site whose path is worth a line."""

    def __enter__(self) -> "PolicyShow":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._env.close()

    @property
    def dt_s(self) -> float:
        """Time between two moments."""
        return self.config.control_dt_s

    def play(self, number: int) -> Iterator[Moment]:
        """Yield the moments of episode `number` as they happen: the start, then one per control step."""
        for step in play(self._env, self._infer, seed=seed_for(self._seed, "episode", number)):
            yield self._moment(step)

    def _moment(self, step: Step) -> Moment:
        scales = self._env.backend.get("box_scale")[0].tolist()
        return Moment(
            time_s=float(step.state.episode_time_s[0]),
            qpos=np.asarray(self._env.backend.get("qpos")[0], dtype=np.float64),
            markers={marker.name: np.asarray(step.state.commands[marker.name][0]) for marker in self.markers},
            distance_m=float(self._distance(step.state)[0]),
            held_s=int(step.held_steps[0]) * self.dt_s,
            box_scale=dict(zip((box.name for box in self.config.sim.boxes), scales, strict=True)),
            outcome=None if step.ended is None else outcome_of(step.ended, self.config),
        )


def markers_of(config: EnvConfig) -> tuple[Marker, ...]:
    """Return a marker for every command that is a position."""
    goal, within_m = config.described.command, config.described.within_m
    return tuple(
        Marker(name, within_m if name == goal and within_m is not None else MARKER_RADIUS_M)
        for name, term in config.commands.items()
        if term.size == POINT
    )

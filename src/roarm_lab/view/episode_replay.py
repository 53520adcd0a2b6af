"""The episodes of an evaluation once more, moment by moment, so that its failures can be looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Bool, Float64
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env
from roarm_lab.envs.episodes import Episodes
from roarm_lab.evaluation.episode_player import Infer, Step, first_episodes
from roarm_lab.evaluation.evaluate import MAX_WORLDS, Evaluation, worlds_of
from roarm_lab.evaluation.outcomes import Outcome, outcome_of
from roarm_lab.sim.geometry import Geometry
from roarm_lab.view.show import Marker, Moment, markers_of

FAILURES, EPISODES = 4, 12
"""How many failures are shown, and how many episodes in all."""


@dataclass(frozen=True, kw_only=True)
class Episode:
    """An episode that is worth a look."""

    number: int
    """Which of the evaluation, from 0."""
    moments: Sequence[Moment]
    touching: Bool | None
    """Whether a jaw touched the box [moment]; None in a task without a box, as below."""
    risen_m: Float64 | None
    """How far the box was above where it lay at first [moment]."""

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        outcome = self.moments[-1].outcome
        assert outcome is not None
        return outcome


@dataclass(frozen=True, kw_only=True)
class ReplayedEpisodes:
    """What was played, and the episodes that are worth a look: failures first."""

    played: int
    successes: int
    geometry: Geometry
    markers: tuple[Marker, ...]
    episodes: tuple[Episode, ...]
    """At most `EPISODES`; first up to `FAILURES` failures, as different as there are, then successes."""


def replay_episodes(infer: Infer, config: EnvConfig, found: Evaluation) -> ReplayedEpisodes:
    """Return the first episodes of an evaluation (up to 1000, to the same numbers where machine and versions agree).

    Args:
        infer: The policy that was evaluated.
        config: The task, randomised as it was.
        found: The evaluation.
    """
    env = worlds_of(config, min(found.episodes, MAX_WORLDS), seed=found.seed, autoreset=False)
    try:
        recorder = _MomentRecorder(env)
        ended = first_episodes(env, infer, recorder.observe)
        chosen = _worth_a_look(ended, config)
        return ReplayedEpisodes(
            played=env.num_envs,
            successes=int(ended.success.sum()),
            geometry=Geometry.of_backend(env.backend),
            markers=markers_of(config),
            episodes=tuple(recorder.episode(world, ended.pick(np.array([world]))) for world in chosen),
        )
    finally:
        env.close()


def _worth_a_look(ended: Episodes, config: EnvConfig) -> list[int]:
    """Return worlds: failures, one of each kind before a second of any, then successes, then more failures."""
    failed = [int(world) for world in np.flatnonzero(~ended.success)]
    kinds: dict[str, list[int]] = {}
    for world in failed:
        kinds.setdefault(outcome_of(ended.pick(np.array([world])), config).words, []).append(world)
    in_turn = sorted((rank, world) for worlds in kinds.values() for rank, world in enumerate(worlds))
    first = [world for _, world in in_turn[:FAILURES]]
    rest = [*map(int, np.flatnonzero(ended.success)), *(world for world in failed if world not in first)]
    return [*first, *rest][:EPISODES]


class _MomentRecorder:
    """Everything that there is to see in many worlds, until the first episode of each has ended."""

    def __init__(self, env: Env) -> None:
        self._env, config = env, env.config
        self._distance = config.success.distance(env.scene)
        self._markers = [marker.name for marker in markers_of(config)]
        name = config.described.box or next(iter(env.scene.boxes), None)
        self._box = None if name is None else env.scene.box(name)
        self._boxes = [box.name for box in config.sim.boxes]
        self._scale = np.ones((env.num_envs, len(self._boxes)))
        """How large the boxes of each world were drawn, against their nominal size."""
        self._rows: list[Mapping[str, Any]] = []

    def observe(self, env: Env, step: Step) -> None:
        """Keep a moment."""
        if step.action is None:
            self._scale = np.array(env.backend.get("box_scale"))
        state = step.state
        row: dict[str, Any] = {
            "time_s": np.array(state.episode_time_s),
            "qpos": np.array(env.backend.get("qpos")),
            "markers": {name: np.array(state.commands[name], dtype=np.float32) for name in self._markers},
            "distance_m": np.array(self._distance(state)),
            "held_s": np.array(step.held_steps) * env.config.control_dt_s,
        }
        if self._box is not None:
            row["height_m"] = np.array(state.box_pos_w[:, self._box, 2])
            row["touching"] = np.array(state.touching[:, self._box]).any(axis=1)
        self._rows.append(row)

    def episode(self, world: int, ended: Episodes) -> Episode:
        """Return one world's episode."""
        rows = self._rows[: int(ended.length[0]) + 1]
        moments = [self._moment(row, world) for row in rows]
        moments[-1] = replace(moments[-1], outcome=outcome_of(ended, self._env.config))
        if self._box is None:
            return Episode(number=world, moments=moments, touching=None, risen_m=None)
        height_m = np.array([row["height_m"][world] for row in rows], dtype=np.float64)
        touching = np.array([row["touching"][world] for row in rows], dtype=np.bool_)
        return Episode(number=world, moments=moments, touching=touching, risen_m=height_m - height_m[0])

    def _moment(self, row: Mapping[str, Any], world: int) -> Moment:
        return Moment(
            time_s=float(row["time_s"][world]),
            qpos=np.asarray(row["qpos"][world], dtype=np.float64),
            markers={name: row["markers"][name][world] for name in self._markers},
            distance_m=float(row["distance_m"][world]),
            held_s=float(row["held_s"][world]),
            box_scale=dict(zip(self._boxes, self._scale[world].tolist(), strict=True)),
        )

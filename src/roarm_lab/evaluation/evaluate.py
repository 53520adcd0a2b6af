"""Run a policy for many fresh episodes and say how often it succeeds, where it fails and why."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from roarm_lab.core.errors import InvalidValueError
from roarm_lab.core.random_streams import seed_for
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env
from roarm_lab.envs.episodes import Episodes
from roarm_lab.evaluation.episode_player import Infer, Observe, first_episodes
from roarm_lab.evaluation.outcomes import failures_by_reason
from roarm_lab.evaluation.statistics import wilson_interval

MAX_WORLDS = 1000
"""Worlds side by side; more would cost memory and gain no speed."""


@dataclass(frozen=True, kw_only=True)
class RegionResult:
    """Success among the episodes of one kind of start."""

    name: str
    range: str
    episodes: int
    successes: int
    success_rate: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The result; `interval` is Wilson's with 95 % confidence."""

    task: str
    seed: int
    successes: int
    episodes: int
    success_rate: float
    interval: tuple[float, float]
    regions: tuple[RegionResult, ...]
    time_to_success_s: Mapping[str, float] | None
    """median and p90 of when the final, unbroken holding began, over successful episodes."""
    final_distance_m: Mapping[str, float]
    """median and p90 over all episodes but diverged ones (whose arm was put back to rest), unless all diverged."""
    reward_per_step: Mapping[str, float]
    """Mean of each reward term, weight included."""
    failures: Mapping[str, int]
    """Failed episodes by reason."""
    diverged: int
    """Episodes in which the simulation blew up (counted as failures)."""
    overflows: Mapping[str, int] = field(default_factory=dict[str, int])
    """In how many worlds the simulator ran out of room or of iterations, by its own names."""

    def to_plain(self) -> dict[str, Any]:
        """Return the result as data for JSON."""
        return asdict(self)


def evaluate(
    infer: Infer,
    config: EnvConfig,
    *,
    episodes: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
    observe: Observe | None = None,
) -> Evaluation:
    """Run `episodes` fresh episodes, one per world, and return what came of them.

    Args:
        infer: The policy, without exploration noise.
        config: The task.
        episodes: How many.
        seed: Seed of all starts and goals; the same seed gives the same episodes.
        progress: Called with the number of finished episodes.
        observe: For recording; see `Observe`.

    Raises:
        InvalidValueError: `episodes` is not positive.
    """
    if episodes < 1:
        raise InvalidValueError("episodes", episodes, "must be 1 or more")
    parts: list[Episodes] = []
    observers = [] if observe is None else [observe]
    overflows: Counter[str] = Counter()
    for first in range(0, episodes, MAX_WORLDS):
        worlds = min(MAX_WORLDS, episodes - first)
        env = worlds_of(config, worlds, seed=seed, first=first)
        try:
            parts.append(first_episodes(env, infer, *observers))
            overflows.update(env.backend.overflows())
        finally:
            env.close()
        if progress is not None:
            progress(first + worlds)
    return replace(_summary(config, seed, parts), overflows=dict(overflows))


def worlds_of(config: EnvConfig, worlds: int, *, seed: int, first: int = 0, autoreset: bool = True) -> Env:
    """Return the worlds in which `evaluate` runs the episodes from number `first` on.

    Args:
        config: The task.
        worlds: How many; the episodes are the same only for the same number.
        seed: Seed of the evaluation.
        first: A multiple of `MAX_WORLDS`.
        autoreset: As in `Env`. Until its first episode ends, a world does not depend on it.
    """
    drawn = seed_for(seed, "batch", first)
    return Env(replace(config, random_age=False), worlds, seed=drawn, autoreset=autoreset)


def _summary(config: EnvConfig, seed: int, parts: list[Episodes]) -> Evaluation:
    ended = Episodes.join(parts)
    successes, episodes = int(ended.success.sum()), len(ended.success)
    steps, whole = np.maximum(ended.length, 1), ~ended.diverged
    times_s = ended.first_step[ended.success] * config.control_dt_s
    return Evaluation(
        task=config.task,
        seed=seed,
        successes=successes,
        episodes=episodes,
        success_rate=successes / episodes,
        interval=wilson_interval(successes, episodes),
        regions=tuple(_regions(config, ended)),
        time_to_success_s=_quantiles(times_s) if successes else None,
        final_distance_m=_quantiles(ended.distance_m[whole if whole.any() else ...]),
        reward_per_step={name: float(np.mean(value / steps)) for name, value in ended.returns.items()},
        failures={reason: int(rows.sum()) for reason, rows in failures_by_reason(ended, config).items() if rows.any()},
        diverged=int(ended.diverged.sum()),
    )


def _quantiles(values: np.ndarray) -> dict[str, float]:
    return {"median": float(np.median(values)), "p90": float(np.quantile(values, 0.9))}


def _regions(config: EnvConfig, ended: Episodes) -> list[RegionResult]:
    rows: list[RegionResult] = []
    for name, region in config.regions.items():
        for index, label in enumerate(region.names):
            inside = ended.regions[name] == index
            successes, episodes = int(ended.success[inside].sum()), int(inside.sum())
            rows.append(
                RegionResult(
                    name=name,
                    range=label,
                    episodes=episodes,
                    successes=successes,
                    success_rate=successes / episodes if episodes else None,
                    interval=wilson_interval(successes, episodes) if episodes else None,
                )
            )
    return rows

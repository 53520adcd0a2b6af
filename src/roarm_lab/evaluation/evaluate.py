"""Run a policy for many fresh episodes and say how often it succeeds, where it fails and why."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Float32, to_numpy
from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env, Episodes
from roarm_lab.evaluation.statistics import wilson_interval

MAX_WORLDS = 1000
"""Worlds side by side; more would cost memory and gain no speed."""

Infer = Callable[[Mapping[str, Float32]], Float32]
"""Actor terms [env, size] to actions [env, step, action]."""

Observe = Callable[[Env, Float32 | None], None]
"""Called with fresh worlds and None when a chunk of episodes begins, then after every step with the actions
[env, action]. Worlds that have ended their episode have begun another one by then, which is not counted."""


@dataclass(frozen=True, kw_only=True)
class Region:
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
    regions: tuple[Region, ...]
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
        BadInputError: `episodes` is not positive.
    """
    if episodes < 1:
        raise BadInputError(f"--episodes must be 1 or more, got {episodes}.")
    parts: list[Episodes] = []
    overflows: Counter[str] = Counter()
    for first in range(0, episodes, MAX_WORLDS):
        worlds = min(MAX_WORLDS, episodes - first)
        env = worlds_of(config, worlds, seed=seed, first=first)
        try:
            parts.append(_one_each(env, infer, observe))
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
    drawn = int(np.random.SeedSequence([seed, first]).generate_state(1)[0])
    return Env(replace(config, random_age=False), worlds, seed=drawn, autoreset=autoreset)


def _one_each(env: Env, infer: Infer, observe: Observe | None) -> Episodes:
    """Return the first episode of every world, in the order of the worlds."""
    seen = env.reset()
    if observe is not None:
        observe(env, None)
    found: list[Episodes] = []
    waiting = np.ones(env.num_envs, dtype=bool)
    while waiting.any():
        action = infer({name: to_numpy(values) for name, values in seen["actor"].items()})[:, 0]
        result = env.step(action)
        if observe is not None:
            observe(env, action)
        seen = result.observations
        if result.episodes is not None:
            fresh = waiting[result.episodes.world]
            found.append(picked(result.episodes, fresh))
            waiting[result.episodes.world] = False
    whole = joined(found)
    return picked(whole, np.argsort(whole.world))


def picked(episodes: Episodes, rows: np.ndarray) -> Episodes:
    """Return only the episodes `rows` (indices or a mask)."""
    chosen: dict[str, Any] = {
        name: {key: item[rows] for key, item in value.items()} if isinstance(value, dict) else value[rows]
        for name, value in _columns(episodes).items()
    }
    return Episodes(**chosen)


def joined(parts: list[Episodes]) -> Episodes:
    """Return all episodes one after another."""
    tables = [_columns(part) for part in parts]
    columns: dict[str, Any] = {
        name: {key: np.concatenate([table[name][key] for table in tables]) for key in value}
        if isinstance(value, dict)
        else np.concatenate([table[name] for table in tables])
        for name, value in tables[0].items()
    }
    return Episodes(**columns)


def _columns(episodes: Episodes) -> dict[str, Any]:
    return vars(episodes)


def _summary(config: EnvConfig, seed: int, parts: list[Episodes]) -> Evaluation:
    ended = joined(parts)
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
        failures=_failures(config, ended),
        diverged=int(ended.diverged.sum()),
    )


def _quantiles(values: np.ndarray) -> dict[str, float]:
    return {"median": float(np.median(values)), "p90": float(np.quantile(values, 0.9))}


def _regions(config: EnvConfig, ended: Episodes) -> list[Region]:
    rows: list[Region] = []
    for name, region in config.regions.items():
        for index, label in enumerate(region.names):
            inside = ended.regions[name] == index
            successes, episodes = int(ended.success[inside].sum()), int(inside.sum())
            rows.append(
                Region(
                    name=name,
                    range=label,
                    episodes=episodes,
                    successes=successes,
                    success_rate=successes / episodes if episodes else None,
                    interval=wilson_interval(successes, episodes) if episodes else None,
                )
            )
    return rows


def _failures(config: EnvConfig, ended: Episodes) -> dict[str, int]:
    """Return failed episodes by reason; every failure has exactly one."""
    failed = ~ended.success
    holding = ended.held_steps > 0
    early = ended.terminated & ~ended.diverged
    rest = failed & ~ended.diverged & ~early
    reasons = {
        "simulation diverged": failed & ended.diverged,
        "ended early": failed & early,
        "never got there": rest & ~ended.reached,
        "got there and left again": rest & ended.reached & ~holding,
        f"got there too late to hold {config.success.hold_s:g} s": rest & holding,
    }
    return {reason: int(rows.sum()) for reason, rows in reasons.items() if rows.any()}

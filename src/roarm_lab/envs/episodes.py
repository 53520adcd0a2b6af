"""Keeps score of every world's episode: how long it has run, what it earned, whether the task is being done."""

from dataclasses import dataclass

import numpy as np

from roarm_lab.core.arrays import Bool, Float32, Int
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.state import State
from roarm_lab.envs.config import EnvConfig
from roarm_lab.mdp.scene import Scene


@dataclass(frozen=True, kw_only=True)
class Episodes:
    """What is known about the episodes that ended in a step, one row each."""

    world: np.ndarray
    """Which world."""
    success: np.ndarray
    """Done, and held to the end."""
    length: np.ndarray
    """Control steps."""
    reached: np.ndarray
    """The condition held at some moment."""
    held_steps: np.ndarray
    """For how many steps it had held without a break when the episode ended."""
    first_step: np.ndarray
    """Step at which the last unbroken holding began; -1 if it did not hold at the end."""
    distance_m: np.ndarray
    """How far off it was at the end."""
    diverged: np.ndarray
    """The simulation blew up."""
    terminated: np.ndarray
    """Ended early by a termination term."""
    returns: dict[str, np.ndarray]
    """Sum of each reward term over the episode, with its weight."""
    regions: dict[str, np.ndarray]
    """Index of the range of each of the config's regions, at the start of the episode."""


class Scores:
    """The present episode of every world, in numbers."""

    def __init__(self, config: EnvConfig, scene: Scene, num_envs: int) -> None:
        self._config, self._num_envs = config, num_envs
        self._rewards = {name: term.bind(scene) for name, term in config.rewards.items()}
        self._success = config.success.bind(scene)
        self._distance = config.success.distance(scene)
        self._regions = {name: region.value(scene) for name, region in config.regions.items()}
        self._hold_steps = round(config.success.hold_s / config.control_dt_s)
        self.step, self._born, self._held = (np.zeros(num_envs, dtype=np.int64) for _ in range(3))
        self._reached = np.zeros(num_envs, dtype=bool)
        self._returns = {name: np.zeros(num_envs, dtype=np.float32) for name in self._rewards}
        self._region = {name: np.zeros(num_envs, dtype=np.int64) for name in self._regions}

    def begin(self, state: State, who: Bool) -> None:
        """Begin at nothing in worlds `who` [env]."""
        self.step, self._born, self._held = (np.where(who, 0, count) for count in (self.step, self._born, self._held))
        self._reached = self._reached & ~who
        self._returns = {name: np.where(who, np.float32(0.0), value) for name, value in self._returns.items()}
        for name, value in self._regions.items():
            index = np.searchsorted(np.asarray(self._config.regions[name].edges), value(state), side="right")
            self._region[name] = np.where(who, index, self._region[name])

    def begin_at(self, step: Int) -> None:
        """Let all episodes begin as if `step` [env] steps had gone by already."""
        self.step = self._born = step

    def judge(self, state: State, diverged: Bool, total_steps: int) -> Float32:
        """Count a step, update success and return the reward [env]; a diverged world gets 0, its numbers mean nothing.

        Raises:
            BadInputError: A reward is not finite.
        """
        self.step = self.step + 1
        holds = self._success(state) & ~diverged
        self._held = np.where(holds, self._held + 1, 0)
        self._reached = self._reached | holds
        total = np.zeros(self._num_envs, dtype=np.float32)
        for name, term in self._rewards.items():
            value = np.where(diverged, np.float32(0.0), np.float32(self._weight(name, total_steps)) * term(state))
            refuse_nan("Reward", name, value, self.step)
            self._returns[name] = self._returns[name] + value
            total = total + value
        return total

    def ended(self, state: State, done: Bool, diverged: Bool, terminated: Bool) -> Episodes:
        """Return the scores of worlds `done` [env]."""
        rows = np.flatnonzero(done)
        held, length = self._held[rows], (self.step - self._born)[rows]
        whole = ~diverged[rows] & ~terminated[rows]
        return Episodes(
            world=rows,
            success=(held >= self._hold_steps) & whole,
            length=length,
            reached=self._reached[rows],
            held_steps=held,
            first_step=np.where(held > 0, length - held, -1),
            distance_m=self._distance(state)[rows],
            diverged=diverged[rows],
            terminated=terminated[rows],
            returns={name: values[rows] for name, values in self._returns.items()},
            regions={name: values[rows] for name, values in self._region.items()},
        )

    def _weight(self, name: str, total_steps: int) -> float:
        """Return the weight of a reward now."""
        weight = self._config.rewards[name].weight
        for ramp in self._config.curriculum.values():
            if ramp.reward == name:
                weight *= ramp.factor(total_steps)
        return weight


def refuse_nan(kind: str, name: str, values: Float32, step: Int) -> None:
    """Stop where a term's values [env, ...] are not finite, `step` [env] steps into the episodes.

    Raises:
        BadInputError: Names the term, the world and the step.
    """
    if not np.isfinite(values).all():
        world = int(np.argwhere(~np.isfinite(values))[0][0])
        raise BadInputError(f"{kind} {name!r} of world {world} is not finite at step {step[world]}: {values[world]}.")

"""Keeps score of every world's episode: how long it has run, what it earned, whether the task is being done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from roarm_lab.core.arrays import Array, array_namespace, device, is_torch_array, to_numpy
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

    def pick(self, rows: np.ndarray) -> "Episodes":
        """Return only the episodes `rows` (indices or a mask)."""
        chosen: dict[str, Any] = {
            name: {key: item[rows] for key, item in value.items()} if isinstance(value, dict) else value[rows]
            for name, value in self._columns.items()
        }
        return Episodes(**chosen)

    @classmethod
    def join(cls, parts: Sequence["Episodes"]) -> "Episodes":
        """Return all episodes of one or more parts one after another."""
        tables = [part._columns for part in parts]
        columns: dict[str, Any] = {
            name: {key: np.concatenate([table[name][key] for table in tables]) for key in value}
            if isinstance(value, dict)
            else np.concatenate([table[name] for table in tables])
            for name, value in tables[0].items()
        }
        return cls(**columns)

    @property
    def _columns(self) -> dict[str, Any]:
        return vars(self)


COLUMNS: dict[str, type[np.generic]] = {
    "success": np.bool_,
    "length": np.int64,
    "reached": np.bool_,
    "held_steps": np.int64,
    "first_step": np.int64,
    "distance_m": np.float32,
    "diverged": np.bool_,
    "terminated": np.bool_,
}
"""Fields of `Episodes` in their order, and their types."""
RETURN, REGION = "return ", "region "
"""How columns of rewards and regions are called."""

FiniteCheck: TypeAlias = Callable[[str, str, Array, Array], None]
"""What is called with the kind and name of a term, its values [env, ...] and steps [env], and refuses what is not
finite, now (`refuse_nan`) or later."""


class Scores:
    """The present episode of every world, in numbers."""

    def __init__(self, config: EnvConfig, scene: Scene, blank: Array, check: FiniteCheck) -> None:
        """Bind the terms.

        Args:
            config: The task.
            scene: Names.
            blank: Zeros [env] of the library, type and device of all arrays.
            check: What looks at rewards.
        """
        xp = self._xp = array_namespace(blank)
        self._config, self._blank, self._check = config, blank, check
        self._rewards = {name: term.bind(scene) for name, term in config.rewards.items()}
        self._success = config.success.bind(scene)
        self._distance = config.success.distance(scene)
        self._regions = {name: region.value(scene) for name, region in config.regions.items()}
        self._holding = config.success.holding(config.control_dt_s)
        self._edges = {
            name: xp.asarray(region.edges, dtype=xp.float64, device=device(blank))
            for name, region in config.regions.items()
        }
        zero = xp.astype(blank, xp.int64)
        self.step, self._born, self.held_steps = zero, zero, zero
        self._reached = xp.astype(blank, xp.bool)
        self._returns = dict.fromkeys(self._rewards, blank)
        self._region = dict.fromkeys(self._regions, zero)

    def carried(self) -> tuple[Array, Array, Array, Array, dict[str, Array], dict[str, Array]]:
        """Return the arrays that a step leaves for the next one."""
        return self.step, self._born, self.held_steps, self._reached, self._returns, self._region

    def carry(self, arrays: tuple[Array, Array, Array, Array, dict[str, Array], dict[str, Array]]) -> None:
        """Go on from other arrays."""
        self.step, self._born, self.held_steps, self._reached, self._returns, self._region = arrays

    def begin(self, state: State, who: Array) -> None:
        """Begin at nothing in worlds `who` [env]."""
        xp = self._xp
        self.step, self._born, self.held_steps = (
            xp.where(who, 0, count) for count in (self.step, self._born, self.held_steps)
        )
        self._reached = self._reached & ~who
        self._returns = {name: xp.where(who, 0.0, value) for name, value in self._returns.items()}
        self._region = {
            name: xp.where(who, self._range(name, value(state)), self._region[name])
            for name, value in self._regions.items()
        }

    def _range(self, region: str, value: Array) -> Array:
        """Return in which range of a region values [env] lie."""
        return self._xp.searchsorted(self._edges[region], self._xp.astype(value, self._xp.float64), side="right")

    def begin_at(self, step: Array) -> None:
        """Let all episodes begin as if `step` [env] steps had gone by already."""
        self.step = self._born = step

    def judge(self, state: State, diverged: Array, total_steps: int) -> Array:
        """Count a step, update success and return the reward [env]; a diverged world gets 0, its numbers mean nothing.

        Raises:
            BadInputError: A reward is not finite.
        """
        xp = self._xp
        self.step = self.step + 1
        holds = self._success(state) & ~diverged
        self.held_steps = self._holding.count(self.held_steps, holds)
        self._reached = self._reached | holds
        total = self._blank
        returns: dict[str, Array] = {}
        for name, term in self._rewards.items():
            value = xp.where(diverged, 0.0, float(np.float32(self._weight(name, total_steps))) * term(state))
            self._check("Reward", name, value, self.step)
            returns[name] = self._returns[name] + value
            total = total + value
        self._returns = returns
        return total

    def now(self, state: State, diverged: Array, terminated: Array) -> Mapping[str, Array] | Array:
        """Return the scores of this moment, out of which `ended` makes episodes later."""
        length = self.step - self._born
        columns = {
            "success": self._holding.suffices(self.held_steps) & ~diverged & ~terminated,
            "length": length,
            "reached": self._reached,
            "held_steps": self.held_steps,
            "first_step": self._xp.where(self.held_steps > 0, length - self.held_steps, -1),
            "distance_m": self._distance(state),
            "diverged": diverged,
            "terminated": terminated,
        }
        columns |= {RETURN + name: values for name, values in self._returns.items()}
        columns |= {REGION + name: values for name, values in self._region.items()}
        return (
            columns
            if not is_torch_array(diverged)
            else self._xp.stack(
                [self._xp.astype(values, self._xp.float64) for values in columns.values()]  # holds every kind as it is
            )
        )

    def ended(self, scores: Mapping[str, Array] | Array, done: Array) -> Episodes:
        """Return the episodes of worlds `done` [env] out of what `now` gave; waits for a GPU."""
        rows = self._xp.nonzero(done)[0]
        if isinstance(scores, Mapping):
            columns = {name: values[rows] for name, values in scores.items()}
        else:
            table = to_numpy(scores[:, rows])
            names = [*COLUMNS, *(RETURN + name for name in self._returns), *(REGION + name for name in self._region)]
            columns = {
                name: values.astype(COLUMNS.get(name, np.float32 if name.startswith(RETURN) else np.int64))
                for name, values in zip(names, table, strict=True)
            }
        return Episodes(
            world=to_numpy(rows),
            **{name: columns[name] for name in COLUMNS},
            returns={name: columns[RETURN + name] for name in self._returns},
            regions={name: columns[REGION + name] for name in self._region},
        )

    def _weight(self, name: str, total_steps: int) -> float:
        """Return the weight of a reward now."""
        weight = self._config.rewards[name].weight
        for ramp in self._config.curriculum.values():
            if ramp.reward == name:
                weight *= ramp.factor(total_steps)
        return weight


def refuse_nan(kind: str, name: str, values: Array, step: Array) -> None:
    """Stop where a term's values [env, ...] are not finite, `step` [env] steps into the episodes.

    Raises:
        BadInputError: Names the term, the world and the step.
    """
    found, steps = to_numpy(values), to_numpy(step)
    if not np.isfinite(found).all():
        world = int(np.argwhere(~np.isfinite(found))[0][0])
        raise BadInputError(f"{kind} {name!r} of world {world} is not finite at step {steps[world]}: {found[world]}.")

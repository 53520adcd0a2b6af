"""Plays episodes: the one loop in which a policy acts in simulated worlds, for whoever counts, records or shows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from roarm_lab.core.arrays import Array, Bool, Float32, to_numpy
from roarm_lab.envs.env import Env
from roarm_lab.envs.episodes import Episodes
from roarm_lab.envs.state import SimState

Infer: TypeAlias = Callable[[Mapping[str, Float32]], Float32]
"""Actor terms [env, size] to actions [env, step, action]."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One moment of all worlds: the start, or the end of a control step.

    What is kept beyond the next step must be copied: on a GPU it is written to again.
    """

    state: SimState
    """After the motion; worlds whose episode ended are not yet reset in it."""
    action: Float32 | None
    """What the policy did [env, action]; None at the start."""
    playing: Bool
    """Worlds [env] whose first episode was still going on when the step began. The others are not to be counted."""
    held_steps: Array
    """For how many steps the task has been done without a break [env]; 0 in worlds that were reset."""
    ended: Episodes | None
    """The first episodes of worlds that ended in this step; None where there is none."""


Observe: TypeAlias = Callable[[Env, Step], None]
"""Called with the worlds and every moment of them."""


def play(env: Env, infer: Infer, *, seed: int | None = None) -> Iterator[Step]:
    """Yield the start and every control step, until the first episode of each world has ended.

    Args:
        env: The worlds; they are reset first.
        infer: The policy, without exploration noise.
        seed: As in `Env.reset`.
    """
    seen, playing = env.reset(seed), np.ones(env.num_envs, dtype=bool)
    yield Step(state=env.state, action=None, playing=playing, held_steps=env.held_steps, ended=None)
    while playing.any():
        action = infer({name: to_numpy(values) for name, values in seen["actor"].items()})[:, 0]
        result = env.step(action)
        seen, ended = result.observations, result.episodes
        if ended is not None:
            ended = ended.pick(playing[ended.world])
        yield Step(state=env.moved, action=action, playing=playing, held_steps=env.held_steps, ended=ended)
        if ended is not None:
            playing = playing & ~np.isin(np.arange(env.num_envs), ended.world)


def first_episodes(env: Env, infer: Infer, *observers: Observe) -> Episodes:
    """Return the first episode of every world, in the order of the worlds, and show each moment to observers."""
    found: list[Episodes] = []
    for step in play(env, infer):
        for observe in observers:
            observe(env, step)
        if step.ended is not None:
            found.append(step.ended)
    whole = Episodes.join(found)
    return whole.pick(np.argsort(whole.world))

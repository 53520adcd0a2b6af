"""Carries out command terms: draws what is asked for when an episode begins, and anew as its time passes."""

from collections.abc import Mapping

from roarm_lab.core.arrays import Array, array_namespace, device
from roarm_lab.core.random_streams import RandomStream
from roarm_lab.core.state import State
from roarm_lab.envs.config import EnvConfig
from roarm_lab.mdp.scene import Scene

CommandValues = Mapping[str, Array]
"""Command name to [env, size]."""


class Commands:
    """The command terms of a task, bound to a scene."""

    def __init__(self, config: EnvConfig, scene: Scene, num_envs: int) -> None:
        self._terms, self._num_envs = config.commands, num_envs
        self._functions = {name: term.bind(scene) for name, term in config.commands.items()}
        self._every = {
            name: max(round(term.resample_s / config.control_dt_s), 1)
            for name, term in config.commands.items()
            if term.resample_s < config.episode_s
        }

    def none(self, like: Array) -> dict[str, Array]:
        """Return zeros in the library, type and device of `like`: what is asked for before the first episode."""
        xp = array_namespace(like)
        return {
            name: xp.zeros((self._num_envs, term.size), dtype=like.dtype, device=device(like))
            for name, term in self._terms.items()
        }

    def begin(self, rng: RandomStream, state: State, who: Array) -> CommandValues:
        """Return the commands after worlds `who` [env] have got new ones, as their state demands."""
        xp, old = array_namespace(who), state.commands
        return {name: xp.where(who[:, None], self._draw(rng, name, state), old[name]) for name in self._terms}

    def resample(self, rng: RandomStream, state: State, step: Array, running: Array) -> CommandValues:
        """Return the commands after those have been replaced whose time within the episode is up.

        Args:
            rng: Random numbers; used for all worlds, so that what one world draws does not depend on the others.
            state: The present moment, with the commands so far.
            step: Steps since the episodes began [env].
            running: Worlds whose episode goes on [env]; an ended one is judged by what it was asked.
        """
        xp, new = array_namespace(running), dict(state.commands)
        for name, every in self._every.items():
            due = running & (step % every == 0)
            new[name] = xp.where(due[:, None], self._draw(rng, name, state), new[name])
        return new

    @property
    def may_change(self) -> bool:
        """Whether any command can change within an episode."""
        return bool(self._every)

    def _draw(self, rng: RandomStream, name: str, state: State) -> Array:
        return self._functions[name](rng.uniform(self._num_envs, self._terms[name].draws), state)

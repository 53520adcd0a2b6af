"""Many worlds of one task: reset and step.

Order of a step, and why. The action becomes requested joint angles, and the same limits that the gate applies on an arm
turn them into targets, so nothing can be learned that the gate would not let through. Physics runs; diverged worlds are
noticed at once, before any term can read their numbers. Then success, rewards and terminations are computed for the
moment *after* the motion. Where the episode goes on, commands may change and events may happen. Then comes the
observation of that moment: for a world whose episode ends, this is its final observation. Only then are ended worlds
reset, and their first observation replaces the final one in what is returned.

With arrays on a GPU the same is done without looking at any of them until the very end of a step, where one answer says
whether all numbers are finite, whether a world diverged and whether an episode ended. Resets write to all worlds by
masks. So after a few steps the GPU can repeat what it did, with no word from Python until that answer (`StepRecorder`).

Every step has random numbers of its own, drawn for all worlds. So what happens to one world, even that it diverges,
does not change what is drawn for the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Array, array_namespace, asarray_like, chosen, is_torch_array
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.memory_errors import memory_in_words
from roarm_lab.core.random_streams import RandomStream, random_stream, stream
from roarm_lab.envs.commands import Commands
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.episodes import Episodes, Scores
from roarm_lab.envs.events import Events
from roarm_lab.envs.finite_checks import FiniteChecks
from roarm_lab.envs.servos import Servos
from roarm_lab.envs.state import SimState, at_rest
from roarm_lab.envs.step_recorder import StepRecorder
from roarm_lab.mdp.groups import ActionGroup, ObservationGroup
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.limits import JointLimits, limit_target
from roarm_lab.sim.backend import Backend, Divergence, world_count
from roarm_lab.sim.table import make_backend

BOX_FIELDS = ("box_pos_w", "box_quat_w", "box_vel_w", "touching")
"""What a state knows about boxes."""
Observations = dict[str, dict[str, Array]]
"""Group name to term name to [env, size]. Not to be written to: a part of it may be the environment's own state."""


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What a step gives."""

    observations: Observations
    reward: Array
    terminated: Array
    truncated: Array
    final_observations: Observations | None
    """Observations before the reset, of all worlds; None when no world was reset."""
    episodes: Episodes | None
    """Ended episodes, in NumPy; None when there are none."""
    divergences: list[Divergence]


@dataclass(frozen=True, kw_only=True)
class StepArrays:
    """What a step leaves behind in arrays. Nobody has looked at any of them."""

    seen: Observations
    final: Observations | None
    reward: Array
    terminated: Array
    truncated: Array
    done: Array
    scores: Mapping[str, Array] | Array
    answers: Sequence[bool] | Array
    """What `FiniteChecks.answered` takes: about `done`, and about diverged worlds."""


class Env:
    """`num_envs` worlds of one task, reset one by one as their episodes end."""

    def __init__(self, config: EnvConfig, num_envs: int, seed: int = 0, *, autoreset: bool = True) -> None:
        """Make the worlds.

        Args:
            config: The task.
            num_envs: How many worlds.
            seed: Seed of all randomness.
            autoreset: Reset a world in the step in which its episode ends. Without, whoever steps calls `reset`.

        Raises:
            BadInputError: The parts of the task do not fit together, the worlds not into the memory, or their number
                is no whole number of 1 or more.
        """
        self.config, self.num_envs, self.autoreset = config, world_count(num_envs), autoreset
        with memory_in_words(f"{num_envs:,} worlds"):
            self.backend: Backend = make_backend(config.robot, num_envs, config.sim)
        self.scene = config.scene()
        self.actions = ActionGroup(config.actions, self.scene)
        self.observations = {name: ObservationGroup(terms, self.scene) for name, terms in config.observations.items()}
        self._commands = Commands(config, self.scene, num_envs)
        self._servos = Servos(config, self.backend)
        self._events = Events(config, self.scene, self.backend, self._servos)
        self._blank = self.backend.get("joint_pos") * 0.0
        """Zeros [env, joint] of the library, type and device of all arrays."""
        self._xp = array_namespace(self._blank)
        self._nobody = self._xp.zeros_like(self._blank[:, 0], dtype=self._xp.bool)
        self._watch = FiniteChecks()
        self._scores = Scores(config, self.scene, self._blank[:, 0], self._watch)
        self._terminations = [term.bind(self.scene) for term in config.terminations.values()]
        self._limits = JointLimits.of(config.robot)
        self._kinematics = Kinematics(config.robot)
        self.total_steps = 0
        """Steps of all worlds since this was made: what a curriculum counts."""
        self.num_diverged = 0
        self._closed = False
        self.latest: StepResult | None = None
        self._stream = stream(self._blank)
        self._seeded(seed)
        self._state: SimState | None = None
        self._moved: SimState | None = None
        self._happening = self._repeating() or self._happen

    @property
    def state(self) -> SimState:
        """The present moment of all worlds.

        Raises:
            BadInputError: `reset` has not been called, or `close` has.
        """
        self._refuse_closed()
        if self._state is None:
            raise BadInputError("Call reset() before step() or state.")
        return self._state

    @property
    def moved(self) -> SimState:
        """The moment after the latest motion, before ended worlds were reset: for recording.

        Raises:
            BadInputError: `step` has not been called.
        """
        if self._moved is None:
            raise BadInputError("Call step() before moved.")
        return self._moved

    @property
    def held_steps(self) -> Array:
        """For how many control steps the task has been done without a break [env]; 0 in worlds just reset."""
        return self._scores.held_steps

    @property
    def drawn(self) -> Mapping[str, Array]:
        """What each randomising event drew [env, number] when all worlds began, by the event's name."""
        return self._events.drawn

    def reset(self, seed: int | None = None) -> Observations:
        """Start new episodes in all worlds and return their observations.

        Args:
            seed: Seed of all randomness from here on; None goes on with the present one.

        Raises:
            BadInputError: The seed is below 0, or `close` has been called.
        """
        self._refuse_closed()
        if seed is not None:
            self._seeded(seed)
        blank = self._blank
        self._state = at_rest(self._kinematics, blank, self._commands.none(blank), self.actions.size)
        self._rng = self._next_rng()
        if not self._started:
            self._events.startup(self._rng, self._state)
            self._started = True
        self._steps = 0
        self._rate = blank
        self._begin(~self._nobody)
        if self.config.random_age:
            self._scores.begin_at(self._rng.integers(self.config.episode_steps, self.num_envs))
            age_s = self._xp.astype(self._scores.step, blank.dtype) * _float32(self.config.control_dt_s)
            self._state = replace(self.state, episode_time_s=age_s)
        seen = self._observe(None)
        self._watch.answered(self._watch.asked())
        return seen

    def restart(self, who: Array) -> Observations:
        """Start new episodes in worlds `who` bool [env] and return the observations of all worlds.

        Raises:
            BadInputError: `reset` has not been called, or `close` has.
        """
        _ = self.state  # there is one
        self._rng = self._next_rng()
        self._begin(who)
        return self._observe_first(who)

    def step(self, action: Array) -> StepResult:
        """Carry out actions [env, action], each clipped to -1 to 1, for one control step.

        Raises:
            BadInputError: The shape is wrong or an action is not a number (names the world and the place), or a term
                gave something that is not a number (names the term, the world and the step).
        """
        self.latest = self._advance(self._shaped(action))
        return self.latest

    def close(self) -> None:
        """Free what the simulator holds; the worlds are over then."""
        self._closed = True
        self.backend.close()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise BadInputError("This environment has been closed. Make a new one.")

    def _repeating(self) -> StepRecorder[StepArrays] | None:
        """Return what lets the device repeat steps; None where it can not, or where steps are not all alike."""
        if self._stream is None or self.config.curriculum or self._events.has_intervals:
            return None
        carriers = (self, self._scores, self._servos, *self.observations.values())
        recorder: Any = self.backend
        return StepRecorder(self._happen, recorder, self._stream.generators, carriers)

    def carried(self) -> tuple[SimState | None, SimState | None, Array]:
        """Return the arrays that a step leaves for the next one here, for `StepRecorder`."""
        return self._state, self._moved, self._rate

    def carry(self, arrays: tuple[SimState | None, SimState | None, Array]) -> None:
        """Go on from other arrays."""
        self._state, self._moved, self._rate = arrays

    def _advance(self, action: Array) -> StepResult:
        _ = self.state  # there is one
        self._rng = self._next_rng()
        self._steps += 1
        self.total_steps += self.num_envs
        moment = self._happening(action)
        any_done, any_diverged = self._watch.answered(moment.answers)
        divergences = self.backend.divergences() if any_diverged else []
        self.num_diverged += len(divergences)
        return StepResult(
            observations=moment.seen,
            reward=moment.reward,
            terminated=moment.terminated,
            truncated=moment.truncated,
            final_observations=moment.final if any_done else None,
            episodes=self._scores.ended(moment.scores, moment.done) if any_done else None,
            divergences=divergences,
        )

    def _happen(self, action: Array) -> StepArrays:
        """Let a step go by, in arrays only where they are on a GPU."""
        state = self._state = self._moved = self._move(self._checked(action))
        diverged = self.backend.diverged()

        reward = self._scores.judge(state, diverged, self.total_steps)
        terminated = self._nobody
        for test in self._terminations:
            terminated = terminated | (test(state) & ~diverged)
        truncated = ((self._scores.step >= self.config.episode_steps) | diverged) & ~terminated
        done = terminated | truncated
        self._go_on(~done)
        seen, final = self._observe(self._nobody), None
        scores = self._scores.now(self.state, diverged, terminated)
        if self.autoreset and (is_torch_array(done) or done.any()):
            self._begin(done)
            seen, final = self._observe_first(done), seen

        return StepArrays(
            seen=seen,
            final=final,
            reward=reward,
            terminated=terminated,
            truncated=truncated,
            done=done,
            scores=scores,
            answers=self._watch.asked(done, diverged),
        )

    def _shaped(self, action: Array) -> Array:
        action = asarray_like(action, self._blank)
        if tuple(action.shape) != (self.num_envs, self.actions.size):
            raise BadInputError(
                f"Actions must have shape ({self.num_envs}, {self.actions.size}), got {tuple(action.shape)}."
            )
        return action

    def _checked(self, action: Array) -> Array:
        if is_torch_array(action):
            self._watch("Action", "of the policy", action, self._scores.step)
            return action.clamp(-1.0, 1.0)
        if not np.isfinite(action).all():
            world, index = np.argwhere(~np.isfinite(action))[0]
            raise BadInputError(
                f"Action {index} of world {world} is {action[world, index]} at step {self._scores.step[world]}: "
                "the policy gave something that is not a number."
            )
        return np.minimum(np.maximum(action, np.float32(-1.0)), np.float32(1.0))

    def _move(self, action: Array) -> SimState:
        before, dt_s = self.state, self.config.control_dt_s
        acting = replace(before, action=action, last_action=before.action)
        goal = self.actions.goal(acting, action)
        target, self._rate = limit_target(
            goal, before.joint_target, self._rate, before.joint_pos, self._limits.like(goal), dt_s
        )
        self._servos.step(target)
        joint_pos = self._servos.joint_pos()
        return replace(
            acting,
            joint_pos=joint_pos,
            joint_vel=(joint_pos - before.joint_pos) * _float32(1.0 / dt_s),
            joint_target=target,
            **self._boxes(),
            episode_time_s=before.episode_time_s + _float32(dt_s),
        )

    def _go_on(self, running: Array) -> None:
        """Carry out what changes in the middle of episodes."""
        if self._commands.may_change:
            commands = self._commands.resample(self._rng, self.state, self._scores.step, running)
            self._state = replace(self.state, commands=commands)
        self._events.interval(self._rng, self.state, self._steps)

    def _begin(self, who: Array) -> None:
        """Start new episodes in worlds `who` [env]."""
        xp, rows, mask, old = self._xp, chosen(who), who[:, None], self.state
        self._events.reset(self._rng, old, rows)
        new = at_rest(self._kinematics, self._servos.joint_pos(), old.commands, self.actions.size)
        self._state = replace(
            new,
            **self._boxes(),
            box_scale=self.backend.get("box_scale") if self.config.sim.boxes else None,
            joint_vel=xp.where(mask, new.joint_vel, old.joint_vel),
            joint_target=xp.where(mask, new.joint_target, old.joint_target),
            action=xp.where(mask, new.action, old.action),
            last_action=xp.where(mask, new.last_action, old.last_action),
            episode_time_s=xp.where(who, new.episode_time_s, old.episode_time_s),
        )
        # Last, because a goal may depend on where a box lies.
        commands = self._commands.begin(self._rng, self._state, who)
        self._state = replace(self._state, commands=commands)
        self._rate = xp.where(mask, 0.0, self._rate)
        self._scores.begin(self._state, who)

    def _boxes(self) -> dict[str, Array]:
        """Return what is to be known about the boxes now."""
        return {field: self.backend.get(field) for field in BOX_FIELDS} if self.config.sim.boxes else {}

    def _observe(self, fresh: Array | None) -> Observations:
        """Return what all worlds show now; `fresh` as in `ObservationGroup.push`."""
        seen = {name: group.push(self.state, self._noise(group), fresh) for name, group in self.observations.items()}
        for terms in seen.values():
            for name, values in terms.items():
                self._watch("Observation", name, values, self._scores.step)
        return seen

    def _observe_first(self, who: Array) -> Observations:
        """Return the same with the first observations of worlds `who` [env], whose episodes have just begun."""
        return {name: group.restart(self.state, self._noise(group), who) for name, group in self.observations.items()}

    def _noise(self, group: ObservationGroup) -> Array | None:
        if not group.noise_draws:
            return None
        return self._rng.normal(self.num_envs, group.noise_draws)

    def _seeded(self, seed: int) -> None:
        if seed < 0:
            raise BadInputError(f"A seed must be 0 or more, got {seed}.")
        self._seed, self._draws, self._started = seed, 0, False
        if self._stream is not None:
            self._stream.seed(seed)

    def _next_rng(self) -> RandomStream:
        """Return the random numbers of the coming step or reset."""
        if self._stream is not None:
            return self._stream
        self._draws += 1
        return random_stream((self._seed, self._draws), self._blank)


def _float32(value: float) -> float:
    """Return a number rounded to float32, as a plain one, which goes with arrays of any library."""
    return float(np.float32(value))

"""Many worlds of one task: reset and step.

Order of a step, and why. The action becomes wished joint angles, and the same limits that the gate applies on an arm
turn them into targets, so nothing can be learned that the gate would not let through. Physics runs; diverged worlds are
noticed at once, before any term can read their numbers. Then success, rewards and terminations are computed for the
moment *after* the motion, then the observation of that moment: for a world whose episode ends, this is its final
observation. Only then are ended worlds reset, and their first observation replaces the final one in what is returned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from roarm_lab.core.arrays import Array, Bool, Float32
from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.events import Events
from roarm_lab.envs.state import SimState, at_rest
from roarm_lab.mdp.groups import ActionGroup, ObservationGroup
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.limits import JointLimits, limit_target
from roarm_lab.sim.backend import Backend, Divergence
from roarm_lab.sim.table import make_backend

Observations = dict[str, dict[str, Float32]]
"""Group name to term name to [env, size]."""


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


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What a step gives."""

    observations: Observations
    reward: Float32
    terminated: Bool
    truncated: Bool
    final_observations: Observations | None
    """Observations before the reset, of all worlds; None when no episode ended."""
    episodes: Episodes | None
    """Ended episodes; None when there are none."""
    divergences: list[Divergence]


class Env:
    """`num_envs` worlds of one task, reset one by one as their episodes end."""

    def __init__(self, config: EnvConfig, num_envs: int, seed: int = 0) -> None:
        self.config, self.num_envs = config, num_envs
        self.backend: Backend = make_backend(config.robot, num_envs, config.sim)
        self.scene = config.scene()
        self.actions = ActionGroup(config.actions, self.scene)
        self._commands = {name: term.bind(self.scene) for name, term in config.commands.items()}
        self._rewards = {name: term.bind(self.scene) for name, term in config.rewards.items()}
        self._terminations = [term.bind(self.scene) for term in config.terminations.values()]
        self._success = config.success.bind(self.scene)
        self._distance = config.success.distance(self.scene)
        self._regions = {name: region.value(self.scene) for name, region in config.regions.items()}
        self.observations = {name: ObservationGroup(terms, self.scene) for name, terms in config.observations.items()}
        self._limits = JointLimits.of(config.robot)
        self._kinematics = Kinematics(config.robot)
        self._events = Events(config, self.scene, self.backend)
        self._hold_steps = round(config.success.hold_s / config.control_dt_s)
        self.total_steps = 0
        self.num_diverged = 0
        self._rng = np.random.default_rng(seed)
        self._state: SimState | None = None
        self._moved: SimState | None = None
        self.latest: StepResult | None = None
        self._started = False

    @property
    def state(self) -> SimState:
        """The present moment of all worlds.

        Raises:
            BadInputError: `reset` has not been called.
        """
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

    def reset(self, seed: int | None = None) -> Observations:
        """Start new episodes in all worlds and return their observations.

        Args:
            seed: Seed of all randomness from here on; None goes on with the present one.
        """
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        n, everyone = self.num_envs, np.ones(self.num_envs, dtype=bool)
        blank = np.zeros((n, len(self.config.robot.joints)), dtype=np.float32)
        commands = {name: np.zeros((n, term.size), np.float32) for name, term in self.config.commands.items()}
        self._state = at_rest(self._kinematics, blank, commands, self.actions.size)
        if seed is not None or not self._started:
            self._events.startup(self._rng, self._state)
            self._started = True
        self._rate = np.zeros_like(blank)
        self._step = np.zeros(n, dtype=np.int64)
        self._held = np.zeros(n, dtype=np.int64)
        self._reached = np.zeros(n, dtype=bool)
        self._returns = {name: np.zeros(n, dtype=np.float32) for name in self._rewards}
        self._region = {name: np.zeros(n, dtype=np.int64) for name in self._regions}
        self._begin(everyone)
        if self.config.random_age:
            self._step = self._rng.integers(0, self.config.episode_steps, n)
        noise = self._noise()
        return {name: group.push(self.state, noise[name]) for name, group in self.observations.items()}

    def step(self, action: Array) -> StepResult:
        """Carry out actions [env, action], each clipped to -1 to 1, for one control step.

        Raises:
            BadInputError: The shape is wrong or an action is not a number (names the world and the place).
        """
        self.latest = self._advance(self._checked(action))
        return self.latest

    def close(self) -> None:
        """Free what the simulator holds."""
        self.backend.close()

    def _advance(self, action: Float32) -> StepResult:
        state = self._moved = self._move(action)
        divergences = self.backend.divergences()
        diverged = np.zeros(self.num_envs, dtype=bool)
        diverged[[item.world for item in divergences]] = True
        self.num_diverged += len(divergences)
        self._state = state
        self._step = self._step + 1
        self.total_steps += self.num_envs
        reward = self._judge(diverged)
        terminated = np.zeros(self.num_envs, dtype=bool)
        for test in self._terminations:
            terminated |= test(state)
        terminated &= ~diverged
        truncated = ((self._step >= self.config.episode_steps) | diverged) & ~terminated
        self._resample()
        self._events.interval(self._rng, self.state, self.total_steps // self.num_envs)
        noise = self._noise()
        fresh = np.zeros(self.num_envs, dtype=bool)
        seen = {name: group.push(self.state, noise[name], fresh) for name, group in self.observations.items()}
        done = terminated | truncated
        if not done.any():
            return StepResult(
                observations=seen, reward=reward, terminated=terminated, truncated=truncated,
                final_observations=None, episodes=None, divergences=divergences,
            )  # fmt: skip
        episodes = self._ended(done, diverged, terminated)
        self._begin(done)
        noise = self._noise()
        first = {name: group.restart(self.state, noise[name], done) for name, group in self.observations.items()}
        return StepResult(
            observations=first, reward=reward, terminated=terminated, truncated=truncated,
            final_observations=seen, episodes=episodes, divergences=divergences,
        )  # fmt: skip

    def _checked(self, action: Array) -> Float32:
        action = np.asarray(action, dtype=np.float32)
        if action.shape != (self.num_envs, self.actions.size):
            raise BadInputError(
                f"Actions must have shape ({self.num_envs}, {self.actions.size}), got {tuple(action.shape)}."
            )
        if not np.isfinite(action).all():
            world, index = np.argwhere(~np.isfinite(action))[0]
            raise BadInputError(
                f"Action {index} of world {world} is {action[world, index]} at step {self._step[world]}: "
                "the policy gave something that is not a number."
            )
        return np.minimum(np.maximum(action, np.float32(-1.0)), np.float32(1.0))

    def _move(self, action: Float32) -> SimState:
        before = self.state
        acting = replace(before, action=action, last_action=before.action)
        goal = self.actions.goal(acting, action)
        dt_s = self.config.control_dt_s
        target, self._rate = limit_target(
            goal, before.joint_target, self._rate, before.joint_pos, self._limits.like(goal), dt_s
        )
        self.backend.step(target, self.config.substeps)
        joint_pos = self.backend.get("joint_pos")
        return replace(
            acting,
            joint_pos=joint_pos,
            joint_vel=(joint_pos - before.joint_pos) * np.float32(1.0 / dt_s),
            joint_target=target,
            episode_time_s=before.episode_time_s + np.float32(dt_s),
        )

    def _judge(self, diverged: Bool) -> Float32:
        """Update success and return the reward [env]; a diverged world gets 0, its numbers mean nothing."""
        holds = self._success(self.state) & ~diverged
        self._held = np.where(holds, self._held + 1, 0)
        self._reached = self._reached | holds
        total = np.zeros(self.num_envs, dtype=np.float32)
        for name, term in self._rewards.items():
            weight = self.config.rewards[name].weight
            for ramp in self.config.curriculum.values():
                if ramp.reward == name:
                    weight *= ramp.factor(self.total_steps)
            value = np.where(diverged, np.float32(0.0), np.float32(weight) * term(self.state))
            self._returns[name] = self._returns[name] + value
            total = total + value
        return total

    def _ended(self, done: Bool, diverged: Bool, terminated: Bool) -> Episodes:
        rows = np.flatnonzero(done)
        held, length = self._held[rows], self._step[rows]
        whole = ~diverged[rows] & ~terminated[rows]
        return Episodes(
            world=rows,
            success=(held >= self._hold_steps) & whole,
            length=length,
            reached=self._reached[rows],
            held_steps=held,
            first_step=np.where(held > 0, length - held, -1),
            distance_m=self._distance(self.state)[rows],
            diverged=diverged[rows],
            terminated=terminated[rows],
            returns={name: values[rows] for name, values in self._returns.items()},
            regions={name: values[rows] for name, values in self._region.items()},
        )

    def _begin(self, who: Bool) -> None:
        """Start new episodes in worlds `who` [env]."""
        rows = np.flatnonzero(who)
        joint_pos = self._events.start_pose(self._rng, self.state, rows)
        self.backend.reset(rows, joint_pos[rows])
        joint_pos = self.backend.get("joint_pos")
        mask, old = who[:, None], self.state
        new = at_rest(self._kinematics, joint_pos, self._new_commands(who), self.actions.size)
        self._state = replace(
            new,
            joint_vel=np.where(mask, new.joint_vel, old.joint_vel),
            joint_target=np.where(mask, new.joint_target, old.joint_target),
            action=np.where(mask, new.action, old.action),
            last_action=np.where(mask, new.last_action, old.last_action),
            episode_time_s=np.where(who, new.episode_time_s, old.episode_time_s),
        )
        self._rate = np.where(mask, np.float32(0.0), self._rate)
        self._step = np.where(who, 0, self._step)
        self._held = np.where(who, 0, self._held)
        self._reached = self._reached & ~who
        self._returns = {name: np.where(who, np.float32(0.0), value) for name, value in self._returns.items()}
        for name, value in self._regions.items():
            index = np.searchsorted(np.asarray(self.config.regions[name].edges), value(self.state), side="right")
            self._region[name] = np.where(who, index, self._region[name])

    def _new_commands(self, who: Bool) -> Mapping[str, Float32]:
        return {
            name: np.where(who[:, None], self._draw_command(name), self.state.commands[name]) for name in self._commands
        }

    def _draw_command(self, name: str) -> Float32:
        term = self.config.commands[name]
        return self._commands[name](self._rng.random((self.num_envs, term.draws), dtype=np.float32))

    def _resample(self) -> None:
        """Replace commands whose time within the episode is up."""
        for name, term in self.config.commands.items():
            if term.resample_s < self.config.episode_s:
                due = self._step % round(term.resample_s / self.config.control_dt_s) == 0
                commands = dict(self.state.commands)
                commands[name] = np.where(due[:, None], self._draw_command(name), commands[name])
                self._state = replace(self.state, commands=commands)

    def _noise(self) -> dict[str, Float32 | None]:
        return {
            name: self._rng.standard_normal((self.num_envs, group.noise_draws), dtype=np.float32)
            if group.noise_draws
            else None
            for name, group in self.observations.items()
        }

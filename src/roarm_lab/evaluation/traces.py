"""What a policy did in some episodes, moment by moment: where the hand, the gripper and a box were."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Bool, Float32
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env
from roarm_lab.envs.state import SimState
from roarm_lab.evaluation.episode_player import Infer, Step
from roarm_lab.evaluation.evaluate import MAX_WORLDS, evaluate


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Episodes side by side. A `moment` is the start or after a step: there is one more of them than of steps.

    An episode that ended early, or whose simulation blew up, stands still from then on.
    """

    control_dt_s: float
    success: Bool
    """Done, and held to the end [episode]."""
    action: Float32
    """[episode, step, action], each -1 to 1, as the policy gave it."""
    distance_m: Float32
    """How far off the task was [episode, moment]."""
    within_m: float | None
    """How near counts as success; None where the task does not say it as a distance."""
    hand_speed_m_s: Float32
    """Speed of the robot's hand [episode, step]."""
    gripper_open: Float32
    """Opening that the gripper was told, as a share of its range [episode, moment]."""
    box_pos_w: Float32 | None = None
    """The box that the task is about [episode, moment, 3]; None without a box, as the two below."""
    hand_to_box_m: Float32 | None = None
    """[episode, moment]."""
    touching: Bool | None = None
    """Whether a jaw touches the box [episode, moment]."""


def trace(infer: Infer, config: EnvConfig, *, episodes: int, seed: int) -> Trace:
    """Return what a policy does in `episodes` fresh episodes (at most 1000) of a task.

    Args:
        infer: The policy, without exploration noise.
        config: The task.
        episodes: How many; one per world.
        seed: Seed of all starts and goals.

    Raises:
        InvalidValueError: `episodes` is not positive.
    """
    watcher = _Watcher(config)
    evaluate(infer, config, episodes=min(episodes, MAX_WORLDS), seed=seed, observe=watcher.observe)
    return watcher.result()


class _Watcher:
    """Looks at all worlds after every step, until the first episode of each has ended."""

    def __init__(self, config: EnvConfig) -> None:
        scene, robot = config.scene(), config.robot
        self._config, self._distance = config, config.success.distance(scene)
        self._hand, self._gripper = scene.site(robot.ee_site), scene.joints([robot.gripper_joint])[0]
        self._within_m = config.described.within_m
        name = config.described.box or next(iter(scene.boxes), None)
        self._box = None if name is None else scene.box(name)
        self._moments: list[dict[str, Any]] = []
        self._actions: list[Float32] = []
        self._success = np.zeros(0, dtype=bool)

    def observe(self, env: Env, step: Step) -> None:
        """Keep a moment; `evaluate` calls this."""
        now = self._moment(step.state)
        if step.action is None:
            self._success = np.zeros(env.num_envs, dtype=bool)
            self._moments.append(now)
            return
        rows = step.playing
        self._actions.append(_where(rows, step.action, self._actions[-1]) if self._actions else np.array(step.action))
        if step.ended is not None:
            self._success[step.ended.world] = step.ended.success
            # The last moment of a simulation that blew up means nothing.
            rows = rows & ~np.isin(np.arange(env.num_envs), step.ended.world[step.ended.diverged])
        before = self._moments[-1]
        self._moments.append({name: _where(rows, value, before[name]) for name, value in now.items()})

    def result(self) -> Trace:
        """Return what was kept."""
        kept: dict[str, Any] = {
            name: np.stack([moment[name] for moment in self._moments], axis=1) for name in self._moments[0]
        }
        step_m = np.linalg.norm(np.diff(kept.pop("hand_pos_w"), axis=1), axis=2)
        return Trace(
            control_dt_s=self._config.control_dt_s,
            success=self._success,
            action=np.stack(self._actions, axis=1),
            within_m=self._within_m,
            hand_speed_m_s=step_m / np.float32(self._config.control_dt_s),
            **kept,
        )

    def _moment(self, state: SimState) -> dict[str, Any]:
        joint = self._config.robot.joints[self._gripper]
        hand_w = np.array(state.site_pos_w[:, self._hand])
        seen: dict[str, Any] = {
            "distance_m": np.array(self._distance(state)),
            "hand_pos_w": hand_w,
            "gripper_open": (state.joint_target[:, self._gripper] - joint.lower_rad)
            / np.float32(joint.upper_rad - joint.lower_rad),
        }
        if self._box is not None:
            box_w = np.array(state.box_pos_w[:, self._box])
            seen["box_pos_w"] = box_w
            seen["hand_to_box_m"] = np.linalg.norm(box_w - hand_w, axis=1)
            seen["touching"] = np.array(state.touching[:, self._box]).any(axis=1)
        return seen


def _where(rows: Bool, new: Any, old: Any) -> Any:
    return np.where(rows.reshape(-1, *[1] * (new.ndim - 1)), new, old)

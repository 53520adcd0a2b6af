"""Recording episodes of a policy, trained or still learning, moment by moment."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Float32
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.provenance import provenance
from roarm_lab.datasets.rollouts import RolloutWriter
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env
from roarm_lab.envs.interface import hashes_of, interface_of
from roarm_lab.envs.state import SimState
from roarm_lab.evaluation.episode_player import Infer, Observe, Step
from roarm_lab.evaluation.evaluate import evaluate
from roarm_lab.policies.bundle import Bundle

EPISODES, SEED = 4, 0
"""Of a policy that is learning. The same starts and goals every time, so that what has changed is the policy."""
UNITS = {
    "time_s": "s",
    "joint_pos": "rad",
    "joint_target": "rad",
    "box_pos_w": "m",
    "box_quat_w": "1 (wxyz)",
    "command_*": "as the command",
    "action": "1",
    "next_joint_pos": "rad",
}


@dataclass(frozen=True)
class RolloutRecorder:
    """What to hand to `evaluate`, and where the episodes go."""

    observe: Observe
    path: Path


def record(bundle: Bundle, config: EnvConfig, episodes: int, root: Path, seed: int = 0) -> Path:
    """Record episodes of a bundle on its task; return the folder."""
    with recorder(origin_of(bundle), config, root, seed) as recording:
        evaluate(bundle.policy.infer, config, episodes=episodes, seed=seed, observe=recording.observe)
    return recording.path


class LearningRecorder:
    """Records the same few episodes of a policy again and again while it learns: what to hand to `train` as `watch`."""

    def __init__(self, config: EnvConfig, root: Path, say: Callable[[str], object] = str) -> None:
        """Record below `root`; nothing is made before the first look. `say` is told what can not be recorded."""
        # Few worlds are slowed down by threads, and the training's are there for its own worlds.
        self._config = replace(config, sim=replace(config.sim, threads=1))
        self._root, self._say, self._provenance = root, say, provenance()
        self._contract = {"interface": interface_of(config), "provenance": {"hashes": hashes_of(config)}}

    def __call__(self, steps: int, infer: Infer) -> None:
        """Record what the policy does after so many steps; what can not be recorded is said and left out.

        Raises:
            BadInputError: The disk can not be written.
        """
        origin = {"policy": None, "steps": steps, "contract": self._contract, "provenance": self._provenance}
        try:
            with recorder(origin, self._config, self._root, SEED) as recording:
                evaluate(infer, self._config, episodes=EPISODES, seed=SEED, observe=recording.observe)
        except BadInputError as error:
            if isinstance(error.__cause__, OSError):
                raise
            self._say(f"at {steps:,} steps no rollouts were recorded: {error}")


def origin_of(bundle: Bundle) -> dict[str, Any]:
    """Return which policy is recorded, for the recording's `meta.json`."""
    return {
        "policy": bundle.contract.hashes.get("policy"),
        "contract": {"interface": bundle.contract.interface, "provenance": bundle.contract.provenance},
    }


@contextmanager
def recorder(origin: Mapping[str, Any], config: EnvConfig, root: Path, seed: int) -> Generator[RolloutRecorder]:
    """Yield what records below `root`. Episodes are written as chunks end; an error leaves the recording unfinished."""
    about = {
        "task": config.task,
        "robot": config.robot.name,
        "seed": seed,
        "control_dt_s": config.control_dt_s,
        "joint_names": list(config.robot.joint_names),
        "box_names": [box.name for box in config.sim.boxes],
        "units": UNITS,
        "provenance": origin.get("provenance") or provenance(),
        **origin,
    }
    writer = RolloutWriter(root, about)
    recording = _Recording(writer)
    yield RolloutRecorder(recording.observe, writer.path)
    recording.write()
    writer.close()


class _Recording:
    """Collects the steps of a chunk of worlds, whose episodes all begin together."""

    def __init__(self, writer: RolloutWriter) -> None:
        self._writer = writer
        self._steps: list[dict[str, Any]] = []
        self._length: Any = None
        self._success: Any = None
        self._seen: SimState | None = None

    def observe(self, env: Env, step: Step) -> None:
        """Keep a step; at a start another chunk begins."""
        if step.action is None:
            self.write()
            self._length = np.zeros(env.num_envs, dtype=int)
            self._success = np.zeros(env.num_envs, dtype=bool)
        elif self._seen is not None:
            self._steps.append(_row(self._seen, step.action, step.state))
            if step.ended is not None:
                self._length[step.ended.world] = len(self._steps)
                self._success[step.ended.world] = step.ended.success
        self._seen = env.state

    def write(self) -> None:
        """Write what was collected and forget it."""
        if self._steps:
            whole = {name: np.stack([step[name] for step in self._steps], axis=1) for name in self._steps[0]}
            for world, length in enumerate(self._length):
                arrays = {name: values[world, :length] for name, values in whole.items()}
                self._writer.add(arrays, {"success": bool(self._success[world])})
        self._steps = []


def _row(seen: SimState, action: Float32, moved: SimState) -> dict[str, Any]:
    boxes = {} if seen.box_pos_w is None else {"box_pos_w": seen.box_pos_w, "box_quat_w": seen.box_quat_w}
    return {
        "time_s": seen.episode_time_s,
        "joint_pos": seen.joint_pos,
        "joint_target": seen.joint_target,
        **boxes,
        **{f"command_{name}": values for name, values in seen.commands.items()},
        "action": action,
        "next_joint_pos": moved.joint_pos,
    }

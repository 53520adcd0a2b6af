"""Recording episodes of a policy, as `--record-rollouts` does it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Float32
from roarm_lab.core.provenance import provenance
from roarm_lab.datasets.rollouts import RolloutWriter
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env
from roarm_lab.evaluate.evaluation import evaluate
from roarm_lab.policies.bundle import Bundle, load_bundle

Observe = Callable[[int, Env, Float32], None]
"""Number of a chunk's first episode, its environment and the actions just carried out."""


def record(bundle_path: Path, episodes: int, root: Path, seed: int = 0) -> Path:
    """Record episodes of a bundle on its own task; return the folder."""
    from roarm_lab.cli.evaluating import checked_task

    bundle = load_bundle(bundle_path)
    config, _ = checked_task(bundle, allow_drift=True)
    with recorder(bundle, config, root, seed) as observe:
        evaluate(bundle.policy.infer, config, episodes=episodes, seed=seed, observe=observe)
    return sorted(root.iterdir())[-1]


@contextmanager
def recorder(bundle: Bundle, config: EnvConfig, root: Path | None, seed: int) -> Generator[Observe | None]:
    """Yield what `evaluate` calls after every step; None without a folder. Episodes are written as chunks end."""
    if root is None:
        yield None
        return
    about = {
        "task": config.task,
        "robot": config.robot.name,
        "seed": seed,
        "control_dt_s": config.control_dt_s,
        "joint_names": list(config.robot.joint_names),
        "units": {
            "time_s": "s",
            "joint_pos": "rad",
            "joint_target": "rad",
            "action": "1",
            "command_*": "as the command",
        },
        "policy": bundle.contract.provenance.get("hashes", {}).get("policy"),
        "contract": {"interface": bundle.contract.interface, "provenance": bundle.contract.provenance},
        "provenance": provenance(),
    }
    recording = _Recording(RolloutWriter(root, about))
    try:
        yield recording.observe
    finally:
        recording.close()


class _Recording:
    """Collects the steps of a chunk of worlds, whose episodes all begin together."""

    def __init__(self, writer: RolloutWriter) -> None:
        self._writer = writer
        self._first: int | None = None
        self._steps: list[dict[str, Any]] = []
        self._length: Any = None
        self._success: Any = None

    def observe(self, first: int, env: Env, action: Float32) -> None:
        """Keep a step; a new `first` means that another chunk has begun."""
        if first != self._first:
            self._write()
            self._first = first
            self._length = np.zeros(env.num_envs, dtype=int)
            self._success = np.zeros(env.num_envs, dtype=bool)
        result = env.latest
        running = self._length == 0
        if result is not None and result.episodes is not None:
            ended = result.episodes
            now = running[ended.world]
            self._length[ended.world[now]] = len(self._steps) + 1
            self._success[ended.world[now]] = ended.success[now]
        state = env.moved
        self._steps.append(
            {
                "time_s": state.episode_time_s.copy(),
                "joint_pos": state.joint_pos,
                "joint_target": state.joint_target,
                "action": action,
                **{f"command_{name}": values for name, values in state.commands.items()},
            }
        )

    def close(self) -> None:
        """Write what is left, and the meta file."""
        self._write()
        self._writer.close()

    def _write(self) -> None:
        if not self._steps:
            return
        whole = {name: np.stack([step[name] for step in self._steps], axis=1) for name in self._steps[0]}
        for world, length in enumerate(self._length):
            if length:
                arrays = {name: values[world, :length] for name, values in whole.items()}
                self._writer.add(arrays, {"success": bool(self._success[world])})
        self._steps = []

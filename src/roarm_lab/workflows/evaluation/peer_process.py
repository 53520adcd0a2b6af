"""A program for another library's Python: it measures that library's own environments, and imports nothing of ours.

`python peer_process.py NAME WHAT WORLDS DEVICE` builds the worlds, takes a few steps, and prints one JSON line with
what it is: versions, task, device, worlds, physics step, substeps. Then each number of seconds that it reads makes it
measure that long and print one JSON line with its speed. Between two measurements it takes no time from anybody.

Run it in a folder that may go: libraries leave files there. What they print goes to stderr. They are imported by name,
since they are not installed where this file is checked.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

WARM_UP_STEPS = 16
MJLAB_TASK, FETCH_TASK = "Mjlab-Lift-Cube-Yam", "FetchPickAndPlace-v4"

Measure = Callable[[float], dict[str, float]]
Started = tuple[dict[str, Any], Measure]


class _TimeIsUp(Exception):  # noqa: N818 (no error: the only way out of a trainer's loop)
    """The time is over."""


def main(name: str, what: str, worlds: int, device: str) -> None:
    """Serve measurements until stdin ends."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [path for path in sys.path if not path or Path(path).resolve() != here]  # its names are ours
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever is printed from here on is no answer
    facts, measure = STARTERS[name, what](worlds, device)
    _say(answers, facts)
    for line in sys.stdin:
        _say(answers, measure(float(line)))


def _say(answers: Any, data: dict[str, Any]) -> None:
    answers.write(json.dumps(data) + "\n")
    answers.flush()


def start_gymnasium_robotics(worlds: int, device: str) -> Started:
    """Return what Gymnasium-Robotics' pick-and-place is, in an `AsyncVectorEnv`, and how to measure it."""
    del device  # it has only CPUs
    gymnasium = import_module("gymnasium")
    gymnasium.register_envs(import_module("gymnasium_robotics"))
    one = gymnasium.make(FETCH_TASK).unwrapped
    env = gymnasium.make_vec(FETCH_TASK, num_envs=worlds, vectorization_mode="async")
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(WARM_UP_STEPS)]
    env.reset(seed=0)

    def steps() -> int:
        for action in actions:
            env.step(action)
        return len(actions) * worlds

    facts = {
        **_facts(
            ("gymnasium-robotics", "gymnasium", "mujoco", "numpy"), FETCH_TASK, f"cpu, processes: {worlds}", worlds
        ),
        "physics_dt_s": float(one.model.opt.timestep),
        "substeps": int(one.n_substeps),
    }
    one.close()
    steps()
    return facts, lambda seconds: {"env_steps_per_s": _rate(steps, seconds)}


def start_mjlab(worlds: int, device: str) -> Started:
    """Return what mjlab's lift-cube is, and how to measure its environment with random actions."""
    torch = import_module("torch")
    facts, env = _mjlab(worlds, device)
    size = (worlds, env.action_manager.total_action_dim)
    on_gpu = facts["device"] != "cpu"

    def steps() -> int:
        turns = WARM_UP_STEPS if on_gpu else 1
        with torch.no_grad():
            for _ in range(turns):
                env.step(2.0 * torch.rand(size, device=env.device) - 1.0)
        if on_gpu:
            torch.cuda.synchronize()
        return turns * worlds

    env.reset()
    env.episode_length_buf = torch.randint_like(env.episode_length_buf, high=int(env.max_episode_length))
    for _ in range(2):
        steps()
    return facts, lambda seconds: {"env_steps_per_s": _rate(steps, seconds)}


def start_mjlab_training(worlds: int, device: str) -> Started:
    """Return what mjlab's lift-cube is, and how to measure its training loop: its runner and settings, no uploads."""
    registry, rl = import_module("mjlab.tasks.registry"), import_module("mjlab.rl")
    facts, env = _mjlab(worlds, device)
    agent = registry.load_rl_cfg(MJLAB_TASK)
    agent.logger, agent.upload_model = "tensorboard", False
    wrapped = rl.RslRlVecEnvWrapper(env, clip_actions=agent.clip_actions)
    make = registry.load_runner_cls(MJLAB_TASK) or rl.MjlabOnPolicyRunner
    runner = make(wrapped, asdict(agent), "records", facts["device"])
    runner.save = lambda *_args, **_kwargs: None  # what it would write is no part of the loop
    log, ends = runner.logger.log, list[float]()

    def measure(seconds: float) -> dict[str, float]:
        def noted(*args: Any, **kwargs: Any) -> None:
            log(*args, **kwargs)
            ends.append(time.perf_counter())
            if len(ends) > 1 and ends[-1] - ends[0] >= seconds:
                raise _TimeIsUp

        ends.clear()
        runner.logger.log = noted
        with suppress(_TimeIsUp):
            runner.learn(num_learning_iterations=2**31, init_at_random_ep_len=True)
        return {"env_steps_per_s": (len(ends) - 1) * agent.num_steps_per_env * worlds / (ends[-1] - ends[0])}

    measure(0.0)
    return facts, measure


def _mjlab(worlds: int, device: str) -> tuple[dict[str, Any], Any]:
    torch = import_module("torch")
    import_module("mjlab.tasks")  # fills mjlab's table of tasks
    import_module("mjlab.utils.torch").configure_torch_backends()
    device = "cpu" if device == "cpu" or (device == "auto" and not torch.cuda.is_available()) else "cuda:0"
    config = import_module("mjlab.tasks.registry").load_env_cfg(MJLAB_TASK)
    config.scene.num_envs, config.seed = worlds, 0
    env = import_module("mjlab.envs").ManagerBasedRlEnv(cfg=config, device=device)
    packages = ("mjlab", "mujoco", "mujoco-warp", "warp-lang", "torch", "rsl-rl-lib")
    facts = _facts(packages, MJLAB_TASK, device, worlds)
    return facts | {"physics_dt_s": float(env.physics_dt), "substeps": int(config.decimation)}, env


def _facts(packages: tuple[str, ...], task: str, device: str, worlds: int) -> dict[str, Any]:
    return {"packages": {name: _version(name) for name in packages}, "task": task, "device": device, "worlds": worlds}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _rate(steps: Callable[[], int], seconds: float) -> float:
    """Return world steps per second of a function that takes some and says how many."""
    began_s, taken = time.perf_counter(), 0
    while (spent_s := time.perf_counter() - began_s) < seconds or not taken:
        taken += steps()
    return taken / spent_s if spent_s > 0.0 else taken / (time.perf_counter() - began_s)


STARTERS: dict[tuple[str, str], Callable[[int, str], Started]] = {
    ("gymnasium-robotics", "sim"): start_gymnasium_robotics,
    ("mjlab", "sim"): start_mjlab,
    ("mjlab", "train"): start_mjlab_training,
}

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])

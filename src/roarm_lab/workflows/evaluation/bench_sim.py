"""How fast worlds are stepped and policies trained: a yardstick in turn, so that both meet the same load."""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from roarm_lab.core.arrays import Array, Float32, asarray_like, to_numpy
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.provenance import usable_cores
from roarm_lab.envs.config import EnvConfig, simulated
from roarm_lab.envs.env import Env, Observations
from roarm_lab.envs.interface import interface_of
from roarm_lab.evaluation.episode_player import Infer
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.policies.contract import check_interface
from roarm_lab.policies.pretrained import shipped_bundle
from roarm_lab.sim.baseline import RawReplay
from roarm_lab.sim.mujoco_cpu import MujocoCpu
from roarm_lab.sim.table import check_backend
from roarm_lab.tasks.table import get_task, table_name
from roarm_lab.workflows.evaluation.bench_request import BenchRequest
from roarm_lab.workflows.learning.multi_gpu import threads_wait_passively

if TYPE_CHECKING:
    from roarm_lab.rl.speed import TrainingSpeed
    from roarm_lab.sim.baseline_warp import WarpReplay

WORLDS = {"mujoco_cpu": (64, 128, 256, 512, 1024, 2048), "mujoco_warp": (1024, 4096, 16384)}
SIM_S, TRAIN_S = 2.0, 20.0
PAIRS_PER_ROUND = 4096
"""Control steps of one world between two turns of the yardstick."""
ROUNDS_ON_A_GPU = 8
"""Control steps of all worlds between two turns there."""


@dataclass(frozen=True)
class Row:
    """One measurement. A control step is `substeps` physics steps of one world."""

    worlds: int
    threads: int
    env_steps_per_s: float
    raw_steps_per_s: float
    """Bare mj_step on as many simultaneous threads, or the bare steps of MuJoCo Warp, in control steps per second."""
    fraction: float
    gripped: float | None
    """Share of the steps in which a box was held by all jaws, there as here; None without boxes."""


def rows_of(request: BenchRequest) -> "Iterator[Row | TrainingSpeed]":
    """Yield what was asked for, row by row.

    Raises:
        BadInputError: The task or the bundle can not be used; nothing has been measured then.
        MissingError: Training needs packages that are not installed.
    """
    config, cores = task_of(request), usable_cores()
    check_backend(config.robot, max(request.worlds, default=1), config.sim)
    if request.what == "train":
        yield from _training(config, request, cores)
        return
    infer, on_cpu = _policy(request), request.backend == "mujoco_cpu"
    for threads in request.threads or (tuple(dict.fromkeys((1, cores))) if on_cpu else (1,)):
        for worlds in request.worlds or WORLDS[request.backend]:
            yield measure_sim(config, worlds, threads, request.seconds or SIM_S, infer)


def task_of(request: BenchRequest) -> EnvConfig:
    """Return the task in the simulator and with the substeps that were asked for.

    Raises:
        BadInputError: There is no such task or device, or the substeps do not fit its times.
    """
    config = simulated(get_task(request.task), request.backend, request.device, threads=0)
    if request.substeps is None:
        return config
    try:
        return replace(config, control_dt_s=request.substeps * config.sim.physics_dt_s)
    except BadInputError as error:
        raise BadInputError(f"`substeps={request.substeps}`: {error}") from error


def measure_sim(config: EnvConfig, worlds: int, threads: int, seconds: float, infer: Infer | None = None) -> Row:
    """Return one row: actions in `worlds` worlds, then the same states again with bare physics.

    Args:
        config: The task.
        worlds: How many.
        threads: For both.
        seconds: Time for the environment.
        infer: The policy, whose own time does not count; None for random actions.
    """
    config = replace(config, sim=replace(config.sim, threads=threads), random_age=True)
    env = Env(config, worlds, seed=0)
    replay, act = _yardstick(env), _random(env) if infer is None else _actions_of(infer)
    seen, spent_s, steps, raw, held = env.reset(), 0.0, 0, list[float](), list[float]()
    for _ in range(8 if infer is None else config.episode_steps):  # until all worlds are somewhere in an episode
        seen = env.step(act(seen)).observations
    rounds = max(PAIRS_PER_ROUND // worlds, 1) if config.sim.backend == "mujoco_cpu" else ROUNDS_ON_A_GPU
    while spent_s < seconds or len(raw) < 3:
        for _ in range(rounds):
            action = act(seen)
            replay.keep()
            began_s = time.perf_counter()
            seen = env.step(action).observations
            spent_s += time.perf_counter() - began_s
            replay.keep_target(env.moved.joint_target)
            if env.moved.touching is not None:
                held.append(float(np.mean(np.any(np.all(to_numpy(env.moved.touching), axis=2), axis=1))))
        steps += rounds
        raw.append(replay.physics_steps_per_s(min(threads, worlds)) / config.substeps)
    env.close()
    env_rate, raw_rate = steps * worlds / spent_s, float(np.median(raw))
    return Row(worlds, threads, env_rate, raw_rate, env_rate / raw_rate, float(np.mean(held)) if held else None)


def _yardstick(env: Env) -> "RawReplay | WarpReplay":
    if isinstance(env.backend, MujocoCpu):
        return RawReplay(env.backend, env.config.substeps)
    from roarm_lab.sim.baseline_warp import WarpReplay

    backend: Any = env.backend
    return WarpReplay(backend, env.config.substeps)


def _actions_of(infer: Infer) -> Callable[[Observations], Float32]:
    return lambda seen: infer({name: to_numpy(values) for name, values in seen["actor"].items()})[:, 0]


def _random(env: Env) -> Callable[[Observations], Array]:
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1.0, 1.0, (64, env.num_envs, env.actions.size))
    actions = asarray_like(actions, env.backend.get("joint_pos"))
    turns = itertools.count()
    return lambda seen: actions[next(turns) % len(actions)]


def _policy(request: BenchRequest) -> Infer | None:
    path = shipped_bundle(request.task) if request.demo else request.bundle
    if path is None:
        return None
    bundle = load_bundle(path)
    check_interface(bundle.contract, interface_of(get_task(request.task)))
    return bundle.policy.infer


def _training(config: EnvConfig, request: BenchRequest, cores: int) -> "Iterator[TrainingSpeed]":
    threads_wait_passively()
    from roarm_lab.rl.settings import changed_settings, ppo_settings
    from roarm_lab.rl.speed import measure_training
    from roarm_lab.rl.trainer import trainer_for

    on_cpu = request.backend == "mujoco_cpu"
    trainer = trainer_for(request.trainer, request.backend)
    tuned = ppo_settings(table_name(config), trainer=trainer, device="cpu" if on_cpu else "cuda")
    if request.hyperparameters is not None:
        tuned = changed_settings(tuned, request.hyperparameters, trainer)
    for threads in request.threads or (cores if on_cpu else 1,):
        for worlds in request.worlds or (tuned.num_envs,):
            settings = replace(tuned, num_envs=worlds)
            yield measure_training(config, settings, threads, request.seconds or TRAIN_S, trainer)

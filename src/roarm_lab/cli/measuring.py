"""Measuring speed: environment and yardstick in turn, so that both meet the same load of the machine."""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from roarm_lab.cli.bench import BenchArguments, Row
from roarm_lab.cli.training import threads_wait_passively
from roarm_lab.core.arrays import Float32
from roarm_lab.core.provenance import provenance, usable_cores
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env, Observations
from roarm_lab.envs.interface import interface_of
from roarm_lab.evaluate.evaluation import Infer
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.policies.contract import check_interface
from roarm_lab.policies.shipped import shipped_bundle
from roarm_lab.sim.mujoco_cpu import MujocoCpu
from roarm_lab.sim.raw import RawReplay
from roarm_lab.tasks.table import get_task

if TYPE_CHECKING:
    from roarm_lab.rl.speed import TrainingSpeed

WORLDS = (64, 128, 256, 512, 1024, 2048)
SIM_S, TRAIN_S = 2.0, 20.0
PAIRS_PER_ROUND = 4096
"""Control steps of one world between two turns of the yardstick."""


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    facts = provenance()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return {
        "cpu": facts["cpu"],
        "cores": usable_cores(),
        "load": load,
        "time_utc": facts["time_utc"],
        "packages": facts["packages"],
    }


def rows_of(arguments: BenchArguments) -> "Iterator[Row | TrainingSpeed]":
    """Yield what was asked for, row by row.

    Raises:
        BadInputError: The task or the bundle can not be used; nothing has been measured then.
        MissingError: Training needs packages that are not installed.
    """
    config, cores = get_task(arguments.task), usable_cores()
    if arguments.what == "train":
        yield from _training(config, arguments, cores)
        return
    infer = _policy(arguments)
    for threads in arguments.threads or tuple(dict.fromkeys((1, cores))):
        for worlds in arguments.worlds or WORLDS:
            yield measure_sim(config, worlds, threads, arguments.seconds or SIM_S, infer)


def measure_sim(config: EnvConfig, worlds: int, threads: int, seconds: float, infer: Infer | None = None) -> Row:
    """Return one row: actions in `worlds` worlds, then the same states again with bare mj_step.

    Args:
        config: The task.
        worlds: How many.
        threads: For both.
        seconds: Time for the environment.
        infer: The policy, whose own time does not count; None for random actions.
    """
    config = replace(config, sim=replace(config.sim, threads=threads), random_age=True)
    env = Env(config, worlds, seed=0)
    assert isinstance(env.backend, MujocoCpu)
    replay = RawReplay(env.backend, config.substeps)
    act = _random(env) if infer is None else lambda seen: infer(seen["actor"])[:, 0]
    seen, spent_s, steps, raw, held = env.reset(), 0.0, 0, list[float](), list[float]()
    for _ in range(8 if infer is None else config.episode_steps):  # until all worlds are somewhere in an episode
        seen = env.step(act(seen)).observations
    rounds = max(PAIRS_PER_ROUND // worlds, 1)
    while spent_s < seconds or len(raw) < 3:
        for _ in range(rounds):
            action = act(seen)
            replay.keep()
            began_s = time.perf_counter()
            seen = env.step(action).observations
            spent_s += time.perf_counter() - began_s
            replay.keep_target(env.moved.joint_target)
            if env.moved.touching is not None:
                held.append(float(np.mean(np.any(np.all(env.moved.touching, axis=2), axis=1))))
        steps += rounds
        raw.append(replay.physics_steps_per_s(threads) / config.substeps)
    env.close()
    env_rate, raw_rate = steps * worlds / spent_s, float(np.median(raw))
    return Row(worlds, threads, env_rate, raw_rate, env_rate / raw_rate, float(np.mean(held)) if held else None)


def _random(env: Env) -> Callable[[Observations], Float32]:
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1.0, 1.0, (64, env.num_envs, env.actions.size)).astype(np.float32)
    turns = itertools.count()
    return lambda seen: actions[next(turns) % len(actions)]


def _policy(arguments: BenchArguments) -> Infer | None:
    path = shipped_bundle(arguments.task) if arguments.demo else arguments.bundle
    if path is None:
        return None
    bundle = load_bundle(path)
    check_interface(bundle.contract, interface_of(get_task(arguments.task)))
    return bundle.policy.infer


def _training(config: EnvConfig, arguments: BenchArguments, cores: int) -> "Iterator[TrainingSpeed]":
    threads_wait_passively()
    from roarm_lab.rl.settings import ppo_settings
    from roarm_lab.rl.speed import measure_training

    trainer = arguments.trainer or "sb3"
    tuned = ppo_settings(config.task, trainer=trainer)
    for threads in arguments.threads or (cores,):
        for worlds in arguments.worlds or (tuned.num_envs,):
            settings = replace(tuned, num_envs=worlds)
            yield measure_training(config, settings, threads, arguments.seconds or TRAIN_S, trainer)

"""Measuring speed: environment and yardstick in turn, so that both meet the same load of the machine."""

import os
import time
from dataclasses import replace
from typing import Any

import numpy as np

from roarm_lab.cli.bench import Row
from roarm_lab.core.provenance import provenance, usable_cores
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env
from roarm_lab.sim.mujoco_cpu import MujocoCpu
from roarm_lab.sim.raw import RawReplay

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


def measure_sim(config: EnvConfig, worlds: int, threads: int, seconds: float) -> Row:
    """Return one row: random actions in `worlds` worlds, then the same states again with bare mj_step."""
    config = replace(config, sim=replace(config.sim, threads=threads), random_age=True)
    env = Env(config, worlds, seed=0)
    assert isinstance(env.backend, MujocoCpu)
    replay = RawReplay(env.backend, config.substeps)
    rng = np.random.default_rng(0)
    env.reset()
    actions = rng.uniform(-1.0, 1.0, (64, worlds, env.actions.size)).astype(np.float32)
    for action in actions[:8]:
        env.step(action)
    spent_s, steps, raw = 0.0, 0, list[float]()
    rounds = max(PAIRS_PER_ROUND // worlds, 1)
    while spent_s < seconds or len(raw) < 3:
        for turn in range(rounds):
            replay.keep()
            began = time.perf_counter()
            env.step(actions[(steps + turn) % len(actions)])
            spent_s += time.perf_counter() - began
            replay.keep_target(env.moved.joint_target)
        steps += rounds
        raw.append(replay.physics_steps_per_s(threads) / config.substeps)
    env.close()
    env_rate, raw_rate = steps * worlds / spent_s, float(np.median(raw))
    return Row(worlds, threads, env_rate, raw_rate, env_rate / raw_rate)

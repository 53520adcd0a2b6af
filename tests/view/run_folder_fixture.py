"""A run folder as training leaves it behind, written by hand: no trainer is needed to test what is made of it."""

import json
from math import exp, nan
from pathlib import Path
from typing import Any

from roarm_lab.evaluation.statistics import wilson_interval
from roarm_lab.policies.contract import Contract

SUCCESS = {"hold_s": 0.4, "command": "goal", "site": "hand_tcp", "within_m": 0.02}
GOAL = {"resample_s": "inf", "site": "hand_tcp", "min_radius_m": 0.12}
HASHES = {"model": "1a" * 32, "task": "2b" * 32, "randomization": "3c" * 32, "rewards": "4d" * 32}
COMMAND = ["roarm", "train", "reach", "--seed", "7"]
PROVENANCE = {
    "roarm_lab": "0.1.0",
    "python": "3.11.9",
    "packages": {"mujoco": "3.17.0", "numpy": "2.4.0", "torch": "2.13.0", "onnx": None},
    "platform": "Linux-6.1.0-x86_64-with-glibc2.36",
    "cpu": "AMD Ryzen 5 5600U with Radeon Graphics",
    "cpu_cores": 12,
    "cpu_cores_usable": 8,
    "git": {"revision": "5e" * 20, "dirty": True},
    "time_utc": "2026-03-14T15:09:26+00:00",
}
META: dict[str, Any] = {
    "schema": 1,
    "kind": "train",
    "task": "reach",
    "seed": 7,
    "device": "auto",
    "evaluation_episodes": 512,
    "command": COMMAND,
    "settings": {
        "kind": "PpoSettings",
        "num_envs": 512,
        "total_timesteps": 750_000,
        "gamma": 0.95,
        "learning_rate": 1e-3,
        "desired_kl": 0.012,
        "hidden": [128, 128],
    },
    "env": {
        "kind": "EnvConfig",
        "task": "reach",
        "robot": {"kind": "Robot", "name": "roarm_m3"},
        "episode_s": 2.0,
        "commands": {"goal": {"kind": "ReachablePosition", **GOAL}},
        "success": {"kind": "SiteHeldAtGoal", **SUCCESS},
        "rewards": {
            "near": {"kind": "SiteNearGoal", "weight": 0.25, "command": "goal", "scale_m": 0.2},
            "action_rate": {"kind": "ActionRate", "weight": -0.0025},
        },
    },
    "hashes": HASHES,
    "provenance": PROVENANCE,
}
INTERFACE: dict[str, Any] = {
    "robot": "roarm_m3",
    "task": "reach",
    "control_dt_s": 0.05,
    "episode_s": 2.0,
    "commands": {"goal": {"kind": "ReachablePosition", "size": 3, "params": GOAL}},
    "success": {"kind": "SiteHeldAtGoal", "params": SUCCESS},
}
REGIONS = (
    ("goal radius", "< 0.25 m", 149, 151),
    ("goal radius", "0.25-0.4 m", 258, 262),
    ("goal radius", "> 0.4 m", 89, 99),
    ("goal height", "< 0.15 m", 160, 166),
    ("goal height", "0.15-0.3 m", 198, 203),
    ("goal height", "> 0.3 m", 138, 143),
    ("turn to the goal", "< 40 deg", 171, 171),
    ("turn to the goal", "40-103 deg", 206, 210),
    ("turn to the goal", "> 103 deg", 119, 131),
)
EVALUATION: dict[str, Any] = {
    "task": "reach",
    "seed": 1_000_010,
    "successes": 496,
    "episodes": 512,
    "success_rate": 496 / 512,
    "interval": list(wilson_interval(496, 512)),
    "regions": [
        {"name": name, "range": label, "episodes": tries, "successes": good, "success_rate": good / tries,
         "interval": list(wilson_interval(good, tries))}
        for name, label, good, tries in REGIONS
    ],
    "time_to_success_s": {"median": 0.85, "p90": 1.25},
    "final_distance_m": {"median": 0.0062, "p90": 0.0138},
    "reward_per_step": {"near": 0.2112, "action_rate": -0.00154},
    "failures": {"got there and left again": 3, "never got there": 11, "got there too late to hold 0.4 s": 2},
    "diverged": 0,
}  # fmt: skip
GOALS = (0.0048, 0.0071, 0.0112, 0.0387, 0.0059, 0.0083, 0.0064, 0.0145, 0.0051, 0.0092)
ARM_RUN: dict[str, Any] = {
    "arm": "sim",
    "real_time": True,
    "goals": 10,
    "successes": 9,
    "success_rate": 0.9,
    "interval": list(wilson_interval(9, 10)),
    "cycle_late_ms": {"p50": 0.084, "p99": 0.41, "max": 2.37},
    "held": [],
    "episodes": [{"distance_m": gap, "success": gap < 0.02} for gap in GOALS],
}


def curve_rows(rollouts: int = 92) -> list[dict[str, float | int]]:
    """Return rows as training writes them: the first ones know no success yet, as no episode has ended."""
    rows: list[dict[str, float | int]] = []
    for index in range(1, rollouts + 1):
        grown = 1.0 / (1.0 + exp(-(index - 30) / 7)) - 0.013
        wobble = ((index * 7919) % 97) / 97 - 0.5
        rows.append({
            "steps": 8192 * index,
            "wall_s": 2.41 * index,
            "success": nan if index < 3 else min(max(0.955 * grown + 0.025 * wobble, 0.0), 1.0),
            "learning_rate": max(1e-3 * (1.5 if index % 9 < 4 else 1.0) * exp(-index / 90), 1e-5),
            "kl": nan if index == 1 else 0.012 * (1.0 + 0.6 * wobble),
            "value_loss": nan if index == 1 else 0.3 / index,
            "std": 0.7 * exp(-index / 60) + 0.08,
            "diverged": 0,
            "reward_near": 0.06 + 0.15 * grown + 0.004 * wobble,
            "reward_close": 0.005 + 0.12 * grown + 0.004 * wobble,
            "reward_at_goal": 0.07 * grown,
            "reward_action_rate": -0.006 * exp(-index / 40) - 0.001,
            "reward_joint_speed": -0.002,
        })  # fmt: skip
    return rows


def curve_text(rows: list[dict[str, float | int]]) -> str:
    """Return the text of `curve.csv`."""
    return "".join(",".join(map(str, line)) + "\n" for line in (rows[0], *(row.values() for row in rows)))


def put(path: Path, data: object) -> None:
    """Write data as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")


def write_run(path: Path, **replaced: object) -> Path:
    """Write a finished run with a run on the simulated arm; return its folder.

    Args:
        path: The folder.
        replaced: `meta`, `interface`, `evaluation`, `arm_run` (data) or `curve` (rows) in place of the usual; None
            leaves the file out.
    """
    parts: dict[str, Any] = {
        "meta": META, "interface": INTERFACE, "evaluation": EVALUATION, "arm_run": ARM_RUN, "curve": curve_rows()
    } | replaced  # fmt: skip
    path.mkdir(parents=True, exist_ok=True)
    for name in ("meta", "evaluation", "arm_run"):
        if parts[name] is not None:
            put(path / f"{name}.json", parts[name])
    if parts["curve"] is not None:
        (path / "curve.csv").write_text(curve_text(parts["curve"]), encoding="utf-8")
    if parts["interface"] is not None:
        origin = {"hashes": {**HASHES, "policy": "6f" * 32}, "seed": 7, "command": COMMAND}
        contract = Contract(interface=parts["interface"], provenance=origin, evaluation=parts["evaluation"])
        (path / "bundle").mkdir(exist_ok=True)
        (path / "bundle" / "contract.json").write_text(contract.to_json(), encoding="utf-8")
    return path

"""Policy bundles made by hand, in milliseconds and without a trainer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Float32
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.interface import hashes_of, interface_of
from roarm_lab.mdp.groups import ObservationGroup
from roarm_lab.policies.bundle import Bundle, load_bundle, write_bundle
from roarm_lab.policies.contract import Contract
from roarm_lab.rl.onnx_export import Mlp, mlp_to_onnx
from roarm_lab.tasks.reach import reach

ACTIONS = 6


def contract_of(config: EnvConfig, **interface: Any) -> Contract:
    """Return the contract of a policy for a task; `interface` replaces parts of it."""
    return Contract(interface=interface_of(config) | interface, provenance={"hashes": hashes_of(config)})


def constant(action: Sequence[float], inputs: Mapping[str, int]) -> bytes:
    """Return a network that always gives the same action."""
    layer = (np.zeros((len(action), sum(inputs.values())), np.float32), np.asarray(action, np.float32))
    return mlp_to_onnx(mlp([layer]), dict(inputs))


def wild(inputs: Mapping[str, int], seed: int = 0, size: float = 0.5) -> bytes:
    """Return a network with random weights: it does something else at every moment."""
    rng, total = np.random.default_rng(seed), sum(inputs.values())
    layers = [
        (rng.normal(0.0, size / np.sqrt(total) * 4, (32, total)), rng.normal(0.0, size, 32)),
        (rng.normal(0.0, size, (ACTIONS, 32)), rng.normal(0.0, size, ACTIONS)),
    ]
    return mlp_to_onnx(mlp([(w.astype(np.float32), b.astype(np.float32)) for w, b in layers]), dict(inputs))


def nan(inputs: Mapping[str, int], *, when_moving: bool = False) -> bytes:
    """Return a network of finite numbers that gives NaN: infinity minus infinity.

    With `when_moving` it turns the base, and gives NaN as soon as it turns.
    """
    first = np.zeros((2, sum(inputs.values())), np.float32)
    if when_moving:
        first[:, list(inputs).index("joint_vel") * 6] = 1e30  # all terms before it have one number per joint
    last = np.zeros((ACTIONS, 2), np.float32)
    last[0] = 1.0, -1.0
    layers = [
        (first, np.full(2, 0.0 if when_moving else 1e30, np.float32)),
        (np.eye(2, dtype=np.float32) * np.float32(1e30), np.zeros(2, np.float32)),
        (last, np.full(ACTIONS, 0.5, np.float32)),
    ]
    return mlp_to_onnx(mlp(layers), dict(inputs))


def mlp(layers: Sequence[tuple[Float32, Float32]]) -> Mlp:
    """Return a network whose normaliser does nothing."""
    size = layers[0][0].shape[1]
    return Mlp(
        mean=np.zeros(size, np.float32), var=np.ones(size, np.float32), clip=1e6, layers=layers, activation="Elu"
    )


def inputs_of(config: EnvConfig) -> dict[str, int]:
    """Return the terms that a policy of a task takes, by size."""
    return ObservationGroup(config.observations["actor"], config.scene()).sizes


def still_bundle(path: Path, config: EnvConfig | None = None) -> Path:
    """Write a bundle whose policy never moves; return its folder."""
    config = config or reach()
    return write_bundle(path, constant([0.0] * ACTIONS, inputs_of(config)), contract_of(config))


def wild_bundle(path: Path, config: EnvConfig | None = None, seed: int = 0) -> Bundle:
    """Write and load a bundle whose policy waves the arm about."""
    config = config or reach()
    return load_bundle(write_bundle(path, wild(inputs_of(config), seed), contract_of(config)))


def seeking_bundle(path: Path) -> Path:
    """Write a bundle that goes for the goal of reach in straight proportion, and often stops a little beside it."""
    inputs = inputs_of(reach())
    first = dict(zip(inputs, np.cumsum([0, *inputs.values()]), strict=False))
    weights = np.zeros((ACTIONS, sum(inputs.values())), np.float32)
    weights[0, first["goal_turn"]] = 4.0
    # Inverse of how shoulder and elbow move the fingertips outwards and upwards where an episode starts.
    weights[1, first["goal_from_tcp"] + np.array([0, 2])] = (2.5, -3.9)
    weights[2, first["goal_from_tcp"] + np.array([0, 2])] = (-5.0, -0.1)
    onnx = mlp_to_onnx(mlp([(weights, np.zeros(ACTIONS, np.float32))]), inputs)
    return write_bundle(path, onnx, contract_of(reach()))


def with_network(bundle: Bundle, onnx: bytes, path: Path, **interface: Any) -> Path:
    """Write the bundle anew with another network or another interface; hashes fit."""
    contract = replace(bundle.contract, interface={**bundle.contract.interface, **interface})
    return write_bundle(path, onnx, contract)

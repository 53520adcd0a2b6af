"""What skrl's trainers have in common: networks, spaces, and its normaliser as the exported network has it."""

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from roarm_lab.core.arrays import Float32
from roarm_lab.rl.onnx_export import EPSILON

SCALER_EPSILON = EPSILON**0.5
"""Added to the deviation; below it the exported network, which adds to the variance, could not follow."""


def network(size: int, hidden: tuple[int, ...], activation: type[torch.nn.Module]) -> torch.nn.Sequential:
    """Return hidden layers, each with its activation."""
    layers: list[torch.nn.Module] = []
    for before, after in pairwise([size, *hidden]):
        layers += [torch.nn.Linear(before, after), activation()]
    return torch.nn.Sequential(*layers)


def with_output(hidden_layers: torch.nn.Sequential, width: int, outputs: int) -> torch.nn.Sequential:
    """Return the layers with a linear one behind them."""
    return torch.nn.Sequential(*hidden_layers, torch.nn.Linear(width, outputs))


def box(size: int, bound: float = np.inf) -> spaces.Box:
    """Return the space of so many numbers between -bound and bound."""
    return spaces.Box(-bound, bound, (size,), np.float32)


def mean_and_var(scaler: Any) -> tuple[Float32, Float32]:
    """Return the normaliser as an `Mlp` has it.

    skrl divides by the deviation plus a number, the exported network by a root with another number below it.
    """
    divisor = scaler.running_variance.cpu().numpy() ** 0.5 + scaler.epsilon
    return scaler.running_mean.cpu().numpy().astype(np.float32), (divisor**2 - EPSILON).astype(np.float32)

"""The networks of all trainers: layers, how an actor begins, what its means may be, and its weights as plain arrays."""

from collections.abc import Sequence
from itertools import pairwise

import torch

from roarm_lab.core.arrays import Float32

FIRST_ACTIONS = 0.05
"""By this the last layer of a fresh actor is scaled: it begins by exploring around standing still."""


def stacked(
    size: int, hidden: Sequence[int], activation: type[torch.nn.Module], outputs: int | None = None
) -> torch.nn.Sequential:
    """Return hidden layers, each with its activation, and behind them a linear one if `outputs` says how wide."""
    layers: list[torch.nn.Module] = []
    for before, after in pairwise([size, *hidden]):
        layers += [torch.nn.Linear(before, after), activation()]
    if outputs is not None:
        layers.append(torch.nn.Linear(hidden[-1], outputs))
    return torch.nn.Sequential(*layers)


def begin_small(actor: torch.nn.Module) -> None:
    """Let a fresh actor ask for little."""
    last = _linears(actor)[-1]
    with torch.no_grad():
        last.weight.mul_(FIRST_ACTIONS)
        last.bias.zero_()


def outside_the_box(mean: torch.Tensor) -> torch.Tensor:
    """Return by how much action means [..., action] lie outside -1 to 1: mean square over the actions."""
    return torch.clamp(mean.abs() - 1.0, min=0.0).square().mean(dim=-1)


def layers_of(network: torch.nn.Module) -> list[tuple[Float32, Float32]]:
    """Return weight and bias of the linear layers of a network, in order, as plain arrays."""
    return [(_kept(part.weight), _kept(part.bias)) for part in _linears(network)]


def _linears(network: torch.nn.Module) -> list[torch.nn.Linear]:
    return [part for part in network.modules() if isinstance(part, torch.nn.Linear)]


def _kept(values: torch.Tensor) -> Float32:
    """Return a copy: the network learns on in its own memory."""
    return values.detach().cpu().numpy().copy()

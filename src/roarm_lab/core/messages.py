"""The two messages between an arm and a policy: what was seen, and what to do next."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from roarm_lab.core.arrays import Array, Float64, to_numpy
from roarm_lab.core.errors import BadInputError


@dataclass(frozen=True, eq=False)
class Observation:
    """What is known about an arm at one moment."""

    observed_at_s: float
    """When the oldest measurement in it was made, on the arm's clock."""
    terms: Mapping[str, Array]
    """Arrays by name, as the policy's contract lists them; a single arm has no leading `env` dimension."""

    def __post_init__(self) -> None:
        """Refuse a time or a term that is not finite, by name."""
        _refuse_bad_time("observed_at_s", self.observed_at_s)
        for name, values in self.terms.items():
            bad = _first_bad(values)
            if bad is not None:
                raise BadInputError(f"Observation term {name!r} has {bad}; every number in it must be finite.")


@dataclass(frozen=True, eq=False)
class ActionChunk:
    """What to do next, from policy to arm."""

    observed_at_s: float
    """`observed_at_s` of the observation this answers: an answer to an old observation is dropped."""
    step_s: float
    """Time between the rows below."""
    joint_target: Float64
    """Joint targets [step, joint] rad, in the order of `robot.joint_names`."""

    def __post_init__(self) -> None:
        """Refuse times that make no sense, the wrong number of dimensions, and numbers that are not finite."""
        _refuse_bad_time("observed_at_s", self.observed_at_s)
        if not 0.0 < self.step_s < math.inf:
            raise BadInputError(f"ActionChunk.step_s must be positive and finite, got {self.step_s}.")
        shape = np.shape(self.joint_target)
        if len(shape) != 2 or 0 in shape:
            raise BadInputError(
                f"ActionChunk.joint_target must have the shape [step, joint], at least 1 by 1, got {shape}."
            )
        bad = _first_bad(self.joint_target)
        if bad is not None:
            raise BadInputError(f"ActionChunk.joint_target has {bad}; every angle [rad] must be finite.")


def _refuse_bad_time(name: str, time_s: float) -> None:
    if not -math.inf < time_s < math.inf:
        raise BadInputError(f"{name} must be a finite time [s], got {time_s}.")


def _first_bad(values: Array) -> str | None:
    """Return the first value that is not finite and where it is, in words; None when there is none."""
    array = to_numpy(values)
    if array.dtype.kind not in "biuf":
        return f"values of type {array.dtype}"
    finite = np.isfinite(array)
    if finite.all():
        return None
    index = tuple(int(i) for i in np.argwhere(~finite)[0])
    return f"{array[index]} at index {list(index)}"

"""Messages that can not carry nonsense."""

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.messages import ActionChunk, Observation


def test_an_observation_carries_arrays_by_name() -> None:
    seen = Observation(12.5, {"joint_pos": np.zeros(6), "goal": torch.ones(3), "steps": np.array([1, 2])})
    assert seen.observed_at_s == 12.5
    assert set(seen.terms) == {"joint_pos", "goal", "steps"}


@pytest.mark.parametrize("array", [np.array, torch.tensor])
def test_a_term_that_is_not_finite_is_refused_by_name_and_index(array: type) -> None:
    with pytest.raises(BadInputError, match=r"Observation term 'ee_pos_b' has nan at index \[1\]"):
        Observation(0.0, {"joint_pos": array([0.0, 0.0]), "ee_pos_b": array([0.0, math.nan, math.inf])})


def test_a_term_that_is_not_numbers_is_refused() -> None:
    with pytest.raises(BadInputError, match="Observation term 'note' has values of type <U2"):
        Observation(0.0, {"note": np.array(["hi"])})


@pytest.mark.parametrize("time_s", [math.nan, math.inf])
def test_a_moment_must_be_a_number(time_s: float) -> None:
    with pytest.raises(BadInputError, match=f"observed_at_s must be a finite time .s., got {time_s}"):
        Observation(time_s, {})
    with pytest.raises(BadInputError, match=f"observed_at_s must be a finite time .s., got {time_s}"):
        ActionChunk(time_s, 0.05, np.zeros((1, 6)))


def test_a_chunk_has_a_row_for_each_step() -> None:
    chunk = ActionChunk(observed_at_s=1.0, step_s=0.05, joint_target=np.zeros((8, 6)))
    assert chunk.joint_target.shape == (8, 6)
    with pytest.raises(FrozenInstanceError):
        chunk.step_s = 1.0  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("shape", [(6,), (0, 6), (1, 0), (1, 1, 6), ()])
def test_a_chunk_of_the_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInputError, match=r"shape \[step, joint\].* got \("):
        ActionChunk(0.0, 0.05, np.zeros(shape))


@pytest.mark.parametrize("step_s", [0.0, -0.05, math.nan, math.inf])
def test_a_chunk_whose_rows_have_no_time_is_refused(step_s: float) -> None:
    with pytest.raises(BadInputError, match=f"step_s must be positive and finite, got {step_s}"):
        ActionChunk(0.0, step_s, np.zeros((1, 6)))


def test_a_chunk_with_a_hole_is_refused_by_place() -> None:
    target = np.zeros((3, 6))
    target[2, 4] = -math.inf
    with pytest.raises(BadInputError, match=r"joint_target has -inf at index \[2, 4\]"):
        ActionChunk(0.0, 0.05, target)

"""Settings of PPO that make no sense are refused before anything is started."""

import math
from dataclasses import replace

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.rl.settings import PpoSettings


@pytest.mark.parametrize("name", ["num_envs", "total_timesteps", "rollout_steps", "epochs", "minibatches"])
@pytest.mark.parametrize("value", [0, -3])
def test_counts_are_at_least_one(name: str, value: int) -> None:
    with pytest.raises(BadInputError, match=f"^{name} must be 1 or more, got {value}"):
        replace(PpoSettings(), **{name: value})


@pytest.mark.parametrize(
    "name",
    [
        *("learning_rate", "desired_kl", "clip", "value_weight", "entropy_weight"),
        *("max_grad_norm", "start_std", "observation_clip"),
    ],
)
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_numbers_are_positive_and_finite(name: str, value: float) -> None:
    with pytest.raises(BadInputError, match=f"PpoSettings.{name} must be positive and finite, got {value}"):
        replace(PpoSettings(), **{name: value})


@pytest.mark.parametrize("limits", [(1e-2, 1e-1), (1e-5, 1e-4), (1e-1, 1e-5), (math.nan, 1.0), (0.0, 1.0)])
def test_the_learning_rate_lies_in_its_range(limits: tuple[float, float]) -> None:
    with pytest.raises(BadInputError, match=r"learning_rate \(0.001\) must be in learning_rate_range"):
        replace(PpoSettings(), learning_rate_range=limits)


def test_a_learning_rate_that_no_network_survives_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"\(1e-05 to 10000.0\), and that above 0 and at most 1"):
        replace(PpoSettings(), learning_rate=1000.0, learning_rate_range=(1e-5, 1e4))


def test_a_rollout_that_is_too_small_for_its_minibatches_is_refused() -> None:
    replace(PpoSettings(), num_envs=1, rollout_steps=8, minibatches=4)
    with pytest.raises(BadInputError, match=r"\(1 x 7\) is too small for 4 minibatches; use more environments"):
        replace(PpoSettings(), num_envs=1, rollout_steps=7, minibatches=4)

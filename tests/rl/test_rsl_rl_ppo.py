"""How RSL-RL's actor draws actions with us."""

from typing import Any

import pytest
import torch

pytest.importorskip("rsl_rl", reason="rsl_rl is not installed")

from roarm_lab.rl.rsl_rl_ppo import BoundedMeans
from tests.gpu_semantics import Watch, watching

DRAWS = 40_000
SIGMAS = 5.0  # standard errors of a mean, deviation or correlation; the seed is fixed, one in a million would fail
MEAN, STD = torch.linspace(-1.0, 1.0, 6), torch.linspace(0.1, 1.1, 6)


@pytest.fixture
def actions() -> Any:
    """A distribution of six actions, the same in every row, whose means and deviations learn."""
    torch.manual_seed(0)
    distribution: Any = BoundedMeans(6, bound_over_entropy=0.0, std_type="log")
    with torch.no_grad():
        distribution.log_std_param.copy_(STD.log())
    distribution.update(MEAN.expand(DRAWS, 6).clone().requires_grad_())
    return distribution


def test_drawn_actions_have_the_means_and_deviations_asked_for(actions: Any) -> None:
    drawn = actions.sample()
    assert drawn.shape == (DRAWS, 6)
    mean_error, std_error = (drawn.mean(dim=0) - MEAN) / STD, drawn.std(dim=0) / STD - 1.0
    assert float(mean_error.abs().max()) < SIGMAS / DRAWS**0.5
    assert float(std_error.abs().max()) < SIGMAS / (2 * DRAWS) ** 0.5
    correlation = torch.corrcoef(drawn.T) - torch.eye(6)
    assert float(correlation.abs().max()) < SIGMAS / DRAWS**0.5  # every action has noise of its own


def test_no_gradient_flows_through_drawn_actions(actions: Any) -> None:
    drawn = actions.sample()
    assert not drawn.requires_grad
    actions.log_prob(drawn).sum().backward()  # what learning follows
    assert float(actions.log_std_param.grad.abs().min()) > 0.0


def test_drawing_actions_looks_at_no_value(actions: Any) -> None:
    watch = Watch("cpu")
    with watching(watch):
        actions.sample()
    assert watch.found == []
    with watching(watch):
        super(BoundedMeans, actions).sample()  # RSL-RL's own
    assert watch.found == ["normal: the smallest deviation, where deviations are a tensor"]

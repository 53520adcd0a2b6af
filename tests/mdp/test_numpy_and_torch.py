"""Every term gives the same on NumPy and on torch: one source for the CPU and the GPU."""

import inspect
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.arrays import to_numpy
from roarm_lab.mdp import actions, commands, events, observations, rewards, terminations
from roarm_lab.mdp.terms import (
    ActionTerm,
    CommandTerm,
    EventTerm,
    ObservationTerm,
    RewardTerm,
    SuccessTerm,
    TerminationTerm,
)
from tests.mdp.fake_state import NUM_ENVS, moment, scene

torch = pytest.importorskip("torch")

SAME = 2e-5
"""Float32 sums in another order, through an inverse of a 4 x 4 matrix at worst."""
FILLED: dict[str, dict[str, Any]] = {
    "Command": {"command": "goal"},
    "GoalFromSite": {"command": "goal"},
    "SiteNearGoal": {"command": "goal"},
    "SiteAtGoal": {"command": "goal", "within_m": 0.3},
    "SiteHeldAtGoal": {"command": "goal", "within_m": 0.3, "hold_s": 0.4},
    "ScaleModel": {"field": "body_mass"},
}


def terms(module: Any, base: type) -> list[Any]:
    """Return one instance of every concrete term in a module."""
    found = [
        item
        for _, item in inspect.getmembers(module, inspect.isclass)
        if issubclass(item, base) and not inspect.isabstract(item) and item.__module__ == module.__name__
    ]
    made = []
    for item in found:
        weight = {"weight": -1.0 if item.penalty else 1.0} if issubclass(item, RewardTerm) else {}
        made.append(item(**weight, **FILLED.get(item.__name__, {})))
    assert made, f"{module.__name__} has no terms"
    return made


def both(function: Any, *extra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what `function(state, *extra)` gives on NumPy and on torch."""
    on_numpy = function(moment(), *extra)
    on_torch = function(moment(torch.tensor), *(torch.tensor(item) for item in extra))
    assert isinstance(on_torch, torch.Tensor), "the torch result must stay a torch tensor"
    assert str(on_torch.dtype).split(".")[1] == str(on_numpy.dtype), (on_torch.dtype, on_numpy.dtype)
    return to_numpy(on_numpy), to_numpy(on_torch)


@pytest.mark.parametrize("term", terms(observations, ObservationTerm), ids=lambda t: type(t).__name__)
def test_observations_agree_and_have_the_promised_size(term: ObservationTerm) -> None:
    on_numpy, on_torch = both(term.bind(scene()))
    assert on_numpy.dtype == np.float32
    assert on_numpy.shape == (NUM_ENVS, len(term.components(scene())))
    np.testing.assert_allclose(on_numpy, on_torch, atol=SAME)


@pytest.mark.parametrize("term", terms(rewards, RewardTerm), ids=lambda t: type(t).__name__)
def test_rewards_agree_and_keep_to_their_range(term: RewardTerm) -> None:
    on_numpy, on_torch = both(term.bind(scene()))
    assert on_numpy.shape == (NUM_ENVS,)
    assert on_numpy.dtype == np.float32
    assert (on_numpy >= 0).all()
    assert term.penalty or (on_numpy <= 1).all()
    np.testing.assert_allclose(on_numpy, on_torch, atol=SAME)


@pytest.mark.parametrize("term", terms(actions, ActionTerm), ids=lambda t: type(t).__name__)
def test_actions_agree_and_name_one_joint_per_column(term: ActionTerm) -> None:
    action = np.random.default_rng(1).uniform(-1, 1, (NUM_ENVS, term.size(scene()))).astype(np.float32)
    on_numpy, on_torch = both(term.bind(scene()), action)
    assert on_numpy.shape == (NUM_ENVS, len(term.joints(scene())))
    np.testing.assert_allclose(on_numpy, on_torch, atol=SAME)


@pytest.mark.parametrize("term", terms(commands, CommandTerm), ids=lambda t: type(t).__name__)
def test_commands_agree(term: CommandTerm) -> None:
    random = np.random.default_rng(1).random((NUM_ENVS, term.draws), dtype=np.float32)
    pick = term.bind(scene())
    on_numpy, on_torch = pick(random), pick(torch.tensor(random))
    assert on_numpy.shape == (NUM_ENVS, term.size)
    np.testing.assert_array_equal(on_numpy, to_numpy(on_torch))


@pytest.mark.parametrize("term", terms(events, EventTerm), ids=lambda t: type(t).__name__)
def test_events_agree(term: EventTerm) -> None:
    random = np.random.default_rng(1).random((NUM_ENVS, term.draws(scene())), dtype=np.float32)
    happen = term.bind(scene())
    on_numpy, on_torch = happen(random, moment()), happen(torch.tensor(random), moment(torch.tensor))
    assert list(on_numpy) == list(on_torch)
    for name, values in on_numpy.items():
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, to_numpy(on_torch[name]), atol=SAME)


@pytest.mark.parametrize(
    "test",
    [t.bind(scene()) for t in terms(terminations, TerminationTerm) + terms(terminations, SuccessTerm)],
    ids=lambda t: t.__qualname__,
)
def test_terminations_and_success_agree(test: Any) -> None:
    on_numpy, on_torch = both(test)
    assert on_numpy.dtype == bool
    np.testing.assert_array_equal(on_numpy, on_torch)

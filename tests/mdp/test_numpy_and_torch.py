"""Every term gives the same on NumPy and on torch: one source for the CPU and the GPU."""

from typing import Any

import numpy as np
import pytest

from roarm_lab.core.arrays import to_numpy
from roarm_lab.mdp.effects import Effect
from tests.mdp.every_term import ACTIONS, COMMANDS, EVENTS, OBSERVATIONS, REWARDS, SUCCESSES, TERMINATIONS, name_of
from tests.mdp.fake_state import NUM_ENVS, moment, scene

torch = pytest.importorskip("torch")

SAME = 2e-5  # float32 sums in another order, through an inverse of a 4 x 4 matrix at worst
TESTS = TERMINATIONS + SUCCESSES


def uniform(columns: int) -> np.ndarray:
    return np.random.default_rng(1).random((NUM_ENVS, columns), dtype=np.float32)


def function_of(term: Any) -> tuple[Any, tuple[np.ndarray, ...]]:
    """Return a term's function as state first, and what it needs besides the state."""
    bound = term.bind(scene())
    if term in COMMANDS:
        return (lambda state, random: bound(random, state)), (uniform(term.draws),)
    if term in EVENTS:
        return (lambda state, random: bound(random, state)), (uniform(term.draws(scene())),)
    if term in ACTIONS:
        return bound, (2.0 * uniform(term.size(scene())) - 1.0,)
    return bound, ()


def results(found: Any) -> list[Any]:
    """Return the arrays in what a term gave."""
    return [found.values] if isinstance(found, Effect) else [found]


def both(term: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return what a term gives on NumPy and on torch, as NumPy arrays of the same type and shape."""
    function, extra = function_of(term)
    on_numpy = results(function(moment(), *extra))
    on_torch = results(function(moment(torch.tensor), *map(torch.tensor, extra)))
    for one, other in zip(on_numpy, on_torch, strict=True):
        assert isinstance(one, np.ndarray)
        assert isinstance(other, torch.Tensor)
        assert str(other.dtype) == f"torch.{one.dtype}"
    return [(one, to_numpy(other)) for one, other in zip(on_numpy, on_torch, strict=True)]


@pytest.mark.parametrize("term", OBSERVATIONS + REWARDS + ACTIONS + COMMANDS + EVENTS, ids=name_of)
def test_numbers_agree_and_are_float32(term: Any) -> None:
    for on_numpy, on_torch in both(term):
        assert on_numpy.dtype == np.float32
        assert np.isfinite(on_numpy).all()
        np.testing.assert_allclose(on_numpy, on_torch, rtol=SAME, atol=SAME)


@pytest.mark.parametrize("term", TESTS, ids=name_of)
def test_answers_agree_and_are_bool(term: Any) -> None:
    ((on_numpy, on_torch),) = both(term)
    assert on_numpy.dtype == bool
    assert on_numpy.shape == (NUM_ENVS,)
    assert 0 < on_numpy.sum() < NUM_ENVS, "the moment must tell worlds apart, or this test can not fail"
    np.testing.assert_array_equal(on_numpy, on_torch)


@pytest.mark.parametrize("term", SUCCESSES, ids=name_of)
def test_distances_agree(term: Any) -> None:
    distance = term.distance(scene())
    np.testing.assert_allclose(distance(moment()), distance(moment(torch.tensor)), rtol=SAME)


@pytest.mark.parametrize("term", OBSERVATIONS, ids=name_of)
def test_observations_have_one_number_per_component(term: Any) -> None:
    assert term.bind(scene())(moment()).shape == (NUM_ENVS, len(term.components(scene())))


@pytest.mark.parametrize("term", ACTIONS, ids=name_of)
def test_actions_give_one_angle_per_joint(term: Any) -> None:
    ((requested, _),) = both(term)
    assert requested.shape == (NUM_ENVS, len(term.joints(scene())))


@pytest.mark.parametrize("term", COMMANDS, ids=name_of)
def test_commands_have_the_promised_size(term: Any) -> None:
    ((command, _),) = both(term)
    assert command.shape == (NUM_ENVS, term.size)


@pytest.mark.parametrize("term", REWARDS, ids=name_of)
def test_rewards_keep_to_their_range(term: Any) -> None:
    reward = term.bind(scene())
    found = np.concatenate([reward(moment(seed=seed)) for seed in range(200)])
    assert found.min() >= 0.0
    assert term.penalty or found.max() <= 1.0
    assert np.ptp(found) > 0.0


@pytest.mark.parametrize("term", OBSERVATIONS + REWARDS + ACTIONS + COMMANDS + EVENTS + TESTS, ids=name_of)
def test_a_term_never_looks_at_values_and_stays_on_its_device(term: Any) -> None:
    # A tensor on `meta` has a shape and no values: boolean indexing, bool(), item(), a trip through NumPy or a constant
    # on another device raise an error.
    def meta(values: np.ndarray) -> Any:
        return torch.tensor(values, device="meta")

    function, extra = function_of(term)
    for found in results(function(moment(meta), *map(meta, extra))):
        assert found.device.type == "meta"


@pytest.mark.parametrize("term", OBSERVATIONS + REWARDS + ACTIONS + COMMANDS + EVENTS + TESTS, ids=name_of)
def test_a_term_writes_to_nothing_and_answers_the_same_again(term: Any) -> None:
    def locked(values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values.setflags(write=False)
        return values

    function, extra = function_of(term)
    state, extra = moment(locked), tuple(map(locked, extra))
    first = [np.array(found) for found in results(function(state, *extra))]
    for one, other in zip(first, results(function(state, *extra)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_check_on_meta_tensors_can_fail() -> None:
    state = moment(lambda values: torch.tensor(values, device="meta"))
    with pytest.raises((RuntimeError, NotImplementedError)):
        state.joint_pos[state.joint_pos > 0.0]
    with pytest.raises((RuntimeError, NotImplementedError)):
        bool((state.joint_pos > 0.0).any())
    with pytest.raises((RuntimeError, NotImplementedError)):
        state.joint_pos + torch.zeros(NUM_ENVS, 6)

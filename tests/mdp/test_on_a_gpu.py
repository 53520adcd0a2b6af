"""A term that was called once brings nothing to the device and looks at no value: a GPU can repeat it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.mdp.every_term import ACTIONS, COMMANDS, EVENTS, OBSERVATIONS, REWARDS, SUCCESSES, TERMINATIONS, name_of
from tests.mdp.fake_state import moment, scene
from tests.mdp.test_numpy_and_torch import function_of

torch = pytest.importorskip("torch")

from tests.gpu_semantics import Watch, watching  # noqa: E402 (not everywhere is torch)

TERMS = OBSERVATIONS + REWARDS + ACTIONS + COMMANDS + EVENTS + TERMINATIONS + SUCCESSES


HAND_ON = {"Command", "JointPos", "JointVel", "LastAction"}
"""Terms that only hand on a part of the state, without an operation."""


def trouble(function: Callable[..., Any], *args: Any, device: str = "cpu", operates: bool = True) -> list[str]:
    """Return what the second call of a function does that a recording can not hold."""
    function(*args)
    watch = Watch(device)
    with watching(watch):
        function(*args)
    assert (watch.operations > 0) == operates
    return watch.found


@pytest.mark.parametrize("device", ["cpu", "meta"])  # on `meta` a tensor of the host is one from elsewhere
@pytest.mark.parametrize("term", TERMS, ids=name_of)
def test_a_term_can_be_recorded(term: Any, device: str) -> None:
    def tensor(values: np.ndarray) -> Any:
        return torch.tensor(values, device=device)

    function, extra = function_of(term)
    operates = name_of(term) not in HAND_ON
    assert trouble(function, moment(tensor), *map(tensor, extra), device=device, operates=operates) == []


@pytest.mark.parametrize("term", SUCCESSES, ids=name_of)
def test_the_distance_of_a_success_can_be_recorded(term: Any) -> None:
    assert trouble(term.distance(scene()), moment(torch.tensor)) == []


HOST = torch.ones(6)


@pytest.mark.parametrize(
    ("sin", "word"),
    [
        (lambda state: state.joint_pos[:, [0, 2]], "lift_fresh"),
        (lambda state: state.joint_pos[:, np.array([0, 2])], "lift_fresh"),
        (lambda state: state.joint_pos * torch.tensor([1.0] * 6), "lift_fresh"),
        (lambda state: state.joint_pos * torch.from_numpy(np.ones(6, dtype=np.float32)), "lift_fresh"),
        (lambda state: state.joint_pos if bool(state.touching.any()) else 0.0, "_local_scalar_dense"),
        (lambda state: state.joint_pos * state.joint_vel[0, 0].item(), "_local_scalar_dense"),
        (lambda state: state.joint_pos[state.joint_pos > 0.0], "a mask as an index"),
        (lambda state: torch.nonzero(state.joint_pos), "nonzero"),
        (lambda state: state.joint_pos.numpy().sum(), "numpy"),
        (lambda state: np.asarray(state.joint_pos), "__array__"),
        (lambda state: state.joint_pos[0].tolist(), "tolist"),
        (lambda state: state.joint_pos + state.joint_pos.cpu(), "cpu"),
    ],
)
def test_the_watch_can_find_something(sin: Callable[[Any], Any], word: str) -> None:
    found = trouble(sin, moment(torch.tensor))
    assert any(word in text for text in found), found


def test_a_copy_from_the_host_in_every_call_is_found() -> None:
    state = moment(lambda values: torch.tensor(values, device="meta"))
    found = trouble(lambda state: state.joint_pos * HOST.to("meta"), state, device="meta")
    assert found == ["_to_copy: a tensor is on another device (cpu)"]

"""A repeated step gives what the step itself gives, and what it gives may be kept."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.arrays import Array, to_numpy
from roarm_lab.envs import env as env_module
from roarm_lab.envs.env import Env
from roarm_lab.envs.randomization import DomainRandomization, randomized
from roarm_lab.envs.step_recorder import STEPS_BEFORE, StepRecorder, leaves, rebuilt
from roarm_lab.tasks.table import get_task
from tests.envs.test_torch_arrays import TorchArrays, on_torch

torch = pytest.importorskip("torch")

WORLDS = 4


class Again:
    """Repeats work by doing it again: in the same memory as a GPU, but with Python's eyes on it."""

    def __init__(self) -> None:
        self.recorded_for: Hashable = 0
        self.recordings = 0

    def record(self, work: Callable[[], None], generators: Sequence[Any]) -> tuple[Hashable, Callable[[], None]]:
        self.recordings += 1
        return self.recorded_for, work


@dataclass(frozen=True)
class Tree:
    first: Array
    named: dict[str, Array]
    past: tuple[Array, ...]
    height_m: float = 0.5
    nothing: Array = None


def a_tree() -> Tree:
    a, b, c, d = (torch.full((2,), float(value)) for value in range(4))
    return Tree(a, {"b": b}, (c, d))


def test_a_tree_is_taken_apart_and_put_together() -> None:
    found = leaves(a_tree())
    assert [float(leaf[0]) for leaf in found] == [0.0, 1.0, 2.0, 3.0]
    other = rebuilt(a_tree(), [leaf + 10.0 for leaf in found])
    assert [float(leaf[0]) for leaf in leaves(other)] == [10.0, 11.0, 12.0, 13.0]
    assert (other.height_m, other.nothing) == (0.5, None)


class Chain:
    """Remembers the last three inputs."""

    def __init__(self) -> None:
        self.newest, self.past = torch.zeros(2), (torch.zeros(2), torch.zeros(2))

    def carried(self) -> tuple[Array, tuple[Array, ...]]:
        return self.newest, self.past

    def carry(self, arrays: Any) -> None:
        self.newest, self.past = arrays


def a_chain() -> tuple[Chain, Callable[[Array], Array]]:
    """Return an owner that remembers the last three inputs, and what to do with the next one."""
    owner = Chain()

    def push(value: Array) -> Array:
        owner.past = (owner.newest, owner.past[0])
        owner.newest = value * 1.0
        return owner.newest + 10.0 * owner.past[0] + 100.0 * owner.past[1]

    return owner, push


def test_what_moves_from_place_to_place_is_not_overwritten_on_the_way() -> None:
    (owner, push), (_, plain) = a_chain(), a_chain()
    repeating = StepRecorder(push, Again(), (), [owner])
    for step in range(1, 9):
        value = torch.full((2,), float(step))
        torch.testing.assert_close(repeating(value), plain(value), rtol=0.0, atol=0.0)


def test_what_was_given_stays_as_it_was() -> None:
    owner, push = a_chain()
    repeating = StepRecorder(push, Again(), (), [owner])
    given = [repeating(torch.full((2,), float(step))) for step in range(6)]
    assert [float(values[0]) for values in given] == [0.0, 1.0, 12.0, 123.0, 234.0, 345.0]


def test_what_others_put_into_a_place_is_taken_over() -> None:
    owner, push = a_chain()
    repeating = StepRecorder(push, Again(), (), [owner])
    for _ in range(STEPS_BEFORE + 2):
        repeating(torch.ones(2))
    owner.newest = torch.full((2,), 7.0)
    assert float(repeating(torch.ones(2))[0]) == 1.0 + 70.0 + 100.0


def test_it_is_recorded_once_until_the_recorder_says_otherwise() -> None:
    owner, push = a_chain()
    again = Again()
    repeating = StepRecorder(push, again, (), [owner])
    for _ in range(6):
        repeating(torch.ones(2))
    assert again.recordings == 1
    again.recorded_for = 1
    repeating(torch.ones(2))
    repeating(torch.ones(2))
    assert again.recordings == 2


class RepeatedArrays(TorchArrays):
    recorded_for = 0
    recordings = 0

    def record(self, work: Callable[[], None], generators: Sequence[Any]) -> tuple[Hashable, Callable[[], None]]:
        self.recordings += 1
        return 0, work


class NoStream:
    """Stands for a GPU's random numbers: here each step has its own, so that two environments can be compared."""

    generators = ()

    def seed(self, seed: int) -> None:
        """Nothing goes on from step to step."""


@pytest.mark.parametrize("task", ["reach", "lift-cube"])
def test_an_environment_that_is_repeated_goes_on_as_one_that_is_not(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = get_task(task)
    config = randomized(replace(config, sim=replace(config.sim, threads=1), random_age=True), DomainRandomization())
    monkeypatch.setattr(env_module, "make_backend", on_torch)
    plain = Env(config, WORLDS, 3)
    monkeypatch.setattr(env_module, "make_backend", lambda *given: RepeatedArrays(on_torch(*given).worlds))
    monkeypatch.setattr(env_module, "stream", lambda like: NoStream())
    draws = Env._next_rng
    monkeypatch.setattr(Env, "_next_rng", lambda env: draws(_without_stream(env)))
    repeated = Env(config, WORLDS, 3)
    rng, ended = np.random.default_rng(0), 0
    for begin in range(2):  # a reset in between is taken over
        same(plain.reset(begin), repeated.reset(begin))
        for _ in range(70):
            action = torch.from_numpy(rng.uniform(-1.2, 1.2, (WORLDS, plain.actions.size)).astype(np.float32))
            one, other = plain.step(action), repeated.step(action)
            same(one.observations, other.observations)
            same({"all": vars_of(one)}, {"all": vars_of(other)})
            assert (one.episodes is None) == (other.episodes is None)
            if one.episodes is not None and other.episodes is not None:
                ended += len(one.episodes.world)
                np.testing.assert_array_equal(one.episodes.world, other.episodes.world)
                np.testing.assert_array_equal(one.episodes.length, other.episodes.length)
                same({"all": one.episodes.returns}, {"all": other.episodes.returns})
            same({"all": {"tcp": plain.state.site_pos_w}}, {"all": {"tcp": repeated.state.site_pos_w}})
    assert ended >= 2 * WORLDS
    assert repeated.backend.recordings == 1  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.gpu
@pytest.mark.parametrize("task", ["reach", "lift-cube"])
def test_an_environment_on_a_gpu_goes_on_from_its_recording_as_without(task: str) -> None:
    config = get_task(task)
    sim = replace(config.sim, backend="mujoco_warp", device="cuda")
    config = randomized(replace(config, sim=sim, random_age=True), DomainRandomization())
    plain, repeated = in_fixed_order(Env(config, WORLDS, 3)), in_fixed_order(Env(config, WORLDS, 3))
    plain._happening = plain._happen
    rng, ended = np.random.default_rng(0), 0
    for begin in range(2):
        same(plain.reset(begin), repeated.reset(begin))
        for _ in range(70):
            action = torch.from_numpy(rng.uniform(-1.2, 1.2, (WORLDS, plain.actions.size)).astype(np.float32))
            one, other = plain.step(action), repeated.step(action)
            same(one.observations, other.observations)
            same({"all": vars_of(one)}, {"all": vars_of(other)})
            ended += 0 if one.episodes is None else len(one.episodes.world)
    assert ended >= 2 * WORLDS
    assert repeated._happening._play is not None  # pyright: ignore[reportFunctionMemberAccess]


def in_fixed_order(env: Env) -> Env:
    """Let contacts and sums of MuJoCo Warp have a fixed order."""
    backend: Any = env.backend
    backend._m.opt.deterministic = True
    backend.device.forget()
    return env


def _without_stream(env: Env) -> Env:
    env._stream = None
    return env


def vars_of(result: Any) -> dict[str, Array]:
    return {name: getattr(result, name) for name in ("reward", "terminated", "truncated")}


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    for group, terms in one.items():
        for name, values in terms.items():
            np.testing.assert_array_equal(to_numpy(values), to_numpy(other[group][name]), err_msg=f"{group} {name}")

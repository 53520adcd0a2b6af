"""The environment on torch tensors does what it does on NumPy arrays: same luck, same worlds, same numbers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.arrays import Array, asarray_like, chosen, is_torch_array, to_numpy
from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.random_streams import random_stream
from roarm_lab.envs import env as env_module
from roarm_lab.envs.env import Env
from roarm_lab.envs.randomization import DomainRandomization, randomized
from roarm_lab.envs.servos import Servos
from roarm_lab.mdp.events import ActionDelay, JointOffset, MeasurementDelay
from roarm_lab.sim.mujoco_cpu import MujocoCpu
from roarm_lab.sim.table import make_backend
from roarm_lab.tasks.table import get_task
from tests.envs.toy_task import toy_config

torch = pytest.importorskip("torch")

WORLDS, STEPS = 4, 70
SEED = 6  # here no arm hits a cube so that rounding decides which way it tumbles; with some seeds one does
ROUNDING = 2e-3  # sines differ in the last bit of float32; three seconds of contact make this of it, in any unit


class TorchArrays:
    """The CPU simulator behind torch tensors, worlds chosen by masks: what a GPU backend looks like."""

    def __init__(self, worlds: MujocoCpu) -> None:
        self.worlds = worlds

    def __getattr__(self, name: str) -> Any:
        return getattr(self.worlds, name)

    def get(self, field: str) -> Array:
        return torch.from_numpy(self.worlds.get(field))

    def model_field(self, field: str, names: tuple[str, ...] = ()) -> Array:
        return torch.from_numpy(self.worlds.model_field(field, names))

    def diverged(self) -> Array:
        return torch.from_numpy(self.worlds.diverged())

    def step(self, joint_target: Array, substeps: int) -> None:
        self.worlds.step(joint_target.numpy(), substeps)

    def reset(self, ids: Array, joint_pos: Array) -> None:
        rows = np.flatnonzero(ids.numpy())
        self.worlds.reset(rows, joint_pos.numpy()[rows])

    def set(self, field: str, values: Array, ids: Array | None = None) -> None:
        rows = np.arange(self.worlds.num_envs) if ids is None else np.flatnonzero(ids.numpy())
        self.worlds.set(field, values.numpy()[rows], rows)

    def scale_model(self, field: str, factor: Array, ids: Array, names: tuple[str, ...] = ()) -> None:
        rows = np.flatnonzero(ids.numpy())
        self.worlds.scale_model(field, factor.numpy()[rows], rows, names)


class NumpyRandomStream:
    """NumPy's random numbers in any library."""

    def __init__(self, seed: Sequence[int], like: Array) -> None:
        self._numpy, self._like = random_stream(seed, np.zeros(1, dtype=np.float32)), like

    def uniform(self, *shape: int) -> Array:
        return asarray_like(self._numpy.uniform(*shape), self._like)

    def normal(self, *shape: int) -> Array:
        return asarray_like(self._numpy.normal(*shape), self._like)

    def integers(self, high: int, count: int) -> Array:
        found = self._numpy.integers(high, count)
        return torch.from_numpy(found) if is_torch_array(self._like) else found


def on_torch(robot: Any, num_envs: int, config: Any) -> Any:
    worlds = make_backend(robot, num_envs, config)
    assert isinstance(worlds, MujocoCpu)
    return TorchArrays(worlds)


@pytest.fixture(params=["reach", "lift-cube"])
def twins(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Env, Env]:
    config = get_task(request.param)
    config = randomized(replace(config, sim=replace(config.sim, threads=1), random_age=True), DomainRandomization())
    monkeypatch.setattr(env_module, "random_stream", NumpyRandomStream)
    numpy_env = Env(config, WORLDS, SEED)
    monkeypatch.setattr(env_module, "make_backend", on_torch)
    return numpy_env, Env(config, WORLDS, SEED)


def close(one: Any, other: Any) -> None:
    np.testing.assert_allclose(to_numpy(one), to_numpy(other), atol=ROUNDING, rtol=ROUNDING)


def test_episodes_are_the_same(twins: tuple[Env, Env]) -> None:
    rng, ended = np.random.default_rng(0), 0
    first, second = (env.reset() for env in twins)
    for _ in range(STEPS):
        for group, terms in first.items():
            for name, values in terms.items():
                assert second[group][name].dtype == torch.float32
                close(values, second[group][name])
        action = rng.uniform(-1.2, 1.2, (WORLDS, twins[0].actions.size)).astype(np.float32)
        one, other = twins[0].step(action), twins[1].step(torch.from_numpy(action))
        close(one.reward, other.reward)
        np.testing.assert_array_equal(one.truncated, to_numpy(other.truncated))
        assert (one.episodes is None) == (other.episodes is None) == (other.final_observations is None)
        if one.episodes is not None and other.episodes is not None:
            ended += len(one.episodes.world)
            for name in ("world", "success", "length", "reached", "held_steps", "first_step", "distance_m", "diverged"):
                close(getattr(one.episodes, name), getattr(other.episodes, name))
            for name, values in one.episodes.returns.items():
                close(values, other.episodes.returns[name])
            for name, values in one.episodes.regions.items():
                np.testing.assert_array_equal(values, other.episodes.regions[name])
        first, second = one.observations, other.observations
    assert ended >= WORLDS
    assert set(twins[0].drawn) == set(twins[1].drawn)


def test_late_targets_and_angles_are_the_same_to_the_last_bit() -> None:
    span = Range(0.0, 0.12)
    late = {"late": ActionDelay(delay_s=span), "old": MeasurementDelay(delay_s=span), "zero": JointOffset()}
    config, rng = toy_config(events=late), np.random.default_rng(1)
    kinds = (make_backend, on_torch)
    twins = [Servos(config, make(config.robot, WORLDS, config.sim)) for make in kinds]
    for step in range(12):
        target = rng.uniform(0.0, 1.0, (WORLDS, 3)).astype(np.float32)
        fresh = rng.uniform(size=WORLDS) < (1.0 if step == 0 else 0.3)
        drawn = [rng.uniform(0.0, 0.12, (WORLDS, size)).astype(np.float32) for size in (1, 1, 3)]
        seen = []
        for servos, array in zip(twins, (np.asarray, torch.from_numpy), strict=True):
            rows = chosen(array(fresh))
            for tell, values in zip(
                (servos.set_delay, servos.set_measurement_delay, servos.set_offset), drawn, strict=True
            ):
                tell(array(values), rows)
            servos.start(rows, array(target))
            servos.step(array(target))
            seen.append(to_numpy(servos.joint_pos()))
        np.testing.assert_array_equal(*seen)


class Nowhere:
    """Worlds whose arrays have shapes and no numbers. Looking into one, which would wait for a GPU, is an error."""

    num_envs = WORLDS

    def get(self, field: str) -> Array:
        del field
        return torch.zeros((WORLDS, 3), device="meta")

    def step(self, joint_target: Array, substeps: int) -> None:
        assert (joint_target.device.type, substeps) == ("meta", toy_config().substeps)

    def reset(self, ids: Array, joint_pos: Array) -> None:
        assert (ids.device.type, joint_pos.device.type) == ("meta", "meta")


def test_delays_look_into_no_array() -> None:
    config = toy_config(events={"late": ActionDelay(), "old": MeasurementDelay(), "zero": JointOffset()})
    servos, blank = Servos(config, Nowhere()), torch.zeros((WORLDS, 3), device="meta")  # pyright: ignore[reportArgumentType]
    with pytest.raises(RuntimeError):
        bool(blank.any())
    rows = chosen(blank[:, 0] > 0.0)
    servos.set_delay(blank[:, :1], rows)
    servos.set_measurement_delay(blank[:, :1], rows)
    servos.set_offset(blank, rows)
    servos.start(rows, blank)
    servos.step(blank)
    assert servos.joint_pos().shape == (WORLDS, 3)


def test_a_diverged_world_is_told_and_begins_anew(twins: tuple[Env, Env]) -> None:
    env = twins[1]
    env.reset()
    env.backend.worlds.set("joint_vel", np.full((1, 6), np.nan), [2])  # pyright: ignore[reportAttributeAccessIssue]
    result = env.step(torch.zeros((WORLDS, env.actions.size)))
    assert [found.world for found in result.divergences] == [2]
    assert to_numpy(result.truncated)[2]
    assert env.num_diverged == 1
    assert env.step(torch.zeros((WORLDS, env.actions.size))).divergences == []


def test_an_action_that_is_not_a_number_is_refused(twins: tuple[Env, Env]) -> None:
    twins[1].reset()
    action = torch.zeros((WORLDS, twins[1].actions.size))
    action[1, 2] = torch.nan
    with pytest.raises(BadInputError, match=r"Action 'of the policy' of world 1 is not finite at step \d+"):
        twins[1].step(action)

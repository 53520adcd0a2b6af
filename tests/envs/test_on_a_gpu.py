"""A step of the environment brings nothing to the device and looks at no value: a GPU can repeat it."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from roarm_lab.core.arrays import Array
from roarm_lab.envs import env as env_module
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env
from roarm_lab.envs.randomization import DomainRandomization, randomized
from roarm_lab.envs.step_recorder import STEPS_BEFORE
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import RewardFn, RewardTerm
from roarm_lab.tasks.table import get_task
from tests.envs.test_torch_arrays import TorchArrays, on_torch

torch = pytest.importorskip("torch")

from tests.gpu_semantics import Watch, watching  # noqa: E402 (not everywhere is torch)

WORLDS, STEPS = 3, 8
SIMULATES = ("get", "model_field", "diverged", "step", "reset", "set", "scale_model")


def on_watched_torch(watch: Watch) -> Any:
    """Return a maker of worlds whose own work, done in NumPy here, is not watched."""

    def make(*given: Any) -> TorchArrays:
        worlds = on_torch(*given)
        for name in SIMULATES:
            setattr(worlds, name, watch.apart(getattr(worlds, name)))
        return worlds

    return make


def randomised(task: str) -> EnvConfig:
    config = get_task(task)
    return randomized(replace(config, sim=replace(config.sim, threads=1), random_age=True), DomainRandomization())


def watched_steps(config: EnvConfig, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Return what was seen of the part of a step that a GPU repeats, once all constants are there."""
    watch = Watch("cpu")
    monkeypatch.setattr(env_module, "make_backend", on_watched_torch(watch))
    env = Env(config, WORLDS, 0)
    env.reset()
    action = torch.full((WORLDS, env.actions.size), 0.3)
    for _ in range(STEPS_BEFORE):
        env.step(action)
    happen = env._happening  # pyright: ignore[reportPrivateUsage]

    def happening(action: Array) -> Any:
        with watching(watch):
            return happen(action)

    monkeypatch.setattr(env, "_happening", happening)
    for _ in range(STEPS):
        env.step(action)
    return watch


@pytest.mark.parametrize("task", ["reach", "lift-cube"])
def test_a_step_can_be_recorded(task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = watched_steps(randomised(task), monkeypatch)
    assert watch.found == []
    assert watch.operations > 100 * STEPS  # that many commands are why it is recorded


@dataclass(frozen=True, kw_only=True)
class ByList(RewardTerm):
    """Picks joints with a list, which has to be sent to a GPU every time."""

    def bind(self, scene: Scene) -> RewardFn:
        del scene
        return lambda state: state.joint_pos[:, [0, 2]].sum(axis=1)


def test_a_step_with_a_term_that_can_not_be_recorded_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    config = randomised("reach")
    watch = watched_steps(replace(config, rewards={**config.rewards, "bad": ByList(weight=1.0)}), monkeypatch)
    assert watch.found == ["lift_fresh: values are brought to the device"] * STEPS

"""Events happen when they should and to whom they should."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.env import Env
from roarm_lab.mdp.effects import Effect
from roarm_lab.mdp.events import PushJoints, RandomizingTerm, ScaleModel, StartPose
from roarm_lab.mdp.scene import Scene
from roarm_lab.mdp.terms import EventFn, EventTerm
from tests.envs.toy_task import DT_S, STEPS, EndsAfter, actions, toy_config

START = StartPose(keyframe="home", spread_rad=0.1, base_spread_rad=0.1)
RANGE = Range(0.5, 2.0)
FLOAT32 = 1e-6


def masses(env: Env) -> np.ndarray:
    """Return the factor on the masses [env]."""
    found = env.backend.model_field("body_mass")
    factors = found[:, 1:] / np.float32([0.5, 0.2, 0.2, 0.05])  # the toy's links; body 0 is the world
    np.testing.assert_allclose(factors, factors[:, :1].repeat(4, axis=1), rtol=1e-5)
    return factors[:, 0]


def test_a_startup_event_happens_once_per_seed() -> None:
    env = Env(toy_config(events={"mass": ScaleModel(field="body_mass", mode="startup", factor=RANGE)}), 5, seed=1)
    np.testing.assert_allclose(masses(env), 1.0)
    env.reset()
    first = masses(env)
    assert len(np.unique(first)) == 5
    assert first.min() >= 0.5
    assert first.max() <= 2.0
    for action in actions(5, 2 * STEPS):
        env.step(action)
    np.testing.assert_array_equal(masses(env), first)
    env.reset()
    np.testing.assert_array_equal(masses(env), first)
    env.reset(seed=2)
    assert (masses(env) != first).all()
    env.reset(seed=1)
    np.testing.assert_array_equal(masses(env), first)


def test_a_reset_event_on_the_model_changes_only_worlds_that_reset() -> None:
    mass = ScaleModel(field="body_mass", mode="reset", factor=RANGE)
    env = Env(toy_config(events={"mass": mass}, terminations={"early": EndsAfter(steps=4, above=0.5)}), 20)
    env.reset()
    first = masses(env)
    assert len(np.unique(first)) == 20
    for action in actions(20, 4):
        result = env.step(action)
    assert 0 < result.terminated.sum() < 20
    np.testing.assert_array_equal(masses(env) != first, result.terminated)


def test_factors_are_spread_evenly_on_a_log_scale() -> None:
    env = Env(toy_config(events={"mass": ScaleModel(field="body_mass", mode="startup", factor=RANGE)}), 2000)
    env.reset()
    log = np.log(masses(env)) / np.log(2.0)  # uniform in -1..1: mean 0, variance 1/3
    assert abs(log.mean()) < 4 * np.sqrt(1 / 3 / 2000)
    assert log.var() == pytest.approx(1 / 3, rel=0.1)


def test_a_heavier_arm_sags_more() -> None:
    mass = ScaleModel(field="body_mass", mode="startup", factor=RANGE)
    env = Env(toy_config(events={"mass": mass}, episode_s=3.0), 10)  # at the keyframe zero: forearm level
    env.reset()
    for _ in range(40):
        env.step(np.zeros((10, 3)))
    sag = env.state.joint_pos[:, 1]
    # 0.304 N m over 18 N m/rad at the nominal mass, give or take 0.05 N m of friction (tests/sim/test_arm.py).
    np.testing.assert_allclose(sag, 0.304 / 18.0 * masses(env), atol=0.05 / 18.0 + 1e-3)
    assert np.ptp(sag) > 0.005


def test_kicks_come_every_so_often_and_not_in_between() -> None:
    push = PushJoints(interval_s=3 * DT_S, speed_rad_s=0.5)
    env, calm = Env(toy_config(events={"start": START, "push": push}), 4), Env(toy_config(events={"start": START}), 4)
    env.reset(), calm.reset()
    kicked = []
    for step in range(1, STEPS):
        env.step(np.zeros((4, 3))), calm.step(np.zeros((4, 3)))
        added = env.backend.get("joint_vel") - calm.backend.get("joint_vel")
        if step % 3 == 0:
            kicked.append(added.copy())
        # Both go on from the same state, so that every kick shows alone.
        env.backend.set("joint_pos", calm.backend.get("joint_pos"))
        env.backend.set("joint_vel", calm.backend.get("joint_vel"))
        if step % 3:
            np.testing.assert_allclose(added, 0.0, atol=1e-3)
    assert len(kicked) == 3
    size = np.abs(kicked)
    assert size.max() <= 0.5 + 1e-3
    assert size.max() > 0.35
    assert (np.array(kicked) > 0).any()
    assert (np.array(kicked) < 0).any()


def test_the_time_of_kicks_begins_with_each_reset() -> None:
    push = PushJoints(interval_s=3 * DT_S, speed_rad_s=0.5)
    env = Env(toy_config(events={"start": START, "push": push}), 2)
    runs = []
    for steps in (4, 5, 4):  # 4 and 5 are no multiples of 3
        env.reset(seed=7)
        runs.append([env.step(np.zeros((2, 3))).observations["actor"]["joint_pos"] for _ in range(steps)])
    for first, second, third in zip(*runs, strict=False):
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(first, third)


def test_without_a_start_event_episodes_begin_at_zero() -> None:
    env = Env(toy_config(events={}), 2)
    np.testing.assert_array_equal(env.reset()["actor"]["joint_pos"], 0.0)


@dataclass(frozen=True, kw_only=True)
class ColourEffect(Effect):
    """Nobody can carry it out."""


@dataclass(frozen=True, kw_only=True)
class OddRandomizing(RandomizingTerm):
    """Wants to make worlds differ in what no world has."""

    modes: ClassVar[tuple[str, ...]] = ("reset",)

    def draws(self, scene: Scene) -> int:
        return 1

    def bind(self, scene: Scene) -> EventFn:
        return lambda random, state: ColourEffect(values=random)


@dataclass(frozen=True, kw_only=True)
class Odd(EventTerm):
    """Wants to change what its mode can not change."""

    modes: ClassVar[tuple[str, ...]] = ("startup", "reset", "interval")

    def draws(self, scene: Scene) -> int:
        return 1

    def bind(self, scene: Scene) -> EventFn:
        return lambda random, state: ColourEffect(values=random)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Odd(mode="startup"), "mode 'startup' can change the model only: 'odd' gives ColourEffect"),
        (Odd(mode="reset"), "mode 'reset' can place the arm and boxes: 'odd' gives ColourEffect"),
        (Odd(mode="interval", interval_s=DT_S), "mode 'interval' can push joints only: 'odd' gives ColourEffect"),
        (OddRandomizing(), "can change what worlds are like: 'odd' gives ColourEffect"),
    ],
)
def test_what_a_mode_can_not_change_is_refused(event: Any, message: str) -> None:
    def run() -> None:
        env = Env(toy_config(events={"odd": event}), 1)
        env.reset()
        env.step(np.zeros((1, 3)))

    with pytest.raises(BadInputError, match=message):
        run()

"""A file says what differs from world to world; the worlds really differ so, and by nothing else."""

from dataclasses import fields, replace
from math import hypot, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.configs import Range
from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.env import Env
from roarm_lab.envs.interface import hashes_of, interface_of
from roarm_lab.envs.randomization import (
    DomainRandomization,
    drawn_in_words,
    load_randomization,
    randomization_yaml,
    randomized,
)
from roarm_lab.sim.backend import SimConfig
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach

ALL = DomainRandomization()
ONE, ZERO = Range(1.0, 1.0), Range(0.0, 0.0)
OFF = DomainRandomization(
    link_mass=ONE, servo_stiffness=ONE, joint_damping=ONE, joint_friction=ONE, joint_armature=ONE, box_friction=ONE,
    jaw_friction=ONE, joint_offset_rad=ZERO, action_delay_s=ZERO, measurement_delay_s=ZERO, joint_pos_noise_rad=0.0,
    box_pos_noise_m=0.0, box_mass_kg=Range(0.03, 0.03), box_size_m=Range(0.03, 0.03),
)  # fmt: skip
SHIPPED = Path(__file__).parents[2] / "configs" / "domain_randomization.yaml"
FLOAT32 = 1e-6
PENETRATION_M = 3e-4  # how deep a soft contact lets a light cube sink


def lift(randomization: DomainRandomization = ALL, **changes: Any) -> EnvConfig:
    """Return lift-cube on one thread, randomised; `changes` replace fields of the configuration of randomisation."""
    config = replace(lift_cube(), sim=replace(lift_cube().sim, threads=1))
    return randomized(config, replace(randomization, **changes))


def rolled(config: EnvConfig, num_envs: int = 6, steps: int = 70, seed: int = 3) -> np.ndarray:
    """Return everything that was seen and earned: longer than an episode, so that worlds reset on the way."""
    env, rng, rows = Env(config, num_envs, seed=seed), np.random.default_rng(0), list[np.ndarray]()
    env.reset()
    for _ in range(steps):
        result = env.step(rng.uniform(-1.0, 1.0, (num_envs, env.actions.size)))
        rows.append(np.concatenate([*result.observations["actor"].values(), result.reward[:, None]], axis=1))
    return np.stack(rows)


def test_the_shipped_file_says_the_defaults() -> None:
    assert load_randomization(SHIPPED) == ALL
    text = SHIPPED.read_text(encoding="utf-8")
    for entry in fields(ALL):
        assert f"# {entry.metadata['text']} [{entry.metadata['unit']}]\n{entry.name}: " in text


def test_yaml_comes_back_as_it_was(tmp_path: Path) -> None:
    wanted = replace(ALL, link_mass=Range(0.123456789, 2.0), joint_pos_noise_rad=1e-7)
    (tmp_path / "all.yaml").write_text(randomization_yaml(wanted), encoding="utf-8")
    assert load_randomization(tmp_path / "all.yaml") == wanted


def test_what_a_file_does_not_name_keeps_its_default(tmp_path: Path) -> None:
    (tmp_path / "some.yaml").write_text("link_mass: {high: 2}\n", encoding="utf-8")
    assert load_randomization(tmp_path / "some.yaml") == replace(ALL, link_mass=Range(0.85, 2.0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("link_mas: {low: 1.0}", r"bad\.yaml has an unknown key 'link_mas'\. Did you mean 'link_mass'"),
        ("link_mass: {lo: 1.0}", r"bad\.yaml\.link_mass has an unknown key 'lo'\. Did you mean 'low'"),
        ("link_mass: {low: 2.0, high: 1.0}", r"bad\.yaml\.link_mass: .*low <= high, got low = 2\.0, high = 1\.0"),
        ("link_mass: {low: .nan}", r"bad\.yaml\.link_mass\.low must be a finite number, got nan"),
        ("link_mass: 1.1", r"bad\.yaml\.link_mass must be a mapping"),
        ("box_mass_kg: {low: 0.0}", r"box_mass_kg\.low must be positive, got 0\.0"),
        ("box_size_m: {low: -0.01}", r"box_size_m\.low must be positive, got -0\.01"),
        ("joint_damping: {low: 0}", r"joint_damping\.low must be positive, got 0\.0"),
        ("action_delay_s: {low: -0.01}", r"action_delay_s must be within 0 to 0\.5, got -0\.01 to 0\.06"),
        ("measurement_delay_s: {high: 0.6}", r"measurement_delay_s must be within 0 to 0\.5, got 0\.0 to 0\.6"),
        ("joint_offset_rad: {high: 2}", r"joint_offset_rad must be within -0\.5 to 0\.5, got -0\.035 to 2\.0"),
        ("joint_pos_noise_rad: -0.1", r"joint_pos_noise_rad must be 0 or more, got -0\.1"),
        ("box_pos_noise_m: .inf", r"box_pos_noise_m must be a finite number, got inf"),
    ],
)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=message):
        load_randomization(path)


def test_what_changes_nothing_is_not_there_at_all() -> None:
    assert lift(OFF) == replace(lift_cube(), sim=replace(lift_cube().sim, threads=1))


def test_a_task_without_boxes_ignores_what_concerns_them() -> None:
    added = set(randomized(reach(), ALL).events) - set(reach().events)
    assert added == {
        "randomize." + name
        for name in ("link_mass", "servo_stiffness", "joint_damping", "joint_friction", "joint_armature",
                     "joint_offset_rad", "action_delay_s", "measurement_delay_s")
    }  # fmt: skip
    other = replace(ALL, box_mass_kg=Range(0.1, 0.2), jaw_friction=Range(0.1, 0.2), box_pos_noise_m=1.0)
    assert randomized(reach(), other) == randomized(reach(), ALL)


def test_what_is_drawn_lies_in_its_range_and_fills_it() -> None:
    env = Env(lift(), 400, seed=1)
    env.reset()
    drawn = drawn_in_words(env.config, env.drawn)
    spans = {entry.name: getattr(ALL, entry.name) for entry in fields(ALL)}
    assert {name.partition(".")[0] for name in drawn} == {name for name, s in spans.items() if isinstance(s, Range)}
    for name, found in drawn.items():
        span = spans[name.partition(".")[0]]
        width = span.high - span.low
        assert span.low - FLOAT32 <= found["min"] <= span.low + 0.05 * width, name
        assert span.high + FLOAT32 >= found["max"] >= span.high - 0.05 * width, name
        assert found["min"] < found["mean"] < found["max"]


def test_masses_are_drawn_log_uniformly_and_delays_evenly() -> None:
    env = Env(lift(), 2000, seed=1)
    env.reset()
    mass_kg = 0.03 * env.drawn["randomize.box_mass_kg.cube"][:, 0]
    share = np.log(mass_kg / 0.02) / np.log(4.0)  # even in 0..1: mean 1/2, variance 1/12
    late = env.drawn["randomize.action_delay_s"][:, 0] / 0.06
    old = env.drawn["randomize.measurement_delay_s"][:, 0] / ALL.measurement_delay_s.high
    for even in (share, late, old):
        assert abs(even.mean() - 0.5) < 4 * sqrt(1 / 12 / 2000)
        assert even.var() == pytest.approx(1 / 12, rel=0.1)
    assert mass_kg.mean() == pytest.approx(0.06 / np.log(4.0), rel=0.03)  # (b - a) / ln(b / a), not 0.05


@pytest.mark.parametrize(
    ("name", "field", "element"),
    [
        ("link_mass", "body_mass", "link3"),
        ("box_mass_kg.cube", "body_mass", "cube"),
        ("box_size_m.cube", "box_size", "cube"),
        ("box_friction", "geom_friction", "cube"),
        ("jaw_friction", "geom_friction", "fixed_jaw_left"),
        ("jaw_friction", "geom_friction", "moving_jaw_right"),
        ("joint_armature", "dof_armature", "elbow"),
        ("joint_friction", "dof_frictionloss", "elbow"),
        ("servo_stiffness", "actuator_stiffness", "elbow"),
        ("joint_damping", "dof_damping", "elbow"),
    ],
)
def test_the_physics_has_what_was_drawn(name: str, field: str, element: str) -> None:
    env, plain = Env(lift(), 8, seed=2), Env(lift(OFF), 8, seed=2)
    env.reset(), plain.reset()
    found, nominal = (world.backend.model_field(field, (element,)).reshape(8, -1) for world in (env, plain))
    factor = env.drawn["randomize." + name]
    np.testing.assert_allclose(found, factor * nominal, rtol=1e-5)
    assert len(np.unique(factor)) == 8


def test_every_cube_begins_and_stays_on_the_table() -> None:
    env = Env(lift(OFF, box_size_m=Range(0.02, 0.06)), 30, seed=4)
    env.reset()
    half_m = 0.015 * env.state.box_scale[:, 0]
    assert np.ptp(half_m) > 0.01
    np.testing.assert_allclose(env.state.box_pos_w[:, 0, 2], half_m, atol=FLOAT32)
    for _ in range(5):
        result = env.step(np.zeros((30, env.actions.size)))
    np.testing.assert_allclose(env.state.box_pos_w[:, 0, 2], half_m, atol=PENETRATION_M)
    # A large cube at rest is not a lifted one: nothing is earned for height or for the way to the goal.
    assert result.episodes is None
    ends = env._scores._returns  # pyright: ignore[reportPrivateUsage]
    assert np.abs(ends["carried"]).max() == 0.0
    assert np.abs(ends["lifted"]).max() < 5 * 0.125 * PENETRATION_M / 0.08


def test_one_seed_draws_the_same_and_another_does_not() -> None:
    reference = rolled(lift())
    np.testing.assert_array_equal(rolled(lift()), reference)
    assert (rolled(lift(), seed=4) != reference).any()


def test_the_number_of_threads_changes_no_bit() -> None:
    config = lift()
    more = replace(config, sim=replace(config.sim, threads=3))
    np.testing.assert_array_equal(rolled(config), rolled(more))


def test_noise_goes_to_what_the_actor_sees_by_what_it_is_made_of() -> None:
    actor = lift().observations["actor"]
    expected = {
        "joint_pos": 0.0015, "joint_vel": 0.0015 * sqrt(2.0) / 0.05, "target_lead": 0.0015, "cube": 0.002,
        "cube_from_hand": 0.002, "cube_in_hand": 0.002, "goal_from_cube": 0.002, "cube_axes": 0.0, "approach": 0.0,
        "last_action": 0.0,
    }  # fmt: skip
    assert {name: term.noise_std for name, term in actor.items()} == pytest.approx(expected)
    assert lift().observations["critic"] == lift_cube().observations["critic"]
    twice = randomized(lift(), ALL).observations["actor"]["cube"]
    assert twice.noise_std == pytest.approx(hypot(0.002, 0.002))


def test_the_interface_stays_and_one_hash_covers_all_of_it() -> None:
    plain, base = hashes_of(lift_cube()), hashes_of(lift())
    assert interface_of(lift()) == interface_of(lift_cube())
    assert {name for name in base if base[name] != plain[name]} == {"randomization"}
    assert hashes_of(lift())["randomization"] == base["randomization"]
    for entry in fields(ALL):
        value = getattr(ALL, entry.name)
        other = Range(value.low, value.high * 1.01) if isinstance(value, Range) else value * 1.01
        assert hashes_of(lift(**{entry.name: other}))["randomization"] != base["randomization"], entry.name


def test_threads_are_no_part_of_it() -> None:
    config = lift()
    assert hashes_of(replace(config, sim=replace(config.sim, threads=5))) == hashes_of(config)
    assert isinstance(config.sim, SimConfig)

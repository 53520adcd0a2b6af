"""A task whose parts do not fit together is refused before anything is simulated."""

import math
from dataclasses import replace

import pytest

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.envs.config import Region
from roarm_lab.mdp.curriculum import RampWeight
from roarm_lab.sim.backend import SimConfig
from tests.envs.toy_task import DT_S, Between, toy_config


@pytest.mark.parametrize("control_dt_s", [0.0125, 0.004, 0.0, -0.05, math.nan])
def test_the_control_step_must_be_a_whole_multiple_of_the_physics_step(control_dt_s: float) -> None:
    message = rf"control_dt_s \({control_dt_s}\) must be a whole multiple of physics_dt_s \(0\.005\)"
    with pytest.raises(BadInputError, match=message):
        toy_config(control_dt_s=control_dt_s)


@pytest.mark.parametrize(
    ("control_dt_s", "physics_dt_s", "substeps"), [(0.05, 0.005, 10), (0.3, 0.003, 100), (0.1, 0.1 / 7, 7)]
)
def test_rounded_decimals_are_whole_multiples(control_dt_s: float, physics_dt_s: float, substeps: int) -> None:
    config = toy_config(control_dt_s=control_dt_s, sim=SimConfig(physics_dt_s=physics_dt_s), episode_s=1.0,
                        success=Between(hold_s=0.5))  # fmt: skip
    assert config.substeps == substeps


def test_steps_are_counted_in_control_steps() -> None:
    assert toy_config(episode_s=2.5).episode_steps == 50
    assert toy_config(episode_s=2.5, control_dt_s=0.1).episode_steps == 25


@pytest.mark.parametrize("episode_s", [0.04, 0.0, -1.0, math.nan, math.inf])
def test_an_episode_has_at_least_one_step(episode_s: float) -> None:
    with pytest.raises(BadInputError, match=rf"episode_s \({episode_s}\) must be at least control_dt_s \(0\.05\)"):
        toy_config(episode_s=episode_s)


@pytest.mark.parametrize("hold_s", [0.6, 0.02])
def test_success_must_fit_into_the_episode_and_last_a_step(hold_s: float) -> None:
    # Held for less than half a step would round to no step at all, and every episode would succeed.
    message = rf"success\.hold_s \({hold_s}\) must be at least control_dt_s \(0\.05\) and at most episode_s \(0\.5\)"
    with pytest.raises(BadInputError, match=message):
        toy_config(success=Between(hold_s=hold_s))
    toy_config(success=Between(hold_s=0.5))
    toy_config(success=Between(hold_s=DT_S))


@pytest.mark.parametrize("observations", [{}, {"critic": toy_config().observations["actor"]}, {"actor": {}}])
def test_something_must_be_seen(observations: object) -> None:
    with pytest.raises(BadInputError, match="observation group called 'actor' with at least one term"):
        toy_config(observations=observations)


def test_something_must_be_done() -> None:
    with pytest.raises(BadInputError, match="needs at least one action term"):
        toy_config(actions={})


def test_a_curriculum_must_name_a_reward() -> None:
    with pytest.raises(UnknownNameError, match=r"no reward \(curriculum 'ramp'\) named 'aliv'. Did you mean 'alive'"):
        toy_config(curriculum={"ramp": RampWeight(reward="aliv", steps=10)})


@pytest.mark.parametrize(
    ("edges", "names"),
    [((0.5,), ("a",)), ((0.5,), ("a", "b", "c")), ((0.5, 0.2), ("a", "b", "c")), ((0.5, 0.5), ("a", "b", "c"))],
)
def test_regions_need_ascending_edges_and_one_name_more(edges: tuple[float, ...], names: tuple[str, ...]) -> None:
    with pytest.raises(BadInputError, match="Region needs ascending edges and one name more than edges"):
        Region(value=lambda scene: lambda state: state.episode_time_s, edges=edges, names=names)


def test_a_variant_is_checked_too() -> None:
    with pytest.raises(BadInputError, match="whole multiple"):
        replace(toy_config(), control_dt_s=0.0333)


def test_the_scene_knows_commands_and_actions() -> None:
    scene = toy_config().scene()
    assert scene.command_sizes == (("goal", 3),)
    assert scene.action_size == 3
    assert scene.control_dt_s == DT_S
    assert scene.boxes == ()

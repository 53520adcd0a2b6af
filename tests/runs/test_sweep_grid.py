"""What a sweep is made of: grids from words, every combination, every seed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roarm_lab.core.errors import BadInputError
from roarm_lab.runs.sweep_grid import Setting, parse_grid, settings_of, trials_of


@pytest.mark.parametrize(
    ("texts", "grid"),
    [
        ((), {}),
        (("gamma=0.9,0.95",), {"gamma": (0.9, 0.95)}),
        (("gamma = 0.9 , 0.95",), {"gamma": (0.9, 0.95)}),
        (("num_envs=256,512", "clip=0.2"), {"num_envs": (256, 512), "clip": (0.2,)}),
        (("hidden=[64,64],[128,128]",), {"hidden": ([64, 64], [128, 128])}),
        (("learning_rate=1e-3,3e-4",), {"learning_rate": (1e-3, 3e-4)}),  # YAML alone takes these for words
        (("total_timesteps=2e6,3_000_000",), {"total_timesteps": (2_000_000, 3_000_000)}),
    ],
)
def test_values_are_read_as_a_file_of_settings_would_hold_them(texts: tuple[str, ...], grid: dict[str, Any]) -> None:
    assert parse_grid(texts) == grid


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("gamma",), "`set=` takes a name and values, for instance gamma=0.9,0.95; got 'gamma'"),
        (("gamma=",), "got 'gamma='"),
        (("=0.9",), "got '=0.9'"),
        (("",), "got ''"),
        (("gamma=0.9,",), "gamma=0.9,: '' is not a value"),
        (("hidden=[64",), "'\\[64' is not a value"),
        (("gamma=0.9,0.90",), "gamma=0.9,0.90 names a value twice"),
        (("gamma=0.9", "gamma=0.95"), "`set=` gamma is given twice; write all its values at once: gamma=A,B"),
    ],
)
def test_words_that_are_no_grid_are_refused(texts: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        parse_grid(texts)


def test_a_grid_is_every_combination_for_every_trainer() -> None:
    settings = settings_of(("sb3", "skrl"), {"gamma": (0.9, 0.95), "num_envs": (8, 16)})
    assert len(settings) == 8
    assert settings[1] == Setting(trainer="sb3", changes={"gamma": 0.9, "num_envs": 16})
    assert [setting.name for setting in settings[-2:]] == ["skrl gamma=0.95 num_envs=8", "skrl gamma=0.95 num_envs=16"]


def test_without_a_grid_a_trainer_is_compared_with_its_tuned_settings() -> None:
    assert settings_of(("sb3",), {}) == (Setting(trainer="sb3", changes={}),)


def test_every_setting_gets_its_first_seed_before_any_gets_its_second() -> None:
    trials = trials_of(settings_of(("sb3", "skrl"), {}), (7, 3))
    assert [(trial.number, trial.setting, trial.seed) for trial in trials] == [
        (0, 0, 7),
        (1, 1, 7),
        (2, 0, 3),
        (3, 1, 3),
    ]
    assert trials[1].folder == "001-skrl-seed7"


@pytest.mark.parametrize(
    ("trainers", "seeds", "message"),
    [
        ((), (0,), "`trainers=` must name at least one trainer"),
        (("sb3", "sb3"), (0,), "`trainers=` names sb3 twice"),
        (("sb3",), (), "`seeds=` must name at least one seed"),
        (("sb3",), (0, 1, 0), "`seeds=` names 0 twice"),
        (("sb3",), (-1,), "`seeds=` must be 0 or more, got -1"),
    ],
)
def test_nothing_to_train_and_the_same_twice_are_refused(
    trainers: tuple[str, ...], seeds: tuple[int, ...], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        trials_of(settings_of(trainers, {}), seeds)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5, unique=True))
def test_settings_that_differ_have_different_names(values: list[float]) -> None:
    settings = settings_of(("sb3",), parse_grid([f"gamma={','.join(map(repr, values))}"]))
    assert len({setting.name for setting in settings}) == len({abs(value) for value in values})

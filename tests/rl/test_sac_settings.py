"""Settings of SAC that make no sense are refused before anything is started."""

import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from roarm_lab.core.configs import load_yaml
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.rl.sac_settings import COUNTS, POSITIVE, SacSettings, sac_settings
from roarm_lab.rl.settings import changed_settings, ppo_settings, settings_of
from roarm_lab.rl.tuned_files import TUNED, tuned_tasks

SAC_FILES = sorted(TUNED.glob("*.sac.*.yaml"))


def test_reach_is_tuned_and_what_is_not_is_named() -> None:
    assert tuned_tasks("sac") == {"reach"}
    with pytest.raises(UnknownNameError, match="no task tuned for sac named 'lift-cube'.* Known: reach"):
        sac_settings("lift-cube")
    with pytest.raises(UnknownNameError, match="no algorithm named 'sak'. Did you mean 'sac'"):
        settings_of("sak", "reach")


@pytest.mark.parametrize("path", SAC_FILES, ids=lambda path: path.name)
def test_a_file_says_every_setting_and_can_be_given_as_hyperparameters(path: Path) -> None:
    assert set(load_yaml(path)) == set(asdict(SacSettings()))
    task, _, trainer, device, _ = path.name.split(".")
    tuned = settings_of("sac", task, trainer=trainer, device=device)
    assert changed_settings(SacSettings(gamma=0.1, hidden=(1, 1)), path, trainer) == tuned


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [0, -3])
def test_counts_are_at_least_one(name: str, value: int) -> None:
    with pytest.raises(BadInputError, match=f"^{name} must be 1 or more, got {value}"):
        replace(SacSettings(), **{name: value})


@pytest.mark.parametrize("name", POSITIVE)
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_numbers_are_positive_and_finite(name: str, value: float) -> None:
    with pytest.raises(BadInputError, match=f"SacSettings.{name} must be positive and finite, got {value}"):
        replace(SacSettings(), **{name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("gamma", 1.5, "gamma must be 0 to 1, got 1.5"),
        ("gamma", math.nan, "gamma must be 0 to 1, got nan"),
        ("target_rate", 0.0, "target_rate must be above 0 and at most 1, got 0.0"),
        ("target_rate", math.nan, "target_rate must be above 0 and at most 1, got nan"),
        ("target_entropy", 0.5, "target_entropy must be 0 or less, got 0.5"),
        ("target_entropy", -math.inf, "target_entropy must be 0 or less, got -inf"),
        ("hidden", (), r"hidden must be layer widths of 1 or more, got \(\)"),
        ("hidden", (64, 0), r"hidden must be layer widths of 1 or more, got \(64, 0\)"),
        ("learn_every", 3, r"rollout_steps \(16\) must be a multiple of learn_every \(3\)"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(name: str, value: float, message: str) -> None:
    with pytest.raises(BadInputError, match=f"SacSettings.{message}"):
        replace(SacSettings(rollout_steps=16), **{name: value})


def test_the_buffer_must_hold_what_learning_begins_with_in_whole_steps_of_all_worlds() -> None:
    # 3 steps of 64 worlds are 192 moments; 200 do not fill a fourth.
    SacSettings(num_envs=64, buffer_size=200, learning_starts=192)
    with pytest.raises(BadInputError, match=r"buffer_size \(200\) must hold learning_starts \(193\)"):
        SacSettings(num_envs=64, buffer_size=200, learning_starts=193)


def test_a_setting_of_the_other_algorithm_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("gamma: 0.9\nclip: 0.3\n")
    with pytest.raises(BadInputError, match=r"some.yaml.clip is a setting of PPO, not of SAC.*`algorithm='ppo'`"):
        changed_settings(SacSettings(), path, "sb3")
    path.write_text("batch_size: 64\n")
    with pytest.raises(BadInputError, match=r"some.yaml.batch_size is a setting of SAC, not of PPO.*`algorithm='sac'`"):
        changed_settings(ppo_settings("reach"), path, "sb3")
    path.write_text("gama: 0.9\n")
    with pytest.raises(BadInputError, match="some.yaml has an unknown key 'gama'. Did you mean 'gamma'"):
        changed_settings(SacSettings(), path, "sb3")

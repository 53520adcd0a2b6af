"""Tuned settings are files: which one counts, that they are whole, and that a user can give them back."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from roarm_lab.core.configs import load_yaml
from roarm_lab.core.errors import UnknownNameError
from roarm_lab.rl import tuned_files as module
from roarm_lab.rl.settings import FIXED, PpoSettings, changed_settings, ppo_settings
from roarm_lab.rl.tuned_files import TUNED, tuned_files, tuned_tasks
from roarm_lab.tasks.table import TASKS

REACH = PpoSettings(
    num_envs=512,
    total_timesteps=750_000,
    rollout_steps=16,
    epochs=4,
    minibatches=4,
    gamma=0.95,
    gae_lambda=0.95,
    learning_rate=0.001,
    desired_kl=0.025,
    learning_rate_range=(0.00001, 0.003),
    clip=0.2,
    value_weight=1.0,
    entropy_weight=0.002,
    mean_bound_weight=0.05,
    max_grad_norm=1.0,
    hidden=(128, 128),
    start_std=0.7,
    observation_clip=8.0,
)
LIFT = replace(REACH, num_envs=768, total_timesteps=2_400_000)
PPO_FILES = sorted(TUNED.glob("*.ppo.*.yaml"))


def names(*args: str, **options: object) -> list[str]:
    return [path.name for path in tuned_files(*args, **options)]  # pyright: ignore[reportArgumentType]


def test_every_task_is_tuned() -> None:
    assert tuned_tasks("ppo") == set(TASKS)


def test_the_settings_are_those_that_were_measured() -> None:
    assert ppo_settings("reach") == ppo_settings("reach", randomized=True) == REACH
    assert ppo_settings("lift-cube") == LIFT
    assert ppo_settings("lift-cube", randomized=True) == replace(LIFT, total_timesteps=7_000_000, gamma=0.97)
    for trainer in ("rsl_rl", "skrl"):
        assert ppo_settings("reach", trainer=trainer) == replace(REACH, desired_kl=0.012)
        assert ppo_settings("lift-cube", randomized=True, trainer=trainer).desired_kl == 0.012
    on_a_gpu = replace(LIFT, num_envs=8192, rollout_steps=8, desired_kl=0.02, total_timesteps=8_000_000)
    assert ppo_settings("lift-cube", trainer="rsl_rl", device="cuda") == on_a_gpu
    on_a_gpu = replace(LIFT, num_envs=4096, desired_kl=0.012, total_timesteps=6_000_000)
    assert ppo_settings("lift-cube", trainer="skrl", device="cuda") == on_a_gpu


def test_a_task_that_nobody_has_tuned_is_named() -> None:
    with pytest.raises(UnknownNameError, match="no tuned task named 'raech'. Did you mean 'reach'"):
        ppo_settings("raech")


@pytest.mark.parametrize("path", PPO_FILES, ids=lambda path: path.name)
def test_a_file_says_every_setting_and_can_be_given_as_hyperparameters(path: Path) -> None:
    name, _, trainer, device, _ = path.name.split(".")
    assert set(load_yaml(path)) == set(asdict(REACH)) - set(FIXED.get(trainer, {}))
    other = replace(REACH, num_envs=1, gamma=0.5, clip=0.9)
    task = name.removesuffix(module.RANDOMIZED)
    tuned = ppo_settings(task, randomized=task != name, trainer=trainer, device=device)
    assert changed_settings(other, path, trainer) == tuned


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the tuned files, with the one that a task needs."""
    monkeypatch.setattr(module, "TUNED", tmp_path)
    (tmp_path / "reach.ppo.sb3.cpu.yaml").write_text("gamma: 0.1")
    return tmp_path


def test_first_the_device_is_given_up_then_the_trainer_then_that_worlds_differ(files: Path) -> None:
    asked = {"randomized": True, "trainer": "skrl", "device": "cuda"}
    assert names("reach", "ppo", **asked) == ["reach.ppo.sb3.cpu.yaml"]
    for nearer in (
        *("reach.ppo.sb3.cuda.yaml", "reach.ppo.skrl.cpu.yaml", "reach.ppo.skrl.cuda.yaml"),
        *("reach-randomized.ppo.sb3.cpu.yaml", "reach-randomized.ppo.sb3.cuda.yaml"),
        *("reach-randomized.ppo.skrl.cpu.yaml", "reach-randomized.ppo.skrl.cuda.yaml"),
    ):
        (files / nearer).write_text("gamma: 0.2")
        assert names("reach", "ppo", **asked) == [nearer]
        assert names("reach", "ppo") == ["reach.ppo.sb3.cpu.yaml"]


def test_what_a_trainer_needs_otherwise_changes_only_what_is_not_its_own(files: Path) -> None:
    (files / "ppo.skrl.yaml").write_text("desired_kl: 5e-3\n")
    assert names("reach", "ppo", trainer="skrl") == ["reach.ppo.sb3.cpu.yaml", "ppo.skrl.yaml"]
    tuned = ppo_settings("reach", trainer="skrl")
    assert (tuned.gamma, tuned.desired_kl) == (0.1, 0.005)
    assert ppo_settings("reach").desired_kl == REACH.desired_kl
    (files / "reach.ppo.skrl.cpu.yaml").write_text("gamma: 0.3\n")
    assert ppo_settings("reach", trainer="skrl") == replace(REACH, gamma=0.3)


def test_other_algorithms_and_worlds_that_differ_do_not_make_a_task(files: Path) -> None:
    (files / "lift-cube.other.sb3.cpu.yaml").write_text("gamma: 0.3\n")
    (files / "far-randomized.ppo.sb3.cpu.yaml").write_text("gamma: 0.3\n")
    assert tuned_tasks("ppo") == {"reach"}
    with pytest.raises(UnknownNameError, match="no task tuned for sac named 'reach'"):
        tuned_files("reach", "sac")

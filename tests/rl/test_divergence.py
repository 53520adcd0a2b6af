"""Trainings that can not go on by themselves."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.rl.divergence import BrokenLearningError, check_sound
from roarm_lab.rl.onnx_export import Mlp
from roarm_lab.rl.train import train
from roarm_lab.runs.run_folder import RunFolder
from tests.training import ROLLOUT, tiny, tiny_job

FAR_TOO_MANY = 10**14
"""Steps of a rollout that need more memory than any computer can address."""


def network(weight: float, mean: float = 0.0) -> Mlp:
    one = np.ones(1, dtype=np.float32)
    return Mlp(mean=one * mean, var=one, clip=8.0, layers=[(one[:, None] * weight, one)], activation="Elu")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_network_whose_numbers_ran_away_is_no_policy(bad: float) -> None:
    check_sound(network(1.0), 5)
    for broken in (network(bad), network(1.0, mean=bad)):
        with pytest.raises(BrokenLearningError, match="Learning broke down after 1,500 steps: .* infinite or NaN"):
            check_sound(broken, 1500)


def test_learning_that_breaks_down_says_so_and_saves_no_broken_policy(tmp_path: Path) -> None:
    run, job = RunFolder.create(tmp_path, "reach", 0), replace(tiny_job(4), settings=tiny(4, start_std=1e30))
    with (
        pytest.raises(BrokenLearningError, match=f"after {ROLLOUT:,} steps: .*take a smaller learning_rate"),
        pytest.warns(RuntimeWarning, match="overflow"),  # the size of such actions
    ):
        train(job, run)
    assert run.checkpoints() == []
    assert not run.bundle.exists()


def test_another_error_of_learning_stays_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from roarm_lab.rl.sb3_ppo import PPO

    def learn(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("something else")

    monkeypatch.setattr(PPO, "learn", learn)
    with pytest.raises(RuntimeError, match="^something else$"):
        train(tiny_job(1), RunFolder.create(tmp_path, "reach", 0))


def test_too_little_memory_is_said_with_what_needs_it(tmp_path: Path) -> None:
    job = replace(tiny_job(1), settings=tiny(1, rollout_steps=FAR_TOO_MANY))
    with pytest.raises(BadInputError, match="not enough memory for 64 worlds, rollouts of 100,000,000,000,000 steps"):
        train(job, RunFolder.create(tmp_path, "reach", 0))

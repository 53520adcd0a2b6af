"""What happens around learning: the learning rate follows the KL divergence, the curve says what happened."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from roarm_lab.envs.env import Env
from roarm_lab.rl import sb3_ppo
from roarm_lab.rl.callback import TrainingCallback, set_learning_rate
from roarm_lab.rl.sb3_vec_env import Sb3VecEnv
from roarm_lab.rl.training_log import Logbook, Progress
from roarm_lab.runs.run_folder import RunFolder
from roarm_lab.tasks.reach import reach
from tests.training import ROLLOUT, tiny

SETTINGS = tiny(4)
KL = SETTINGS.desired_kl


@pytest.fixture
def env() -> Iterator[Sb3VecEnv]:
    env = Sb3VecEnv(Env(reach(), SETTINGS.num_envs, seed=0))
    yield env
    env.close()


@pytest.fixture
def model(env: Sb3VecEnv) -> PPO:
    return sb3_ppo.make_ppo(sb3_ppo.normalised(env, SETTINGS), SETTINGS, 0, "cpu")


def callback(tmp_path: Path, env: Sb3VecEnv, model: PPO, **options: object) -> TrainingCallback:
    ours: dict[str, object] = {"save": lambda steps: None, "checkpoint_s": 1e9, "report": lambda state: None}
    run = RunFolder.create(tmp_path, "reach", 0)
    log = Logbook(run, env.env, SETTINGS, **(ours | options))  # pyright: ignore[reportArgumentType]
    made = TrainingCallback(env, SETTINGS, log)
    made.init_callback(model)
    return made


def follow(made: TrainingCallback, model: PPO, kl: float, rate: float) -> float:
    """Return the learning rate after an update with `rate` whose KL divergence was `kl`."""
    model.policy.optimizer.param_groups[0]["lr"] = rate
    model.logger.record("train/approx_kl", kl)
    made._follow_kl()
    return float(model.learning_rate)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("kl", "rates"),
    [
        (2.1 * KL, (1.2e-3, 1.2e-3 / 1.5)),
        (0.4 * KL, (1.2e-3, 1.2e-3 * 1.5)),
        (KL, (1.2e-3, 1.2e-3)),
        (1.9 * KL, (1.2e-3, 1.2e-3)),
        (0.6 * KL, (1.2e-3, 1.2e-3)),
        (9.0 * KL, (1.2e-5, 1e-5)),
        (0.0, (2.9e-3, 3e-3)),
    ],
)
def test_the_learning_rate_follows_the_divergence(
    tmp_path: Path, env: Sb3VecEnv, model: PPO, kl: float, rates: tuple[float, float]
) -> None:
    assert follow(callback(tmp_path, env, model), model, kl, rates[0]) == pytest.approx(rates[1])


def test_without_an_update_the_learning_rate_stays(tmp_path: Path, env: Sb3VecEnv, model: PPO) -> None:
    made = callback(tmp_path, env, model)
    made._follow_kl()
    assert model.learning_rate == SETTINGS.learning_rate


def test_the_next_update_uses_the_rate_that_was_set(model: PPO) -> None:
    set_learning_rate(model, 2.5e-4)
    model.learn(ROLLOUT)
    assert model.policy.optimizer.param_groups[0]["lr"] == 2.5e-4


def test_a_rollout_is_a_row_of_the_curve_and_a_report(tmp_path: Path, env: Sb3VecEnv, model: PPO) -> None:
    told: list[Progress] = []
    made = callback(tmp_path, env, model, report=told.append)
    model.learn(4 * ROLLOUT, callback=made)
    curve = made._log.run.read_curve()
    assert curve["steps"] == [ROLLOUT, 2 * ROLLOUT, 3 * ROLLOUT, 4 * ROLLOUT]
    assert [state.steps for state in told] == [1024, 2048, 3072, 4096]
    assert told[0].success is None  # no episode of 50 steps has ended after 16
    assert told[3].success == 0.0
    assert told[3].steps_per_s > 0.0
    assert np.isnan(curve["kl"][0])
    assert np.all(np.asarray(curve["kl"][1:]) > 0.0)
    assert [name for name in curve if name.startswith("reward_")] == [f"reward_{name}" for name in reach().rewards]


def test_rewards_in_the_curve_are_means_per_step_of_ended_episodes(tmp_path: Path, env: Sb3VecEnv, model: PPO) -> None:
    made = callback(tmp_path, env, model)
    model.learn(4 * ROLLOUT, callback=made)
    curve = made._log.run.read_curve()
    for name, term in reach().rewards.items():
        known = [value for value in curve[f"reward_{name}"] if not np.isnan(value)]
        assert len(known) == 1  # all worlds end their first episode at step 50, in the fourth rollout
        assert 0.0 <= known[0] <= term.weight or known[0] <= 0.0 > term.weight


def test_checkpoints_come_after_their_time(tmp_path: Path, env: Sb3VecEnv, model: PPO) -> None:
    often, never = list[int](), list[int]()
    model.learn(2 * ROLLOUT, callback=callback(tmp_path / "a", env, model, save=often.append, checkpoint_s=0.0))
    model.learn(2 * ROLLOUT, callback=callback(tmp_path / "b", env, model, save=never.append, checkpoint_s=1e9))
    assert often == [1024]  # between two rollouts; the end is saved by whoever called `learn`
    assert never == []


def test_the_curve_says_how_large_actions_are_before_they_are_clipped(
    tmp_path: Path, env: Sb3VecEnv, model: PPO
) -> None:
    made = callback(tmp_path, env, model)
    model.learn(ROLLOUT, callback=made)
    with torch.no_grad():  # the second component now asks for thirty times what the bound allows
        model.policy.get_parameter("action_net.bias")[1] = 30.0
    model.learn(ROLLOUT, callback=made, reset_num_timesteps=False)
    curve = made._log.run.read_curve()
    # At the start means are near 0 with a deviation of 0.7: beyond 1 lie 15 % of a normal distribution.
    assert curve["saturated"][0] == pytest.approx(0.153, abs=0.02)
    assert curve["action_size"][0] == pytest.approx(SETTINGS.start_std, abs=0.05)
    assert curve["saturated"][1] == pytest.approx((5 * 0.153 + 1) / 6, abs=0.02)
    assert curve["action_size"][1] == pytest.approx(30.0, abs=0.2)


@pytest.mark.parametrize(
    ("begin", "wanted"), [(0, [0, 410, 1230, 1640, 2050, 2460, 2870, 3280, 3690]), (500, [910, 1230, 1640])]
)
def test_somebody_who_watches_looks_after_every_tenth(
    tmp_path: Path, env: Sb3VecEnv, model: PPO, begin: int, wanted: list[int]
) -> None:
    looks: list[int] = []
    made = callback(tmp_path, env, model, watch=looks.append)  # 4096 steps: a tenth is 409
    made.num_timesteps = begin
    made._on_training_start()
    done = (0, 200, 410, 800, 1230, 1640, 2050, 2460, 2870, 3280, 3690)
    for steps in done if not begin else (500, 800, 910, 1000, 1230, 1640):
        made.num_timesteps = steps
        made._on_rollout_start()
    assert looks == wanted

"""PPO of each library: the parts of it that no other algorithm has."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.envs.env import Env
from roarm_lab.rl.settings import FIXED, changed_settings, ppo_settings
from roarm_lab.rl.train import train
from roarm_lab.rl.trainer import TRAINERS, name_of, trainer_class
from roarm_lab.runs.run_folder import RunFolder
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach
from tests.rl.trainer_contract import Case, Training, each
from tests.training import ROLLOUT


@each("ppo")
def test_after_a_crash_every_step_is_told_once_and_time_goes_on(trained: Training, case: Case, tmp_path: Path) -> None:
    """As if the process had been killed two rollouts after its last checkpoint, in the middle of a record."""
    path = tmp_path / "run"
    shutil.copytree(trained(case).run.path, path)
    for steps in (4, 5):
        shutil.rmtree(path / "checkpoints" / f"{steps * ROLLOUT:010d}")
    (path / "evaluation.json").unlink()
    (events,) = (path / "tensorboard").iterdir()
    with events.open("ab") as file:
        file.write(events.read_bytes()[:100])
    spent_s = RunFolder(path).read_curve()["wall_s"][2]
    run = train(case.job(6), RunFolder(path), resume=True).run
    steps = [float(rollout * ROLLOUT) for rollout in range(1, 7)]
    curve = run.read_curve()
    assert curve["steps"] == steps
    assert sorted(curve["wall_s"]) == curve["wall_s"]
    assert curve["wall_s"][3] > spent_s
    read = EventAccumulator(str(path / "tensorboard")).Reload()
    told = {tag: [event.step for event in read.Scalars(tag)] for tag in read.Tags()["scalars"]}
    assert told
    for tag, seen in told.items():
        assert seen == sorted(set(seen)), tag
        assert set(seen) <= set(steps), tag
    assert any(seen == steps for seen in told.values())


@each("ppo")
def test_the_curve_says_how_far_and_how_noisily_the_policy_moves(trained: Training, case: Case) -> None:
    curve = trained(case).run.read_curve()
    assert np.isnan(curve["kl"][0])  # of the update before
    assert np.isnan(curve["value_loss"][0])
    for column in ("kl", "value_loss", "std"):
        assert np.all(np.asarray(curve[column][1:]) > 0.0), column
    assert curve["std"][1] == pytest.approx(0.7, abs=0.05)
    # Means are near 0 with a deviation of 0.7: beyond 1 lie 15 % of a normal distribution.
    assert curve["saturated"][0] == pytest.approx(0.153, abs=0.02)
    assert curve["action_size"][0] == pytest.approx(0.7, abs=0.05)


@each("ppo", without=("sb3",))
def test_a_checkpoint_keeps_network_optimiser_and_normaliser(trained: Training, case: Case, tmp_path: Path) -> None:
    env = Env(reach(), 64)
    trainer = case.fresh(env)
    checkpoint = trained(case).run.checkpoints()[-1]
    fresh = trainer.network_of()
    trainer.resume(checkpoint)
    kept = trainer.network_of()
    assert not np.array_equal(fresh.mean, kept.mean)
    assert not np.array_equal(fresh.layers[0][0], kept.layers[0][0])
    trainer.save(tmp_path)
    first, second = (torch.load(folder / "model.pt", weights_only=True) for folder in (checkpoint, tmp_path))
    assert first["steps"] == second["steps"] == 5 * ROLLOUT
    torch.testing.assert_close(first["state"], second["state"], rtol=0.0, atol=0.0)
    assert "exp_avg" in str(first)  # the optimiser's moments are among it
    env.close()


@each("ppo", without=("sb3",))
def test_only_the_critic_sees_what_only_the_critic_may(case: Case) -> None:
    env = Env(lift_cube(), 4)
    trainer = case.fresh(env)
    sizes = {group: sum(terms.sizes.values()) for group, terms in env.observations.items()}
    actor, critic = sizes["actor"], sum(sizes.values())
    assert actor < critic
    assert len(trainer.network_of().mean) == actor
    value = trainer._ppo.critic.mlp if case.library == "rsl_rl" else trainer._agent.value.network
    assert value[0].in_features == critic
    seen = trainer.worlds.reset(3)
    assert seen.critic.shape == (4, critic)
    np.testing.assert_array_equal(seen.critic[:, :actor], seen.actor)
    env.close()


@each("ppo", without=("sb3",))
def test_a_mean_outside_the_box_costs_its_square(case: Case) -> None:
    env = Env(reach(), 4)
    trainer = case.fresh(env)
    means = torch.tensor([[0.0, 1.0, -1.0, 0.5, 0.0, 0.0], [3.0, -1.5, 0.0, 0.0, 0.0, 0.0]])
    normal = torch.distributions.Normal(means, torch.ones(6))
    if case.library == "rsl_rl":
        distribution = trainer._actor.distribution
        distribution._distribution = normal
        entropy = distribution.entropy
    else:
        trainer._agent.policy._g_distribution = normal
        entropy = trainer._agent.policy.get_entropy(role="policy")[:, 0]
    # (3 - 1)^2 and (1.5 - 1)^2, over six actions; 0.05 of it in a loss whose entropy counts 0.002.
    assert float((entropy[0] - entropy[1]) * 0.002) == pytest.approx(0.05 * (4.0 + 0.25) / 6.0, rel=1e-4)
    env.close()


@each("ppo", without=("sb3",))
def test_a_time_limit_is_not_an_end_and_a_diverged_world_is(case: Case) -> None:
    config = reach()
    env = Env(replace(config, episode_s=0.1, success=replace(config.success, hold_s=0.05)), 4)  # 2 steps
    trainer = case.fresh(env)
    trainer.worlds.reset(0)
    still = torch.zeros(4, 6)
    assert not trainer.worlds.step(still).cut_off.any()
    env.backend.set("joint_vel", np.full((1, 6), np.inf, np.float32), [1])
    moved = trainer.worlds.step(still)
    assert moved.cut_off.tolist() == [True, False, True, True]
    assert moved.terminated.tolist() == [False, True, False, False]
    assert not torch.equal(moved.last.actor[0], moved.seen.actor[0])  # its own last moment, and the next one's first
    env.close()


@each("ppo", without=("sb3",))
def test_settings_reach_the_library(case: Case) -> None:
    env = Env(reach(), 4)
    trainer = case.fresh(env, gamma=0.91, gae_lambda=0.92, clip=0.17, epochs=3, minibatches=2, max_grad_norm=0.8)
    if case.library == "rsl_rl":
        ppo = trainer._ppo
        assert (ppo.gamma, ppo.lam, ppo.clip_param, ppo.max_grad_norm) == (0.91, 0.92, 0.17, 0.8)
        assert (ppo.num_learning_epochs, ppo.num_mini_batches, ppo.entropy_coef) == (3, 2, 0.002)
    else:
        cfg = trainer._agent.cfg
        assert (cfg.discount_factor, cfg.gae_lambda, cfg.ratio_clip, cfg.grad_norm_clip) == (0.91, 0.92, 0.17, 0.8)
        assert (cfg.learning_epochs, cfg.mini_batches, cfg.entropy_loss_scale) == (3, 2, 0.002)
        assert (
            trainer._agent.scheduler.min_lr,
            trainer._agent.scheduler.max_lr,
        ) == trainer.settings.learning_rate_range
    assert len(trainer.network_of().layers) == 3
    env.close()


def test_names_and_labels_lead_to_one_another() -> None:
    assert [name_of(kind.label) for kind in TRAINERS.values()] == list(TRAINERS)
    with pytest.raises(UnknownNameError, match="no trainer named 'rslrl'. Did you mean 'rsl_rl'"):
        trainer_class("rslrl")
    with pytest.raises(UnknownNameError, match="no trainer named 'sb4-ppo'. Did you mean 'sb3-ppo'"):
        name_of("sb4-ppo")


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("gama: 0.9", r"ppo.yaml has an unknown key 'gama'. Did you mean 'gamma'"),
        ("gamma: 1.5", r"gamma must be 0 to 1, got 1.5"),
        ("epochs: 2.5", r"ppo.yaml.epochs must be a whole number, got 2.5"),
        ("hidden: [64, 0]", r"hidden must be layer widths of 1 or more, got \(64, 0\)"),
        ("mean_bound_weight: -1.0", r"mean_bound_weight must be 0 or more, got -1.0"),
        ("learning_rate_range: [1.0e-4, 2.0e-3]", r"no effect with `trainer='rsl_rl'`: RSL-RL itself keeps"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(tmp_path: Path, yaml: str, message: str) -> None:
    (tmp_path / "ppo.yaml").write_text(yaml)
    with pytest.raises(BadInputError, match=message):
        changed_settings(ppo_settings("reach", trainer="rsl_rl"), tmp_path / "ppo.yaml", "rsl_rl")


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "ppo.yaml"
    path.write_text("gamma: 0.9\nhidden: [64, 32]\nlearning_rate_range: [1.0e-4, 2.0e-3]\n")
    tuned = ppo_settings("reach")
    changed = changed_settings(tuned, path, "sb3")
    assert changed == replace(tuned, gamma=0.9, hidden=(64, 32), learning_rate_range=(1e-4, 2e-3))
    assert set(FIXED) <= set(TRAINERS)

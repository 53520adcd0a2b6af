"""SAC of each library that has it: the parts of it that no other algorithm has."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from roarm_lab.core.arrays import Float32, to_numpy
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.envs.env import Env
from roarm_lab.rl.trainer import SAC_TRAINERS, algorithm_of, kind_of, name_of
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach
from tests.rl.trainer_contract import Case, Training, each
from tests.training import ROLLOUT


@each("sac")
def test_the_curve_says_what_the_policy_does_while_nothing_limits_it(trained: Training, case: Case) -> None:
    curve = trained(case).run.read_curve()
    assert np.all(np.isnan(curve["kl"]))  # SAC does not limit it
    assert np.all(np.isnan(curve["std"]))  # another one in every moment
    assert curve["learning_rate"] == [0.001] * 5
    # Half of the first row's actions are uniform in -1 to 1 (root mean square 0.577), half are the tanh of nearly a
    # standard normal distribution (0.628).
    assert curve["action_size"][0] == pytest.approx(0.602, abs=0.05)


class Silent:
    """A log that is not kept; says what was done."""

    def __init__(self) -> None:
        self.actions: list[Float32] = []
        self.losses: list[float] = []

    def begin(self, steps: int) -> None: ...

    def before_rollout(self, steps: int) -> None: ...

    def after_step(self, result: object) -> None: ...

    def after_rollout(self, steps: int, update: Any, actions: Float32) -> dict[str, float]:
        self.actions.append(to_numpy(actions).copy())
        self.losses.append(update.value_loss)
        return {}


class Stopped(Silent):
    """Ctrl-C in the middle of the second row."""

    steps = 0

    def after_step(self, result: object) -> None:
        self.steps += 1
        if self.steps == 20:
            raise KeyboardInterrupt


@each("sac")
def test_a_row_that_was_cut_off_begins_anew(case: Case, tmp_path: Path) -> None:
    env = Env(reach(), 64)
    first, second, log = case.fresh(env), case.fresh(env), Silent()
    with pytest.raises(KeyboardInterrupt):
        first.learn(5 * ROLLOUT, Stopped())
    first.save(tmp_path)
    second.resume(tmp_path)
    assert second.steps == 20 * 64
    second.learn(3 * ROLLOUT, log)
    assert [actions.shape for actions in log.actions] == [(16, 64, 6)] * 2
    assert second.steps == 20 * 64 + 2 * ROLLOUT
    env.close()


def filled(trainer: Any) -> int:
    buffer = trainer._model.replay_buffer if hasattr(trainer, "_model") else trainer._agent.memory
    return buffer.size() * buffer.n_envs if hasattr(buffer, "n_envs") else len(buffer)


@each("sac")
def test_going_on_fills_the_buffer_with_the_policy_before_it_learns(
    trained: Training, case: Case, tmp_path: Path
) -> None:
    env = Env(reach(), 64)
    trainer = case.fresh(env, learning_starts=1500)
    trainer.resume(trained(case).run.checkpoints()[-1])
    if case.library == "sb3":
        trainer._model.learning_starts = 1500  # the checkpoint holds that of the run, which is the job's otherwise
    head = trainer._model.policy.actor if case.library == "sb3" else trainer._agent.policy
    with torch.no_grad():
        for linear, bias in ((head.mu if case.library == "sb3" else head.mean, 3.0), (head.log_std, -9.0)):
            linear.weight.zero_()
            linear.bias.fill_(bias)
    assert filled(trainer) == 0
    before, log = trainer.network_of(), Silent()
    trainer.learn(6 * ROLLOUT, log)
    assert filled(trainer) == ROLLOUT
    # What that policy does, with next to no noise: tanh(3).
    np.testing.assert_allclose(log.actions[0], 0.995, atol=0.001)
    for (old, _), (new, _) in zip(before.layers, trainer.network_of().layers, strict=True):
        np.testing.assert_array_equal(old, new)  # 1024 moments are fewer than 1500
    trainer.learn(7 * ROLLOUT, log)
    assert not np.array_equal(before.layers[0][0], trainer.network_of().layers[0][0])
    env.close()


@each("sac")
def test_a_checkpoint_keeps_networks_optimisers_normaliser_and_entropy_weight_but_not_the_buffer(
    trained: Training, case: Case, tmp_path: Path
) -> None:
    env = Env(reach(), 64)
    trainer = case.fresh(env)
    checkpoint = trained(case).run.checkpoints()[-1]
    untrained = trainer.network_of()
    trainer.resume(checkpoint)
    kept = trainer.network_of()
    assert trainer.steps == 5 * ROLLOUT
    assert not np.array_equal(untrained.mean, kept.mean)
    assert not np.array_equal(untrained.layers[0][0], kept.layers[0][0])
    entropy = trainer._model.log_ent_coef if case.library == "sb3" else trainer._agent.log_entropy_coefficient
    assert float(entropy.detach().exp()) < 0.1  # it has fallen from its start
    optimiser = trainer._model.actor.optimizer if case.library == "sb3" else trainer._agent.policy_optimizer
    assert len(optimiser.state) > 0
    # 2000 moments of two observations and an action would take 8 bytes each and more.
    size = sum(path.stat().st_size for path in checkpoint.iterdir())
    assert size < 2000 * 2 * len(kept.mean) * 4
    trainer.save(tmp_path)
    second = case.fresh(env, seed=3)
    second.resume(tmp_path)
    for (old, _), (new, _) in zip(kept.layers, second.network_of().layers, strict=True):
        np.testing.assert_array_equal(old, new)
    env.close()


@each("sac")
def test_only_the_critics_see_what_only_they_may(case: Case) -> None:
    env = Env(lift_cube(), 4)
    trainer = case.fresh(env)
    sizes = {group: sum(terms.sizes.values()) for group, terms in env.observations.items()}
    actor, everything = sizes["actor"], sum(sizes.values())
    assert actor < everything
    assert len(trainer.network_of().mean) == actor
    assert trainer.network_of().layers[0][0].shape == (32, actor)
    first = trainer._model.critic.qf0 if case.library == "sb3" else trainer._agent.critic_1.network
    assert first[0].in_features == everything + 6
    log = Silent()
    trainer.learn(20 * 64, log)  # steps of 4 worlds: 320, more than enough to learn from
    assert np.isfinite(log.losses[-1])
    env.close()


@each("sac")
def test_a_moment_cut_off_by_time_is_kept_with_its_own_last_observation_and_goes_on(case: Case) -> None:
    config = reach()
    config = replace(config, episode_s=0.1, success=replace(config.success, hold_s=0.05))  # 2 steps
    env = Env(config, 4)
    trainer = case.fresh(env, rollout_steps=4)
    trainer.learn(16, Silent())
    if case.library == "sb3":
        buffer = trainer._model.replay_buffer
        after, before = buffer.next_observations[:4], buffer.observations[:4]
        ended, late = buffer.dones[:4] * (1.0 - buffer.timeouts[:4]), buffer.timeouts[:4]
        assert late[:, 0].tolist() == [0.0, 1.0, 0.0, 1.0]
    else:
        tensors = trainer._agent.memory.tensors
        after, before = tensors["next_observations"][:4].numpy(), tensors["observations"][:4].numpy()
        ended = tensors["terminated"][:4, :, 0].numpy()
    assert not ended.any()
    np.testing.assert_allclose(after[0], before[1], atol=1e-5)
    assert np.abs(after[1] - before[2]).max() > 0.1  # its own last moment, not the next one's first
    env.close()


def test_the_probability_of_a_squashed_action_is_that_after_tanh() -> None:
    pytest.importorskip("skrl", reason="skrl is not installed")
    env = Env(reach(), 4)
    actor = Case("skrl", "sac").fresh(env)._agent.policy
    seen = {"observations": torch.randn(50, actor.num_observations)}
    actions, outputs = actor.act(seen)
    mean, rest = actor.compute(seen)
    normal = torch.distributions.Normal(mean, rest["log_std"].exp())
    wanted = torch.distributions.TransformedDistribution(normal, [torch.distributions.TanhTransform()])
    inside = (actions.abs() < 0.999).all(dim=1)  # nearer to 1 the inverse of tanh is not exact
    assert inside.sum() > 10
    log_prob = wanted.log_prob(actions).sum(dim=1)
    torch.testing.assert_close(outputs["log_prob"][inside, 0], log_prob[inside], atol=1e-3, rtol=1e-3)
    assert float(actions.detach().abs().max()) <= 1.0
    env.close()


@each("sac")
def test_settings_reach_the_library(case: Case) -> None:
    env = Env(reach(), 4)
    settings: dict[str, Any] = {
        "gamma": 0.91,
        "target_rate": 0.02,
        "gradient_steps": 3,
        "batch_size": 33,
        "learning_rate": 2e-3,
    }
    trainer = case.fresh(env, **settings, start_entropy_weight=0.05, target_entropy=-0.5)
    if case.library == "sb3":
        sac = trainer._model
        got = (sac.gamma, sac.tau, sac.gradient_steps, sac.batch_size, sac.learning_rate)
        assert (float(sac.log_ent_coef.detach().exp()), sac.target_entropy) == (pytest.approx(0.05), -3.0)
        assert (sac.train_freq.frequency, sac.replay_buffer.buffer_size) == (4, 500)
    else:
        cfg = trainer._agent.cfg
        got = (cfg.discount_factor, cfg.polyak, cfg.gradient_steps, cfg.batch_size, cfg.learning_rate[0])
        assert (cfg.initial_entropy_value, cfg.target_entropy) == (0.05, -3.0)
        assert trainer._agent.memory.memory_size == 500
        assert cfg.learning_starts == cfg.random_timesteps == 128  # steps of four worlds
    assert got == (0.91, 0.02, 3, 33, 2e-3)
    env.close()


def test_names_and_labels_lead_to_one_another() -> None:
    labels = [kind.label for kind in SAC_TRAINERS.values()]
    assert [(name_of(label), algorithm_of(label)) for label in labels] == [(name, "sac") for name in SAC_TRAINERS]
    assert (name_of("rsl-rl-ppo"), algorithm_of("rsl-rl-ppo")) == ("rsl_rl", "ppo")


def test_a_library_without_sac_is_named_with_those_that_have_it() -> None:
    with pytest.raises(
        BadInputError,
        match="`trainer='rsl_rl'` has no SAC. With `algorithm='sac'` take `trainer='sb3'` or `trainer='skrl'`",
    ):
        kind_of("rsl_rl", "sac")
    with pytest.raises(UnknownNameError, match="no algorithm named 'sak'. Did you mean 'sac'"):
        kind_of("sb3", "sak")

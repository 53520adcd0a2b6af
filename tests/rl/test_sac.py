"""SAC of each library that has it: run folder and bundle as with PPO, stopped and gone on with in the same way."""

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from roarm_lab.core.arrays import Float32, to_numpy
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.envs.env import Env
from roarm_lab.envs.interface import interface_of
from roarm_lab.evaluation.curve_faults import dead_terms, diverging_value, saturated
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.policies.contract import check_interface
from roarm_lab.policies.onnx_policy import OnnxPolicy
from roarm_lab.rl.onnx_export import mlp_to_onnx
from roarm_lab.rl.train import Trained, TrainingInterrupted, train
from roarm_lab.rl.train_job import TrainJob
from roarm_lab.rl.trainer import SAC_TRAINERS, algorithm_of, kind_of, name_of, trainer_class
from roarm_lab.rl.training_log import Progress
from roarm_lab.runs.run_folder import RunFolder
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach
from tests.training import ROLLOUT, tiny_job, tiny_sac

FLOAT32 = 1e-5  # ONNX Runtime and torch add up float32 in another order
LIBRARIES = {"sb3": "stable_baselines3", "skrl": "skrl"}


def marks(name: str) -> list[pytest.MarkDecorator]:
    library = LIBRARIES[name]
    return [pytest.mark.skipif(find_spec(library) is None, reason=f"{library} is not installed")]


each_trainer = pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name)) for name in SAC_TRAINERS])


def job_of(name: str, rollouts: int, seed: int = 0, **job: object) -> TrainJob:
    return replace(tiny_job(rollouts, seed, **job), trainer=name, settings=tiny_sac(rollouts))


def fresh(name: str, env: Env, seed: int = 9, **settings: object) -> Any:
    """A trainer that nobody has trained."""
    sizes = tiny_sac(1, num_envs=env.num_envs, **settings)
    return trainer_class(name, "sac")(env, sizes, seed=seed, device="cpu", events=None)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    """A finished training with each library, made when somebody asks for it."""
    made: dict[str, Trained] = {}

    def run(name: str) -> Trained:
        if name not in made:
            made[name] = train(job_of(name, 5), RunFolder.create(tmp_path_factory.mktemp("runs"), "reach", 0))
        return made[name]

    return run


@each_trainer
def test_a_run_folder_has_the_same_parts(runs: Callable[[str], Trained], name: str) -> None:
    run = runs(name).run
    parts = {path.name for path in run.path.iterdir()}
    assert parts == {"meta.json", "curve.csv", "tensorboard", "checkpoints", "bundle", "evaluation.json"}
    assert run.meta()["trainer"] == f"{name}-sac"
    assert run.meta()["settings"]["kind"] == "SacSettings"
    assert [int(path.name) for path in run.checkpoints()] == [3 * ROLLOUT, 4 * ROLLOUT, 5 * ROLLOUT]
    (events,) = (run.path / "tensorboard").iterdir()
    written = events.read_bytes()
    assert all(tag in written for tag in (b"reward/reward_near", b"train/learning_rate", b"train/value_loss"))


@each_trainer
def test_the_curve_has_the_same_columns_and_can_be_explained(runs: Callable[[str], Trained], name: str) -> None:
    curve = runs(name).run.read_curve()
    assert list(curve)[:10] == [
        *("steps", "wall_s", "success", "learning_rate", "kl", "value_loss", "std"),
        *("saturated", "action_size", "diverged"),
    ]
    assert curve["steps"] == [ROLLOUT * (i + 1) for i in range(5)]
    assert np.all(np.isnan(curve["kl"]))  # SAC does not limit it
    assert np.all(np.isnan(curve["std"]))  # another one in every moment
    assert np.all(np.asarray(curve["value_loss"][1:]) > 0.0)
    assert curve["learning_rate"] == [0.001] * 5
    # Half of the first row's actions are uniform in -1 to 1 (root mean square 0.577), half are the tanh of nearly a
    # standard normal distribution (0.628).
    assert curve["action_size"][0] == pytest.approx(0.602, abs=0.05)
    assert saturated(curve, None) == diverging_value(curve, 0.95) == dead_terms(curve, {}) == []


@each_trainer
def test_bundles_have_one_form_with_tanh_before_the_limits(runs: Callable[[str], Trained], name: str) -> None:
    bundle = load_bundle(runs(name).run.path)
    check_interface(bundle.contract, interface_of(reach()))
    assert bundle.contract.provenance["trainer"] == f"{name}-sac"
    graph = onnx.load(bundle.path / "policy.onnx").graph
    mlp = ["Gemm", "Relu", "Gemm", "Relu", "Gemm", "Tanh"]
    assert [node.op_type for node in graph.node] == ["Concat", "Sub", "Mul", "Clip", *mlp, "Clip", "Unsqueeze"]


def answers_of(trainer: Any, seen: Float32) -> Float32:
    """What the library's own policy does without noise, asked with raw observations."""
    if hasattr(trainer, "_model"):
        actions, _ = trainer._model.predict(trainer._env.normalize_obs(seen), deterministic=True)
        return actions
    with torch.no_grad():
        _, outputs = trainer._agent.act(torch.from_numpy(seen), None, timestep=2**31, timesteps=0)
    return outputs["mean_actions"].numpy()


@each_trainer
def test_the_network_as_onnx_is_the_librarys_policy_without_noise(
    runs: Callable[[str], Trained], name: str, tmp_path: Path
) -> None:
    env = Env(reach(), 64)
    trainer = fresh(name, env)
    trainer.resume(runs(name).run.checkpoints()[-1])
    head = trainer._model.policy.actor.mu if name == "sb3" else trainer._agent.policy.mean
    with torch.no_grad():  # a policy of a few thousand steps hardly acts at all
        head.weight.mul_(5.0)
        head.bias.add_(torch.linspace(-1.0, 1.0, 6))
    group = env.observations["actor"]
    path = tmp_path / "p.onnx"
    path.write_bytes(mlp_to_onnx(trainer.network_of(), group.sizes))
    rng = np.random.default_rng(1)
    # Ordinary observations, and some that the normaliser has to clip.
    seen = rng.normal(0.0, 1.0, (500, sum(group.sizes.values())))
    seen = np.where(rng.random(seen.shape) < 0.02, 100.0 * seen, seen).astype(np.float32)
    ends = np.cumsum(list(group.sizes.values()))[:-1]
    got = OnnxPolicy(path).infer(dict(zip(group.sizes, np.split(seen, ends, axis=1), strict=True)))[:, 0]
    np.testing.assert_allclose(got, answers_of(trainer, seen), rtol=0.0, atol=FLOAT32)
    np.testing.assert_allclose(got, trainer.network_of()(seen), rtol=0.0, atol=FLOAT32)
    assert 0.1 < np.abs(got).mean() < 0.95  # neither still nor all at the limits
    env.close()


@each_trainer
def test_the_same_seed_gives_the_same_policy_and_another_one_another(
    runs: Callable[[str], Trained], name: str, tmp_path: Path
) -> None:
    again = train(job_of(name, 5), RunFolder.create(tmp_path, "reach", 0))
    assert again.bundle.policy.sha256 == runs(name).bundle.policy.sha256
    other = train(job_of(name, 1, seed=1), RunFolder.create(tmp_path, "reach", 1))
    assert other.run.read_curve()["reward_near"] != again.run.read_curve()["reward_near"][:1]


@each_trainer
def test_ctrl_c_saves_and_going_on_ends_with_a_bundle(name: str, tmp_path: Path) -> None:
    def report(state: Progress) -> None:
        if state.steps >= 3 * ROLLOUT:
            raise KeyboardInterrupt

    run, job = RunFolder.create(tmp_path, "reach", 0), job_of(name, 5, checkpoint_s=1e9)
    with pytest.raises(TrainingInterrupted) as stopped:
        train(job, run, report=report)
    assert stopped.value.steps == 3 * ROLLOUT
    before = run.read_curve()
    train(job, run, resume=True)
    after = run.read_curve()
    assert after["steps"] == [ROLLOUT * (i + 1) for i in range(5)]
    for column, values in before.items():
        np.testing.assert_array_equal(after[column][:3], values)
    assert load_bundle(run.path).contract.evaluation is not None


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


@each_trainer
def test_a_row_that_was_cut_off_begins_anew(name: str, tmp_path: Path) -> None:
    env = Env(reach(), 64)
    first, second, log = fresh(name, env), fresh(name, env), Silent()
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


@each_trainer
def test_going_on_fills_the_buffer_with_the_policy_before_it_learns(
    runs: Callable[[str], Trained], name: str, tmp_path: Path
) -> None:
    env = Env(reach(), 64)
    trainer = fresh(name, env, learning_starts=1500)
    trainer.resume(runs(name).run.checkpoints()[-1])
    if name == "sb3":
        trainer._model.learning_starts = 1500  # the checkpoint holds that of the run, which is the job's otherwise
    head = trainer._model.policy.actor if name == "sb3" else trainer._agent.policy
    with torch.no_grad():
        for linear, bias in ((head.mu if name == "sb3" else head.mean, 3.0), (head.log_std, -9.0)):
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


@each_trainer
def test_a_checkpoint_keeps_networks_optimisers_normaliser_and_entropy_weight_but_not_the_buffer(
    runs: Callable[[str], Trained], name: str, tmp_path: Path
) -> None:
    env = Env(reach(), 64)
    trainer = fresh(name, env)
    checkpoint = runs(name).run.checkpoints()[-1]
    untrained = trainer.network_of()
    trainer.resume(checkpoint)
    kept = trainer.network_of()
    assert trainer.steps == 5 * ROLLOUT
    assert not np.array_equal(untrained.mean, kept.mean)
    assert not np.array_equal(untrained.layers[0][0], kept.layers[0][0])
    entropy = trainer._model.log_ent_coef if name == "sb3" else trainer._agent.log_entropy_coefficient
    assert float(entropy.detach().exp()) < 0.1  # it has fallen from its start
    optimiser = trainer._model.actor.optimizer if name == "sb3" else trainer._agent.policy_optimizer
    assert len(optimiser.state) > 0
    # 2000 moments of two observations and an action would take 8 bytes each and more.
    size = sum(path.stat().st_size for path in checkpoint.iterdir())
    assert size < 2000 * 2 * len(kept.mean) * 4
    trainer.save(tmp_path)
    second = fresh(name, env, seed=3)
    second.resume(tmp_path)
    for (old, _), (new, _) in zip(kept.layers, second.network_of().layers, strict=True):
        np.testing.assert_array_equal(old, new)
    env.close()


@each_trainer
@pytest.mark.parametrize("damage", ["missing", "cut", "garbage", "empty"])
def test_a_damaged_checkpoint_is_refused_in_words(
    runs: Callable[[str], Trained], name: str, damage: str, tmp_path: Path
) -> None:
    env = Env(reach(), 64)
    trainer = fresh(name, env)
    for path in runs(name).run.checkpoints()[-1].iterdir():
        data = path.read_bytes()
        spoilt = {"missing": data, "cut": data[: len(data) // 2], "garbage": bytes(range(256)) * 40, "empty": b""}
        if damage != "missing" or not path.name.startswith("model"):
            (tmp_path / path.name).write_bytes(spoilt[damage] if path.name.startswith("model") else data)
    with pytest.raises(BadInputError, match=r"The checkpoint .* can not be read"):
        trainer.resume(tmp_path)
    env.close()


@each_trainer
def test_only_the_critics_see_what_only_they_may(name: str) -> None:
    env = Env(lift_cube(), 4)
    trainer = fresh(name, env)
    sizes = {group: sum(terms.sizes.values()) for group, terms in env.observations.items()}
    actor, everything = sizes["actor"], sum(sizes.values())
    assert actor < everything
    assert len(trainer.network_of().mean) == actor
    assert trainer.network_of().layers[0][0].shape == (32, actor)
    first = trainer._model.critic.qf0 if name == "sb3" else trainer._agent.critic_1.network
    assert first[0].in_features == everything + 6
    log = Silent()
    trainer.learn(20 * 64, log)  # steps of 4 worlds: 320, more than enough to learn from
    assert np.isfinite(log.losses[-1])
    env.close()


@each_trainer
def test_a_moment_cut_off_by_time_is_kept_with_its_own_last_observation_and_goes_on(name: str) -> None:
    config = reach()
    config = replace(config, episode_s=0.1, success=replace(config.success, hold_s=0.05))  # 2 steps
    env = Env(config, 4)
    trainer = fresh(name, env, rollout_steps=4)
    trainer.learn(16, Silent())
    if name == "sb3":
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
    actor = fresh("skrl", env)._agent.policy
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


@each_trainer
def test_settings_reach_the_library(name: str) -> None:
    env = Env(reach(), 4)
    settings: dict[str, Any] = {
        "gamma": 0.91,
        "target_rate": 0.02,
        "gradient_steps": 3,
        "batch_size": 33,
        "learning_rate": 2e-3,
    }
    trainer = fresh(name, env, **settings, start_entropy_weight=0.05, target_entropy=-0.5)
    if name == "sb3":
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

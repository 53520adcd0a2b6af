"""All trainers: the same run folder, the same bundle, stopped and gone on with in the same way."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from roarm_lab.core.arrays import Float32
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.envs.env import Env
from roarm_lab.envs.interface import hashes_of, interface_of
from roarm_lab.evaluation.curve_faults import dead_terms, diverging_value, saturated
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.policies.contract import check_drift, check_interface
from roarm_lab.policies.onnx_policy import OnnxPolicy
from roarm_lab.rl.onnx_export import mlp_to_onnx
from roarm_lab.rl.settings import FIXED, changed_settings, ppo_settings
from roarm_lab.rl.train import Trained, TrainingInterrupted, train
from roarm_lab.rl.train_job import TrainJob
from roarm_lab.rl.trainer import TRAINERS, kind_of, name_of, trainer_class
from roarm_lab.rl.training_log import Progress
from roarm_lab.runs.run_folder import RunFolder
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach
from tests.training import ROLLOUT, tiny, tiny_job

FLOAT32 = 1e-5  # ONNX Runtime and torch add up float32 in another order
LIBRARIES = {"sb3": "stable_baselines3", "rsl_rl": "rsl_rl", "skrl": "skrl"}


def marks(name: str) -> list[pytest.MarkDecorator]:
    library = LIBRARIES[name]
    return [pytest.mark.skipif(find_spec(library) is None, reason=f"{library} is not installed")]


each_trainer = pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name)) for name in TRAINERS])
each_new_trainer = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=marks(name)) for name in TRAINERS if name != "sb3"]
)


def job_of(name: str, rollouts: int, **job: object) -> TrainJob:
    return replace(tiny_job(rollouts, **job), trainer=name)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    """A finished training of each trainer, made when somebody asks for it."""
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
    assert run.meta()["trainer"] == kind_of(name).label
    assert [int(path.name) for path in run.checkpoints()] == [3 * ROLLOUT, 4 * ROLLOUT, 5 * ROLLOUT]
    assert any((run.path / "tensorboard").iterdir())


@each_trainer
def test_after_a_crash_every_step_is_told_once_and_time_goes_on(
    runs: Callable[[str], Trained], name: str, tmp_path: Path
) -> None:
    """As if the process had been killed two rollouts after its last checkpoint, in the middle of a record."""
    path = tmp_path / "run"
    shutil.copytree(runs(name).run.path, path)
    for steps in (4, 5):
        shutil.rmtree(path / "checkpoints" / f"{steps * ROLLOUT:010d}")
    (path / "evaluation.json").unlink()
    (events,) = (path / "tensorboard").iterdir()
    with events.open("ab") as file:
        file.write(events.read_bytes()[:100])
    spent_s = RunFolder(path).read_curve()["wall_s"][2]
    run = train(job_of(name, 6), RunFolder(path), resume=True).run
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


@each_trainer
def test_the_curve_has_the_same_columns_and_can_be_explained(runs: Callable[[str], Trained], name: str) -> None:
    curve = runs(name).run.read_curve()
    assert list(curve)[:10] == [
        *("steps", "wall_s", "success", "learning_rate", "kl", "value_loss", "std"),
        *("saturated", "action_size", "diverged"),
    ]
    assert list(curve)[10:] == [f"reward_{term}" for term in reach().rewards]
    assert curve["steps"] == [ROLLOUT * (i + 1) for i in range(5)]
    assert np.isnan(curve["kl"][0])  # of the update before
    assert np.isnan(curve["value_loss"][0])
    for column in ("kl", "value_loss", "std"):
        assert np.all(np.asarray(curve[column][1:]) > 0.0), column
    assert curve["std"][1] == pytest.approx(0.7, abs=0.05)
    # Means are near 0 with a deviation of 0.7: beyond 1 lie 15 % of a normal distribution.
    assert curve["saturated"][0] == pytest.approx(0.153, abs=0.02)
    assert curve["action_size"][0] == pytest.approx(0.7, abs=0.05)
    assert np.isfinite(curve["reward_near"][-1])  # random ages: episodes end in every rollout
    assert saturated(curve, None) == diverging_value(curve, 0.95) == dead_terms(curve, {}) == []


@each_trainer
def test_bundles_have_one_form(runs: Callable[[str], Trained], name: str) -> None:
    bundle = load_bundle(runs(name).run.path)
    check_interface(bundle.contract, interface_of(reach()))
    assert check_drift(bundle.contract, hashes_of(reach()), allow=False) == []
    assert bundle.contract.provenance["trainer"] == kind_of(name).label
    graph = onnx.load(bundle.path / "policy.onnx").graph
    mlp = ["Gemm", "Elu", "Gemm", "Elu", "Gemm"]
    assert [node.op_type for node in graph.node] == ["Concat", "Sub", "Mul", "Clip", *mlp, "Clip", "Unsqueeze"]
    sizes = Env(reach(), 1).observations["actor"].sizes
    assert [each.name for each in graph.input] == list(sizes)
    assert {each.name: tuple(each.dims) for each in graph.initializer}["weight_0"] == (32, sum(sizes.values()))


@each_trainer
def test_the_bundle_is_the_network_of_the_last_checkpoint(runs: Callable[[str], Trained], name: str) -> None:
    run, job = runs(name).run, job_of(name, 5)
    env = Env(job.env, job.settings.num_envs)
    trainer = trainer_class(name)(env, job.settings, seed=9, device="cpu", events=None)
    trainer.resume(run.checkpoints()[-1])
    assert trainer.steps == 5 * ROLLOUT
    sizes = env.observations["actor"].sizes
    terms = {name: np.random.default_rng(0).normal(size=(64, size)).astype(np.float32) for name, size in sizes.items()}
    wanted = trainer.network_of()(np.concatenate(list(terms.values()), axis=1))
    np.testing.assert_allclose(load_bundle(run.path).policy.infer(terms)[:, 0], wanted, rtol=0.0, atol=FLOAT32)
    env.close()


def means_of(trainer: Any, seen: torch.Tensor) -> Float32:
    """What the library's own network answers to raw observations, without noise."""
    with torch.no_grad():
        if hasattr(trainer, "_ppo"):
            from tensordict import TensorDict

            return trainer._actor(TensorDict({"actor": seen}, batch_size=[len(seen)])).numpy()
        agent = trainer._agent
        _, outputs = agent.act(seen, None, timestep=0, timesteps=0)
        return outputs["mean_actions"].numpy()


@each_new_trainer
def test_the_network_as_onnx_is_the_librarys_network_with_its_normaliser(
    runs: Callable[[str], Trained], name: str, tmp_path: Path
) -> None:
    job = job_of(name, 5)
    env = Env(job.env, job.settings.num_envs)
    trainer: Any = trainer_class(name)(env, job.settings, seed=9, device="cpu", events=None)
    trainer.resume(runs(name).run.checkpoints()[-1])
    network = trainer._actor.mlp if name == "rsl_rl" else trainer._agent.policy.network
    with torch.no_grad():  # a policy of a few thousand steps hardly acts at all
        network[-1].weight.mul_(3.0)
        network[-1].bias.add_(torch.linspace(-0.5, 0.5, 6))
    group = env.observations["actor"]
    path = tmp_path / "p.onnx"
    path.write_bytes(mlp_to_onnx(trainer.network_of(), group.sizes))
    rng = np.random.default_rng(1)
    # Ordinary observations, and some that the normaliser has to clip.
    terms = {name: rng.normal(0.0, 1.0, (500, size)) for name, size in group.sizes.items()}
    terms = {name: np.where(rng.random(value.shape) < 0.02, 100.0 * value, value) for name, value in terms.items()}
    terms = {name: value.astype(np.float32) for name, value in terms.items()}
    wanted = means_of(trainer, torch.from_numpy(np.concatenate(list(terms.values()), axis=1)))
    got = OnnxPolicy(path).infer(terms)[:, 0]
    np.testing.assert_allclose(got, np.clip(wanted, -1.0, 1.0), rtol=0.0, atol=FLOAT32)
    assert np.mean(np.abs(got) < 1.0) > 0.4  # not everything is at the limits
    assert np.mean(np.abs(got) == 1.0) > 0.05
    env.close()


@each_new_trainer
def test_the_same_seed_gives_the_same_policy_and_another_one_another(
    runs: Callable[[str], Trained], name: str, tmp_path: Path
) -> None:
    again = train(job_of(name, 5), RunFolder.create(tmp_path, "reach", 0))
    assert again.bundle.policy.sha256 == runs(name).bundle.policy.sha256
    other = train(job_of(name, 1, seed=1), RunFolder.create(tmp_path, "reach", 1))
    assert other.run.read_curve()["reward_near"] != again.run.read_curve()["reward_near"][:1]


@each_new_trainer
def test_ctrl_c_saves_and_going_on_ends_with_a_bundle(name: str, tmp_path: Path) -> None:
    def report(state: Progress) -> None:
        if state.steps >= 3 * ROLLOUT:
            raise KeyboardInterrupt

    run, job = RunFolder.create(tmp_path, "reach", 0), job_of(name, 5, checkpoint_s=1e9)
    with pytest.raises(TrainingInterrupted) as stopped:
        train(job, run, report=report)
    assert stopped.value.steps == 3 * ROLLOUT
    assert [int(path.name) for path in run.checkpoints()] == [3 * ROLLOUT]
    before = run.read_curve()
    train(job, run, resume=True)
    after = run.read_curve()
    assert after["steps"] == [ROLLOUT * (i + 1) for i in range(5)]
    for column, values in before.items():
        np.testing.assert_array_equal(after[column][:3], values)
    assert after["learning_rate"][3] == pytest.approx(before["learning_rate"][2], rel=1e-5)  # kept with the optimiser
    assert load_bundle(run.path).contract.evaluation is not None


@each_new_trainer
def test_a_checkpoint_keeps_network_optimiser_and_normaliser(
    runs: Callable[[str], Trained], name: str, tmp_path: Path
) -> None:
    job = job_of(name, 5)
    env = Env(job.env, job.settings.num_envs)
    trainer: Any = trainer_class(name)(env, job.settings, seed=9, device="cpu", events=None)
    checkpoint = runs(name).run.checkpoints()[-1]
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


@each_new_trainer
@pytest.mark.parametrize("damage", ["missing", "cut", "garbage", "empty"])
def test_a_damaged_checkpoint_is_refused_in_words(
    runs: Callable[[str], Trained], name: str, damage: str, tmp_path: Path
) -> None:
    job = job_of(name, 5)
    env = Env(job.env, job.settings.num_envs)
    trainer = trainer_class(name)(env, job.settings, seed=0, device="cpu", events=None)
    data = (runs(name).run.checkpoints()[-1] / "model.pt").read_bytes()
    if damage != "missing":
        spoilt = {"cut": data[: len(data) // 2], "garbage": bytes(range(256)) * 40, "empty": b""}[damage]
        (tmp_path / "model.pt").write_bytes(spoilt)
    with pytest.raises(BadInputError, match=r"The checkpoint .* can not be read"):
        trainer.resume(tmp_path)
    env.close()


@each_new_trainer
def test_only_the_critic_sees_what_only_the_critic_may(name: str) -> None:
    env = Env(lift_cube(), 4)
    settings = tiny(1, num_envs=4)
    trainer: Any = trainer_class(name)(env, settings, seed=0, device="cpu", events=None)
    sizes = {group: sum(terms.sizes.values()) for group, terms in env.observations.items()}
    actor, critic = sizes["actor"], sum(sizes.values())
    assert actor < critic
    assert len(trainer.network_of().mean) == actor
    value = trainer._ppo.critic.mlp if name == "rsl_rl" else trainer._agent.value.network
    assert value[0].in_features == critic
    seen = trainer.worlds.reset(3)
    assert seen.critic.shape == (4, critic)
    np.testing.assert_array_equal(seen.critic[:, :actor], seen.actor)
    env.close()


@each_new_trainer
def test_a_mean_outside_the_box_costs_its_square(name: str) -> None:
    env = Env(reach(), 4)
    trainer: Any = trainer_class(name)(env, tiny(1, num_envs=4), seed=0, device="cpu", events=None)
    means = torch.tensor([[0.0, 1.0, -1.0, 0.5, 0.0, 0.0], [3.0, -1.5, 0.0, 0.0, 0.0, 0.0]])
    normal = torch.distributions.Normal(means, torch.ones(6))
    if name == "rsl_rl":
        distribution = trainer._actor.distribution
        distribution._distribution = normal
        entropy = distribution.entropy
    else:
        trainer._agent.policy._g_distribution = normal
        entropy = trainer._agent.policy.get_entropy(role="policy")[:, 0]
    # (3 - 1)^2 and (1.5 - 1)^2, over six actions; 0.05 of it in a loss whose entropy counts 0.002.
    assert float((entropy[0] - entropy[1]) * 0.002) == pytest.approx(0.05 * (4.0 + 0.25) / 6.0, rel=1e-4)
    env.close()


@each_new_trainer
def test_a_time_limit_is_not_an_end_and_a_diverged_world_is(name: str) -> None:
    config = reach()
    env = Env(replace(config, episode_s=0.1, success=replace(config.success, hold_s=0.05)), 4)  # 2 steps
    trainer: Any = trainer_class(name)(env, tiny(1, num_envs=4), seed=0, device="cpu", events=None)
    trainer.worlds.reset(0)
    still = torch.zeros(4, 6)
    assert not trainer.worlds.step(still).cut_off.any()
    env.backend.set("joint_vel", np.full((1, 6), np.inf, np.float32), [1])
    moved = trainer.worlds.step(still)
    assert moved.cut_off.tolist() == [True, False, True, True]
    assert moved.terminated.tolist() == [False, True, False, False]
    assert not torch.equal(moved.last.actor[0], moved.seen.actor[0])  # its own last moment, and the next one's first
    env.close()


@each_new_trainer
def test_settings_reach_the_library(name: str) -> None:
    env = Env(reach(), 4)
    settings = tiny(1, num_envs=4, gamma=0.91, gae_lambda=0.92, clip=0.17, epochs=3, minibatches=2, max_grad_norm=0.8)
    trainer: Any = trainer_class(name)(env, settings, seed=0, device="cpu", events=None)
    if name == "rsl_rl":
        ppo = trainer._ppo
        assert (ppo.gamma, ppo.lam, ppo.clip_param, ppo.max_grad_norm) == (0.91, 0.92, 0.17, 0.8)
        assert (ppo.num_learning_epochs, ppo.num_mini_batches, ppo.entropy_coef) == (3, 2, 0.002)
    else:
        cfg = trainer._agent.cfg
        assert (cfg.discount_factor, cfg.gae_lambda, cfg.ratio_clip, cfg.grad_norm_clip) == (0.91, 0.92, 0.17, 0.8)
        assert (cfg.learning_epochs, cfg.mini_batches, cfg.entropy_loss_scale) == (3, 2, 0.002)
        assert (trainer._agent.scheduler.min_lr, trainer._agent.scheduler.max_lr) == settings.learning_rate_range
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

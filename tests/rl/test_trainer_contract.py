"""What every library keeps with every algorithm: the same run folder and bundle, stopped and gone on with alike."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.env import Env
from roarm_lab.envs.interface import hashes_of, interface_of
from roarm_lab.evaluation.curve_faults import dead_terms, diverging_value, saturated
from roarm_lab.policies.bundle import load_bundle
from roarm_lab.policies.contract import check_drift, check_interface
from roarm_lab.policies.onnx_policy import OnnxPolicy
from roarm_lab.rl.onnx_export import mlp_to_onnx
from roarm_lab.rl.train import TrainingInterrupted, train
from roarm_lab.rl.training_log import Progress
from roarm_lab.runs.run_folder import RunFolder
from roarm_lab.tasks.reach import reach
from tests.rl.trainer_contract import FLOAT32, ROLLOUTS, Case, Training, each, odd_observations, spoilt
from tests.training import ROLLOUT

NODES = {"ppo": ["Gemm", "Elu", "Gemm", "Elu", "Gemm"], "sac": ["Gemm", "Relu", "Gemm", "Relu", "Gemm", "Tanh"]}
KINDS = {"ppo": "PpoSettings", "sac": "SacSettings"}


@each()
def test_a_run_folder_has_the_same_parts(trained: Training, case: Case) -> None:
    run = trained(case).run
    parts = {path.name for path in run.path.iterdir()}
    assert parts == {"meta.json", "curve.csv", "tensorboard", "checkpoints", "bundle", "evaluation.json"}
    assert run.meta()["trainer"] == case.label
    assert run.meta()["settings"]["kind"] == KINDS[case.algorithm]
    assert [int(path.name) for path in run.checkpoints()] == [3 * ROLLOUT, 4 * ROLLOUT, 5 * ROLLOUT]
    (events,) = (run.path / "tensorboard").iterdir()
    written = events.read_bytes()
    assert all(tag in written for tag in (b"reward/reward_near", b"train/learning_rate", b"train/value_loss"))


@each()
def test_the_curve_has_the_same_columns_and_can_be_explained(trained: Training, case: Case) -> None:
    curve = trained(case).run.read_curve()
    assert list(curve)[:10] == [
        *("steps", "wall_s", "success", "learning_rate", "kl", "value_loss", "std"),
        *("saturated", "action_size", "diverged"),
    ]
    assert list(curve)[10:] == [f"reward_{term}" for term in reach().rewards]
    assert curve["steps"] == [ROLLOUT * (i + 1) for i in range(ROLLOUTS)]
    assert np.all(np.asarray(curve["value_loss"][1:]) > 0.0)
    assert np.isfinite(curve["reward_near"][-1])  # random ages: episodes end in every rollout
    assert saturated(curve, None) == diverging_value(curve, 0.95) == dead_terms(curve, {}) == []


@each()
def test_bundles_have_one_form(trained: Training, case: Case) -> None:
    bundle = load_bundle(trained(case).run.path)
    check_interface(bundle.contract, interface_of(reach()))
    assert check_drift(bundle.contract, hashes_of(reach()), allow=False) == []
    assert bundle.contract.provenance["trainer"] == case.label
    graph = onnx.load(bundle.path / "policy.onnx").graph
    nodes = NODES[case.algorithm]
    assert [node.op_type for node in graph.node] == ["Concat", "Sub", "Mul", "Clip", *nodes, "Clip", "Unsqueeze"]
    sizes = Env(reach(), 1).observations["actor"].sizes
    assert [each.name for each in graph.input] == list(sizes)
    assert {each.name: tuple(each.dims) for each in graph.initializer}["weight_0"] == (32, sum(sizes.values()))


@each()
def test_the_bundle_is_the_network_of_the_last_checkpoint(trained: Training, case: Case) -> None:
    run, env = trained(case).run, Env(reach(), 64)
    trainer = case.fresh(env)
    trainer.resume(run.checkpoints()[-1])
    assert trainer.steps == ROLLOUTS * ROLLOUT
    sizes = env.observations["actor"].sizes
    terms = {name: np.random.default_rng(0).normal(size=(64, size)).astype(np.float32) for name, size in sizes.items()}
    wanted = trainer.network_of()(np.concatenate(list(terms.values()), axis=1))
    np.testing.assert_allclose(load_bundle(run.path).policy.infer(terms)[:, 0], wanted, rtol=0.0, atol=FLOAT32)
    env.close()


@each()
def test_the_network_as_onnx_is_the_librarys_policy_without_noise(
    trained: Training, case: Case, tmp_path: Path
) -> None:
    env = Env(reach(), 64)
    trainer = case.fresh(env)
    trainer.resume(trained(case).run.checkpoints()[-1])
    head = case.last_layer(trainer)
    with torch.no_grad():  # a policy of a few thousand steps hardly acts at all
        head.weight.mul_(5.0)
        head.bias.add_(torch.linspace(-1.0, 1.0, 6))
    sizes = env.observations["actor"].sizes
    path = tmp_path / "p.onnx"
    path.write_bytes(mlp_to_onnx(trainer.network_of(), sizes))
    seen = odd_observations(sum(sizes.values()))
    ends = np.cumsum(list(sizes.values()))[:-1]
    got = OnnxPolicy(path).infer(dict(zip(sizes, np.split(seen, ends, axis=1), strict=True)))[:, 0]
    np.testing.assert_allclose(got, case.answers(trainer, seen), rtol=0.0, atol=FLOAT32)
    np.testing.assert_allclose(got, trainer.network_of()(seen), rtol=0.0, atol=FLOAT32)
    assert 0.1 < np.abs(got).mean() < 0.95  # neither still nor all at the limits
    if case.algorithm == "ppo":  # it has no tanh: what is beyond the limits is cut off
        assert 0.05 < np.mean(np.abs(got) == 1.0) < 0.8
    env.close()


@each()
def test_the_same_seed_gives_the_same_curve_and_policy_and_another_one_another(
    trained: Training, case: Case, tmp_path: Path
) -> None:
    first, again = trained(case), train(case.job(), RunFolder.create(tmp_path, "reach", 0))
    wanted, curve = first.run.read_curve(), again.run.read_curve()
    assert list(curve) == list(wanted)
    for name in curve.keys() - {"wall_s"}:
        np.testing.assert_array_equal(curve[name], wanted[name], err_msg=name)
    assert again.bundle.policy.sha256 == first.bundle.policy.sha256
    assert again.evaluation == first.evaluation
    other = train(case.job(1, seed=1), RunFolder.create(tmp_path, "reach", 1))
    assert other.run.read_curve()["reward_near"] != curve["reward_near"][:1]


@each()
def test_ctrl_c_saves_and_going_on_ends_with_a_bundle(case: Case, tmp_path: Path) -> None:
    def report(state: Progress) -> None:
        if state.steps >= 3 * ROLLOUT:
            raise KeyboardInterrupt

    run, job = RunFolder.create(tmp_path, "reach", 0), case.job(checkpoint_s=1e9)  # only what Ctrl-C saves
    with pytest.raises(TrainingInterrupted) as stopped:
        train(job, run, report=report)
    assert stopped.value.steps == 3 * ROLLOUT
    assert [int(path.name) for path in run.checkpoints()] == [3 * ROLLOUT]
    assert not run.bundle.exists()
    before = run.read_curve()
    done = train(job, run, resume=True)
    after = run.read_curve()
    assert after["steps"] == [ROLLOUT * (i + 1) for i in range(ROLLOUTS)]
    for column, values in before.items():
        np.testing.assert_array_equal(after[column][:3], values)
    assert after["learning_rate"][3] == pytest.approx(before["learning_rate"][2], rel=1e-5)  # kept with the optimiser
    assert load_bundle(run.path).contract.evaluation is not None
    assert done.evaluation.episodes == 8


@each()
@pytest.mark.parametrize("damage", ["missing", "cut", "garbage", "empty"])
def test_a_damaged_checkpoint_is_refused_in_words(trained: Training, case: Case, damage: str, tmp_path: Path) -> None:
    env = Env(reach(), 64)
    trainer = case.fresh(env)
    with pytest.raises(BadInputError, match=r"The checkpoint .* can not be read"):
        trainer.resume(spoilt(trained(case).run.checkpoints()[-1], damage, tmp_path))
    env.close()

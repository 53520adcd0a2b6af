"""PPO with bounded means, its checkpoints, and its export."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

from roarm_lab.core.errors import BadInputError
from roarm_lab.envs.env import Env
from roarm_lab.policies.onnx_policy import OnnxPolicy
from roarm_lab.rl import sb3_ppo
from roarm_lab.rl.callback import set_learning_rate
from roarm_lab.rl.onnx_export import mlp_to_onnx
from roarm_lab.rl.sb3_vec_env import Sb3VecEnv
from roarm_lab.tasks.lift_cube import lift_cube
from roarm_lab.tasks.reach import reach
from tests.training import tiny

SETTINGS = tiny(1)
FLOAT32 = 1e-5  # the bar; ONNX Runtime and torch add up float32 in another order, and the normaliser is float64 there
ENTROPY_OF_ONE = 0.5 + 0.5 * math.log(2.0 * math.pi)  # of a normal distribution with deviation 1


@pytest.fixture
def env() -> Iterator[VecNormalize]:
    normalised = sb3_ppo.normalised(Sb3VecEnv(Env(reach(), SETTINGS.num_envs, seed=0)), SETTINGS)
    normalised.reset()
    rng = np.random.default_rng(0)
    for _ in range(20):
        normalised.step(rng.uniform(-1.0, 1.0, (SETTINGS.num_envs, 6)).astype(np.float32))
    yield normalised
    normalised.close()


@pytest.fixture
def model(env: VecNormalize) -> PPO:
    model = sb3_ppo.make_ppo(env, SETTINGS, 0, "cpu")
    policy: Any = model.policy
    with torch.no_grad():  # a fresh policy hardly acts at all
        policy.action_net.weight.mul_(20.0)
        policy.action_net.bias.add_(torch.linspace(-0.5, 0.5, 6))
    return model


def test_the_network_as_onnx_is_the_network_with_its_normaliser(env: VecNormalize, model: PPO, tmp_path: Path) -> None:
    worlds: Any = env.venv
    group = worlds.env.observations["actor"]
    path = tmp_path / "p.onnx"
    path.write_bytes(mlp_to_onnx(sb3_ppo.network_of(model, env, SETTINGS), group.sizes))
    rng, sizes = np.random.default_rng(1), group.sizes
    # Ordinary observations, and some that the normaliser has to clip.
    terms = {name: rng.normal(0.0, 1.0, (500, size)).astype(np.float32) for name, size in sizes.items()}
    terms = {name: np.where(rng.random(value.shape) < 0.02, 100.0 * value, value) for name, value in terms.items()}
    flat = np.concatenate(list(terms.values()), axis=1)
    wanted, _ = model.predict(env.normalize_obs(flat), deterministic=True)  # pyright: ignore[reportArgumentType]
    got = OnnxPolicy(path).infer({name: value.astype(np.float32) for name, value in terms.items()})
    assert got.shape == (500, 1, 6)
    np.testing.assert_allclose(got[:, 0], np.clip(wanted, -1.0, 1.0), rtol=0.0, atol=FLOAT32)
    assert np.mean(np.abs(got) < 1.0) > 0.4  # not everything is at the limits
    assert np.mean(np.abs(got) == 1.0) > 0.05


def test_the_bundle_does_in_the_environment_what_the_trainer_would(
    env: VecNormalize, model: PPO, tmp_path: Path
) -> None:
    path = tmp_path / "p.onnx"
    worlds: Any = env.venv
    path.write_bytes(mlp_to_onnx(sb3_ppo.network_of(model, env, SETTINGS), worlds.env.observations["actor"].sizes))
    policy = OnnxPolicy(path)
    env.training = False
    ours = Env(reach(), SETTINGS.num_envs)
    env.seed(3)
    theirs, mine = env.reset(), ours.reset(3)
    for _ in range(30):
        action, _ = model.predict(theirs, deterministic=True)  # pyright: ignore[reportArgumentType]
        theirs, reward, _, _ = env.step(action)
        result = ours.step(policy.infer(mine["actor"])[:, 0])
        mine = result.observations
        np.testing.assert_allclose(result.reward, reward, atol=1e-4)
    ours.close()


def test_a_mean_inside_the_box_costs_nothing_and_outside_its_square(env: VecNormalize) -> None:
    model = sb3_ppo.make_ppo(env, SETTINGS, 0, "cpu")
    policy: Any = model.policy
    with torch.no_grad():
        policy.action_net.weight.zero_()
        policy.log_std.zero_()
        policy.action_net.bias.copy_(torch.tensor([0.0, 1.0, -1.0, 0.5, 0.0, 0.0]))
    seen, actions = torch.zeros(3, 33), torch.zeros(3, 6)
    size = sum(Env(reach(), 1).observations["actor"].sizes.values())
    seen = torch.zeros(3, size)
    _, _, entropy = policy.evaluate_actions(seen, actions)
    torch.testing.assert_close(entropy, torch.full((3,), 6 * ENTROPY_OF_ONE))
    with torch.no_grad():
        policy.action_net.bias.copy_(torch.tensor([3.0, -1.5, 0.0, 0.0, 0.0, 0.0]))
    _, log_prob, entropy = policy.evaluate_actions(seen, actions)
    # (3 - 1)^2 and (1.5 - 1)^2, over six actions.
    penalty = (4.0 + 0.25) / 6.0
    scale = SETTINGS.mean_bound_weight / SETTINGS.entropy_weight
    torch.testing.assert_close(entropy, torch.full((3,), 6 * ENTROPY_OF_ONE - scale * penalty))
    # PPO adds entropy_weight times this to its objective, so the penalty counts mean_bound_weight times.
    assert SETTINGS.entropy_weight * scale == pytest.approx(SETTINGS.mean_bound_weight)
    normal = 0.5 * (9.0 + 2.25) + 6 * 0.5 * math.log(2.0 * math.pi)
    torch.testing.assert_close(log_prob, torch.full((3,), -normal))


def test_the_penalty_pulls_means_back(env: VecNormalize) -> None:
    model = sb3_ppo.make_ppo(env, SETTINGS, 0, "cpu")
    policy: Any = model.policy
    with torch.no_grad():
        policy.action_net.bias.fill_(2.0)
    size = model.observation_space.shape[0]  # pyright: ignore[reportOptionalSubscript]
    _, _, entropy = policy.evaluate_actions(torch.zeros(1, size), torch.zeros(1, 6))
    (-entropy.mean()).backward()
    assert torch.all(policy.action_net.bias.grad > 0.0)  # downhill is towards smaller means


def test_settings_reach_the_trainer(env: VecNormalize) -> None:
    model = sb3_ppo.make_ppo(env, SETTINGS, 0, "cpu")
    policy: Any = model.policy
    assert (model.n_steps, model.batch_size, model.n_epochs) == (16, 256, 4)
    assert (model.gamma, model.gae_lambda, model.ent_coef, model.vf_coef) == (0.95, 0.95, 0.002, 1.0)
    assert torch.exp(policy.log_std).detach().numpy() == pytest.approx([0.7] * 6)
    layers = [part.out_features for part in policy.mlp_extractor.policy_net if isinstance(part, torch.nn.Linear)]
    assert layers == [32, 32]
    assert env.norm_reward is False
    assert env.clip_obs == SETTINGS.observation_clip


def test_a_checkpoint_keeps_network_optimiser_learning_rate_steps_and_normaliser(
    env: VecNormalize, model: PPO, tmp_path: Path
) -> None:
    model.learn(2048)
    set_learning_rate(model, 3.3e-4)
    sb3_ppo.save(tmp_path, model, env)
    statistics: Any = env.obs_rms
    fresh = sb3_ppo.normalised(Sb3VecEnv(Env(reach(), SETTINGS.num_envs, seed=9)), SETTINGS)
    loaded = sb3_ppo.load(tmp_path, fresh, "cpu")
    restored: Any = fresh.obs_rms
    np.testing.assert_array_equal(restored.mean, statistics.mean)
    np.testing.assert_array_equal(restored.var, statistics.var)
    assert restored.count == statistics.count
    assert loaded.num_timesteps == 2048
    assert loaded.learning_rate == 3.3e-4
    assert loaded.lr_schedule(1.0) == 3.3e-4
    for name, value in model.policy.state_dict().items():
        torch.testing.assert_close(loaded.policy.state_dict()[name], value, rtol=0.0, atol=0.0)
    old, new = model.policy.optimizer.state_dict(), loaded.policy.optimizer.state_dict()
    for key, state in old["state"].items():
        torch.testing.assert_close(new["state"][key]["exp_avg"], state["exp_avg"], rtol=0.0, atol=0.0)
    loaded.learn(1024, reset_num_timesteps=False)
    assert loaded.policy.optimizer.param_groups[0]["lr"] == 3.3e-4
    fresh.close()


@pytest.mark.parametrize("name", [sb3_ppo.MODEL, sb3_ppo.NORMALISER])
@pytest.mark.parametrize("damage", ["missing", "cut", "garbage", "empty"])
def test_a_damaged_checkpoint_is_refused_in_words(
    env: VecNormalize, model: PPO, tmp_path: Path, name: str, damage: str
) -> None:
    sb3_ppo.save(tmp_path, model, env)
    path = tmp_path / name
    data = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes({"cut": data[: len(data) // 2], "garbage": bytes(range(256)) * 40, "empty": b""}[damage])
    with pytest.raises(BadInputError, match=r"The checkpoint .* can not be read"):
        sb3_ppo.load(tmp_path, env, "cpu")


@pytest.fixture
def lift() -> Iterator[VecNormalize]:
    """The task whose critic sees more than its actor."""
    worlds = Sb3VecEnv(Env(lift_cube(), 4, seed=0))
    normalised = sb3_ppo.normalised(worlds, SETTINGS)
    normalised.reset()
    normalised.step(np.zeros((4, 6), np.float32))
    yield normalised
    normalised.close()


def test_the_actor_does_not_see_what_only_the_critic_may(lift: VecNormalize) -> None:
    model = sb3_ppo.make_ppo(lift, replace(SETTINGS, num_envs=4), 0, "cpu")
    policy: Any = model.policy
    worlds: Any = lift.venv
    seen = torch.randn(5, worlds.observation_space.shape[0])
    other = seen.clone()
    other[:, worlds.actor_size :] += 1.0
    assert 0 < worlds.actor_size < seen.shape[1]
    actions = [policy.get_distribution(each).distribution.mean for each in (seen, other)]
    values = [policy.predict_values(each) for each in (seen, other)]
    torch.testing.assert_close(*actions, rtol=0.0, atol=0.0)
    assert torch.all(values[0] != values[1])
    other = seen.clone()
    other[:, worlds.actor_size - 1] += 1.0
    assert torch.all(policy.get_distribution(other).distribution.mean != actions[0])


def test_only_the_actors_part_is_exported(lift: VecNormalize, tmp_path: Path) -> None:
    model = sb3_ppo.make_ppo(lift, replace(SETTINGS, num_envs=4), 0, "cpu")
    worlds: Any = lift.venv
    policy: Any = model.policy
    with torch.no_grad():
        policy.action_net.weight.mul_(20.0)
    sizes: dict[str, int] = worlds.env.observations["actor"].sizes
    path = tmp_path / "p.onnx"
    path.write_bytes(mlp_to_onnx(sb3_ppo.network_of(model, lift, SETTINGS), sizes))
    onnx = OnnxPolicy(path)
    onnx.check(sizes, 6)
    terms = {name: np.random.default_rng(0).normal(size=(50, size)).astype(np.float32) for name, size in sizes.items()}
    rest = np.zeros((50, worlds.observation_space.shape[0] - worlds.actor_size), np.float32)
    flat = np.concatenate([*terms.values(), rest], axis=1)
    wanted, _ = model.predict(lift.normalize_obs(flat), deterministic=True)  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(onnx.infer(terms)[:, 0], np.clip(wanted, -1.0, 1.0), rtol=0.0, atol=FLOAT32)


def test_a_checkpoint_knows_how_much_the_actor_sees(lift: VecNormalize, tmp_path: Path) -> None:
    model = sb3_ppo.make_ppo(lift, replace(SETTINGS, num_envs=4), 0, "cpu")
    sb3_ppo.save(tmp_path, model, lift)
    loaded: Any = sb3_ppo.load(tmp_path, lift, "cpu").policy
    worlds: Any = lift.venv
    assert loaded.actor_size == loaded.mlp_extractor.actor_size == worlds.actor_size

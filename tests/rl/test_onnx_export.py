"""A network written as ONNX gives what the same network gives on paper."""

import inspect
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from stable_baselines3.common.vec_env import VecNormalize

from roarm_lab.core.errors import BadInputError
from roarm_lab.policies.onnx_policy import OnnxPolicy
from roarm_lab.rl.onnx_export import EPSILON, Mlp, mlp_to_onnx

SIZES = {"near": 1, "far": 1}


def one_layer(weight: list[list[float]], bias: list[float], **changes: object) -> Mlp:
    layers = [(np.float32(weight), np.float32(bias))]
    parts = {"mean": np.zeros(2, np.float32), "var": np.ones(2, np.float32), "clip": 10.0, "activation": "Relu"}
    return Mlp(layers=layers, **(parts | changes))  # pyright: ignore[reportArgumentType]


def run(tmp_path: Path, mlp: Mlp, *rows: tuple[float, float]) -> np.ndarray:
    path = tmp_path / "p.onnx"
    path.write_bytes(mlp_to_onnx(mlp, SIZES))
    seen = np.float32(rows)
    got = OnnxPolicy(path).infer({"near": seen[:, :1], "far": seen[:, 1:]})[:, 0]
    np.testing.assert_allclose(mlp(seen), got, rtol=1e-5, atol=1e-6)  # the same, without ONNX
    return got


def test_inputs_stand_side_by_side_in_their_order(tmp_path: Path) -> None:
    got = run(tmp_path, one_layer([[0.1, 0.0], [0.0, 0.01]], [0.0, 0.5]), (1.0, 2.0), (3.0, -4.0))
    np.testing.assert_allclose(got, [[0.1, 0.52], [0.3, 0.46]], rtol=1e-6)


def test_inputs_are_normalised_and_then_clipped(tmp_path: Path) -> None:
    mlp = one_layer(
        [[0.1, 0.0], [0.0, 0.1]], [0.0, 0.0], mean=np.float32([1.0, 0.0]), var=np.float32([4.0, 1.0]), clip=3.0
    )
    got = run(tmp_path, mlp, (5.0, 0.5), (-99.0, 99.0))
    np.testing.assert_allclose(got, [[0.2, 0.05], [-0.3, 0.3]], rtol=1e-6)


def test_actions_are_clipped_as_the_environment_does(tmp_path: Path) -> None:
    got = run(tmp_path, one_layer([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), (5.0, -7.0))
    np.testing.assert_array_equal(got, [[1.0, -1.0]])


@pytest.mark.parametrize(("activation", "value"), [("Relu", 0.0), ("Tanh", np.tanh(-0.5)), ("Elu", np.exp(-0.5) - 1.0)])
def test_the_activation_stands_between_layers_only(tmp_path: Path, activation: str, value: float) -> None:
    layers = [(np.float32([[1.0, 0.0]]), np.float32([0.0])), (np.float32([[1.0], [-1.0]]), np.float32([0.0, 0.0]))]
    mlp = Mlp(mean=np.zeros(2), var=np.ones(2), clip=10.0, layers=layers, activation=activation)  # pyright: ignore
    np.testing.assert_allclose(run(tmp_path, mlp, (-0.5, 0.0)), [[value, -value]], rtol=1e-5, atol=1e-7)


def test_the_same_network_is_the_same_file() -> None:
    mlp = one_layer([[1.0, 0.0]], [0.0])
    assert mlp_to_onnx(mlp, SIZES) == mlp_to_onnx(mlp, SIZES)
    onnx.checker.check_model(onnx.load_from_string(mlp_to_onnx(mlp, SIZES)), full_check=True)


def test_what_is_added_to_the_variance_is_what_stable_baselines_adds() -> None:
    assert inspect.signature(VecNormalize).parameters["epsilon"].default == EPSILON


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadInputError, match="The inputs have 3 numbers, the network takes 2"):
        mlp_to_onnx(one_layer([[1.0, 0.0]], [0.0]), {"a": 3})
    with pytest.raises(BadInputError, match="must be one of Elu, Relu, Tanh, got 'Sigmoid'"):
        mlp_to_onnx(one_layer([[1.0, 0.0]], [0.0], activation="Sigmoid"), SIZES)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"mean": np.float32([0.0, np.nan])}, "normaliser's mean"),
        ({"var": np.float32([np.inf, 1.0])}, "normaliser's variance"),
        ({"layers": [(np.float32([[np.nan, 0.0]]), np.float32([0.0]))]}, "weights of layer 1"),
        ({"layers": [(np.float32([[0.0, 0.0]]), np.float32([np.inf]))]}, "bias of layer 1"),
    ],
)
def test_a_network_that_diverged_is_not_exported(changes: dict[str, object], where: str) -> None:
    mlp = replace(one_layer([[1.0, 0.0]], [0.0]), **changes)  # pyright: ignore[reportArgumentType]
    with pytest.raises(BadInputError, match=f"in the {where} something is not a finite number. Training has diverged"):
        mlp_to_onnx(mlp, SIZES)

"""Networks that run, and networks that must not."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import sha256_of
from roarm_lab.policies.contract import InterfaceError
from roarm_lab.policies.onnx_policy import OnnxPolicy
from tests.bundles import constant, wild

SIZES = {"a": 2, "b": 3}


def save(tmp_path: Path, onnx_bytes: bytes) -> Path:
    path = tmp_path / "policy.onnx"
    path.write_bytes(onnx_bytes)
    return path


def network(
    inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto], nodes: list[onnx.NodeProto]
) -> bytes:
    graph = helper.make_graph(nodes, "test", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def one_node(op: str, shape: list[object], kind: int = TensorProto.FLOAT, out: str = "action") -> bytes:
    """A network that passes `a` through one operation."""
    return network(
        [helper.make_tensor_value_info("a", kind, shape)],
        [helper.make_tensor_value_info(out, kind, shape)],
        [helper.make_node(op, ["a"], [out])],
    )


def test_it_gives_one_action_per_row(tmp_path: Path) -> None:
    policy = OnnxPolicy(save(tmp_path, constant([0.5, -0.25], SIZES)))
    policy.check(SIZES, 2)
    got = policy.infer({"a": np.zeros((4, 2), np.float32), "b": np.zeros((4, 3), np.float32)})
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, np.tile(np.float32([[0.5, -0.25]]), (4, 1, 1)))


def test_what_is_hashed_is_what_runs(tmp_path: Path) -> None:
    onnx_bytes = wild(SIZES)
    path = save(tmp_path, onnx_bytes)
    policy = OnnxPolicy(path)
    before = policy.infer({"a": np.ones((1, 2), np.float32), "b": np.ones((1, 3), np.float32)})
    path.write_bytes(b"something else")
    after = policy.infer({"a": np.ones((1, 2), np.float32), "b": np.ones((1, 3), np.float32)})
    assert policy.sha256 == sha256_of(onnx_bytes)
    np.testing.assert_array_equal(before, after)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"policy.onnx can not be read: No such file"):
        OnnxPolicy(tmp_path / "policy.onnx")
    with pytest.raises(BadInputError, match="can not be read: Is a directory"):
        OnnxPolicy(tmp_path)


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_network_is_refused(tmp_path: Path, kept: float) -> None:
    whole = wild(SIZES)
    with pytest.raises(
        BadInputError, match=r"policy.onnx is not a readable ONNX model \(damaged or cut off\?\)"
    ) as bad:
        OnnxPolicy(save(tmp_path, whole[: int(kept * len(whole))]))
    assert "\n" not in str(bad.value)


def test_garbage_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadInputError, match="not a readable ONNX model"):
        OnnxPolicy(save(tmp_path, np.random.default_rng(0).bytes(5000)))
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


@pytest.mark.parametrize(
    ("sizes", "actions"),
    [
        ({"a": 2, "b": 4}, 6),
        ({"b": 3, "a": 2}, 6),
        ({"a": 2}, 6),
        ({"a": 2, "c": 3}, 6),
        ({"a": 2, "b": 3, "c": 1}, 6),
    ],
)
def test_a_network_with_other_inputs_than_promised_is_refused(
    tmp_path: Path, sizes: dict[str, int], actions: int
) -> None:
    policy = OnnxPolicy(save(tmp_path, wild(SIZES)))
    policy.check(SIZES, 6)
    with pytest.raises(
        InterfaceError, match=r"takes 'a' \['batch', 2\] of tensor\(float\), 'b'.*the contract promises"
    ):
        policy.check(sizes, actions)


def test_a_network_with_another_number_of_actions_is_refused(tmp_path: Path) -> None:
    policy = OnnxPolicy(save(tmp_path, constant([0.0] * 7, SIZES)))
    with pytest.raises(
        InterfaceError, match=r"gives 'action' \['batch', 1, 7\].*must have one output, 'action' .*1, 6"
    ):
        policy.check(SIZES, 6)


def rows(
    batch: object = "batch", size: object = 2, step: int = 1, kind: int = TensorProto.FLOAT, out: str = "action"
) -> bytes:
    """A network that gives what it gets, as a policy would; or not quite."""
    axes = numpy_helper.from_array(np.array([1]), "axes")
    nodes = [
        helper.make_node("Unsqueeze", ["a", "axes"], ["one"]),
        helper.make_node("Concat", ["one"] * step, [out], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("a", kind, [batch, size])],
        [helper.make_tensor_value_info(out, kind, [batch, step, size])],
        [axes],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def test_a_network_of_the_right_form_is_taken(tmp_path: Path) -> None:
    policy = OnnxPolicy(save(tmp_path, rows()))
    policy.check({"a": 2}, 2)
    np.testing.assert_array_equal(policy.infer({"a": np.float32([[1.0, 2.0]])}), [[[1.0, 2.0]]])


@pytest.mark.parametrize(
    "onnx_bytes",
    [
        rows(out="actions"),
        rows(batch=1),  # one row only: no batch of worlds
        rows(size="size"),
        rows(step=5),
        rows(kind=TensorProto.DOUBLE),
        one_node("Identity", ["batch", 2]),
        one_node("Identity", []),
    ],
)
def test_a_network_of_another_form_is_refused(tmp_path: Path, onnx_bytes: bytes) -> None:
    policy = OnnxPolicy(save(tmp_path, onnx_bytes))
    with pytest.raises(InterfaceError, match="the contract promises|it must have one output"):
        policy.check({"a": 2}, 2)


def test_two_outputs_are_refused(tmp_path: Path) -> None:
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 2]) for name in ("a", "action", "value")]
    nodes = [helper.make_node("Identity", ["a"], [name]) for name in ("action", "value")]
    policy = OnnxPolicy(save(tmp_path, network(info[:1], info[1:], nodes)))
    with pytest.raises(InterfaceError, match="gives 'action'.*'value'.*must have one output"):
        policy.check({"a": 2}, 2)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_action_that_is_not_a_number_is_refused_and_found(tmp_path: Path, value: float) -> None:
    policy = OnnxPolicy(save(tmp_path, one_node("Identity", ["batch", 1, 2])))
    seen = np.zeros((3, 1, 2), np.float32)
    seen[2, 0, 1] = value
    with pytest.raises(InterfaceError, match=f"not a number: number 1 of world 2 is {value}"):
        policy.infer({"a": seen})


def test_inputs_that_do_not_fit_are_refused_in_our_words(tmp_path: Path) -> None:
    policy = OnnxPolicy(save(tmp_path, wild(SIZES)))
    with pytest.raises(InterfaceError, match="policy.onnx could not be run"):
        policy.infer({"a": np.zeros((1, 2), np.float32)})
    with pytest.raises(InterfaceError, match="policy.onnx could not be run"):
        policy.infer({"a": np.zeros((1, 2), np.float32), "b": np.zeros((1, 9), np.float32)})

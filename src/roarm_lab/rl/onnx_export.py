"""Write a multilayer perceptron with its normaliser as ONNX: named inputs, one output [batch, step, action].

The graph is built node by node, so it is small, the same every time, and independent of how a trainer traces models.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from roarm_lab import __version__
from roarm_lab.core.arrays import Float32, Float64
from roarm_lab.core.errors import BadInputError

OPSET, IR_VERSION = 17, 8  # old enough for every ONNX Runtime that the package allows
ON_PAPER: dict[str, Callable[[Any], Any]] = {
    "Elu": lambda x: np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0))),
    "Relu": lambda x: np.maximum(x, 0.0),
    "Tanh": np.tanh,
}
ACTIVATIONS = tuple(ON_PAPER)
EPSILON = 1e-8  # Stable-Baselines3's: added to the variance before the root


@dataclass(frozen=True, kw_only=True)
class Mlp:
    """A network: clip((x - mean) / sqrt(var + epsilon)), then layers with an activation between them."""

    mean: Float32
    var: Float32
    clip: float
    layers: Sequence[tuple[Float32, Float32]]
    """(weight [out, in], bias [out]) in order."""
    activation: str
    output_activation: str | None = None
    """After the last layer, for instance Tanh; none where a policy's means are the last layer's own."""

    def __call__(self, observation: Float32) -> Float32:
        """Return actions [env, action], each -1 to 1, for observations [env, size]: what the exported network gives.

        For a look at a policy while it learns.
        """
        activate = ON_PAPER[self.activation]
        hidden = np.clip((observation - self.mean) / np.sqrt(self.var + EPSILON), -self.clip, self.clip)
        for weight, bias in self.layers[:-1]:
            hidden = activate(hidden @ weight.T + bias)
        weight, bias = self.layers[-1]
        last = hidden @ weight.T + bias
        if self.output_activation is not None:
            last = ON_PAPER[self.output_activation](last)
        return np.clip(last, -1.0, 1.0).astype(np.float32)


def variance_of(divisor: Float64) -> Float32:
    """Return the variance with which an `Mlp` divides by `divisor`: libraries add their small number after the root."""
    return (divisor**2 - EPSILON).astype(np.float32)


def mlp_to_onnx(mlp: Mlp, inputs: dict[str, int]) -> bytes:
    """Return the ONNX model; `inputs` are names and sizes in the order in which they are put side by side.

    The action is clipped to -1 to 1 at the end, as the environment does.

    Raises:
        BadInputError: Sizes do not fit, the activation is not known, or a number is not finite.
    """
    _refuse_what_does_not_fit(mlp, inputs)
    _refuse_nan(mlp)
    constants = _constants(mlp)
    initializers = [numpy_helper.from_array(np.asarray(v, np.float32), name) for name, v in constants.items()]
    initializers.append(numpy_helper.from_array(np.asarray([1], np.int64), "step_axis"))
    graph = helper.make_graph(
        _nodes(mlp, list(inputs)),
        "policy",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size]) for name, size in inputs.items()],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, ["batch", 1, mlp.layers[-1][0].shape[0]])],
        initializers,
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="roarm-lab",
        producer_version=__version__,
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _constants(mlp: Mlp) -> dict[str, Any]:
    """Return the numbers in the graph by the names that `_nodes` gives them."""
    constants: dict[str, Any] = {
        "mean": mlp.mean,
        "inverse_std": 1.0 / np.sqrt(mlp.var + EPSILON),
        "clip_low": -mlp.clip,
        "clip_high": mlp.clip,
        "action_low": -1.0,
        "action_high": 1.0,
    }
    for i, (weight, bias) in enumerate(mlp.layers):
        constants |= {f"weight_{i}": weight, f"bias_{i}": bias}
    return constants


def _nodes(mlp: Mlp, inputs: list[str]) -> list[NodeProto]:
    """Return the steps from the inputs to the action."""
    nodes = [
        helper.make_node("Concat", inputs, ["observation"], axis=1),
        helper.make_node("Sub", ["observation", "mean"], ["centred"]),
        helper.make_node("Mul", ["centred", "inverse_std"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "clip_low", "clip_high"], ["hidden_0"]),
    ]
    for i in range(len(mlp.layers)):
        last = i == len(mlp.layers) - 1
        linear = "mean_action" if last and mlp.output_activation is None else f"linear_{i}"
        nodes.append(helper.make_node("Gemm", [f"hidden_{i}", f"weight_{i}", f"bias_{i}"], [linear], transB=1))
        if not last:
            nodes.append(helper.make_node(mlp.activation, [linear], [f"hidden_{i + 1}"]))
        elif mlp.output_activation is not None:
            nodes.append(helper.make_node(mlp.output_activation, [linear], ["mean_action"]))
    return [
        *nodes,
        helper.make_node("Clip", ["mean_action", "action_low", "action_high"], ["clipped"]),
        helper.make_node("Unsqueeze", ["clipped", "step_axis"], ["action"]),
    ]


def _refuse_what_does_not_fit(mlp: Mlp, inputs: dict[str, int]) -> None:
    total = sum(inputs.values())
    if total != len(mlp.mean) or total != mlp.layers[0][0].shape[1]:
        raise BadInputError(f"The inputs have {total} numbers, the network takes {mlp.layers[0][0].shape[1]}.")
    for name in (mlp.activation, *([mlp.output_activation] if mlp.output_activation is not None else [])):
        if name not in ACTIVATIONS:
            raise BadInputError(f"The activation must be one of {', '.join(ACTIVATIONS)}, got {name!r}.")


def _refuse_nan(mlp: Mlp) -> None:
    """Refuse numbers that are not finite: the last step of the graph, which limits actions, could hide them."""
    parts = {"normaliser's mean": mlp.mean, "normaliser's variance": mlp.var}
    for i, (weight, bias) in enumerate(mlp.layers, start=1):
        parts |= {f"weights of layer {i}": weight, f"bias of layer {i}": bias}
    for name, values in parts.items():
        if not np.isfinite(values).all():
            raise BadInputError(
                f"The network can not be exported: in the {name} something is not a finite number. Training has "
                "diverged; a smaller learning rate may help."
            )

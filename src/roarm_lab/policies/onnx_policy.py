"""Run `policy.onnx` with ONNX Runtime: named inputs in, actions out."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime as ort

from roarm_lab.core.arrays import Float32
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.files import sha256_of
from roarm_lab.policies.contract import InterfaceError

OUTPUT, FLOAT32 = "action", "tensor(float)"
SILENT = 4  # ONNX Runtime's log level at which nothing is printed: errors are raised besides


class OnnxPolicy:
    """A policy network: term name to [batch, size] in, [batch, 1, action] out, each action -1 to 1."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Load the network. The file is read once: what is hashed is what runs.

        Raises:
            BadInputError: The file is missing or is not a readable ONNX model.
        """
        try:
            onnx = path.read_bytes()
        except OSError as error:
            raise BadInputError(f"{path} can not be read: {error.strerror}. A bundle needs that file.") from error
        self.path = path
        self.sha256 = sha256_of(onnx)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = SILENT
        try:
            self._session = ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise BadInputError(f"{path} is not a readable ONNX model (damaged or cut off?): {error}") from error
        self._inputs = {item.name: (item.type, *item.shape) for item in self._session.get_inputs()}
        self._outputs = {item.name: (item.type, *item.shape) for item in self._session.get_outputs()}

    def check(self, sizes: Mapping[str, int], actions: int) -> None:
        """Refuse a network that does not take the terms `sizes` (name to size) in this order, or gives other actions.

        Args:
            sizes: What the contract promises to put in.
            actions: How many numbers an action has.

        Raises:
            InterfaceError: Says what the network takes or gives and what it should.
        """
        takes = {name: _per_row(shape, 2) for name, shape in self._inputs.items()}
        if list(takes.items()) != [(name, (size,)) for name, size in sizes.items()]:
            raise InterfaceError(f"{self.path} takes {_words(self._inputs)}; the contract promises {dict(sizes)}.")
        gives = {name: _per_row(shape, 3) for name, shape in self._outputs.items()}
        if gives != {OUTPUT: (1, actions)}:
            raise InterfaceError(
                f"{self.path} gives {_words(self._outputs)}; it must have one output, {OUTPUT!r} "
                f"[batch, 1, {actions}] of float32."
            )

    def infer(self, inputs: Mapping[str, Float32]) -> Float32:
        """Return actions [batch, 1, action].

        Raises:
            InterfaceError: The inputs do not fit, or the network gave something that is not a number.
        """
        try:
            action = np.asarray(self._session.run([OUTPUT], dict(inputs))[0], dtype=np.float32)
        except Exception as error:
            raise InterfaceError(f"{self.path} could not be run: {error}") from error
        if not np.isfinite(action).all():
            world, index = np.argwhere(~np.isfinite(action))[0][[0, -1]]
            raise InterfaceError(
                f"The policy gave an action that is not a number: number {index} of world {world} is "
                f"{action[world, 0, index]}."
            )
        return action


def _per_row(described: tuple[object, ...], dimensions: int) -> tuple[object, ...] | None:
    """Return the shape behind a free first dimension; None for another type or number of dimensions."""
    kind, *shape = described
    free = len(shape) == dimensions and not isinstance(shape[0], int)
    return tuple(shape[1:]) if free and kind == FLOAT32 else None


def _words(described: Mapping[str, tuple[object, ...]]) -> str:
    return ", ".join(f"{name!r} {list(shape[1:])} of {shape[0]}" for name, shape in described.items()) or "nothing"

"""Run `policy.onnx` with ONNX Runtime: named inputs in, actions out."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime as ort

from roarm_lab.core.arrays import Float32
from roarm_lab.core.errors import BadInputError
from roarm_lab.policies.contract import InterfaceError

OUTPUT = "action"


class OnnxPolicy:
    """A policy network: term name to [batch, size] in, [batch, step, action] out, each action -1 to 1."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Load the network.

        Raises:
            BadInputError: The file is missing or is not a readable ONNX model.
        """
        if not path.is_file():
            raise BadInputError(f"There is no file {path}.")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # errors are raised; nothing is printed besides
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise BadInputError(f"{path} is not a readable ONNX model (damaged or cut off?): {error}") from error
        self.sizes: dict[str, int] = {item.name: int(item.shape[-1]) for item in self._session.get_inputs()}
        outputs = [item.name for item in self._session.get_outputs()]
        if outputs != [OUTPUT]:
            raise InterfaceError(f"{path} must have one output called {OUTPUT!r}, it has {outputs}.")

    def check(self, sizes: Mapping[str, int]) -> None:
        """Refuse a network whose inputs are not the terms `sizes` (name to size), in this order.

        Raises:
            InterfaceError: Says what the network takes and what it should.
        """
        if list(self.sizes.items()) != list(sizes.items()):
            raise InterfaceError(f"The network takes {self.sizes}, the contract promises {dict(sizes)}.")

    def infer(self, inputs: Mapping[str, Float32]) -> Float32:
        """Return actions [batch, step, action].

        Raises:
            InterfaceError: The network gave something that is not a number.
        """
        (action,) = self._session.run(None, dict(inputs))
        if not np.isfinite(action).all():
            raise InterfaceError("The policy gave an action that is not a number.")
        return action

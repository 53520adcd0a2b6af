"""What computes actions: an ONNX file, a checkpoint, a server far away; whoever asks does not know which."""

from collections.abc import Mapping
from typing import Protocol

from roarm_lab.core.arrays import Float32
from roarm_lab.core.errors import MissingError


class NoActionError(MissingError):
    """There is no action for this moment, and there may be one for the next: the arm keeps its last target."""


class Network(Protocol):
    """Takes terms and gives actions."""

    @property
    def sha256(self) -> str:
        """Hash of the file that it was loaded from."""
        ...

    def infer(self, inputs: Mapping[str, Float32]) -> Float32:
        """Return actions [batch, step, action], each -1 to 1, of terms, name -> [batch, size].

        Raises:
            BadInputError: A term is missing, has another size or is not finite.
            InterfaceError: The network gave something that is not a number.
            NoActionError: It is far away and did not answer in time.
        """
        ...

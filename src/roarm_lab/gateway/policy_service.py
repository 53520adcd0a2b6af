"""One network that answers many: who comes while it computes waits, and all that wait are computed together."""

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roarm_lab.core.arrays import Float32
from roarm_lab.core.errors import BadInputError, RoarmLabError
from roarm_lab.policies.contract import Contract, InterfaceError, action_size, check_interface, observed
from roarm_lab.policies.network import Network


class RefusedError(RoarmLabError):
    """A request is not answered; `code` is one of the wire's."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(eq=False)
class _Request:
    inputs: Mapping[str, Float32]
    ends_ns: int
    """When the answer is of no use any more, on `time.monotonic_ns`; 0 for never."""
    actions: Float32 | None = None
    refusal: RefusedError | None = None
    started_ns: int = 0
    ended_ns: int = 0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a network said."""

    actions: Float32
    """[step, action], each -1 to 1."""
    queue_s: float
    """From the request to the beginning of the computation."""
    infer_s: float
    policy: str
    """Hash of the network."""


@dataclass
class PolicyService:
    """A policy for many clients, from as many threads."""

    network: Network
    contract: Contract
    largest_batch: int = 64
    _waiting: deque[_Request] = field(default_factory=deque["_Request"], init=False)
    _busy: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        """Read from the contract what must come in."""
        self._sizes = {term.name: term.size for term in observed(self.contract)}

    @property
    def depth(self) -> int:
        """Requests that wait now."""
        return len(self._waiting)

    def warm_up(self, times: int = 3) -> tuple[int, int]:
        """Compute a few times, as the first time is slow; return the shape of an answer, steps and actions.

        Raises:
            InterfaceError: The network gives something else than its contract says.
        """
        blank = {name: np.zeros((1, size), np.float32) for name, size in self._sizes.items()}
        with self._busy:
            given = [self.network.infer(blank) for _ in range(times)][-1]
        shape, size = np.shape(given), action_size(self.contract)
        if len(shape) != 3 or shape[2] != size or not np.isfinite(given).all():
            raise InterfaceError(f"The policy gives {shape}; its contract promises [batch, step, {size}], finite.")
        return shape[1], size

    def replace(self, network: Network, contract: Contract) -> None:
        """Take another network from the next request on; who is connected stays so.

        Raises:
            InterfaceError: It takes or gives something else than the present one: the clients could not follow.
        """
        check_interface(contract, self.contract.interface)
        PolicyService(network, contract).warm_up()
        with self._busy:
            self.network, self.contract = network, contract

    def read(self, tensors: Mapping[str, NDArray[Any]]) -> dict[str, Float32]:
        """Return the terms [1, size] of an observation.

        Raises:
            RefusedError: One is missing or unknown, has another size, or holds something that is not a number.
        """
        if tensors.keys() != self._sizes.keys():
            raise RefusedError("out_of_shape", f"The policy needs {', '.join(self._sizes)}; got {', '.join(tensors)}.")
        inputs: dict[str, Float32] = {}
        for name, size in self._sizes.items():
            values = tensors[name]
            if values.size != size or values.dtype.kind != "f":
                raise RefusedError("out_of_shape", f"{name} must be {size} floats, got {values.dtype} {values.shape}.")
            if not np.isfinite(values).all():
                raise RefusedError("not_finite", f"{name} holds something that is not a number: nothing is computed.")
            inputs[name] = values.reshape(1, size).astype(np.float32, copy=False)
        return inputs

    def infer(self, inputs: Mapping[str, Float32], deadline_s: float = 0.0) -> Answer:
        """Return the policy's answer to one observation, terms [1, size].

        Whoever finds the network free computes for everybody that waits; the others find their answer done.

        Args:
            inputs: What `read` returned.
            deadline_s: After this time nothing is computed any more; 0 for no deadline.

        Raises:
            RefusedError: The deadline passed while it waited, or the network failed.
        """
        arrived_ns = time.monotonic_ns()
        request = _Request(inputs, arrived_ns + round(deadline_s * 1e9) if deadline_s else 0)
        self._waiting.append(request)
        with self._busy:
            while request.actions is None and request.refusal is None:
                self._compute()
            policy = self.network.sha256
        if request.actions is None:
            assert request.refusal is not None
            raise request.refusal
        return Answer(
            actions=request.actions,
            queue_s=(request.started_ns - arrived_ns) * 1e-9,
            infer_s=(request.ended_ns - request.started_ns) * 1e-9,
            policy=policy,
        )

    def _compute(self) -> None:
        """Answer the requests that wait, as many as fit into one batch."""
        batch: list[_Request] = []
        now_ns = time.monotonic_ns()
        while self._waiting and len(batch) < self.largest_batch:
            request = self._waiting.popleft()
            request.started_ns = now_ns
            if request.ends_ns and now_ns > request.ends_ns:
                request.refusal = RefusedError("too_late", "The deadline passed before the policy was free.")
            else:
                batch.append(request)
        if not batch:
            return
        try:
            first = batch[0].inputs
            inputs = (
                first if len(batch) == 1 else {name: np.concatenate([r.inputs[name] for r in batch]) for name in first}
            )
            actions = self.network.infer(inputs)
            ended_ns = time.monotonic_ns()
            for request, row in zip(batch, actions, strict=True):
                request.ended_ns, request.actions = ended_ns, row
        except (BadInputError, ValueError) as error:
            for request in batch:
                request.refusal = RefusedError("policy_failed", f"The policy could not answer: {error}")

"""A policy server's client: one connection, greeted and checked; a question, and its answer by a deadline."""

import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from socket import create_connection

import numpy as np

from roarm_lab.core.arrays import Float32
from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.gateway.connection import Connection, ConnectionLostError, Received
from roarm_lab.gateway.wire import (
    PROTOCOL,
    Actions,
    ArmFacts,
    Bye,
    Drift,
    Failure,
    Hello,
    Infer,
    Message,
    Reset,
    Tensors,
    Welcome,
    WireError,
)
from roarm_lab.policies.contract import Contract, DriftError, InterfaceError, check_complete, parse_contract


@dataclass(frozen=True, kw_only=True)
class ServerAddress:
    """Where a policy server is, and how to be let in."""

    host: str
    port: int
    token: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = None
    """None for a connection that is not encrypted."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class RequestError(MissingError):
    """The server did not answer a request; `code` is one of the wire's. The connection goes on."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a policy said."""

    actions: Float32
    """[step, action], each -1 to 1."""
    seq: int
    observed_at_ns: int
    """When the observation was made, on the client's clock."""
    late: bool
    queue_s: float
    infer_s: float
    policy: str
    """Hash of the network that answered."""


class PolicyClient:
    """A connection to a policy server."""

    def __init__(
        self, address: ServerAddress, name: str = "roarm", *, rate_hz: float = 0.0, timeout_s: float = 5.0
    ) -> None:
        """Connect and be greeted.

        Args:
            address: The server.
            name: Of this client, for the server's log.
            rate_hz: How often it will ask.
            timeout_s: For each step of the greeting.

        Raises:
            MissingError: Nothing listens there, or it does not answer.
            InterfaceError: The server speaks another version of the protocol.
            BadInputError: What listens there is no policy server, or it does not let this client in.
        """
        self.address = address
        self._connection = _connect(address, timeout_s)
        try:
            self._send(Hello(client=name, token=address.token, rate_hz=rate_hz), timeout_s=timeout_s)
            message, tensors = self._receive(timeout_s)
        except (WireError, TimeoutError, ConnectionLostError) as error:
            self._connection.close()
            raise MissingError(f"{address} does not answer as a policy server: {error or 'nothing came'}") from error
        if not isinstance(message, Welcome):
            self._connection.close()
            raise _refusal(address, message)
        if message.proto != PROTOCOL:
            self._connection.close()
            raise InterfaceError(f"{address} speaks protocol {message.proto}, this version {PROTOCOL}.")
        self.policy, self.chunk, self.server = message.policy, message.chunk, message.server
        self.contract = _contract(tensors, f"the contract of {address}")
        self._seq = 0

    def __enter__(self) -> "PolicyClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def tell_arm(
        self, hashes: Mapping[str, str], facts: Mapping[str, float], *, allow_drift: bool, timeout_s: float = 5.0
    ) -> list[str]:
        """Tell what the arm is; return in words what differs from the arm that the policy was trained for.

        Raises:
            DriftError: The server does not serve this arm.
            ConnectionLostError: The connection broke.
        """
        told = ArmFacts(hashes=dict(hashes), facts=dict(facts), allow_drift=allow_drift)
        self._send(told, timeout_s=timeout_s)
        message, _ = self._receive(timeout_s)
        if isinstance(message, Failure):
            raise DriftError(f"The policy server refuses this arm: {message.message}")
        return message.drift if isinstance(message, Drift) else []

    def begin(self, episode: int) -> None:
        """Tell that a new episode begins.

        Raises:
            ConnectionLostError: The connection broke.
        """
        self._send(Reset(episode=episode), timeout_s=1.0)

    def ask(self, inputs: Mapping[str, Float32], *, deadline_s: float = 0.0, observed_at_ns: int | None = None) -> int:
        """Send an observation, terms [size] or [1, size] by name; return its number.

        Args:
            inputs: By the contract's names.
            deadline_s: When the answer is of no use any more, from the arrival on; 0 for never.
            observed_at_ns: When it was made, on `time.monotonic_ns`; now by default.

        Raises:
            ConnectionLostError: The connection broke, or the server does not read.
        """
        self._seq += 1
        when = time.monotonic_ns() if observed_at_ns is None else observed_at_ns
        self._send(Infer(seq=self._seq, observed_at_ns=when, deadline_ms=deadline_s * 1e3), inputs, deadline_s or 5.0)
        return self._seq

    def answer(self, seq: int, timeout_s: float) -> Reply:
        """Return the answer to request `seq`; older ones that come late are dropped.

        Raises:
            TimeoutError: It did not come in time; the connection can go on.
            RequestError: The server refused the request.
            ConnectionLostError: The connection broke.
        """
        ends_s = time.monotonic() + timeout_s
        while True:
            message, tensors = self._receive(max(ends_s - time.monotonic(), 1e-4))
            if isinstance(message, Failure):
                if message.seq == 0:
                    raise ConnectionLostError(f"The server ended the connection: {message.message}")
                if message.seq == seq:
                    raise RequestError(message.code, message.message)
            elif isinstance(message, Actions) and message.seq == seq:
                return _answer(message, tensors)

    def close(self) -> None:
        """Say goodbye."""
        with suppress(ConnectionLostError):
            self._send(Bye(), timeout_s=0.2)
        self._connection.close()

    def _send(self, message: Message, tensors: Tensors | None = None, timeout_s: float | None = None) -> None:
        self._connection.send(message, tensors, timeout_s)

    def _receive(self, timeout_s: float) -> Received:
        try:
            return self._connection.receive(timeout_s)
        except WireError as error:  # whoever sends such a thing has lost the thread
            raise ConnectionLostError(f"The server sent what is no message: {error}") from error


def _connect(address: ServerAddress, timeout_s: float) -> Connection:
    try:
        sock = create_connection((address.host, address.port), timeout_s)
        return Connection(address.tls.wrap_socket(sock, server_hostname=address.host) if address.tls else sock)
    except ssl.SSLCertVerificationError as error:
        raise BadInputError(f"The certificate of {address} can not be trusted: {error.verify_message}.") from error
    except (OSError, TimeoutError) as error:
        raise MissingError(f"No policy server answers at {address}: {error}. Is it running there?") from error


def _refusal(address: ServerAddress, message: Message) -> Exception:
    """Return what to raise when a server says something else than welcome."""
    if isinstance(message, Failure):
        if message.code == "protocol_mismatch":
            return InterfaceError(f"{address} does not speak this version's protocol: {message.message}")
        if message.code in ("too_many", "shutting_down"):
            return MissingError(f"{address} takes no client now: {message.message}")
        return BadInputError(f"{address} does not let this client in: {message.message}")
    return BadInputError(f"{address} is no policy server: it began with {type(message).__name__.lower()}.")


def _contract(tensors: Tensors, where: str) -> Contract:
    try:
        text = np.asarray(tensors["contract"]).tobytes().decode()
    except (KeyError, UnicodeDecodeError) as error:
        raise InterfaceError(f"{where} did not come.") from error
    contract = parse_contract(text, where)
    check_complete(contract)
    return contract


def _answer(message: Actions, tensors: Tensors) -> Reply:
    actions = tensors.get("action")
    if actions is None or actions.ndim != 2 or actions.dtype != np.float32 or not np.isfinite(actions).all():
        raise ConnectionLostError("The server's answer has no actions [step, action] that are finite.")
    return Reply(
        actions=actions,
        seq=message.seq,
        observed_at_ns=message.observed_at_ns,
        late=message.late,
        queue_s=message.queue_ms * 1e-3,
        infer_s=message.infer_ms * 1e-3,
        policy=message.policy,
    )

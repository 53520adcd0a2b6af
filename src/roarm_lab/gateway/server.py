"""The policy server: sockets, one thread per client, limits. What it computes and what it writes down are others'."""

import hmac
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from socket import AF_INET, AF_INET6, create_server, socket
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from roarm_lab import __version__
from roarm_lab.core.errors import BadInputError
from roarm_lab.gateway.connection import Connection, ConnectionLostError, Received
from roarm_lab.gateway.policy_service import Answer, PolicyService, RefusedError
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
    Ping,
    Pong,
    Reset,
    Tensors,
    Welcome,
    WireError,
)

LOOPBACK = ("127.0.0.1", "::1", "localhost")
MOST_SUPERSEDED = 64
"""Requests that may be dropped for one newer one, before the newest so far is answered."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a client may ask for."""

    clients: int = 8
    """Connected at the same time."""
    rate_hz: float = 2000.0
    """Messages per second of one client, averaged over a second."""
    hello_s: float = 5.0
    """Time for the first message."""
    idle_s: float = 30.0
    """A client that says nothing for so long is let go."""
    send_s: float = 5.0
    """A client that reads nothing for so long is let go."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """How one request went, for whoever counts."""

    client: str
    result: str
    """`ok`, `late` or the code of the refusal."""
    seq: int
    queue_s: float = 0.0
    infer_s: float = 0.0
    total_s: float = 0.0
    """From the last byte in to the last byte out."""
    deadline_s: float = 0.0
    age_s: float | None = None
    """How old the observation was on arrival; None where the clocks are not the same."""


class Listener(Protocol):
    """Hears what a server does; called from the clients' threads, after the answer is out."""

    def served(self, served: Served) -> None:
        """A request was answered or refused."""
        ...

    def event(self, name: str, client: str = "", **about: Any) -> None:
        """Something else happened, for instance `client_open`."""
        ...


class Silent:
    """A listener that does not listen."""

    def served(self, served: Served) -> None:
        """Leave it."""

    def event(self, name: str, client: str = "", **about: Any) -> None:
        """Leave it."""


CheckArm = Callable[[str, ArmFacts], list[str]]
"""Returns in words what differs between a client's arm and the one trained for; raises `RefusedError`."""


def check_address(host: str, token: str, tls: ssl.SSLContext | None) -> None:
    """Refuse to listen to other computers without a token and without encryption.

    Raises:
        BadInputError: Says what is missing.
    """
    missing = [name for name, there in (("a token", token), ("TLS", tls)) if not there]
    if host not in LOOPBACK and missing:
        raise BadInputError(
            f"Listening on {host} lets other computers in; that needs {' and '.join(missing)} (`token_file=`, "
            "`tls_cert=`, `tls_key=`). On this computer alone: `host='127.0.0.1'`."
        )


@dataclass
class PolicyServer:
    """Serves one policy until it is closed."""

    service: PolicyService
    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one; afterwards this is the one that was taken."""
    token: str = ""
    tls: ssl.SSLContext | None = None
    limits: Limits = field(default_factory=Limits)
    listener: Listener = field(default_factory=Silent)
    check_arm: CheckArm = field(default=lambda _, __: [])

    def __post_init__(self) -> None:
        """Listen. Whoever connects before `start` waits.

        Raises:
            BadInputError: The port is taken, the address is not this computer's, or is open to others unprotected.
        """
        check_address(self.host, self.token, self.tls)
        family = AF_INET6 if ":" in self.host else AF_INET
        try:
            self._socket = create_server((self.host, self.port), family=family, backlog=16)
        except OSError as error:
            raise BadInputError(
                f"{self.host} port {self.port} can not be listened on: {error.strerror}. Another `port=` may be free."
            ) from error
        self.port = self._socket.getsockname()[1]
        self.chunk, _ = self.service.warm_up()
        self._clients: dict[int, Connection] = {}
        self._threads: set[threading.Thread] = set()
        self._accepting: threading.Thread | None = None
        self._lock, self._closed = threading.Lock(), False

    def __enter__(self) -> "PolicyServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Let clients in, in threads of their own."""
        thread = threading.Thread(target=self._accept, name="policy-server", daemon=True)
        thread.start()
        self._accepting = thread

    @property
    def num_clients(self) -> int:
        """Clients that are connected now."""
        return len(self._clients)

    def close(self) -> None:
        """Say goodbye to all clients and stop listening."""
        with self._lock:
            self._closed = True
            clients, threads = list(self._clients.values()), set(self._threads)
        with suppress(OSError):
            self._socket.shutdown(2)
        self._socket.close()
        for client in clients:
            with suppress(ConnectionLostError, WireError):
                client.send(Failure(code="shutting_down", message="The server ends."), timeout_s=0.2)
            client.close()
        for thread in (self._accepting, *threads):
            if thread is not None and thread is not threading.current_thread():
                thread.join(self.limits.send_s)

    def _accept(self) -> None:
        while not self._closed:
            try:
                sock, address = self._socket.accept()
            except OSError:
                if self._closed:
                    return
                time.sleep(0.05)  # no file handles left: some may come back
                continue
            thread = threading.Thread(target=self._serve, args=(sock, address), name="policy-client", daemon=True)
            with self._lock:
                self._threads.add(thread)
            thread.start()

    def _serve(self, sock: socket, address: tuple[Any, ...]) -> None:
        """Serve one client from its first byte to its last."""
        who, why = f"{address[0]}:{address[1]}", ""
        connection: Connection | None = None
        try:
            sock.settimeout(self.limits.hello_s)
            connection = Connection(self.tls.wrap_socket(sock, server_side=True) if self.tls else sock)
            with self._lock:
                full = len(self._clients) >= self.limits.clients or self._closed
                if not full:
                    self._clients[id(connection)] = connection
            if full:
                raise RefusedError("too_many", f"There are {self.limits.clients} clients already: `max_clients=`.")
            who = self._greet(connection, who)
            why = _Client(self, connection, who).converse()
        except RefusedError as error:
            why = self._tell(connection, who, error.code, str(error))
        except WireError as error:
            why = self._tell(connection, who, "bad_frame", str(error))
        except TimeoutError:
            why = "said nothing"
        except (ConnectionLostError, OSError) as error:
            why = str(error)
        finally:
            if connection is None:
                sock.close()
            else:
                connection.close()
            with self._lock:
                self._clients.pop(id(connection), None)
                self._threads.discard(threading.current_thread())
            self.listener.event("client_close", who, reason=why)

    def _greet(self, connection: Connection, who: str) -> str:
        hello, _ = connection.receive(self.limits.hello_s)
        if not isinstance(hello, Hello):
            raise RefusedError("bad_frame", "The first message must be hello.")
        if hello.proto != PROTOCOL:
            raise RefusedError("protocol_mismatch", f"The server speaks protocol {PROTOCOL}, not {hello.proto}.")
        if self.token and not hmac.compare_digest(hello.token.encode(), self.token.encode()):
            raise RefusedError("bad_token", "The token is not the server's.")
        if hello.want_policy and hello.want_policy != self.service.network.sha256:
            raise RefusedError("model_mismatch", "The server has another network than the one that is wanted.")
        contract = np.frombuffer(self.service.contract.to_json().encode(), np.uint8)
        welcome = Welcome(
            server=f"roarm-lab {__version__}",
            policy=self.service.network.sha256,
            chunk=self.chunk,
        )
        connection.send(welcome, {"contract": contract}, self.limits.send_s)
        name = "".join(letter for letter in hello.client if letter.isprintable())[:64] or who
        self.listener.event("client_open", name, address=who, rate_hz=hello.rate_hz)
        return name

    def _tell(self, connection: Connection | None, who: str, code: str, text: str) -> str:
        """Tell a client why it is let go, as far as it listens; return the reason."""
        self.listener.event("error", who, code=code, message=text)
        if connection is not None:
            with suppress(ConnectionLostError, WireError):
                connection.send(Failure(code=code, message=text), timeout_s=0.5)
        return code


class _Client:
    """The conversation with one client after its greeting."""

    def __init__(self, server: PolicyServer, connection: Connection, name: str) -> None:
        self._server, self._connection, self._name = server, connection, name
        self._limits, self._listener = server.limits, server.listener
        self._next: Received | None = None
        self._last_seq, self._tokens, self._filled_s = 0, server.limits.rate_hz, time.monotonic()

    def converse(self) -> str:
        """Answer until the client goes; return why it went."""
        while True:
            message, tensors = self._next or self._connection.receive(self._limits.idle_s)
            arrived_ns, self._next = time.monotonic_ns(), None
            self._spend()
            if isinstance(message, Infer):
                self._answer(*self._newest(message, tensors), arrived_ns)
            elif isinstance(message, Ping):
                self._send(Pong(seq=message.seq))
            elif isinstance(message, ArmFacts):
                self._send(Drift(drift=self._server.check_arm(self._name, message)))
            elif isinstance(message, Reset):
                self._listener.event("reset", self._name, episode=message.episode)
            elif isinstance(message, Bye):
                return message.reason or "bye"
            else:
                raise RefusedError("bad_frame", f"A client does not send {type(message).__name__.lower()}.")

    def _newest(self, message: Infer, tensors: dict[str, NDArray[Any]]) -> tuple[Infer, dict[str, NDArray[Any]]]:
        """Return the newest request that is here; older ones are refused, as nobody could use their answers."""
        for _ in range(MOST_SUPERSEDED):
            more = self._connection.receive_more()
            if more is None:
                break
            newer, arrays = more
            if not isinstance(newer, Infer):
                self._next = more
                break
            self._spend()
            self._refuse(message, "superseded", "A newer request is here.")
            message, tensors = newer, arrays
        return message, tensors

    def _answer(self, message: Infer, tensors: Mapping[str, NDArray[Any]], arrived_ns: int) -> None:
        if message.seq <= self._last_seq:
            self._refuse(message, "bad_frame", f"seq must rise from message to message; {self._last_seq} was before.")
            return
        self._last_seq = message.seq
        deadline_s = message.deadline_ms * 1e-3
        try:
            answer = self._server.service.infer(self._server.service.read(tensors), deadline_s)
        except RefusedError as error:
            self._refuse(message, error.code, str(error), total_s=(time.monotonic_ns() - arrived_ns) * 1e-9)
            return
        late = 0.0 < deadline_s < (time.monotonic_ns() - arrived_ns) * 1e-9
        self._send(_actions(message, answer, late), {"action": answer.actions})
        self._listener.served(
            Served(
                client=self._name,
                result="late" if late else "ok",
                seq=message.seq,
                queue_s=answer.queue_s,
                infer_s=answer.infer_s,
                total_s=(time.monotonic_ns() - arrived_ns) * 1e-9,
                deadline_s=deadline_s,
            )
        )

    def _refuse(self, message: Infer, code: str, text: str, total_s: float = 0.0) -> None:
        self._send(Failure(code=code, message=text, seq=message.seq))
        self._listener.served(
            Served(
                client=self._name, result=code, seq=message.seq, total_s=total_s, deadline_s=message.deadline_ms * 1e-3
            )
        )

    def _send(self, message: Message, tensors: Tensors | None = None) -> None:
        self._connection.send(message, tensors, self._limits.send_s)

    def _spend(self) -> None:
        """Count a message.

        Raises:
            RefusedError: There were too many in the last second.
        """
        now_s = time.monotonic()
        self._tokens = min(self._tokens + (now_s - self._filled_s) * self._limits.rate_hz, self._limits.rate_hz) - 1.0
        self._filled_s = now_s
        if self._tokens < 0.0:
            raise RefusedError("too_many", f"More than {self._limits.rate_hz:.0f} messages per second.")


def _actions(message: Infer, answer: Answer, late: bool) -> Actions:
    return Actions(
        seq=message.seq,
        observed_at_ns=message.observed_at_ns,
        late=late,
        queue_ms=answer.queue_s * 1e3,
        infer_ms=answer.infer_s * 1e3,
        policy=answer.policy,
    )

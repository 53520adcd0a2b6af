"""The newer firmware's WebSocket: sends its messages to everybody who listens and does not care what they say."""

import queue
import select
import socket
import threading
from contextlib import suppress

from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

READ_BYTES = 4096
TURN_S = 0.02
"""How often a connection looks for messages to send."""


class Broadcast:
    """Hands each message to all connections. `send` is called by the board's thread, `join` by a connection's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inboxes: list[queue.SimpleQueue[str]] = []
        self.closed = threading.Event()

    @property
    def listeners(self) -> int:
        """How many connections there are."""
        with self._lock:
            return len(self._inboxes)

    def send(self, message: str) -> None:
        """Hand a message to every connection there is."""
        with self._lock:
            for inbox in self._inboxes:
                inbox.put(message)

    def join(self) -> "queue.SimpleQueue[str]":
        """Return the messages from now on."""
        inbox: queue.SimpleQueue[str] = queue.SimpleQueue()
        with self._lock:
            self._inboxes.append(inbox)
        return inbox

    def leave(self, inbox: "queue.SimpleQueue[str]") -> None:
        """Give messages no more."""
        with self._lock:
            self._inboxes.remove(inbox)

    def close(self) -> None:
        """Let every connection end."""
        self.closed.set()


def talk(connection: socket.socket, request_line: bytes, headers: bytes, broadcast: Broadcast) -> None:
    r"""Shake hands on a connection whose request was read already, then pass messages on until either side leaves.

    Args:
        connection: A blocking socket.
        request_line: The request's first line, with its line end.
        headers: The request's headers and the blank line after them, as they came or with `\n` line ends.
        broadcast: Where the messages come from.
    """
    protocol = ServerProtocol()
    protocol.receive_data(request_line + headers.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    for event in protocol.events_received():
        if isinstance(event, Request):
            protocol.send_response(protocol.accept(event))
    inbox = broadcast.join()
    try:
        with suppress(OSError):
            _send(connection, protocol)
            _pass_on(connection, protocol, inbox, broadcast)
    finally:
        broadcast.leave(inbox)


def _pass_on(
    connection: socket.socket, protocol: ServerProtocol, inbox: "queue.SimpleQueue[str]", broadcast: Broadcast
) -> None:
    while protocol.state is State.OPEN:
        if broadcast.closed.is_set():
            protocol.send_close(1001)
        elif select.select([connection], [], [], TURN_S)[0]:
            data = connection.recv(READ_BYTES)
            protocol.receive_data(data) if data else protocol.receive_eof()
            protocol.events_received()  # a frame's content is of no interest; pings and closes answer themselves
        while protocol.state is State.OPEN and not inbox.empty():
            protocol.send_text(inbox.get().encode())
        _send(connection, protocol)


def _send(connection: socket.socket, protocol: ServerProtocol) -> None:
    for chunk in protocol.data_to_send():
        if chunk:
            connection.sendall(chunk)
        else:
            connection.shutdown(socket.SHUT_WR)

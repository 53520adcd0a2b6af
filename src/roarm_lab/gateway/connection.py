"""One connection that carries messages: a blocking socket with one buffer, so that a small message is one read."""

import ssl
import time
from contextlib import suppress
from socket import IPPROTO_TCP, SHUT_RDWR, TCP_NODELAY, socket
from typing import Any

from numpy.typing import NDArray

from roarm_lab.core.errors import RoarmLabError
from roarm_lab.gateway.wire import LENGTHS, MAX_HEAD_BYTES, AnyMessage, Message, Tensors, decode, encode, lengths

JOINED_BYTES = 64 << 10
"""Up to here the pieces of a frame are joined and sent at once; above, copying costs more than another call."""
BUFFER_BYTES = LENGTHS.size + MAX_HEAD_BYTES + JOINED_BYTES


Received = tuple[AnyMessage, dict[str, NDArray[Any]]]
"""A message and its arrays by name."""


class ConnectionLostError(RoarmLabError):
    """The other side is gone, or does not read or write any more."""


class Connection:
    """Messages over a connected socket. For one thread that reads and one that writes."""

    def __init__(self, sock: socket) -> None:
        """Take over the socket."""
        with suppress(OSError):  # a pair of local sockets has no such option
            sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self._socket = sock
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._large = False
        self._timeout_s: float | None = None
        self._socket.settimeout(None)
        self.bytes_received = 0

    def send(self, message: Message, tensors: Tensors | None = None, timeout_s: float | None = None) -> None:
        """Send a message.

        Raises:
            WireError: It does not fit into a frame.
            ConnectionLostError: It could not be sent within `timeout_s`, or the other side is gone.
        """
        pieces = encode(message, tensors)
        try:
            self._set_timeout(timeout_s)
            if sum(map(len, pieces)) <= JOINED_BYTES:
                self._socket.sendall(b"".join(pieces))
                return
            for piece in pieces:
                self._socket.sendall(piece)
        except TimeoutError as error:
            raise ConnectionLostError(f"The other side did not read for {timeout_s} s.") from error
        except OSError as error:
            raise ConnectionLostError(f"The connection broke: {error.strerror or error}.") from error

    def receive(self, timeout_s: float | None = None) -> Received:
        """Return the next message.

        Raises:
            TimeoutError: Nothing at all came within `timeout_s`; the connection can go on.
            ConnectionLostError: The other side is gone, or stopped in the middle of a message.
            WireError: What came is no message.
        """
        ends_s = None if timeout_s is None else time.monotonic() + timeout_s
        while self._end - self._start < LENGTHS.size:
            self._fill(timeout_s, ends_s)
        head, body = lengths(self._buffer, self._start)
        if LENGTHS.size + head + body <= BUFFER_BYTES:
            while self._end - self._start < LENGTHS.size + head + body:
                self._fill(timeout_s, ends_s)
            self._large = False
            return self._taken(head, body)
        self._large = True
        while self._end - self._start < LENGTHS.size + head:
            self._fill(timeout_s, ends_s)
        start = self._start + LENGTHS.size
        packed, large = bytes(self._view[start : start + head]), bytearray(body)
        here = min(self._end - start - head, body)
        large[:here] = self._view[start + head : start + head + here]
        self._start = start + head + here
        rest = memoryview(large)[here:]
        while rest:
            rest = rest[self._read(rest, timeout_s, ends_s, begun=True) :]
        return decode(packed, large)

    def receive_more(self) -> Received | None:
        """Return a further message if a whole one came together with the last, without waiting; None otherwise.

        Raises:
            WireError: What came is no message.
        """
        if self._large:  # it was read to its last byte and no further: what is behind it is still with the system
            with suppress(BlockingIOError, ssl.SSLWantReadError, ConnectionLostError):
                self._fill(0.0, None)
        if self._end - self._start < LENGTHS.size:
            return None
        head, body = lengths(self._buffer, self._start)
        whole = self._end - self._start >= LENGTHS.size + head + body
        return self._taken(head, body) if whole else None

    def close(self) -> None:
        """Close the connection; a thread that waits in `receive` is woken."""
        with suppress(OSError):
            self._socket.shutdown(SHUT_RDWR)
        self._socket.close()

    def _taken(self, head: int, body: int) -> Received:
        """Take a message that lies in the buffer as a whole; its arrays get memory of their own."""
        start = self._start + LENGTHS.size
        self._start = start + head + body
        return decode(self._view[start : start + head], bytes(self._view[start + head : start + head + body]))

    def _fill(self, timeout_s: float | None, ends_s: float | None) -> None:
        """Read what is there into the buffer."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._end == BUFFER_BYTES:
            left = bytes(self._view[self._start : self._end])
            self._start, self._end = 0, len(left)
            self._view[: len(left)] = left
        if self._end < BUFFER_BYTES:
            begun = self._end > self._start
            self._end += self._read(self._view[self._end :], timeout_s, ends_s, begun=begun)

    def _read(self, into: memoryview, timeout_s: float | None, ends_s: float | None, *, begun: bool) -> int:
        """Read into memory; what has begun must end in time, however many pieces it comes in."""
        if begun and ends_s is not None and time.monotonic() > ends_s:
            raise ConnectionLostError("The other side stopped in the middle of a message.")
        try:
            self._set_timeout(timeout_s)
            count = self._socket.recv_into(into)
        except (BlockingIOError, ssl.SSLWantReadError):
            raise
        except TimeoutError as error:
            if begun:
                raise ConnectionLostError("The other side stopped in the middle of a message.") from error
            raise
        except OSError as error:
            raise ConnectionLostError(f"The connection broke: {error.strerror or error}.") from error
        if not count:
            raise ConnectionLostError("The other side closed the connection.")
        self.bytes_received += count
        return count

    def _set_timeout(self, timeout_s: float | None) -> None:
        """Tell the socket only what is new: it asks the kernel each time."""
        if timeout_s != self._timeout_s:
            self._socket.settimeout(timeout_s)
            self._timeout_s = timeout_s

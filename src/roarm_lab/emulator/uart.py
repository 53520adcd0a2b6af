"""The serial line between host and arm: bytes take time, and both ends have small buffers."""

from collections import deque

BITS_PER_BYTE = 10
"""8N1: start bit, eight data bits, stop bit."""
RX_BUFFER_BYTES = 256
"""What arrives while nobody reads waits here; more is lost."""
TX_BUFFER_BYTES = 128
"""Printing returns when no more than this is left to send."""


class Uart:
    """Both directions of one line at one baud rate."""

    def __init__(self, baud: int) -> None:
        self.byte_s = BITS_PER_BYTE / baud
        self._rx_line: deque[tuple[float, int]] = deque()
        self._rx_buffer = bytearray()
        self._rx_free_s = 0.0
        self._tx_line: deque[tuple[float, int]] = deque()
        self._tx_free_s = 0.0
        self._left = bytearray()
        self.lost = 0
        """Received bytes that found the buffer full."""

    def receive(self, data: bytes, now_s: float) -> None:
        """Put bytes on the arm's receiving line; they arrive one after another."""
        for byte in data:
            self._rx_free_s = max(self._rx_free_s, now_s) + self.byte_s
            self._rx_line.append((self._rx_free_s, byte))

    def settle(self, now_s: float) -> None:
        """Let what has arrived by now fall into the receive buffer, as far as there is room."""
        while self._rx_line and self._rx_line[0][0] <= now_s:
            byte = self._rx_line.popleft()[1]
            if len(self._rx_buffer) < RX_BUFFER_BYTES:
                self._rx_buffer.append(byte)
            else:
                self.lost += 1

    def read(self, now_s: float) -> bytes:
        """Return what the receive buffer holds and empty it."""
        self.settle(now_s)
        data = bytes(self._rx_buffer)
        self._rx_buffer.clear()
        return data

    def waiting(self, now_s: float) -> bool:
        """Return whether a received byte waits to be read."""
        self.settle(now_s)
        return bool(self._rx_buffer)

    def send(self, data: bytes, now_s: float) -> float:
        """Queue bytes for sending and return how long the sender is busy until they fit its buffer [s]."""
        for byte in data:
            self._tx_free_s = max(self._tx_free_s, now_s) + self.byte_s
            self._tx_line.append((self._tx_free_s, byte))
        return max(self._tx_free_s - TX_BUFFER_BYTES * self.byte_s - now_s, 0.0)

    def take(self, now_s: float) -> bytes:
        """Return the bytes that have fully left the line by now, each once."""
        while self._tx_line and self._tx_line[0][0] <= now_s:
            self._left.append(self._tx_line.popleft()[1])
        data = bytes(self._left)
        self._left.clear()
        return data

    def reset(self, now_s: float) -> None:
        """Forget everything that waits, as a reset of the computer does; what has left stays left."""
        while self._tx_line and self._tx_line[0][0] <= now_s:
            self._left.append(self._tx_line.popleft()[1])
        self._tx_line.clear()
        self._rx_line.clear()
        self._rx_buffer.clear()
        self._rx_free_s = self._tx_free_s = now_s

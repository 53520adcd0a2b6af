"""The arm's serial port over TCP (RFC 2217): with modem lines, on every system.

`serial.serial_for_url("rfc2217://127.0.0.1:4000")` opens it. The client's DTR and RTS reach the board, whose circuit
resets the microcontroller with them: what a pseudo-terminal can not show.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from serial.rfc2217 import IAC, IAC_DOUBLED, PortManager

from roarm_lab.emulator.addresses import bound

READ_BYTES = 4096
MAX_WAITING_BYTES = 65536
"""What a client has not fetched beyond this is lost, as in the buffer of a serial port."""

SetLines = Callable[[bool, bool], None]
"""Called with DTR and RTS when either changes."""


class Lines:
    """What the protocol handles a serial port as: settings that are accepted, and two lines that do something."""

    def __init__(self, set_lines: SetLines) -> None:
        self.baudrate, self.bytesize, self.parity, self.stopbits = 115200, 8, "N", 1
        self.xonxoff = self.rtscts = self.break_condition = False
        self.cts = self.dsr = self.ri = self.cd = False
        self._dtr = self._rts = False
        self._set_lines = set_lines

    @property
    def dtr(self) -> bool:
        """Data terminal ready."""
        return self._dtr

    @dtr.setter
    def dtr(self, on: bool) -> None:
        self._dtr = on
        self._set_lines(self._dtr, self._rts)

    @property
    def rts(self) -> bool:
        """Request to send."""
        return self._rts

    @rts.setter
    def rts(self, on: bool) -> None:
        self._rts = on
        self._set_lines(self._dtr, self._rts)

    def open(self) -> None:
        """Raise both lines at once, as a kernel does when a port is opened, before any program can choose."""
        self._dtr = self._rts = True
        self._set_lines(True, True)

    def drop(self) -> None:
        """Let both lines go at once, as a closed port does."""
        self._dtr = self._rts = False
        self._set_lines(False, False)

    def reset_input_buffer(self) -> None:
        """Nothing: bytes go out as soon as they come."""

    def reset_output_buffer(self) -> None:
        """Nothing: bytes go in as soon as they come."""


class Client:
    """One connection and its state of the protocol."""

    def __init__(self, connection: socket.socket, lines: Lines) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = connection
        self.gone = False
        self._waiting = bytearray()
        self._protocol = PortManager(cast("Any", lines), cast("Any", self))  # it asks for less than serial.Serial has

    def write(self, data: bytes) -> None:
        """Send bytes of the protocol as they are (`PortManager` calls this for its own answers)."""
        self._waiting += data
        self.flush()

    def send(self, data: bytes) -> None:
        """Send bytes of the arm; those the client is too slow for are lost."""
        if len(self._waiting) < MAX_WAITING_BYTES:
            self.write(data.replace(IAC, IAC_DOUBLED))

    def flush(self) -> None:
        """Send what is waiting, as far as it goes now."""
        try:
            sent = self.connection.send(self._waiting) if self._waiting else 0
        except BlockingIOError:
            return
        except OSError:
            self.gone = True
            return
        del self._waiting[:sent]

    def read(self) -> bytes:
        """Return the bytes meant for the arm; those of the protocol are handled on the way."""
        try:
            data = self.connection.recv(READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        self.gone = self.gone or not data
        return b"".join(self._protocol.filter(data))


class Rfc2217Port:
    """A TCP port behind which the arm's serial port is. One client at a time; never blocks."""

    def __init__(self, listener: socket.socket, set_lines: SetLines) -> None:
        """Serve on a listening socket, which now belongs to the port.

        Args:
            listener: See `addresses.listen`.
            set_lines: Called with DTR and RTS when the client changes one of them, or leaves.
        """
        listener.setblocking(False)
        self.address = f"rfc2217://{bound(listener)}"
        self._listener = listener
        self._set_lines = set_lines
        self._plugged = True
        self._lines = Lines(set_lines)
        self._client: Client | None = None

    def waiting_on(self) -> list[int]:
        """Return the file descriptors that become readable when something arrives."""
        client = [] if self._client is None else [self._client.connection.fileno()]
        return [self._listener.fileno(), *client]

    def read(self) -> bytes:
        """Return what the client has sent since the last call."""
        self._accept()
        if self._client is None:
            return b""
        self._client.flush()
        data = self._client.read()
        if self._client.gone:
            self._hang_up()
        return data

    def write(self, data: bytes) -> None:
        """Hand bytes to the client, if there is one."""
        if self._client is not None:
            self._client.send(data)

    def unplug(self) -> None:
        """Pull the cable: the client is cut off, and so is everybody who comes now."""
        self._plugged = False
        self._hang_up()

    def replug(self) -> None:
        """Plug the cable in again: clients are welcome."""
        self._plugged = True

    def close(self) -> None:
        """Stop listening."""
        self._hang_up()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            connection, _ = self._listener.accept()
            if self._client is None and self._plugged:
                self._lines = Lines(self._set_lines)
                self._lines.open()
                self._client = Client(connection, self._lines)
            else:
                connection.close()

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.connection.close()
            self._client = None
            self._lines.drop()

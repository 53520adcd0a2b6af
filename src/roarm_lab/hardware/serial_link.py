"""The arm at a serial port: its USB cable, or one shared over the network."""

import errno
import select
import time
from typing import Any, cast

import serial

from roarm_lab.hardware.link import WRITE_S, LinkError, SharedPortError
from roarm_lab.hardware.port_discovery import port_error
from roarm_lab.hardware.port_sharing import CLOSE_IT, in_words, others_at
from roarm_lab.hardware.protocol import reboot

BAUD = 115200
RESET_PULSE_S = 0.1
UNPLUGGED = (
    "The connection to the arm at {name} broke: {why}. Is the cable plugged in, and the arm switched on? The "
    "connection comes back by itself"
)
VANISHED = "its port is gone"
SHARED = (
    "The connection to the arm at {name} broke: another program reads this port{who}. {close}. The connection comes "
    "back by itself"
)
GONE = (OSError, serial.SerialException, TypeError)
"""What a port raises when its cable is pulled; pyserial turns some of it into a TypeError inside."""
LOST = {errno.EIO, errno.ENXIO, errno.ENODEV, errno.EBADF}

NO_LINES = (errno.EINVAL, errno.ENOTTY)
"""What a port without modem lines answers, such as a pseudo-terminal."""


class SerialLink:
    """An open port, ours alone.

    Opening and closing it do not reset the arm. RTS alone, without DTR, is what resets it; an operating system raises
    both together when a port opens, so RTS is lowered first and never stands alone.

    A cable streams: the older firmware sends up to 53 lines a second that way and the newer 35, as fast as the line can
    carry them; users report 23 when each is asked for, which is too few to control at 20 Hz. Over a network lines are
    asked for, because the moment of asking is then the only thing that is known about their age.
    """

    silent_s = 1.0

    def __init__(self, place: str, *, reset: bool = False, baud: int = BAUD) -> None:
        """Open a device (`/dev/ttyUSB0`, `COM3`) or a URL of pyserial; with `reset` start the firmware anew.

        Another `baud` is for finding out whether the firmware was changed; the driver uses the one of the vendor.

        Raises:
            LinkError: It does not open; the text says why and what to do.
        """
        self.name = place
        self.polled = "://" in place
        self._port = _open(place, native=not self.polled, baud=baud)
        if reset:
            self._reset()

    def write(self, line: bytes) -> None:
        """Send a line."""
        try:
            self._port.write(line)
        except GONE as error:
            raise self._gone(error) from error

    def read(self, timeout_s: float) -> bytes:
        """Return what arrived, waiting up to `timeout_s` for the first byte."""
        try:
            if self._port.timeout != timeout_s:
                self._port.timeout = timeout_s
            first = self._port.read(1)
            rest = self._port.read(self._port.in_waiting) if first else b""
        except GONE as error:
            raise self._gone(error) from error
        return bytes(first) + bytes(rest)

    def close(self) -> None:
        """Close the port."""
        try:
            self._port.close()
        except GONE:
            return

    def _reset(self) -> None:
        """Pull the reset line; where there is none, ask the firmware to start anew."""
        if self.name.startswith("socket:"):
            self.write(b"\n" + reboot())
            return
        try:
            self._port.rts = True  # with DTR off: reset, and no boot loader
            time.sleep(RESET_PULSE_S)
            self._port.rts = False
        except GONE:
            self.write(b"\n" + reboot())

    def _gone(self, error: Exception) -> LinkError:
        why = str(error).partition(" (")[0]
        if "returned no data" in why and not self._hung_up():
            who = in_words(others_at(self.name))
            return SharedPortError(SHARED.format(name=self.name, who=who, close=CLOSE_IT))
        code = getattr(error, "errno", None)
        vanished = code in LOST or "returned no data" in why or why.startswith("Could not configure port")
        return LinkError(UNPLUGGED.format(name=self.name, why=VANISHED if vanished else why))

    def _hung_up(self) -> bool:
        """Whether the other end is gone. If not, bytes that were there a moment ago were taken by somebody else."""
        watch = select.poll()
        watch.register(self._port.fileno(), 0)  # a hang-up is told unasked
        return bool(watch.poll(0))


def _open(place: str, *, native: bool, baud: int) -> Any:
    try:
        port = cast("Any", serial.serial_for_url(place, do_not_open=True, baudrate=baud, timeout=0.0))
        port.dtr = port.rts = True  # as the operating system raises them: opening then changes neither
        if native:
            port.exclusive = True
            port.write_timeout = WRITE_S
        port.open()
        _lower_lines(port)
    except GONE as error:
        raise port_error(place, error) from error
    except ValueError as error:
        raise port_error(place, error) from error
    return port


def _lower_lines(port: Any) -> None:
    """Let both modem lines go, RTS first: for the moment between the two DTR stands alone, which does nothing."""
    try:
        port.rts = False
        port.dtr = False
    except GONE as error:
        if getattr(error, "errno", None) not in NO_LINES:
            port.close()
            raise

"""A way to the arm's firmware: bytes out, bytes in. Cable or network, the driver does not mind."""

import re
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import urlsplit

from roarm_lab.core.errors import BadInputError, MissingError

EXAMPLES = """  serial                     the arm's USB cable, found by itself
  serial:/dev/ttyUSB0        this port (serial:COM3 on Windows); its name alone, /dev/ttyUSB0 or COM3, will do
  http:192.168.4.1           the arm's Wi-Fi
  rfc2217://HOST:PORT        a serial port shared over the network
  socket://HOST:PORT         the same, without RFC 2217"""
DEVICE = re.compile(r"/\S.*|(\\\\[.]\\)?COM\d+", re.IGNORECASE)
"""The name of a serial port, as operating systems have it: an absolute path, or COM and a number."""
WRITE_S = 0.25
"""Time to get rid of a command [s]; one takes 11 ms at 115200 baud."""


class LinkError(MissingError):
    """The arm can not be reached, or not any more. Says what to do."""


PortFault = Literal["none", "unclaimed", "several", "busy", "forbidden", "absent", "not-serial", "other"]
"""Why there is no port: no arm is plugged in; its chip is, and has no port; several could be the arm; another program
has it; this user may not open it; there is no such port; it is no serial port; something else."""


class PortError(LinkError):
    """The port of an arm can not be used; `fault` says why, for programs."""

    def __init__(self, text: str, fault: PortFault) -> None:
        super().__init__(text)
        self.fault: PortFault = fault


class SeveralPortsError(PortError, BadInputError):
    """Several ports could be the arm, and none was named."""

    exit_code = BadInputError.exit_code

    def __init__(self, text: str) -> None:
        super().__init__(text, "several")


class SharedPortError(LinkError):
    """Another program reads the same port, and each takes what was meant for the other."""


class Link(Protocol):
    """One open connection. Only one thread uses it."""

    @property
    def name(self) -> str:
        """What people call it, for messages."""
        ...

    @property
    def polled(self) -> bool:
        """Whether feedback is asked for line by line, rather than streamed."""
        ...

    @property
    def silent_s(self) -> float:
        """How long without feedback is too long: the arm may have restarted, and needs to be told again to stream."""
        ...

    def write(self, line: bytes) -> None:
        """Send a line.

        Raises:
            LinkError: It could not be sent in `WRITE_S`, or the connection is gone.
        """
        ...

    def read(self, timeout_s: float) -> bytes:
        """Return what arrived, waiting up to `timeout_s` for the first byte; empty if nothing did.

        Raises:
            LinkError: The connection is gone.
        """
        ...

    def close(self) -> None:
        """Let go of the connection. Never raises."""
        ...


@dataclass(frozen=True)
class Address:
    """Where an arm is: `kind` is serial, url or http; `place` is empty for a port that is to be found."""

    kind: str
    place: str

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Return an address from what a person typed.

        Raises:
            BadInputError: It is none; the text shows all forms.
        """
        if DEVICE.fullmatch(text.strip()):
            return cls("serial", text.strip())
        kind, colon, place = text.strip().partition(":")
        if kind in {"rfc2217", "socket"} and place.startswith("//") and _is_host(place[2:], needs_port=True):
            return cls("url", text.strip())
        if kind == "http" and _is_host(host := place.strip("/")):
            return cls("http", host)
        if kind == "serial" and (place or not colon):
            return cls("serial", place)
        raise BadInputError(f"{text!r} is not the address of an arm. Write one of:\n{EXAMPLES}")


def _is_host(text: str, *, needs_port: bool = False) -> bool:
    """Whether a text is HOST, HOST:PORT or [IPV6]:PORT; with `needs_port` options of pyserial may follow."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    whole = port is not None if needs_port else parts.netloc == text
    return bool(host) and whole and text.isprintable() and " " not in text

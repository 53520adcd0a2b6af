"""HOST:PORT as a person writes it, and a socket that listens there: on this computer only, unless told otherwise."""

import os
import socket
from dataclasses import dataclass
from ipaddress import ip_address

from roarm_lab.core.errors import BadInputError

MAX_PORT = 65535
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str, option: str) -> Address:
    """Return `HOST:PORT`, `[IPV6]:PORT`, `:PORT` or `PORT` as an address; without a host it is the loopback.

    Args:
        text: What was given; port 0 means any free one.
        option: Which option it was given for, for the message.

    Raises:
        BadInputError: It is none of these, or the port is out of range.
    """
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or not 0 <= int(port) <= MAX_PORT or host.count(":") not in (0, *_V6):
        raise BadInputError(
            f"`{option}=` takes HOST:PORT with a port of 0 to {MAX_PORT} (0: any free one), for instance "
            f"`{option}={LOOPBACK + ':4000'!r}`; got {text!r}."
        )
    return Address(host.removeprefix("[").removesuffix("]") or LOOPBACK, int(port))


_V6 = range(2, 8)  # an IPv6 address has that many colons


def listen(address: Address, option: str, *, allow_remote: bool = False) -> socket.socket:
    """Return a listening TCP socket.

    Args:
        address: Where to; port 0 takes any free one.
        option: Which option asked for it, for the message.
        allow_remote: Also listen on an address that other computers reach.

    Raises:
        BadInputError: The port is in use or not allowed, the address is not this computer's, or it is reached by
            others and that was not allowed.
    """
    if not allow_remote and not is_loopback(address.host):
        raise BadInputError(
            f"`{option}={str(address)!r}` could be reached by other computers, and nobody would be asked for a "
            f"password. Use {LOOPBACK}:{address.port}, or add `allow_remote=True` if the network is yours."
        )
    try:
        family, kind, _, _, where = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise BadInputError(
            f"`{option}=`: {address.host!r} is not an address. Try {LOOPBACK}:{address.port}."
        ) from error
    listener = socket.socket(family, kind)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port just left is free
    try:
        listener.bind(where)
        listener.listen()
    except OSError as error:
        listener.close()
        raise BadInputError(
            f"`{option}=`: can not listen on {address}: {error.strerror}. Is another program on this port, "
            f"perhaps another emulator? Give another one, or port 0 for any free one."
        ) from error
    return listener


def bound(listener: socket.socket) -> Address:
    """Return where a socket listens, its port filled in."""
    host, port = listener.getsockname()[:2]
    return Address(str(host), int(port))


def is_loopback(host: str) -> bool:
    """Return whether only this computer reaches the address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

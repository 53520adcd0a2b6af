"""A web server for live pages: on one port, on the loopback unless told otherwise, quiet, and never on the internet."""

import io
import os
import socket
from collections.abc import Generator
from contextlib import closing, contextmanager, redirect_stdout
from getpass import getuser

import viser

from roarm_lab.core.errors import BadInputError, InvalidValueError, UnsafeCommandError

MAX_PORT = 65535
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 (named here to warn of it)


class Server(viser.ViserServer):
    """Viser's server without its way to publish the page through a server of other people."""

    def request_share_url(self, verbose: bool = True) -> str | None:
        """Refuse.

        Raises:
            UnsafeCommandError: Always; any open page could ask for it.
        """
        del verbose
        raise UnsafeCommandError("This page is not published. To watch from elsewhere, use an SSH tunnel.")


@contextmanager
def serving(host: str, port: int, title: str) -> Generator[Server]:
    """Yield a running server that shows an empty page; it ends with the context.

    Args:
        host: The address to listen on.
        port: The port; 0 takes any free one.
        title: Over the controls of the page.

    Raises:
        BadInputError: The port is out of range, in use or not allowed, or the address is not this computer's.
    """
    refuse_taken(host, port)
    with redirect_stdout(io.StringIO()):  # viser announces itself; we say the address in our own words
        server = Server(host=host, port=port, label=title, verbose=False)
    try:
        if port not in (0, server.get_port()):
            raise BadInputError(_in_use(host, port))
        server.gui.configure_theme(show_share_button=False, show_logo=False, control_width="medium")
        yield server
    finally:
        with redirect_stdout(io.StringIO()):
            server.stop()


def refuse_taken(host: str, port: int) -> None:
    """Refuse a port that can not be listened on. Viser itself would take another one without a word.

    Raises:
        BadInputError: Says why, and what to do.
    """
    if not 0 <= port <= MAX_PORT:
        raise InvalidValueError("port", port, f"must be 1 to {MAX_PORT}, or 0 for any free one")
    try:
        family, _, _, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise BadInputError(f"`host=` {host!r} is not an address: {error.strerror}. Try 127.0.0.1.") from error
    with closing(socket.socket(family, socket.SOCK_STREAM)) as trial:
        if os.name == "posix":
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server: a port just left is free
        try:
            trial.bind(address)
            trial.listen()
        except PermissionError as error:
            raise BadInputError(f"Port {port} is not allowed to ordinary users; give `port=8080` or so.") from error
        except OSError as error:
            if not _is_here(family, host):
                raise BadInputError(
                    f"`host=` {host!r} is not an address of this computer. Try 127.0.0.1 (only from this computer)."
                ) from error
            raise BadInputError(_in_use(host, port)) from error


def address(host: str, port: int) -> str:
    """Return where to point a browser on this computer."""
    name = "localhost" if host in EVERYWHERE else host
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"


def tunnel(port: int) -> str:
    """Return the command that brings the page to another computer; the name of this one is a guess."""
    connection = os.environ.get("SSH_CONNECTION", "").split()  # client address and port, server address and port
    host, ssh_port = (connection[2], connection[3]) if len(connection) == 4 else (socket.gethostname(), "22")
    other = "" if ssh_port == "22" else f" -p {ssh_port}"
    return f"ssh{other} -L {port}:localhost:{port} {_user()}@{host}"


def _user() -> str:
    try:
        return getuser()
    except (OSError, KeyError):  # a user without a name
        return "user"


def _is_here(family: socket.AddressFamily, host: str) -> bool:
    """Whether the address belongs to this computer: any free port can be listened on."""
    with closing(socket.socket(family, socket.SOCK_STREAM)) as trial:
        try:
            trial.bind((host, 0))
        except OSError:
            return False
    return True


def _in_use(host: str, port: int) -> str:
    return (
        f"Port {port} of {host or 'this computer'} is in use by another program (another page?). Give another "
        f"one, for instance `port={port + 1 if port < MAX_PORT else port - 1}`, or `port=0` for any free one."
    )

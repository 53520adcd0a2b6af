"""The arm's web server: `GET /js?json=...`, and on the newer firmware a WebSocket at `/ws` of the same port."""

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import unquote_plus, urlsplit

from roarm_lab.emulator.addresses import bound
from roarm_lab.emulator.computer import HttpReply
from roarm_lab.emulator.websocket_port import Broadcast, talk

PAGES = ("/", "/horiDrag", "/vertDrag")
PAGE = """<!doctype html><title>RoArm-M3 (emulator)</title>
<p>This is the emulator's web server. The real arm shows a page with buttons here.
<p>Try <a href="/js?json=%7B%22T%22:105%7D">/js?json={"T":105}</a>"""

Execute = Callable[[str], HttpReply]
"""Runs one JSON command on the board and returns its answer."""


class WebPort:
    """The arm's web server on a listening socket. Requests have threads of their own; `execute` joins them."""

    def __init__(self, listener: socket.socket, execute: Execute, broadcast: Broadcast | None) -> None:
        """Prepare to serve.

        Args:
            listener: See `addresses.listen`; now belongs to the server.
            execute: Called, in a request's thread, with the text of `json`.
            broadcast: What brings the firmware's messages to the WebSocket; None where the firmware has none.
        """
        address = bound(listener)
        self.address = f"http://{address}"
        self.websocket_address = f"ws://{address}/ws" if broadcast is not None else None
        self._server = _Server(listener, execute, broadcast)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="web", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server.broadcast is not None:
            self._server.broadcast.close()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, execute: Execute, broadcast: Broadcast | None) -> None:
        super().__init__(listener.getsockname()[:2], _Request, bind_and_activate=False)
        self.socket.close()  # its own, never bound
        self.socket = listener
        self.execute = execute
        self.broadcast = broadcast

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a request without an answer ends with its connection, as at an arm that hangs."""


class _Request(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 10.0

    def do_GET(self) -> None:
        """Answer one request as the arm does: any page but its own is not found."""
        path = urlsplit(self.path).path
        if path == "/js":
            reply = self.server.execute(first_argument(urlsplit(self.path).query))
            self._answer(200, reply.content_type, reply.body)
        elif path == "/ws" and self.server.broadcast is not None:
            self.close_connection = True
            talk(self.connection, self.raw_requestline, self.headers.as_bytes(), self.server.broadcast)
        elif path in PAGES:
            self._answer(200, "text/html", PAGE)
        else:
            self._answer(404, "text/plain", f"Not found: {path}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name is the base class's)
        """Say nothing: stdout and stderr are for people."""

    def _answer(self, status: int, content_type: str, text: str) -> None:
        body = text.encode()
        self.send_response_only(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def first_argument(query: str) -> str:
    """Return the value of a query's first argument, whatever its name: the firmware does not look at it."""
    return unquote_plus(query.partition("&")[0].partition("=")[2])

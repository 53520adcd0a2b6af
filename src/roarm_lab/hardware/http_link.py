"""The arm over its own Wi-Fi.

The older firmware answers over HTTP. The newer one takes commands there and tells its pose once a second over a
WebSocket, which is enough to look at the arm and too seldom to drive it.
"""

import json
import time
from collections import deque
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from roarm_lab.hardware.link import LinkError
from roarm_lab.hardware.protocol import ask_feedback, reboot

REQUEST_S = 1.0
"""Longest time for one request; a firmware that is busy with a blocking command does not answer."""
OPEN_S = 3.0
BOOT_S, RETRY_S = 20.0, 0.5


class HttpLink:
    """One arm at a network address. Every line is a request of its own, so feedback has to be asked for."""

    silent_s = 3.0  # the WebSocket tells the pose once a second

    def __init__(self, host: str, *, reset: bool = False) -> None:
        """Ask once, to see which firmware answers.

        Raises:
            LinkError: Nothing answers there, or not an arm.
        """
        self.name = f"http:{host}"
        self._host = host
        self._arrived: deque[bytes] = deque()
        self._socket: Any = None
        if reset:
            self._request(reboot())
        answer = self._first_answer(starting=reset)
        self.polled = not _is_newer(answer)
        if not self.polled:
            self._socket = self._listen()

    def write(self, line: bytes) -> None:
        """Send a line, or several, a request for each; what the arm answers is read next.

        An empty line ends half a command on a cable. Here it must not be sent: the older firmware carries out what it
        does not understand as a command whose `T` is 0, its emergency stop, which lets the arm fall.
        """
        for command in filter(None, map(bytes.strip, line.split(b"\n"))):
            answer = self._request(command)
            if self._socket is None:
                self._arrived.append(answer + b"\n")

    def read(self, timeout_s: float) -> bytes:
        """Return what arrived."""
        if self._arrived:
            return self._arrived.popleft()
        if self._socket is None:
            return b""
        try:
            message = self._socket.recv(timeout=timeout_s)
        except TimeoutError:
            return b""
        except (OSError, WebSocketException) as error:
            raise self._gone(error) from error
        return (message.encode() if isinstance(message, str) else bytes(message)) + b"\n"

    def close(self) -> None:
        """Close the WebSocket."""
        if self._socket is not None:
            try:
                self._socket.close()
            except (OSError, WebSocketException):
                return

    def _first_answer(self, *, starting: bool) -> bytes:
        """Return the first answer. An arm that is starting does not listen yet, or does not answer."""
        until_s = time.monotonic() + BOOT_S
        while True:
            try:
                return self._request(ask_feedback())
            except LinkError as error:
                waits = starting or isinstance(error.__cause__, TimeoutError)
                if not waits or time.monotonic() > until_s:
                    raise
                time.sleep(RETRY_S)

    def _request(self, line: bytes) -> bytes:
        connection = HTTPConnection(self._host, timeout=REQUEST_S)
        try:
            connection.request("GET", f"/js?json={quote(line.decode().strip())}")
            response = connection.getresponse()
            body = response.read(4096)
        except (OSError, HTTPException, ValueError) as error:
            raise self._gone(error) from error
        finally:
            connection.close()
        if response.status != 200:
            raise LinkError(f"{self.name} answers {response.status}, as an arm would not. Is that the arm's address?")
        return body.strip()

    def _listen(self) -> Any:
        # A proxy of the environment is for the internet and does not know the arm's Wi-Fi; HTTPConnection asks none.
        try:
            return connect(f"ws://{self._host}/ws", open_timeout=OPEN_S, close_timeout=REQUEST_S, proxy=None)
        except (OSError, WebSocketException) as error:
            raise self._gone(error) from error

    def _gone(self, error: Exception) -> LinkError:
        return LinkError(
            f"The arm at {self.name} can not be reached ({error or type(error).__name__}). Is this computer in the "
            f"arm's Wi-Fi (RoArm-M3), and the arm switched on?"
        )


def _is_newer(answer: bytes) -> bool:
    """Whether the answer is the newer firmware's: `{"ok":1}`, or an error about its queue, and never a pose."""
    try:
        message = json.loads(answer)
    except ValueError:
        return False
    return isinstance(message, dict) and ("ok" in message or "error" in message)

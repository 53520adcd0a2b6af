"""A board in real time: carries bytes between its ports and the board, and lets other threads have a word with it.

Everything that touches the board happens in one thread, the loop's. Web servers and tests hand it a function with
`Serving.ask`, which runs between two turns of the loop.
"""

import queue
import select
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, Protocol, Self, TypeVar

from roarm_lab.core.errors import RoarmLabError
from roarm_lab.emulator.board import Board
from roarm_lab.emulator.computer import HttpReply

TURN_S = 0.001
"""How long the loop waits at most for something to come in."""
ANSWER_S = 60.0
"""How long `ask` and `http` wait at most. An arm that hangs never answers."""

T = TypeVar("T")


class Port(Protocol):
    """Something that carries the arm's serial line. No call may block."""

    def waiting_on(self) -> list[int]:
        """Return file descriptors that become readable when bytes arrive."""
        ...

    def read(self) -> bytes:
        """Return what has arrived for the arm."""
        ...

    def write(self, data: bytes) -> None:
        """Take what the arm says."""
        ...

    def unplug(self) -> None:
        """Pull the cable."""
        ...

    def replug(self) -> None:
        """Plug it in again."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


class StoppedError(RoarmLabError):
    """The emulator was asked for something when it had ended already."""


class Serving:
    """The loop of one board. `run` is the loop; `stop` and `ask` may be called from any other thread."""

    def __init__(self, board: Board, ports: Sequence[Port] = ()) -> None:
        self.board = board
        self.ports: list[Port] = list(ports)
        """Ports may be added until the loop runs."""
        self.listeners: list[Callable[[str], None]] = []
        """Each is called, in the loop's thread, with every message the firmware sends to its WebSocket."""
        self.received_lines = 0
        """How many lines have come through the ports."""
        self._stopped = threading.Event()
        self._tasks: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()

    def run(self) -> None:
        """Serve until `stop`; the board's time begins at 0 now."""
        start_s = time.monotonic()
        try:
            while not self._stopped.is_set():
                self._turn(time.monotonic() - start_s)
        finally:
            self._stopped.set()
            self._refuse_the_rest()

    def close(self) -> None:
        """Give the ports back; after `run`, or instead of it."""
        for port in self.ports:
            port.close()

    def stop(self) -> None:
        """Let `run` return soon."""
        self._stopped.set()

    def ask(self, task: Callable[[], T]) -> T:
        """Run a function in the loop's thread between two turns; return what it returns, raise what it raises.

        Raises:
            StoppedError: The loop has ended.
        """
        return self.later(task).result(timeout=ANSWER_S)

    def http(self, query_json: str) -> HttpReply:
        """Ask the board's web server from another thread; return its answer when it is complete.

        Raises:
            StoppedError: The loop has ended, or there is no answer because the firmware hangs or boots.
        """
        end_s = time.monotonic() + ANSWER_S
        reply = self.ask(lambda: self.board.http(query_json))
        while not reply.done:
            if self._stopped.is_set() or time.monotonic() > end_s:
                raise StoppedError("The emulated firmware does not answer.")
            time.sleep(TURN_S)
        return reply

    def later(self, task: Callable[[], T]) -> "Future[T]":
        """Return at once what will hold the answer of `ask`."""
        future: Future[T] = Future()
        self._tasks.put((future, task))
        if self._stopped.is_set():
            self._refuse_the_rest()
        return future

    def unplug(self) -> None:
        """Pull the USB cable. The arm itself goes on: it has a supply of its own."""
        for port in self.ports:
            port.unplug()

    def replug(self) -> None:
        """Plug the USB cable in again."""
        for port in self.ports:
            port.replug()

    def _turn(self, now_s: float) -> None:
        while not self._tasks.empty():
            self._do(*self._tasks.get())
        for port in self.ports:
            if data := port.read():
                self.received_lines += data.count(b"\n")
                self.board.receive(data)
        self.board.advance(now_s)
        if data := self.board.take_output():
            for port in self.ports:
                port.write(data)
        for message in self.board.websocket_messages():
            for listener in self.listeners:
                listener(message)
        self._wait()

    def _wait(self) -> None:
        """Return when bytes arrive, after a millisecond at the latest."""
        waiting_on = [descriptor for port in self.ports for descriptor in port.waiting_on()]
        if waiting_on:
            select.select(waiting_on, [], [], TURN_S)
        else:
            time.sleep(TURN_S)

    def _do(self, future: "Future[T]", task: Callable[[], T]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(task())
        except Exception as error:  # noqa: BLE001 (whoever asked gets it)
            future.set_exception(error)

    def _refuse_the_rest(self) -> None:
        with suppress(queue.Empty):
            while True:
                future, _ = self._tasks.get_nowait()
                with suppress(CancelledError):
                    future.set_exception(StoppedError("The emulator has ended."))


class Emulator:
    """A board served from a thread of this process, for tests and examples. A context manager.

    Example:
        >>> with Emulator(board, [PtyPort()]) as emulator:
        ...     emulator.ask(lambda: emulator.board.take_output())
    """

    def __init__(self, board: Board, ports: Sequence[Port]) -> None:
        self.board = board
        self.serving = Serving(board, ports)
        self._thread = threading.Thread(target=self.serving.run, name="emulator", daemon=True)

    def ask(self, task: Callable[[], T]) -> T:
        """Run a function in the board's thread and return what it returns."""
        return self.serving.ask(task)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.serving.stop()
        self._thread.join()
        self.serving.close()

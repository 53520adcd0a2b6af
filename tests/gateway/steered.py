"""A network that answers as a test tells it to, and a listener that keeps what it was told."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from roarm_lab.core.arrays import Float32
from roarm_lab.gateway.client import PolicyClient
from roarm_lab.gateway.server import PolicyServer, Served

Serve = Callable[..., PolicyServer]
Connect = Callable[..., PolicyClient]


@dataclass
class SteeredNetwork:
    """Answers with the number of the call in every action; waits where a test wants it to."""

    size: int
    chunk: int = 1
    sha256: str = "a" * 64
    free: threading.Event = field(default_factory=threading.Event)
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    calls: int = 0
    rows: list[int] = field(default_factory=list[int])
    failure: Exception | None = None

    def __post_init__(self) -> None:
        self.free.set()

    def infer(self, inputs: Mapping[str, Float32]) -> Float32:
        self.asked.release()
        assert self.free.wait(30.0)
        if self.failure is not None:
            raise self.failure
        self.calls += 1
        batch = len(next(iter(inputs.values())))
        self.rows.append(batch)
        return np.full((batch, self.chunk, self.size), self.calls * 0.001, np.float32)


@dataclass
class Heard:
    """What a server's listener was told."""

    requests: list[Served] = field(default_factory=list[Served])
    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list[tuple[str, str, dict[str, Any]]])
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def served(self, served: Served) -> None:
        self.requests.append(served)

    def event(self, name: str, client: str = "", **about: Any) -> None:
        self.events.append((name, client, about))
        if name == "client_close":
            self.closed.release()

    def of(self, name: str) -> list[dict[str, Any]]:
        return [about for event, _, about in self.events if event == name]

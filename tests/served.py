"""A policy server as the use case starts it, in a thread of its own, for tests that connect to it."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from roarm_lab.workflows.deployment.serve import serve
from roarm_lab.workflows.deployment.serve_request import ServeRequest, ServeResult
from roarm_lab.workflows.frontend import Event, Notice, Served, Unattended


class Operator(Unattended):
    """Waits until a server tells where it is, or that it took its policy anew."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: dict[str, str] = {}
        self.notices: list[Notice] = []
        self.listening, self.noticed = threading.Event(), threading.Event()

    def tell(self, event: Event) -> None:
        if isinstance(event, Served):
            self.addresses[event.what] = event.url
            self.listening.set()
        elif isinstance(event, Notice):
            self.notices.append(event)
            self.noticed.set()


@dataclass
class Serving:
    """A server that runs."""

    address: str
    operator: Operator
    results: list[ServeResult]


@contextmanager
def serving(request: ServeRequest, **changes: Any) -> Generator[Serving]:
    """Serve on a free port inside the block."""
    operator, results, errors = Operator(), list[ServeResult](), list[BaseException]()

    def work() -> None:
        try:
            results.append(serve(replace(request, **({"port": 0} | changes)), operator))
        except BaseException as error:  # noqa: BLE001  a test's thread: told below
            errors.append(error)
            operator.listening.set()

    thread = threading.Thread(target=work, name="serving")
    thread.start()
    try:
        assert operator.listening.wait(30.0)
        if errors:
            raise errors[0]
        yield Serving(operator.addresses["policy server"], operator, results)
    finally:
        operator.cancel()
        thread.join(30.0)
        assert not thread.is_alive()

"""Serve a policy to arms: the server put together, its policy taken anew, an end when the front end says so."""

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roarm_lab.core.errors import RoarmLabError
from roarm_lab.gateway.drift import ArmIdentity, identity_of, mismatches, write_mismatches
from roarm_lab.gateway.policy_service import PolicyService, RefusedError
from roarm_lab.gateway.server import Limits, Listener, PolicyServer, Served
from roarm_lab.gateway.wire import ArmFacts
from roarm_lab.policies.bundle import Bundle, load_bundle
from roarm_lab.policies.pretrained import shipped_bundle
from roarm_lab.robots.station import load_station
from roarm_lab.robots.table import get_robot
from roarm_lab.workflows import frontend as events
from roarm_lab.workflows.deployment.credentials import read_token, server_tls
from roarm_lab.workflows.deployment.serve_request import ServeRequest, ServeResult
from roarm_lab.workflows.deployment.signals import server_signals
from roarm_lab.workflows.frontend import UNATTENDED, Frontend, Notice

LOOK_S = 0.2
"""A choice: how often to look whether to end, or to take the policy anew."""


@dataclass
class _Count:
    """Counts what a server does."""

    requests: int = 0
    late: int = 0
    refused: int = 0
    clients: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def served(self, served: Served) -> None:
        with self._lock:
            self.requests += 1
            self.late += served.result == "late"
            self.refused += served.result not in ("ok", "late")

    def event(self, name: str, client: str = "", **about: Any) -> None:
        del client, about
        with self._lock:
            self.clients += name == "client_open"


@dataclass
class _All:
    """Passes on what a server tells to all that listen."""

    listeners: Sequence[Listener]

    def served(self, served: Served) -> None:
        for listener in self.listeners:
            listener.served(served)

    def event(self, name: str, client: str = "", **about: Any) -> None:
        for listener in self.listeners:
            listener.event(name, client, **about)


def serve(request: ServeRequest, frontend: Frontend = UNATTENDED) -> ServeResult:
    """Serve a policy until the front end cancels, or Ctrl-C or SIGTERM comes, and return how that went.

    Args:
        request: What to serve, and to whom.
        frontend: Is told where to connect; ends the server by cancelling.

    Raises:
        BadInputError: The policy, a file or the port can not be used, or the server would be open to others.
        MissingError: A part of what was asked for is not installed.
    """
    request.validate()
    token, tls = read_token(request.token_file), server_tls(request.tls_cert, request.tls_key)
    bundle = load_served(request.policy)
    service, count = PolicyService(bundle.policy, bundle.contract), _Count()
    listener = _All((count,))
    began_s = time.monotonic()
    with ExitStack() as stack:
        server = PolicyServer(
            service,
            host=request.host,
            port=request.port,
            token=token,
            tls=tls,
            limits=Limits(clients=request.max_clients, rate_hz=request.max_rate_hz),
            listener=listener,
            check_arm=_ArmChecks(service, _made_for(request, bundle), request.log).check,
        )
        stack.enter_context(server)
        frontend.tell(events.Served(what="policy server", url=f"{server.host}:{server.port}"))
        reload = _Reload(request, service, frontend)
        reload.run_until_cancelled()
    return ServeResult(
        requests=count.requests,
        late=count.late,
        refused=count.refused,
        clients=count.clients,
        reloads=reload.count,
        uptime_s=time.monotonic() - began_s,
    )


def load_served(path: Path | None) -> Bundle:
    """Return a policy to serve: a bundle, or a run folder that has one; None for the one of the package.

    Raises:
        BadInputError: It can not be used.
    """
    return load_bundle(path or shipped_bundle())


def _made_for(request: ServeRequest, bundle: Bundle) -> ArmIdentity | None:
    if request.station is None:
        return None
    robot = get_robot(bundle.contract.interface["robot"])
    return identity_of(robot, load_station(request.station, robot))


class _ArmChecks:
    """Compares the arms of clients with the one that the policy was made for."""

    def __init__(self, service: PolicyService, made_for: ArmIdentity | None, log: Path) -> None:
        self._service, self._made_for, self._log = service, made_for, log

    def check(self, client: str, arm: ArmFacts) -> list[str]:
        """Return the differences in words.

        Raises:
            RefusedError: There are some and the client does not allow them.
        """
        here = ArmIdentity(hashes=arm.hashes, facts=arm.facts)
        found = mismatches(self._service.contract, self._made_for, here)
        write_mismatches(self._log, client, found, allowed=arm.allow_drift)
        words = [one.text for one in found]
        if words and not arm.allow_drift:
            raise RefusedError(
                "drift", "; ".join(words) + ". Results may differ; `allow_drift=True` runs it all the same."
            )
        return words


class _Reload:
    """Waits for the end, and takes the policy anew when it is asked to or its files change."""

    def __init__(self, request: ServeRequest, service: PolicyService, frontend: Frontend) -> None:
        self._request, self._service, self._frontend = request, service, frontend
        self.count = 0

    def run_until_cancelled(self) -> None:
        """Return when the front end cancels, or a signal says so."""
        seen = self._stamp()
        with server_signals() as asked:
            while not (self._frontend.cancelled() or asked.end.wait(LOOK_S)):
                now = self._stamp() if self._request.watch else seen
                if asked.reload.is_set() or now != seen:
                    asked.reload.clear()
                    seen = now
                    self._reload()

    def _reload(self) -> None:
        try:
            bundle = load_served(self._request.policy)
            self._service.replace(bundle.policy, bundle.contract)
        except RoarmLabError as error:
            text = f"The policy was not taken anew, the old one goes on: {error}"
            self._frontend.tell(Notice(code="reload-failed", text=text, level="warning"))
            return
        self.count += 1
        self._frontend.tell(Notice(code="reloaded", text=f"Took the policy anew: {bundle.policy.sha256[:12]}."))

    def _stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Return what shows that files have changed."""
        folder = self._request.policy
        if folder is None:
            return ()
        files = sorted([folder] if folder.is_file() else [*folder.glob("*.json"), *folder.glob("bundle/*")])
        return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files if file.is_file())

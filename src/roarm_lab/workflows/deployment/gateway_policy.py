"""A policy that a server computes, as a bundle: connected, told what arm this is, connected again when it breaks."""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.gateway.client import PolicyClient, ServerAddress
from roarm_lab.gateway.connection import ConnectionLostError
from roarm_lab.gateway.drift import ArmIdentity, identity_of, mismatches
from roarm_lab.gateway.remote_policy import RemotePolicy
from roarm_lab.policies.bundle import Bundle
from roarm_lab.robots.robot import Robot
from roarm_lab.robots.station import Station
from roarm_lab.workflows.deployment.credentials import client_tls, read_token
from roarm_lab.workflows.deployment.run_request import RunRequest

ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.%a-z]+\]):(?P<port>[0-9]{1,5})")
NAME = "arm"


class GatewayPolicy:
    """A policy server's policy, and the connection to it, which is made again when it breaks."""

    def __init__(self, address: ServerAddress, request: RunRequest) -> None:
        """Connect.

        Raises:
            BadInputError, InterfaceError, MissingError: As `PolicyClient` does.
        """
        self._address, self._request = address, request
        self._identity: ArmIdentity | None = None
        deadline_s = None if request.deadline_ms is None else request.deadline_ms * 1e-3
        self.remote = RemotePolicy(self._connect, patience_s=request.watchdog_s, deadline_s=deadline_s)
        self.bundle = Bundle(path=Path(str(address)), contract=self.remote.contract, policy=self.remote)
        """The policy in a bundle that has no files here."""

    def introduce(self, robot: Robot, station: Station | None, hashes: Mapping[str, str]) -> list[str]:
        """Tell the server what arm this is, now and after every break; return what differs that only the server knows.

        Raises:
            DriftError: The server does not serve this arm.
            MissingError: The connection broke.
        """
        self._identity = identity_of(robot, station, hashes)
        if self.remote.client is None:
            raise MissingError(f"The policy server {self._address} is gone.")
        here = [one.text for one in mismatches(self.bundle.contract, None, self._identity)]
        try:
            return [line for line in self._tell(self.remote.client) if line not in here]
        except ConnectionLostError as error:
            raise MissingError(f"The policy server {self._address} is gone: {error}") from error

    def _connect(self) -> PolicyClient:
        client = PolicyClient(self._address, NAME)
        if self._identity is not None:
            self._tell(client)
        return client

    def _tell(self, client: PolicyClient) -> list[str]:
        assert self._identity is not None
        return client.tell_arm(self._identity.hashes, self._identity.facts, allow_drift=self._request.allow_drift)


def parse_gateway(text: str) -> tuple[str, int]:
    """Return host and port of a policy server.

    Raises:
        BadInputError: The text is none.
    """
    found = ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found["port"]) <= 65535:
        raise BadInputError(f"A policy server is given as HOST:PORT, for instance 127.0.0.1:8700; got {text!r}.")
    return found["host"].strip("[]"), int(found["port"])


@contextmanager
def gateway_policy(request: RunRequest) -> Generator[GatewayPolicy | None]:
    """Yield the policy of a server, None where none was asked for; the connection ends with the block.

    Raises:
        BadInputError, InterfaceError, MissingError: As `PolicyClient` does.
    """
    if request.gateway is None:
        yield None
        return
    host, port = parse_gateway(request.gateway)
    token, tls = read_token(request.token_file), client_tls(request.tls_ca)
    found = GatewayPolicy(ServerAddress(host=host, port=port, token=token, tls=tls), request)
    try:
        yield found
    finally:
        found.remote.close()

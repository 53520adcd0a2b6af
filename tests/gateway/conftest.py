"""A policy server on a real port, and a network that answers as a test tells it to."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from roarm_lab.core.arrays import Float32
from roarm_lab.gateway.client import PolicyClient, ServerAddress
from roarm_lab.gateway.policy_service import PolicyService
from roarm_lab.gateway.server import Limits, PolicyServer
from roarm_lab.policies.bundle import Bundle, load_bundle
from roarm_lab.policies.pretrained import shipped_bundle
from tests.gateway.steered import Connect, Heard, Serve, SteeredNetwork


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return load_bundle(shipped_bundle())


@pytest.fixture
def blank(bundle: Bundle) -> dict[str, Float32]:
    """An observation of zeros."""
    return {term["name"]: np.zeros(term["size"], np.float32) for term in bundle.contract.interface["observations"]}


@pytest.fixture
def steered(bundle: Bundle) -> SteeredNetwork:
    return SteeredNetwork(size=bundle.contract.interface["output"]["shape"][-1])


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def serve(bundle: Bundle, steered: SteeredNetwork, heard: Heard) -> Iterator[Serve]:
    """Start a server with the steered network; it ends with the test."""
    servers: list[PolicyServer] = []

    def start(**settings: Any) -> PolicyServer:
        service = PolicyService(settings.pop("network", steered), bundle.contract)
        limits = Limits(**settings.pop("limits", {}))
        server = PolicyServer(service, limits=limits, listener=heard, **settings)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect to a server; closed with the test."""
    clients: list[PolicyClient] = []

    def start(server: PolicyServer, name: str = "tester", token: str = "") -> PolicyClient:
        clients.append(PolicyClient(ServerAddress(host=server.host, port=server.port, token=token), name))
        return clients[-1]

    yield start
    for client in clients:
        client.close()

"""The policy server over real sockets: what it answers, what it refuses, and what it lets nobody do."""

import threading

import numpy as np
import pytest

from roarm_lab.core.arrays import Float32
from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.gateway.client import PolicyClient, RequestError, ServerAddress
from roarm_lab.gateway.policy_service import PolicyService, RefusedError
from roarm_lab.gateway.server import PolicyServer
from roarm_lab.gateway.wire import ArmFacts
from roarm_lab.policies.bundle import Bundle
from roarm_lab.policies.contract import DriftError, InterfaceError
from tests.gateway.steered import Connect, Heard, Serve, SteeredNetwork


def test_it_gives_what_the_network_gives(bundle: Bundle, serve: Serve, connect: Connect) -> None:
    rng = np.random.default_rng(0)
    client = connect(serve(network=bundle.policy))
    for _ in range(5):
        terms = {
            term["name"]: rng.normal(size=term["size"]).astype(np.float32)
            for term in bundle.contract.interface["observations"]
        }
        given = client.answer(client.ask(terms), 5.0).actions
        assert np.array_equal(given, bundle.policy.infer({name: values[None] for name, values in terms.items()})[0])
    assert client.contract.to_json() == bundle.contract.to_json()
    assert client.policy == bundle.policy.sha256


def test_an_observation_that_does_not_fit_is_refused_and_the_next_one_answered(
    serve: Serve, connect: Connect, blank: dict[str, Float32], heard: Heard
) -> None:
    client = connect(serve())
    name = next(iter(blank))
    for wrong, code, said in (
        ({**blank, name: np.full_like(blank[name], np.nan)}, "not_finite", "not a number"),
        ({**blank, name: np.zeros(99, np.float32)}, "out_of_shape", name),
        ({**blank, name: blank[name].astype(np.int32)}, "out_of_shape", "int32"),
        ({**blank, "more": blank[name]}, "out_of_shape", "more"),
        ({}, "out_of_shape", name),
    ):
        with pytest.raises(RequestError, match=said) as refused:
            client.answer(client.ask(wrong), 5.0)
        assert refused.value.code == code
    assert client.answer(client.ask(blank), 5.0).actions.shape == (1, 6)
    assert [one.result for one in heard.requests[:5]] == ["not_finite", *["out_of_shape"] * 4]


def test_a_network_that_fails_is_told_and_does_not_end_the_server(
    serve: Serve, connect: Connect, blank: dict[str, Float32], steered: SteeredNetwork
) -> None:
    client = connect(serve())
    steered.failure = InterfaceError("it gave nonsense")
    with pytest.raises(RequestError, match="nonsense"):
        client.answer(client.ask(blank), 5.0)
    steered.failure = None
    assert client.answer(client.ask(blank), 5.0).seq == 2


def test_of_requests_that_wait_the_newest_is_answered(
    serve: Serve, connect: Connect, blank: dict[str, Float32], steered: SteeredNetwork, heard: Heard
) -> None:
    client = connect(serve())
    steered.free.clear()
    while steered.asked.acquire(blocking=False):  # those of the warming up
        pass
    first = client.ask(blank)
    assert steered.asked.acquire(timeout=30.0)
    later = [client.ask(blank) for _ in range(5)]
    steered.free.set()
    assert client.answer(first, 30.0).seq == first
    assert client.answer(later[-1], 30.0).seq == later[-1]
    assert {one.seq for one in heard.requests if one.result == "superseded"} <= set(later[:-1])
    assert {one.seq for one in heard.requests if one.result == "ok"} >= {first}


def test_an_answer_that_comes_too_late_says_so(
    serve: Serve, connect: Connect, blank: dict[str, Float32], steered: SteeredNetwork
) -> None:
    client = connect(serve())
    steered.free.clear()
    while steered.asked.acquire(blocking=False):
        pass
    seq = client.ask(blank, deadline_s=0.001)
    assert steered.asked.acquire(timeout=30.0)
    with pytest.raises(TimeoutError):
        client.answer(seq, 0.01)
    steered.free.set()
    assert client.answer(seq, 30.0).late


def test_clients_that_wait_are_computed_together(
    serve: Serve, connect: Connect, blank: dict[str, Float32], steered: SteeredNetwork
) -> None:
    server = serve()
    clients = [connect(server, f"client {i}") for i in range(4)]
    steered.free.clear()
    while steered.asked.acquire(blocking=False):
        pass
    first = clients[0].ask(blank)
    assert steered.asked.acquire(timeout=30.0)
    rest = [client.ask(blank) for client in clients[1:]]
    while server.service.depth < 3:
        threading.Event().wait(0.001)
    steered.free.set()
    clients[0].answer(first, 30.0)
    for client, seq in zip(clients[1:], rest, strict=True):
        assert client.answer(seq, 30.0).seq == seq
    assert steered.rows[-1] == 3


def test_who_is_not_let_in_is_told_why(serve: Serve, connect: Connect, heard: Heard) -> None:
    server = serve(token="right", limits={"clients": 1})
    with pytest.raises(BadInputError, match="token"):
        connect(server, token="wrong")
    connect(server, token="right")
    with pytest.raises(MissingError, match="1 clients"):
        connect(server, token="right")
    assert [about["code"] for about in heard.of("error")] == ["bad_token", "too_many"]
    assert "right" not in repr(heard.events)
    assert "wrong" not in repr(heard.events)


def test_an_arm_that_differs_is_refused_or_told(
    serve: Serve, connect: Connect, blank: dict[str, Float32], heard: Heard
) -> None:
    def check(name: str, arm: ArmFacts) -> list[str]:
        found = ["the elbow differs"] if arm.facts.get("elbow", 0.0) else []
        if found and not arm.allow_drift:
            raise RefusedError("drift", found[0])
        return found

    server = serve(check_arm=check)
    with pytest.raises(DriftError, match="elbow differs"):
        connect(server).tell_arm({}, {"elbow": 0.1}, allow_drift=False)
    client = connect(server)
    assert client.tell_arm({}, {"elbow": 0.1}, allow_drift=True) == ["the elbow differs"]
    assert client.answer(client.ask(blank), 5.0).seq == 1
    assert connect(server).tell_arm({}, {}, allow_drift=False) == []


def test_another_network_is_taken_while_clients_stay(
    serve: Serve, connect: Connect, blank: dict[str, Float32], bundle: Bundle
) -> None:
    server = serve()
    client = connect(server)
    before = client.answer(client.ask(blank), 5.0)
    server.service.replace(bundle.policy, bundle.contract)
    after = client.answer(client.ask(blank), 5.0)
    assert (before.policy, after.policy) == ("a" * 64, bundle.policy.sha256)


def test_a_network_that_takes_something_else_is_not_taken(bundle: Bundle, steered: SteeredNetwork) -> None:
    service = PolicyService(steered, bundle.contract)
    with pytest.raises(InterfaceError):
        service.replace(SteeredNetwork(size=5), bundle.contract)
    assert service.network is steered


def test_other_computers_are_not_let_in_unprotected(bundle: Bundle, steered: SteeredNetwork) -> None:
    with pytest.raises(BadInputError, match=r"a token and TLS"):
        PolicyServer(PolicyService(steered, bundle.contract), host="0.0.0.0")
    with pytest.raises(BadInputError, match=r"needs TLS"):
        PolicyServer(PolicyService(steered, bundle.contract), host="0.0.0.0", token="secret")


def test_a_port_that_is_taken_is_told(serve: Serve, bundle: Bundle, steered: SteeredNetwork) -> None:
    taken = serve().port
    with pytest.raises(BadInputError, match=f"port {taken}"):
        PolicyServer(PolicyService(steered, bundle.contract), port=taken)


def test_nothing_listens_there(serve: Serve) -> None:
    server = serve()
    server.close()
    with pytest.raises(MissingError, match="No policy server answers"):
        PolicyClient(ServerAddress(host="127.0.0.1", port=server.port))


def test_closing_ends_all_threads(serve: Serve, connect: Connect, blank: dict[str, Float32], heard: Heard) -> None:
    before = set(threading.enumerate())
    server = serve()
    clients = [connect(server) for _ in range(3)]
    for client in clients:
        client.answer(client.ask(blank), 5.0)
    server.close()
    assert set(threading.enumerate()) <= before
    assert len(heard.of("client_close")) == 3

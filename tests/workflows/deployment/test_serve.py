"""A policy is served, and an arm elsewhere runs it: the same motion as with the policy beside it, or a refusal."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.gateway.client import PolicyClient, ServerAddress
from roarm_lab.policies.bundle import load_bundle, write_bundle
from roarm_lab.policies.contract import DriftError, InterfaceError
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.station import Station, station_yaml
from roarm_lab.tasks.reach import reach
from roarm_lab.workflows.deployment.drift_log import DriftRequest, read_drift
from roarm_lab.workflows.deployment.run_policy import run_policy
from roarm_lab.workflows.deployment.run_request import RunRequest
from roarm_lab.workflows.deployment.serve import serve
from roarm_lab.workflows.deployment.serve_request import ServeRequest
from roarm_lab.workflows.frontend import CancelledError
from tests.bundles import inputs_of, wild_bundle
from tests.frontends import Heard
from tests.served import serving

TOKEN = "a-token-of-enough-letters"


@pytest.fixture
def bundle(folder: Path) -> Path:
    wild_bundle(folder / "bundle")
    return Path("bundle")


@pytest.fixture
def token_file(folder: Path) -> Path:
    path = folder / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    return path


def cycles(folder: Path) -> list[list[object]]:
    (log,) = folder.glob("*/cycles.jsonl")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [
        json.dumps({name: line[name] for name in ("cycle", "joint_pos", "wish", "sent", "success")}) for line in lines
    ]


def client(address: str, token: str = "") -> PolicyClient:
    host, _, port = address.rpartition(":")
    return PolicyClient(ServerAddress(host=host, port=int(port), token=token))


def test_an_arm_moves_as_with_the_policy_beside_it(bundle: Path) -> None:
    local = run_policy(RunRequest(bundle=bundle, episodes=3, fast=True, log=Path("local")))
    with serving(ServeRequest(policy=bundle)) as server:
        remote = run_policy(RunRequest(gateway=server.address, episodes=3, fast=True, log=Path("remote")))
    assert cycles(Path("remote")) == cycles(Path("local"))
    assert (remote.successes, remote.interval, remote.unanswered) == (local.successes, local.interval, 0)
    assert (remote.gateway, local.gateway) == (server.address, None)
    assert (server.results[0].clients, server.results[0].refused) == (1, 0)
    assert server.results[0].requests == remote.cycles + 1  # and one before the arm moves


def test_a_policy_with_boxes_is_served_too(folder: Path) -> None:
    local = run_policy(RunRequest(episodes=2, fast=True, log=Path("local")))
    with serving(ServeRequest()) as server:
        remote = run_policy(RunRequest(gateway=server.address, episodes=2, fast=True, log=Path("remote")))
    assert remote.successes == local.successes
    assert cycles(Path("remote")) == cycles(Path("local"))


def test_a_policy_that_drifted_is_refused_or_told_and_written_down(bundle: Path) -> None:
    loaded = load_bundle(bundle)
    hashes = {**loaded.contract.hashes, "model": "0" * 64}
    contract = replace(loaded.contract, provenance={**loaded.contract.provenance, "hashes": hashes})
    write_bundle(Path("other"), (bundle / "policy.onnx").read_bytes(), contract)
    with serving(ServeRequest(policy=Path("other"))) as server:
        with pytest.raises(DriftError, match="model: trained on 000000000000"):
            run_policy(RunRequest(gateway=server.address, episodes=1, fast=True))
        assert not Path("arm_runs").exists()
        front = Heard()
        result = run_policy(RunRequest(gateway=server.address, episodes=1, fast=True, allow_drift=True), front)
    assert [line.partition(":")[0] for line in result.drift] == ["model"]
    for log in ("arm_runs", "logs"):
        (row,) = read_drift(DriftRequest(log=Path(log))).rows
        assert (row.kind, row.count, row.allowed) == ("model", 1, 1)


def test_an_arm_whose_elbow_is_set_otherwise_is_refused_in_words(bundle: Path) -> None:
    made_on, here = (Station(robot=ROARM_M3.name, calibration_rad={"elbow": rad}) for rad in (0.0, 0.054))
    Path("made_on.yaml").write_text(station_yaml(made_on))
    Path("here.yaml").write_text(station_yaml(here))
    with serving(ServeRequest(policy=bundle, station=Path("made_on.yaml"))) as server:
        wrong = RunRequest(gateway=server.address, station=Path("here.yaml"), episodes=1, fast=True)
        with pytest.raises(DriftError, match=r"the elbow's zero differs by 3\.1° from the arm this was trained for"):
            run_policy(wrong)
        right = run_policy(replace(wrong, station=Path("made_on.yaml")))
        assert right.drift == ()
        allowed = run_policy(replace(wrong, allow_drift=True))
        assert len(allowed.drift) >= 1
    (row,) = read_drift(DriftRequest(log=Path("logs"))).rows
    assert (row.kind, row.name, row.count, row.allowed) == ("calibration", "calibration.elbow_rad", 2, 1)


def test_a_policy_of_another_robot_is_refused(bundle: Path) -> None:
    loaded = load_bundle(bundle)
    contract = replace(loaded.contract, interface={**loaded.contract.interface, "robot": "panda"})
    write_bundle(Path("panda"), (bundle / "policy.onnx").read_bytes(), contract)
    with serving(ServeRequest(policy=Path("panda"))) as server, pytest.raises(InterfaceError, match="panda"):
        run_policy(RunRequest(gateway=server.address, episodes=1, fast=True))
    assert not Path("arm_runs").exists()


def test_a_new_policy_is_taken_while_clients_stay(bundle: Path) -> None:
    config = reach()
    sizes = inputs_of(config)
    wild_bundle(Path("next"), seed=1)
    with serving(ServeRequest(policy=bundle, watch=True)) as server, client(server.address) as connected:
        terms = {name: np.ones(size, np.float32) for name, size in sizes.items()}
        before = connected.answer(connected.ask(terms), 5.0)
        for name in ("policy.onnx", "contract.json"):
            shutil.copy(Path("next") / name, bundle / name)
        while not any(notice.code == "reloaded" for notice in server.operator.notices):
            assert server.operator.noticed.wait(30.0)
            server.operator.noticed.clear()
        after = connected.answer(connected.ask(terms), 5.0)
    assert before.policy != after.policy == load_bundle(bundle).policy.sha256
    assert not np.array_equal(before.actions, after.actions)
    assert server.results[0].reloads == 1


def test_a_damaged_new_policy_leaves_the_old_one(bundle: Path) -> None:
    with serving(ServeRequest(policy=bundle, watch=True)) as server:
        (bundle / "contract.json").write_text("{")
        assert server.operator.noticed.wait(30.0)
        client(server.address).close()
    assert server.operator.notices[0].code == "reload-failed"
    assert server.results[0].reloads == 0


def test_a_run_that_is_cancelled_lets_the_server_go_on(bundle: Path) -> None:
    with serving(ServeRequest(policy=bundle)) as server:
        front = Heard()
        front.cancel()
        with pytest.raises(CancelledError):
            run_policy(RunRequest(gateway=server.address, fast=True), front)
        assert run_policy(RunRequest(gateway=server.address, episodes=1, fast=True)).cycles > 0


def test_who_has_no_token_is_not_let_in(bundle: Path, token_file: Path) -> None:
    with serving(ServeRequest(policy=bundle, token_file=token_file)) as server:
        with pytest.raises(BadInputError, match="token"):
            run_policy(RunRequest(gateway=server.address, fast=True))
        run_policy(RunRequest(gateway=server.address, token_file=token_file, episodes=1, fast=True))


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such permissions")
def test_a_token_that_others_can_read_is_refused(bundle: Path, token_file: Path) -> None:
    token_file.chmod(0o640)
    with pytest.raises(BadInputError, match=r"can be read by others. Type: chmod 600"):
        serve(ServeRequest(policy=bundle, token_file=token_file))
    token_file.chmod(0o600)
    token_file.write_text("short")
    with pytest.raises(BadInputError, match="at least 16 letters"):
        serve(ServeRequest(policy=bundle, token_file=token_file))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tls_cert": Path("cert.pem")}, "needs `tls_key=`"),
        ({"tls_key": Path("key.pem")}, "needs `tls_cert=`"),
        ({"tls_cert": Path("none.pem"), "tls_key": Path("none.pem")}, "No such file"),
        ({"host": "0.0.0.0"}, "a token and TLS"),
        ({"port": 99999}, "0 to 65535"),
        ({"max_clients": 0}, "1 or more"),
        ({"policy": Path("nowhere")}, "no policy bundle"),
        ({"station": Path("nowhere.yaml")}, "nowhere.yaml"),
    ],
)
def test_what_can_not_be_served_so_is_refused(bundle: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        serve(replace(ServeRequest(policy=bundle, port=0), **changes))
    assert not Path("logs").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gateway": "somewhere"}, "HOST:PORT"),
        ({"gateway": "127.0.0.1:0"}, "HOST:PORT"),
        ({"gateway": "127.0.0.1:1", "bundle": Path("bundle")}, "either a bundle or a gateway"),
        ({"gateway": "127.0.0.1:1", "watchdog_s": 0.0}, "more than 0"),
        ({"gateway": "127.0.0.1:1", "deadline_ms": float("nan")}, "more than 0"),
        ({"token_file": Path("token")}, "go with `gateway="),
    ],
)
def test_what_can_not_be_asked_so_is_refused(folder: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        run_policy(replace(RunRequest(fast=True), **changes))


def test_nobody_is_there(folder: Path) -> None:
    with pytest.raises(MissingError, match="No policy server answers at 127.0.0.1:1"):
        run_policy(RunRequest(gateway="127.0.0.1:1", fast=True))


def test_a_connection_is_encrypted_and_only_the_right_server_trusted(bundle: Path, token_file: Path) -> None:
    certificate("one")
    certificate("two")
    request = ServeRequest(policy=bundle, token_file=token_file, tls_cert=Path("one.pem"), tls_key=Path("one.key"))
    with serving(request) as server:
        ask = RunRequest(gateway=server.address, token_file=token_file, episodes=1, fast=True)
        with pytest.raises(BadInputError, match="can not be trusted"):
            run_policy(replace(ask, tls_ca=Path("two.pem")))
        with pytest.raises(MissingError, match="does not answer as a policy server"):
            run_policy(ask)
        assert run_policy(replace(ask, tls_ca=Path("one.pem"))).unanswered == 0


def certificate(name: str) -> None:
    """Write a certificate for 127.0.0.1 and its key."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    x509 = pytest.importorskip("cryptography.x509", reason="makes the certificates of this test")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    Path(f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    Path(f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )

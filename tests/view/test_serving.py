"""The server of live pages: on the port that was asked for or not at all, quiet, and never published."""

import socket
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import pytest

from roarm_lab.core.errors import BadInputError, UnsafeCommandError
from roarm_lab.view.serving import address, refuse_taken, serving, tunnel

LOOPBACK = "127.0.0.1"


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(socket.create_server((LOOPBACK, 0))) as other:
        yield other.getsockname()[1]


def test_a_page_is_served_on_the_loopback_and_gone_afterwards(capfd: pytest.CaptureFixture[str]) -> None:
    with serving(LOOPBACK, 0, "A title") as server:
        port = server.get_port()
        with urllib.request.urlopen(address(LOOPBACK, port), timeout=120) as answer:
            assert b"<html" in answer.read(2000)
    refuse_taken(LOOPBACK, port)  # free again
    assert capfd.readouterr() == ("", "")


def test_a_port_in_use_is_refused_with_the_way_out(taken: int) -> None:
    text = rf"Port {taken} of 127.0.0.1 is in use by another program.*for instance `port={taken + 1}`, or `port=0`"
    with pytest.raises(BadInputError, match=text), serving(LOOPBACK, taken, ""):
        pass


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(BadInputError, match=f"^port must be 1 to 65535, or 0 for any free one, got {port}"):
        refuse_taken(LOOPBACK, port)


def test_an_address_of_another_computer_is_refused() -> None:
    with pytest.raises(BadInputError, match="`host=` '192.0.2.1' is not an address of this computer"):  # RFC 5737
        refuse_taken("192.0.2.1", 0)


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(BadInputError, match="`host=` 'no such host' is not an address"):
        refuse_taken("no such host", 0)


def test_a_page_can_not_be_published() -> None:
    with serving(LOOPBACK, 0, "") as server, pytest.raises(UnsafeCommandError, match="not published.*SSH tunnel"):
        server.request_share_url()


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8080"), ("0.0.0.0", "http://localhost:8080"), ("::1", "http://[::1]:8080")],
)
def test_the_address_can_be_opened_as_it_is(host: str, url: str) -> None:
    assert address(host, 8080) == url


def test_the_tunnel_leads_to_where_the_user_came_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.7 51234 10.0.0.9 22")
    assert tunnel(8080) == "ssh -L 8080:localhost:8080 ada@10.0.0.9"
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.7 51234 10.0.0.9 2222")
    assert tunnel(8080) == "ssh -p 2222 -L 8080:localhost:8080 ada@10.0.0.9"


def test_without_ssh_the_tunnel_names_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert tunnel(8090) == f"ssh -L 8090:localhost:8090 ada@{socket.gethostname()}"

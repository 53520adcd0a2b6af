"""Where the emulator listens: this computer only unless told otherwise, and a clear word about a port in use."""

import socket
from contextlib import closing

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.emulator.addresses import Address, bound, is_loopback, listen, parse_address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:4000", "127.0.0.1", 4000),
        ("4000", "127.0.0.1", 4000),
        (":0", "127.0.0.1", 0),
        ("[::1]:80", "::1", 80),
        ("::1:80", "::1", 80),
        ("arm.local:65535", "arm.local", 65535),
    ],
)
def test_an_address_is_written_in_the_usual_ways(text: str, host: str, port: int) -> None:
    assert parse_address(text, "http") == Address(host, port)


@pytest.mark.parametrize("text", ["", "abc", "127.0.0.1", "1:2:3", "127.0.0.1:65536", "127.0.0.1:-1", "host:", "h:٣"])
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadInputError, match=r"`http=` takes HOST:PORT .* `http='127\.0\.0\.1:4000'`; got"):
        parse_address(text, "http")


def test_an_address_is_shown_as_it_is_typed() -> None:
    assert [str(Address("127.0.0.1", 80)), str(Address("::1", 80))] == ["127.0.0.1:80", "[::1]:80"]


def test_any_free_port_is_found_and_said() -> None:
    with closing(listen(Address("127.0.0.1", 0), "http")) as listener:
        assert bound(listener) == Address("127.0.0.1", listener.getsockname()[1])
        socket.create_connection(listener.getsockname()[:2]).close()


def test_a_port_in_use_is_refused() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        address = Address("127.0.0.1", other.getsockname()[1])
        with pytest.raises(BadInputError, match=rf"`http=`: can not listen on {address}: .*in use.*another emulator"):
            listen(address, "http")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.4.1", "arm.local", ""])
def test_other_computers_are_kept_out_unless_told_otherwise(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(BadInputError, match=r"reached by other computers.*127\.0\.0\.1:4000.*`allow_remote=True`"):
        listen(Address(host, 4000), "rfc2217")


def test_other_computers_are_let_in_when_told() -> None:
    with closing(listen(Address("0.0.0.0", 0), "http", allow_remote=True)) as listener:
        assert bound(listener).host == "0.0.0.0"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_the_loopback_is_known_by_all_its_names(host: str) -> None:
    assert is_loopback(host)


def test_a_name_that_nobody_knows_is_refused() -> None:
    with pytest.raises(BadInputError, match="'nowhere.invalid' is not an address"):
        listen(Address("nowhere.invalid", 0), "http", allow_remote=True)

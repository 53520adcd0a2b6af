"""The arm's web server and its WebSocket, asked as programs ask them."""

import threading
import time
from collections.abc import Generator
from http.client import HTTPConnection, HTTPResponse

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from roarm_lab.emulator.addresses import LOOPBACK, Address, listen
from roarm_lab.emulator.computer import HttpReply
from roarm_lab.emulator.http_port import WebPort, first_argument
from roarm_lab.emulator.websocket_port import Broadcast

ENOUGH_S = 120.0


@pytest.fixture
def asked() -> list[str]:
    return []


def server(asked: list[str], broadcast: Broadcast | None) -> WebPort:
    def execute(text: str) -> HttpReply:
        asked.append(text)
        return HttpReply(True, "text/plane", '{"ok":1}')

    return WebPort(listen(Address(LOOPBACK, 0), "--http"), execute, broadcast)


@pytest.fixture
def web(asked: list[str]) -> Generator[WebPort]:
    with server(asked, None) as web:
        yield web


def get(web: WebPort, path: str) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection(web.address.removeprefix("http://"), timeout=ENOUGH_S)
    connection.request("GET", path)
    response = connection.getresponse()
    return response, response.read().decode()


def test_js_hands_the_command_over_and_misspells_the_type_of_its_answer(web: WebPort, asked: list[str]) -> None:
    response, text = get(web, "/js?json=%7B%22T%22:%20105%7D%0A")
    assert (response.status, text, asked) == (200, '{"ok":1}', ['{"T": 105}\n'])
    assert response.getheaders() == [("Content-Type", "text/plane"), ("Content-Length", "8"), ("Connection", "close")]


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("json=%7B%7D", "{}"),
        ("cmd={}&json=x", "{}"),  # the first argument, whatever its name
        ('json={"ssid":"a&b"}', '{"ssid":"a'),  # an unescaped & ends it: why such names break
        ("json=a+b", "a b"),
        ("json=a=b", "a=b"),
        ("", ""),
    ],
)
def test_the_command_is_the_first_argument(query: str, value: str) -> None:
    assert first_argument(query) == value


@pytest.mark.parametrize("path", ["/", "/horiDrag", "/vertDrag"])
def test_the_arms_pages_are_there(web: WebPort, path: str) -> None:
    response, text = get(web, path)
    assert (response.status, response.getheader("Content-Type")) == (200, "text/html")
    assert "emulator" in text


@pytest.mark.parametrize("path", ["/getDevInfo", "/ws", "/js/x"])
def test_other_pages_are_not_found(web: WebPort, asked: list[str], path: str) -> None:
    response, text = get(web, path)
    assert (response.status, text, asked) == (404, f"Not found: {path}", [])


def test_requests_are_answered_while_another_one_waits(asked: list[str]) -> None:
    gate = threading.Event()

    def execute(text: str) -> HttpReply:
        asked.append(text)
        assert text != "slow" or gate.wait(ENOUGH_S)
        return HttpReply(True, "text/plane", text)

    with WebPort(listen(Address(LOOPBACK, 0), "--http"), execute, None) as web:
        slow = threading.Thread(target=get, args=(web, "/js?json=slow"))
        slow.start()
        assert get(web, "/js?json=quick")[1] == "quick"
        gate.set()
        slow.join(ENOUGH_S)
        assert not slow.is_alive()


def test_the_websocket_brings_each_message_to_everybody(asked: list[str]) -> None:
    broadcast = Broadcast()
    with server(asked, broadcast) as web:
        assert web.websocket_address == web.address.replace("http", "ws") + "/ws"
        with connect(web.websocket_address) as one, connect(web.websocket_address) as two:
            wait_for_listeners(broadcast, 2)
            broadcast.send('{"T":50}')
            broadcast.send('{"T":-15}')
            assert [one.recv(ENOUGH_S), one.recv(ENOUGH_S)] == ['{"T":50}', '{"T":-15}']
            assert two.recv(ENOUGH_S) == '{"T":50}'
            assert one.ping().wait(ENOUGH_S)
            one.send("what is said to it is of no interest")
            broadcast.send("more")
            assert one.recv(ENOUGH_S) == "more"
        wait_for_listeners(broadcast, 0)
        broadcast.send("into the air")


def test_a_websocket_ends_with_the_emulator(asked: list[str]) -> None:
    with server(asked, Broadcast()) as web:
        listener = connect(web.websocket_address or "")
    with pytest.raises(ConnectionClosed, match="1001"):
        listener.recv(ENOUGH_S)


def test_the_older_firmware_has_no_websocket(web: WebPort) -> None:
    assert web.websocket_address is None
    with pytest.raises(InvalidStatus, match="404"):
        connect(web.address.replace("http", "ws") + "/ws")


def test_a_page_of_the_websocket_is_refused_to_browsers_that_do_not_upgrade(asked: list[str]) -> None:
    with server(asked, Broadcast()) as web:
        assert get(web, "/ws")[0].status == 426  # upgrade required


def wait_for_listeners(broadcast: Broadcast, count: int) -> None:
    end_s = time.monotonic() + ENOUGH_S
    while broadcast.listeners != count:
        assert time.monotonic() < end_s
        time.sleep(0.005)

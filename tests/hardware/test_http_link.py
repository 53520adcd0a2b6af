"""The arm's Wi-Fi: what is sent there, asked of a web server that keeps every request."""

from collections.abc import Generator

import pytest

from roarm_lab.emulator.addresses import LOOPBACK, Address, listen
from roarm_lab.emulator.computer import HttpReply
from roarm_lab.emulator.http_port import WebPort
from roarm_lab.emulator.websocket_port import Broadcast
from roarm_lab.hardware import protocol
from roarm_lab.hardware.http_link import HttpLink
from tests.dead_proxies import name_dead_proxies
from tests.hardware.clips import wait_until
from tests.hardware.fake_port import feedback_line


@pytest.fixture
def asked() -> list[str]:
    return []


@pytest.fixture
def link(asked: list[str]) -> Generator[HttpLink]:
    def execute(text: str) -> HttpReply:
        asked.append(text)
        return HttpReply(True, "text/plane", feedback_line(newer=False).decode().strip())

    with WebPort(listen(Address(LOOPBACK, 0), "--http"), execute, None) as web:
        link = HttpLink(web.address.removeprefix("http://"))
        asked.clear()
        yield link
        link.close()


def test_an_empty_line_is_not_sent_because_the_older_firmware_would_let_the_arm_fall(
    link: HttpLink, asked: list[str]
) -> None:
    link.write(b"\n")
    link.write(b"\n" + protocol.remote_control_off())
    assert asked == ['{"T":301,"mode":0}']


def test_several_lines_are_a_request_each(link: HttpLink, asked: list[str]) -> None:
    link.write(protocol.info_print(stream=False) + protocol.ask_feedback())
    assert asked == ['{"T":605,"cmd":0}', '{"T":105}']
    assert all(link.read(0.0) for _ in asked)


@pytest.mark.parametrize("socks", [False, True])
def test_the_newer_firmware_is_reached_as_without_a_proxy(monkeypatch: pytest.MonkeyPatch, *, socks: bool) -> None:
    name_dead_proxies(monkeypatch, socks=socks)
    pose = feedback_line(newer=True)

    def execute(text: str) -> HttpReply:
        del text
        return HttpReply(True, "text/plane", '{"ok":1}')

    told = Broadcast()
    with WebPort(listen(Address(LOOPBACK, 0), "--http"), execute, told) as web:
        link = HttpLink(web.address.removeprefix("http://"))
        try:
            assert not link.polled
            link.write(protocol.ask_feedback())
            wait_until(lambda: told.listeners == 1)
            told.send(pose.decode().strip())
            assert link.read(20.0).strip() == pose.strip()
        finally:
            link.close()

"""An emulated arm that a program starts: what it is told, who ends it, and what is refused before anything listens."""

import re
import socket
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from roarm_lab.core.errors import BadInputError, InvalidValueError, MissingError, UnknownNameError
from roarm_lab.emulator.control import Control
from roarm_lab.emulator.serving import Serving
from roarm_lab.workflows.devices.emulate import emulate
from roarm_lab.workflows.devices.emulate_request import EmulateRequest
from roarm_lab.workflows.frontend import Event, Served
from tests.frontends import Heard

ENOUGH_S = 120.0


def told_until(last: str, request: EmulateRequest) -> dict[str, str]:
    """Return the ways in that are told, of an arm that ends when the last of them is."""

    def enough(event: Event) -> bool:
        return isinstance(event, Served) and event.what == last

    frontend = Heard(cancel=enough)
    emulate(request, frontend)
    assert all(isinstance(event, Served) for event in frontend.events)
    assert frontend.questions == []
    return {event.what: event.url for event in frontend.events if isinstance(event, Served)}


@pytest.mark.parametrize(("firmware", "ways"), [("20260701", ["http", "websocket"]), ("250108", ["http"])])
def test_only_the_ways_in_that_are_open_are_told(firmware: str, ways: list[str]) -> None:
    request = EmulateRequest(http="0", firmware=firmware)  # pyright: ignore[reportArgumentType]
    told = told_until(ways[-1], request)
    assert list(told) == ways
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", told["http"])


def test_unless_another_way_in_is_asked_for_it_is_a_serial_port(folder: Path) -> None:
    assert list(told_until("serial", EmulateRequest())) == ["serial"]
    link = folder / "roarm"
    assert told_until("rfc2217", EmulateRequest(rfc2217="0", link=link)).keys() == {"serial", "rfc2217"}
    assert not link.is_symlink()  # it goes with the arm


def test_a_thread_that_is_not_the_main_one_can_run_it() -> None:
    told = dict[str, str]()
    thread = threading.Thread(
        target=lambda: told.update(told_until("http", EmulateRequest(http="0", firmware="250108")))
    )
    thread.start()
    thread.join(ENOUGH_S)
    assert not thread.is_alive()
    assert list(told) == ["http"]


def test_a_console_is_given_the_arm_and_may_end_it_and_nobody_else_is_told_where_it_is() -> None:
    heard = list[dict[str, object]]()

    class Quits:
        def start(self, control: Control, serving: Serving) -> None:
            def work() -> None:
                heard.append(control.obey("addresses"))
                serving.stop()

            threading.Thread(target=work, daemon=True).start()

    frontend = Heard()
    emulate(EmulateRequest(rfc2217="0"), frontend, console=Quits())
    assert heard[0]["firmware"] == "20260701"
    assert str(heard[0]["rfc2217"]).startswith("rfc2217://127.0.0.1:")
    assert (heard[0]["serial"], heard[0]["http"]) == (None, None)
    assert frontend.events == []


@pytest.mark.parametrize(
    ("request_", "kind", "message"),
    [
        (EmulateRequest(seed=-1), InvalidValueError, "seed must be 0 or more, got -1"),
        (EmulateRequest(fault=("gremlins",)), UnknownNameError, "There is no fault named 'gremlins'"),
        (EmulateRequest(fault=("dead-servo=3",)), BadInputError, "11 to 17"),
        (EmulateRequest(cube=(float("nan"), 0.0, 0.0)), BadInputError, "finite"),
        (EmulateRequest(rfc2217="here"), BadInputError, "`rfc2217=` takes HOST:PORT"),
        (EmulateRequest(http="0.0.0.0:0"), BadInputError, "add `allow_remote=True`"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_told(
    request_: EmulateRequest, kind: type[Exception], message: str
) -> None:
    frontend = Heard()
    with pytest.raises(kind, match=re.escape(message)):
        emulate(request_, frontend)
    assert frontend.events == []


def test_a_port_in_use_is_refused_by_the_name_of_its_option() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(BadInputError, match=f"`http=`: can not listen on 127.0.0.1:{port}"):
            emulate(EmulateRequest(http=str(port)), Heard())


def test_without_pseudo_terminals_there_is_no_serial_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pty", None)  # as on Windows: importing it fails
    with pytest.raises(MissingError, match=r"`emulate\(rfc2217='127.0.0.1:4000'\)`"):
        emulate(EmulateRequest(), Heard())

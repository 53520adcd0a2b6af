"""`roarm arm` on a port with somebody at its far end who speaks the arm's language."""

import json
import sys
from collections.abc import Iterator

import pytest

from roarm_lab.cli.main import main
from roarm_lab.hardware import port_discovery
from roarm_lab.hardware.port_discovery import Port
from tests.hardware.fake_port import APort


@pytest.fixture(params=[True, False], ids=["newer", "older"])
def port(request: pytest.FixtureRequest) -> Iterator[APort]:
    with APort(newer=request.param) as port:
        yield port


@pytest.fixture
def newer() -> Iterator[APort]:
    with APort() as port:
        yield port


def roarm_arm(port: APort, *words: str) -> int:
    return main(["arm", *words, "--arm", f"serial:{port.place}"])


def test_info_tells_what_the_arm_tells(port: APort, capsys: pytest.CaptureFixture[str]) -> None:
    assert roarm_arm(port, "info", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["joint_pos"][2] == pytest.approx(1.5708)
    assert told["firmware"] == ("2026-07-01" if port.newer else "2025-01-08")
    assert told["supply_v"] == (12.1 if port.newer else None)
    assert told["effort"][5] == (0.0 if port.newer else None)
    assert port.targets() == []


def test_info_is_readable(port: APort, capsys: pytest.CaptureFixture[str]) -> None:
    assert roarm_arm(port, "info") == 0
    shown = capsys.readouterr().out
    assert ["elbow", "1.571", "90.0"] in [line.split()[:3] for line in shown.splitlines()]
    assert ("12.1 V" if port.newer else "not told by this firmware") in shown


def test_limits_show_the_room_there_is(port: APort, capsys: pytest.CaptureFixture[str]) -> None:
    assert roarm_arm(port, "limits") == 0
    elbow = next(line for line in capsys.readouterr().out.splitlines() if "elbow" in line)
    assert elbow.split() == ["elbow", "0.000", "1.571", "2.950", "2.500", "38.963", "0.400", "1.379"]


@pytest.mark.parametrize("words", [("home",), ("torque", "off"), ("recover",)])
def test_what_moves_the_arm_asks_first(port: APort, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    assert roarm_arm(port, *words) == 2  # the input of a test is no terminal
    assert "Nobody can be asked here: say --yes" in capsys.readouterr().err
    assert port.targets() == []
    assert not any(b'"T":210' in line for line in port.got)


def test_a_person_may_say_no(port: APort, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "")
    assert roarm_arm(port, "home") == 1
    assert "Nothing was done." in capsys.readouterr().err
    assert port.targets() == []


def test_what_was_done_is_said(newer: APort, capsys: pytest.CaptureFixture[str]) -> None:
    assert roarm_arm(newer, "torque", "off", "--yes") == 0
    assert capsys.readouterr().out == "The arm lets go. roarm arm torque on makes it hold where it is then.\n"
    assert roarm_arm(newer, "torque", "on") == 0
    assert capsys.readouterr().out == "The servos hold where they are.\n"
    assert roarm_arm(newer, "led", "128") == 0
    assert capsys.readouterr().out == ""
    assert roarm_arm(newer, "led", "256") == 2
    assert "0 (off) to 255" in capsys.readouterr().err


def test_no_arm_is_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["arm", "info", "--arm", "serial:/dev/ttyNOTHERE"]) == 3
    assert "There is no port" in capsys.readouterr().err
    assert main(["arm", "info", "--arm", "usb"]) == 2
    assert "rfc2217://HOST:PORT" in capsys.readouterr().err


def test_ports_say_which_may_be_the_arm(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(port_discovery, "list_ports", lambda: [Port("/dev/ttyUSB0", "CP2102", is_candidate=True)])
    assert main(["arm", "ports"]) == 0
    assert capsys.readouterr().out == "/dev/ttyUSB0\tmay be the arm\tCP2102\n"
    monkeypatch.setattr(port_discovery, "list_ports", list)
    monkeypatch.setattr(port_discovery, "why_none", lambda: "The reason.")
    assert main(["arm", "ports"]) == 1
    assert capsys.readouterr().err == "No port here has the arm's USB chip (10C4:EA60). The reason.\n"


@pytest.mark.parametrize("words", [(), ("info",), ("home",), ("torque",), ("led",), ("limits",), ("recover",)])
def test_help_teaches(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["arm", *words, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "roarm arm" in shown
    assert words or "exit codes:" in shown


def test_ctrl_d_is_a_no(port: APort, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def ended(question: str) -> str:
        raise EOFError

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", ended)
    assert roarm_arm(port, "home") == 1
    assert "Nothing was done." in capsys.readouterr().err
    assert port.targets() == []

"""`roarm arm` on a port with somebody at its far end who speaks the arm's language."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roarm_lab.cli.main import main
from roarm_lab.hardware import port_discovery
from roarm_lab.hardware.port_discovery import Port
from roarm_lab.hardware.roarm_m3 import RoArmM3
from roarm_lab.robots.station import Station, station_yaml
from tests.hardware.fake_port import APort

PATIENCE_S = 120.0  # only a test that fails waits this long


@pytest.fixture(params=[True, False], ids=["newer", "older"])
def port(request: pytest.FixtureRequest) -> Iterator[APort]:
    with APort(newer=request.param) as port:
        yield port


def roarm_arm(port: APort, *words: str) -> int:
    return main(["arm", *words, "--arm", f"serial:{port.place}"])


def until(done: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end_s, f"never: {what}"
        time.sleep(0.01)


def heard(port: APort, line: bytes) -> None:
    """The other end reads when it is its turn."""
    until(lambda: line in port.got, f"{line!r} arrived")


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


def test_letting_go_and_holding(port: APort) -> None:
    assert roarm_arm(port, "torque", "off", "--yes") == 0
    heard(port, b'{"T":210,"cmd":0}')
    assert roarm_arm(port, "torque", "on") == 0
    heard(port, b'{"T":210,"cmd":1}')


def test_the_lamp(port: APort, capsys: pytest.CaptureFixture[str]) -> None:
    assert roarm_arm(port, "led", "128") == 0
    heard(port, b'{"T":114,"led":128}')
    assert roarm_arm(port, "led", "256") == 2
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


def test_an_arm_that_is_unplugged_at_the_question_is_not_said_to_have_let_go(
    port: APort, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arms, begin = list[RoArmM3](), RoArmM3.__init__

    def noted(arm: RoArmM3, *words: object, **more: object) -> None:
        begin(arm, *words, **more)  # pyright: ignore[reportArgumentType]
        arms.append(arm)

    def pulled(question: str) -> str:
        port.unplug()
        until(lambda: not arms[0].read().valid, "it is noticed")
        return "yes"

    monkeypatch.setattr(RoArmM3, "__init__", noted)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", pulled)
    assert roarm_arm(port, "torque", "off") == 3
    shown = capsys.readouterr()
    assert "can not be told to let go: The connection to the arm at" in shown.err
    assert "lets go" not in shown.out


def test_a_station_file_that_is_a_link_to_nowhere_is_not_passed_over(
    port: APort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "station.yaml").symlink_to(tmp_path / "unmounted" / "station.yaml")
    assert roarm_arm(port, "home", "--yes") == 2  # its limits would not hold
    assert "There is no file station.yaml" in capsys.readouterr().err
    assert port.targets() == []


@pytest.mark.parametrize(
    ("verb", "words"),
    [("home", "Nothing was sent: "), ("recover", "The arm is not started anew, because that moves it: ")],
)
def test_nothing_moves_an_arm_whose_stop_file_is_there(
    port: APort, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, words: str
) -> None:
    stop, station = tmp_path / "stop", tmp_path / "station.yaml"
    station.write_text(station_yaml(Station(robot="roarm_m3", stop_file=str(stop))))
    stop.touch()
    assert roarm_arm(port, verb, "--yes", "--station", str(station)) == 1
    assert f"{words}the stop file {stop} is there; remove it" in capsys.readouterr().err
    assert len(port.targets()) <= 1  # a hold repeats the pose that the arm has

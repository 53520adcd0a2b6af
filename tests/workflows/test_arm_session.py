"""What `arm=` says becomes a value, and the value an arm behind its gate."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roarm_lab.core.clock import SimulatedClock
from roarm_lab.core.errors import BadInputError, MissingError, UnknownNameError, UnsafeCommandError
from roarm_lab.gateway.dry_arm import DryArm
from roarm_lab.hardware.roarm_m3 import RoArmM3
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.station import Station, load_station, station_yaml
from roarm_lab.sim.arm import SimArm
from roarm_lab.sim.backend import Box, SimConfig
from roarm_lab.workflows.arm_session import (
    EMULATED_BOXES,
    ArmAddress,
    ArmRequest,
    connect_arm,
    connect_real,
    open_arm,
    station_for,
)

DT_S = 0.05
HOME = ROARM_M3.keyframe("home")


def asked(text: str, **changes: Any) -> ArmRequest:
    return ArmRequest(address=ArmAddress.parse(text), robot=ROARM_M3, **changes)


# Which arm is meant.


@pytest.mark.parametrize(
    ("text", "kind", "virtual"),
    [
        ("sim", "sim", True),
        ("emulator", "emulator", True),
        ("serial", "serial", False),
        ("serial:/dev/ttyUSB0", "serial", False),
        ("/dev/ttyUSB0", "serial", False),
        ("COM3", "serial", False),
        ("http:192.168.4.1", "http", False),
        ("rfc2217://lab:4000", "rfc2217", False),
        ("socket://lab:4000", "socket", False),
    ],
)
def test_an_address_has_a_kind_and_only_two_kinds_are_not_real(text: str, kind: str, virtual: bool) -> None:
    address = ArmAddress.parse(text)
    assert (address.kind, address.virtual, str(address)) == (kind, virtual, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("simm", "There is no kind of arm named 'simm'. Did you mean 'sim'?"),
        ("", "There is no kind of arm named ''"),
        ("sim:3", "An arm of kind 'sim' has no place; got 'sim:3'"),
        ("emulator:", "An arm of kind 'emulator' has no place"),
        ("http:", "http"),
    ],
)
def test_what_is_no_address_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        ArmAddress.parse(text)


# Which station counts.


@pytest.fixture
def here(folder: Path) -> Station:
    """A station file in the working folder."""
    station = Station(robot=ROARM_M3.name, name="bench 3", stop_file=str(folder / "stop"))
    (folder / "station.yaml").write_text(station_yaml(station))
    return load_station(folder / "station.yaml", ROARM_M3)


def test_the_station_of_the_working_folder_is_that_of_real_arms_alone(here: Station) -> None:
    assert station_for(None, ArmAddress.parse("serial"), ROARM_M3) == here
    assert station_for(None, None, ROARM_M3) == here  # one that is still to be found
    assert station_for(None, ArmAddress.parse("sim"), ROARM_M3) is None
    assert station_for(None, ArmAddress.parse("emulator"), ROARM_M3) is None
    assert station_for(Path("station.yaml"), ArmAddress.parse("sim"), ROARM_M3) == here


@pytest.mark.usefixtures("folder")
def test_without_a_file_there_is_no_station_but_one_that_was_named_must_be_there() -> None:
    assert station_for(None, ArmAddress.parse("serial"), ROARM_M3) is None
    with pytest.raises(BadInputError, match=r"other\.yaml"):
        station_for(Path("other.yaml"), ArmAddress.parse("sim"), ROARM_M3)


# What is opened.


def test_a_simulated_arm_is_gated_and_closed_at_the_end() -> None:
    with connect_arm("sim", fast=True) as session:
        arm = session.arm
        far = arm.send(arm.sent + 1.0, DT_S) - HOME
        assert 0.0 < far[0] < 0.1  # the gate gives way slowly
        assert (session.table, session.station, session.fast, session.dry_run) == (None, None, True, False)
    assert arm.read().reason == "the arm was closed"


def test_unknown_robots_and_arms_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="There is no robot named 'roarm_m2'"), connect_arm(robot="roarm_m2"):
        pass
    with pytest.raises(UnknownNameError, match="kind of arm"), connect_arm("real"):
        pass


def test_a_table_is_there_where_boxes_lie() -> None:
    with open_arm(asked("sim", fast=True, sim=SimConfig(boxes=EMULATED_BOXES))) as session:
        assert session.table is not None
        session.table.place_box("cube", (0.2, 0.1, 0.015))
        assert session.arm.see().box_pos_w[0] == pytest.approx([0.2, 0.1, 0.015], abs=1e-3)


def test_an_emulated_arm_as_fast_as_it_goes_says_its_firmware() -> None:
    with open_arm(asked("emulator", fast=True, firmware="250108")) as session:
        assert isinstance(session.arm, RoArmM3)
        assert session.about()["firmware"] == "250108"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (asked("serial:/nowhere/tty", fast=True), "real arms live in real time"),
        (asked("emulator", sim=SimConfig(boxes=(Box(name="brick"),))), "The emulator has one cube"),
        (asked("sim", stop_file=Path("/nowhere/stop")), "does not exist"),
        (asked("sim", station=Station(robot=ROARM_M3.name, stop_file="/nowhere/stop")), "does not exist"),
    ],
)
def test_what_does_not_fit_together_is_refused(request_: ArmRequest, message: str) -> None:
    with pytest.raises(BadInputError, match=message), open_arm(request_):
        pass


def test_a_dry_arm_tells_what_would_be_sent_and_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = list[object]()
    monkeypatch.setattr(SimArm, "_transmit", lambda _, target: sent.append(target))
    with open_arm(asked("sim", fast=True, dry_run=True)) as session:
        assert session.dry_run
        assert session.arm.send(session.arm.sent + 0.01, DT_S)[0] > HOME[0]
    assert sent == []


# What stops it.


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("by", ["request", "station"])
def test_a_stop_file_stops_an_arm_that_is_not_real(folder: Path, by: str, dry_run: bool) -> None:
    stop = folder / "stop"
    station = Station(robot=ROARM_M3.name, stop_file=str(stop)) if by == "station" else None
    given = asked("sim", fast=True, dry_run=dry_run, station=station, stop_file=None if by == "station" else stop)
    with open_arm(given) as session:
        session.arm.send(HOME, DT_S)
        stop.touch()
        session.arm.clock.sleep_until_s(session.arm.clock.now_s() + DT_S)
        with pytest.raises(UnsafeCommandError, match="the stop file"):
            session.arm.send(HOME, DT_S)
        assert "the stop file" in str(session.arm.latched)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a real arm, which is a simulated one here, was connected with."""
    how: dict[str, Any] = {}

    def connect(text: str, **given: Any) -> SimArm:
        how.update(given, text=text, arm=SimArm(ROARM_M3, clock=SimulatedClock(), rules=given.get("rules")))
        return how["arm"]

    monkeypatch.setattr(RoArmM3, "connect", connect)
    return how


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_real_arm_looks_for_its_stations_stop_file_once(
    here: Station, connected: dict[str, Any], dry_run: bool
) -> None:
    with open_arm(asked("serial:/dev/x", station=here, dry_run=dry_run)) as session:
        assert len(connected["arm"]._stops) == 1
        assert len(session.arm._stops) == 1
        assert isinstance(session.arm, DryArm) == dry_run
        assert session.station is here


def test_a_real_arm_is_connected_as_its_station_says(here: Station, connected: dict[str, Any]) -> None:
    station = replace(here, usb_serial="abc", address="serial:/dev/y", calibration_rad={"base": 0.1})
    connect_real("", ROARM_M3, station, torque_on=True)
    assert (connected["text"], connected["usb_serial"], connected["torque_on"]) == ("serial:/dev/y", "abc", True)
    assert connected["rules"] == station.rules()
    assert connected["calibration"].offset_rad[0] == 0.1
    assert connected["reset"] is False


def test_an_arm_is_not_started_anew_while_its_stop_file_is_there(
    here: Station, connected: dict[str, Any], folder: Path
) -> None:
    (folder / "stop").touch()
    with pytest.raises(UnsafeCommandError, match="not started anew"):
        connect_real("serial:/dev/x", ROARM_M3, here, reset=True)
    assert connected == {}


def test_an_arm_that_is_not_there_is_missing() -> None:
    with pytest.raises(MissingError, match="There is no port /nowhere/tty"), connect_arm("serial:/nowhere/tty"):
        pass

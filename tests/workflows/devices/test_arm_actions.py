"""What can be done with an arm, on a port with somebody at its far end: results are values, and what moves it asks."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.errors import BadInputError, MissingError, UnknownNameError, UnsafeCommandError
from roarm_lab.hardware.link import PortError, SeveralPortsError
from roarm_lab.hardware.port_discovery import Port, find_port
from roarm_lab.hardware.roarm_m3 import RoArmM3
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.station import Station, station_yaml
from roarm_lab.workflows.devices.arm_actions import (
    ArmInfo,
    move_home,
    read_arm,
    read_limits,
    recover_arm,
    set_lamp,
    torque_off,
    torque_on,
)
from roarm_lab.workflows.devices.arm_target import ArmTarget
from roarm_lab.workflows.frontend import CancelledError, Frontend, Notice, NotPermittedError, Question
from tests.frontends import Heard
from tests.hardware.fake_port import APort

PATIENCE_S = 120.0  # only a test that fails waits this long
HOME = ROARM_M3.keyframe("home")
MOVES, LETS_GO = {"arm-moves": "yes"}, {"arm-lets-go": "yes"}
Action = Callable[[ArmTarget, Frontend], object]


@pytest.fixture(params=[True, False], ids=["newer", "older"])
def port(request: pytest.FixtureRequest, folder: Path) -> Iterator[APort]:
    with APort(newer=request.param) as port:
        yield port


@pytest.fixture
def newer(folder: Path) -> Iterator[APort]:
    with APort() as port:
        yield port


def at(port: APort, station: Path | None = None) -> ArmTarget:
    return ArmTarget(arm=f"serial:{port.place}", station=station)


def until(done: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end_s, f"never: {what}"
        time.sleep(0.01)


def let_go(port: APort) -> bool:
    return b'{"T":210,"cmd":0}' in port.got


def test_how_an_arm_is(port: APort) -> None:
    frontend = Heard()
    info = read_arm(at(port), frontend)
    assert info.title == ROARM_M3.title
    assert info.joint_names == ROARM_M3.joint_names
    assert info.joint_pos == pytest.approx(HOME, abs=2e-3)
    assert info.firmware == ("2026-07-01" if port.newer else "2025-01-08")
    assert info.supply_v == (12.1 if port.newer else None)
    assert info.torque_on == ((True,) * 6 if port.newer else None)
    assert info.effort is not None
    assert info.effort[5] == (0.0 if port.newer else None)  # the older one does not tell the gripper's
    assert info.lines_per_s > 0.0
    assert [event.code for event in frontend.events if isinstance(event, Notice)] == ["looking"]
    assert frontend.questions == []
    assert port.targets() == []


@pytest.mark.parametrize(("lines_per_s", "enough"), [(19.9, False), (20.0, True), (float("nan"), False)])
def test_control_at_20_hz_needs_20_readings_a_second(lines_per_s: float, enough: bool) -> None:
    info = ArmInfo(
        title="",
        joint_names=(),
        firmware="",
        joint_pos=(),
        effort=None,
        torque_on=None,
        supply_v=None,
        lines_per_s=lines_per_s,
        age_ms=0.0,
        counts={},
    )
    assert info.fast_enough == enough


def test_what_each_joint_may_do_is_what_the_station_leaves_of_it(newer: APort, folder: Path) -> None:
    (folder / "station.yaml").write_text(station_yaml(Station(robot="roarm_m3", limits_rad={"elbow": (0.2, 2.5)})))
    found = read_limits(at(newer))
    elbow = found.joint_names.index("elbow")
    assert (found.limits.lower[elbow], found.limits.upper[elbow]) == (0.2, 2.5)
    assert found.joint_pos[elbow] == pytest.approx(np.pi / 2, abs=1e-3)
    assert newer.targets() == []


@pytest.mark.parametrize(
    ("action", "code", "text"),
    [
        (move_home, "arm-moves", "The arm moves to its home now, at up to 0.6 rad/s. Is its way free?"),
        (recover_arm, "arm-moves", "The arm starts anew. Its firmware moves it to its home at once"),
        (torque_off, "arm-lets-go", "Let go now?"),
    ],
)
def test_what_moves_an_arm_or_lets_it_go_asks_and_does_nothing_without_a_yes(
    action: Action, code: str, text: str, port: APort
) -> None:
    frontend = Heard()
    with pytest.raises(NotPermittedError, match="Nothing was done"):
        action(at(port), frontend)
    (question,) = frontend.questions
    assert (question.code, question.default) == (code, None)
    assert text in question.text
    assert port.targets() == []
    assert not let_go(port)


@pytest.mark.usefixtures("patient")
def test_an_arm_goes_home_through_the_gate(newer: APort) -> None:
    newer.wire = (0.2, 0.0, 1.5708, 0.0, 0.0, 3.14)
    move_home(at(newer), Heard(MOVES))
    told = [target["base"] for target in newer.targets()]
    assert told[-1] == pytest.approx(0.0, abs=1e-3)
    assert len(told) > 5  # no leap: 0.2 rad at 0.6 rad/s and 20 Hz are 7 steps
    assert np.max(np.abs(np.diff(told))) <= 0.6 / 20.0 + 1e-3


@pytest.mark.usefixtures("patient")
def test_a_front_end_that_cancels_ends_the_way_home(newer: APort) -> None:
    newer.wire = (0.5, 0.0, 1.5708, 0.0, 0.0, 3.14)

    class Stops(Heard):
        def cancelled(self) -> bool:
            return len(newer.targets()) > 2

    with pytest.raises(CancelledError):
        move_home(at(newer), Stops(MOVES))
    assert newer.targets()[-1]["base"] > 0.3


def test_letting_go_and_holding(port: APort) -> None:
    frontend = Heard(LETS_GO)
    torque_off(at(port), frontend)
    until(lambda: let_go(port), "it lets go")
    torque_on(at(port), frontend)
    until(lambda: b'{"T":210,"cmd":1}' in port.got, "it holds")
    assert [question.code for question in frontend.questions] == ["arm-lets-go"]  # to hold needs no permission


def test_an_arm_that_is_unplugged_at_the_question_is_not_said_to_have_let_go(
    port: APort, monkeypatch: pytest.MonkeyPatch
) -> None:
    arms, begin = list[RoArmM3](), RoArmM3.__init__

    def noted(arm: RoArmM3, *words: object, **more: object) -> None:
        begin(arm, *words, **more)  # pyright: ignore[reportArgumentType]
        arms.append(arm)

    class Pulls(Heard):
        def ask(self, question: Question) -> str | None:
            port.unplug()
            until(lambda: not arms[0].read().valid, "it is noticed")
            return "yes"

    monkeypatch.setattr(RoArmM3, "__init__", noted)
    with pytest.raises(MissingError, match="can not be told to let go: The connection to the arm at"):
        torque_off(at(port), Pulls())


def test_the_lamp_takes_what_the_firmware_takes(newer: APort) -> None:
    set_lamp(at(newer), 128)
    until(lambda: b'{"T":114,"led":128}' in newer.got, "it is set")
    for level in (-1, 256):
        with pytest.raises(BadInputError, match=re.escape(f"0 (off) to 255, got {level}")):
            set_lamp(ArmTarget(arm="serial:/nowhere/tty"), level)  # before an arm is looked for


@pytest.mark.parametrize(
    ("action", "words"),
    [(move_home, "Nothing was sent: "), (recover_arm, "The arm is not started anew, because that moves it: ")],
)
def test_nothing_moves_an_arm_whose_stop_file_is_there(
    action: Action, words: str, newer: APort, tmp_path: Path
) -> None:
    stop, station = tmp_path / "stop", tmp_path / "other.yaml"
    station.write_text(station_yaml(Station(robot="roarm_m3", stop_file=str(stop))))
    stop.touch()
    with pytest.raises(UnsafeCommandError, match=re.escape(f"{words}the stop file {stop} is there")):
        action(at(newer, station), Heard(MOVES))
    assert len(newer.targets()) <= 1  # a hold repeats the pose that the arm has


def test_a_station_file_that_is_a_link_to_nowhere_is_not_passed_over(newer: APort, folder: Path) -> None:
    (folder / "station.yaml").symlink_to(folder / "unmounted" / "station.yaml")
    with pytest.raises(BadInputError, match=r"There is no file station\.yaml"):  # its limits would not hold
        move_home(at(newer), Heard(MOVES))
    assert newer.targets() == []


@pytest.mark.usefixtures("folder")
def test_why_there_is_no_arm_is_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PortError) as absent:
        read_arm(ArmTarget(arm="serial:/dev/ttyNOTHERE"))
    assert (absent.value.fault, absent.value.exit_code) == ("absent", 3)
    monkeypatch.setattr(find_port, "__defaults__", (list,))
    with pytest.raises(PortError) as none:
        read_arm(ArmTarget())
    assert (none.value.fault, none.value.exit_code) == ("none", 3)
    two = [Port(f"/dev/ttyUSB{number}", "CP2102", is_candidate=True) for number in range(2)]
    monkeypatch.setattr(find_port, "__defaults__", (lambda: two,))
    with pytest.raises(SeveralPortsError) as several:
        read_arm(ArmTarget())
    assert (several.value.fault, several.value.exit_code) == ("several", 2)
    with pytest.raises(UnknownNameError, match="roarm_m2"):
        read_arm(ArmTarget(robot="roarm_m2"))

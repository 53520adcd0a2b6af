"""The driver on a pseudo-terminal. What an arm does is tested with the emulator; here it is the connection."""

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np
import pytest

from roarm_lab.core.arrays import Float64
from roarm_lab.core.errors import BadInputError, MissingError, UnsafeCommandError
from roarm_lab.hardware import io_thread, roarm_m3
from roarm_lab.hardware.io_thread import PACE_S, REPEAT_S, REPEATS
from roarm_lab.hardware.link import Address
from roarm_lab.hardware.protocol import Firmware
from roarm_lab.hardware.roarm_m3 import RoArmM3
from roarm_lab.robots.arm import MAX_SAMPLE_AGE_S
from roarm_lab.workflows.arm_session import ArmAddress
from tests.hardware.fake_port import HOME, TORQUE_KEYS, APort

DT_S = 0.05
PATIENCE_S = 120.0  # only a test that fails waits this long


def until(done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end_s, "it did not happen"
        time.sleep(0.01)


def send(arm: RoArmM3, requested: Float64) -> Float64:
    """Send; on a machine too busy to read the port in time, again."""
    end_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return arm.send(requested, DT_S)
        except UnsafeCommandError as error:
            busy = "old" in str(error) or "silent for" in str(error) or "paused" in str(error)
            if not busy or arm.latched or time.monotonic() > end_s:
                raise
        time.sleep(0.01)


def send_for(arm: RoArmM3, requested: Float64, steps: int) -> None:
    for _ in range(steps):
        send(arm, requested)
        time.sleep(DT_S)


@pytest.fixture(params=[True, False], ids=["newer", "older"])
def port(request: pytest.FixtureRequest) -> Iterator[APort]:
    with APort(newer=request.param) as port:
        yield port


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a target may wait longer for its turn than on the robot's."""
    monkeypatch.setattr(io_thread, "TARGET_S", PATIENCE_S)


@pytest.fixture
def arm(port: APort) -> Iterator[RoArmM3]:
    with RoArmM3.connect(f"serial:{port.place}") as arm:
        yield arm


def test_connecting_refuses_remote_control_and_moves_nothing(port: APort, arm: RoArmM3) -> None:
    assert arm.firmware == (Firmware.FW26 if port.newer else Firmware.FW25)
    assert b'{"T":301,"mode":0}' in port.got
    assert port.targets() == []
    np.testing.assert_allclose(arm.sent, [0.0, 0.0, 1.5708, 0.0, 0.0, np.pi - 3.14], atol=1e-5)


def test_a_target_arrives_in_the_wires_units_and_never_at_full_speed(port: APort, arm: RoArmM3) -> None:
    sent = send(arm, arm.sent + 0.05)
    until(lambda: len(port.targets()) > 0)
    target = port.targets()[0]
    assert target["base"] == pytest.approx(sent[0], abs=1e-5)
    assert target["hand"] == pytest.approx(np.pi - sent[5], abs=1e-5)
    assert 1 <= target["spd"] <= 3400
    assert target["acc"] == 254


def test_a_hold_sends_the_last_target_again_and_nothing_else(port: APort, arm: RoArmM3) -> None:
    send_for(arm, arm.sent + 0.1, 3)
    before = -1
    while before < len(port.targets()):  # the repeats of the last target
        before = len(port.targets())
        time.sleep(0.5)
    arm.estop("a test pressed the button")
    until(lambda: len(port.targets()) > before)
    last = port.targets()[-1]
    np.testing.assert_allclose([last["base"], np.pi - last["hand"]], [arm.sent[0], arm.sent[5]], atol=1e-5)
    assert not any(b'"T":0' in line or b'"T":210' in line for line in port.got)


def test_the_last_target_is_repeated_a_few_times_because_nothing_is_acknowledged(port: APort, arm: RoArmM3) -> None:
    send(arm, arm.sent + 0.05)
    until(lambda: len(port.targets()) == 4)
    time.sleep(0.3)
    assert len(port.targets()) == 4
    assert all(target == port.targets()[0] for target in port.targets())


def test_targets_are_not_sent_faster_than_the_arm_talks(port: APort, arm: RoArmM3) -> None:
    before, began_s = arm.counts.feedback, time.monotonic()
    for _ in range(300):
        send(arm, arm.sent)
        time.sleep(0.001)
    silent_s = time.monotonic() - began_s  # at the most; then it is ten a second
    assert 1 <= arm.counts.sent <= arm.counts.feedback - before + silent_s / PACE_S + 1


def test_garbage_between_lines_is_skipped_and_counted(port: APort, arm: RoArmM3) -> None:
    port.say(b'}\r\n{"T":1051,"b":\r\nsome text\r\n\xff\xfe\r\n')
    until(lambda: arm.counts.skipped >= 4)
    assert arm.read().valid
    assert arm.latched is None


def test_a_pulled_cable_holds_the_arm_and_says_so(port: APort, arm: RoArmM3) -> None:
    port.unplug()
    until(lambda: not arm.read().valid)
    assert "Is the cable plugged in" in (arm.latched or "") or "The connection" in (arm.latched or "")
    with pytest.raises(UnsafeCommandError, match="the arm's pose is unknown"):
        arm.send(arm.sent, DT_S)
    arm.hold()
    assert arm.read().reason


def test_an_arm_that_is_put_back_is_known_by_its_usb_serial_number(monkeypatch: pytest.MonkeyPatch) -> None:
    places = list[str]()

    def same_arm(address: str, usb_serial: str) -> str:
        if not places:
            raise BadInputError(f"{address} is not {usb_serial}")
        return f"serial:{places[0]}"

    monkeypatch.setattr(roarm_m3, "same_arm", same_arm)
    with APort() as first, APort() as second:
        places.append(first.place)
        with RoArmM3.connect("serial", usb_serial="A1") as arm:
            places.clear()  # another arm is put in its place
            first.unplug()
            until(lambda: arm.read().reason == "serial is not A1")
            places.append(second.place)  # its port has another name now
            until(lambda: arm.read().valid)
            assert "broke" in str(arm.latched)


def test_a_restart_holds_the_arm_where_it_came_to_rest(port: APort, arm: RoArmM3) -> None:
    send_for(arm, arm.sent + 0.2, 6)
    port.silent, port.wire = True, HOME
    port.say(b"All bus servos status checked.\r\n")
    until(lambda: not arm.read().valid)
    targets = len(port.targets())
    arm.hold("nothing of this may reach an arm that may be elsewhere")
    port.streaming, port.silent = not port.newer, False
    until(lambda: arm.read().valid and abs(arm.sent[0]) < 1e-3)  # the newer one is silent until it is told to stream
    assert "restarted" in (arm.latched or "")
    assert len(port.targets()) == targets
    with pytest.raises(UnsafeCommandError, match="restarted"):
        arm.send(arm.sent, DT_S)
    arm.release()
    sent = send(arm, arm.sent)
    until(lambda: len(port.targets()) > targets)
    np.testing.assert_allclose(sent, [0.0, 0.0, 1.5708, 0.0, 0.0, np.pi - 3.14], atol=1e-5)


def test_a_restart_in_a_pause_is_told(port: APort, arm: RoArmM3) -> None:
    arm.hold("paused by a person", gives_way=True)
    port.silent, port.wire = True, HOME
    port.say(b"All bus servos status checked.\r\n")
    until(lambda: not arm.read().valid)
    assert "restarted" in (arm.latched or "")


def test_an_arm_that_falls_silent_is_not_believed(port: APort, arm: RoArmM3) -> None:
    port.silent = True
    until(lambda: not arm.read().valid)
    assert "the arm has been silent for" in arm.read().reason


def test_a_servo_that_does_not_follow_is_found(port: APort, arm: RoArmM3) -> None:
    port.stiff = True

    def found() -> bool:
        with suppress(UnsafeCommandError):
            arm.send(arm.sent + 0.3, DT_S)
        return "is not being read or does not drive" in arm.read().reason

    until(found)


def let_go(port: APort) -> None:
    """Let the servos be limp, as they are when the arm has let go."""
    if port.newer:
        port.changes = dict.fromkeys(TORQUE_KEYS, 0)


def test_an_arm_that_has_not_let_go_yet_is_not_told_to_hold_where_it_was(port: APort, arm: RoArmM3) -> None:
    arm.torque(on=False, warned=True)
    if port.newer:
        with pytest.raises(UnsafeCommandError, match="has not let go yet"):
            arm.torque(on=True)
    port.silent = True  # it folds
    until(lambda: arm.clock.now_s() - arm.read().measured_at_s > MAX_SAMPLE_AGE_S or not arm.read().valid)
    with pytest.raises(UnsafeCommandError, match="s old|silent"):
        arm.torque(on=True)
    assert port.targets() == []


def test_letting_go_has_to_be_announced_and_sends_nothing_afterwards(port: APort, arm: RoArmM3) -> None:
    with pytest.raises(UnsafeCommandError, match="moves first" if port.newer else "falls down"):
        arm.torque(on=False)
    assert not any(b'"T":210' in line for line in port.got)
    arm.torque(on=False, warned=True)
    until(lambda: b'{"T":210,"cmd":0}' in port.got)
    let_go(port)
    arm.hold()  # any target would switch the torque on again
    arm.clear()
    with pytest.raises(UnsafeCommandError, match="the arm is limp"):
        arm.send(arm.sent, DT_S)
    assert port.targets() == []


def test_holding_again_begins_where_the_arm_was_put(port: APort, arm: RoArmM3) -> None:
    arm.torque(on=False, warned=True)
    let_go(port)
    port.wire = (1.0, *HOME[1:])
    until(lambda: arm.read().valid and arm.read().joint_pos[0] == pytest.approx(1.0))
    arm.torque(on=True)
    until(lambda: b'{"T":210,"cmd":1}' in port.got)
    numbers = [json.loads(line)["T"] for line in port.got]
    assert numbers[-2:] == [102, 210]  # with torque first the arm would leap to where it was told to be before
    assert port.targets()[0]["base"] == pytest.approx(1.0)
    assert arm.latched is None


def test_a_base_turned_by_hand_past_half_a_turn_is_held_where_its_servo_counts_it(port: APort, arm: RoArmM3) -> None:
    arm.torque(on=False, warned=True)
    let_go(port)
    for angle in (3.1, -2.9):  # 3.38 rad, but the servo counts one turn
        port.wire = (angle, *HOME[1:])
        until(lambda at=angle: arm.read().valid and arm.read().joint_pos[0] == pytest.approx(at, abs=1e-3))
    arm.torque(on=True)
    until(lambda: bool(port.targets()))
    assert port.targets()[0]["base"] == pytest.approx(-2.9)


def test_a_base_turned_a_little_past_half_a_turn_is_not_told_to_hold(port: APort, arm: RoArmM3) -> None:
    arm.torque(on=False, warned=True)
    let_go(port)
    for angle, seen in ((3.1, 3.1), (-3.1, 2 * math.pi - 3.1)):
        port.wire = (angle, *HOME[1:])
        until(lambda at=seen: arm.read().valid and arm.read().joint_pos[0] == pytest.approx(at, abs=1e-3))
    with pytest.raises(UnsafeCommandError, match="The base stands past half a turn"):
        arm.torque(on=True)
    assert port.targets() == []


def test_a_target_from_before_is_not_repeated_when_the_servos_are_told_to_hold(port: APort, arm: RoArmM3) -> None:
    port.stiff = True
    send(arm, arm.sent + 0.3)
    arm.torque(on=True)
    until(lambda: b'{"T":210,"cmd":1}' in port.got)
    time.sleep(2 * REPEAT_S * REPEATS)
    at = port.got.index(b'{"T":210,"cmd":1}')
    assert not any(b'"T":102' in line for line in port.got[at:])


def test_an_arm_whose_connection_is_broken_is_not_told_to_let_go_later(port: APort, arm: RoArmM3) -> None:
    port.unplug()
    until(lambda: not arm.read().valid)
    with pytest.raises(MissingError, match="can not be told to let go: The connection to the arm"):
        arm.torque(on=False, warned=True)


def test_an_emergency_stop_outlives_a_new_start(arm: RoArmM3) -> None:
    arm.estop("a test pressed the button")
    arm.torque(on=True)
    with pytest.raises(UnsafeCommandError, match="a test pressed the button"):
        arm.release()


def test_an_arm_without_power_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roarm_m3, "UNMEASURED_S", 0.3)
    with APort() as port:
        port.changes = dict.fromkeys(TORQUE_KEYS, 0) | {"v": 0}
        with pytest.raises(MissingError, match="the supply reads 0.0 V"):
            RoArmM3.connect(f"serial:{port.place}")


def test_limp_servos_are_taken_over_on_request() -> None:
    with APort() as port:
        port.changes = dict.fromkeys(TORQUE_KEYS, 0)
        with RoArmM3.connect(f"serial:{port.place}", torque_on=True) as arm:
            until(lambda: b'{"T":210,"cmd":1}' in port.got)
            port.changes = {}
            until(lambda: arm.read().valid and arm.latched is None)


def test_a_port_has_one_owner(port: APort, arm: RoArmM3) -> None:
    with pytest.raises(MissingError, match="busy: another program has it"):
        RoArmM3.connect(f"serial:{port.place}")


def test_a_silent_port_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roarm_m3, "SILENT_S", 0.3)
    with APort() as port:
        port.silent = True
        with pytest.raises(MissingError, match="two USB sockets"):
            RoArmM3.connect(f"serial:{port.place}")


def test_another_device_is_explained() -> None:
    with APort() as port:
        port.silent = True
        threading.Timer(0.2, port.say, [b"$GPGGA,123519,4807.038,N\r\n"]).start()
        with pytest.raises(MissingError, match=r"it is no RoArm-M3: 26 bytes .* '\$GPGGA,123519,4807.038,N'"):
            RoArmM3.connect(f"serial:{port.place}", timeout_s=0.5)


def test_a_port_that_is_not_there_is_explained() -> None:
    with pytest.raises(MissingError, match="There is no port /dev/ttyNOTHERE"):
        RoArmM3.connect("serial:/dev/ttyNOTHERE")


@pytest.mark.parametrize("place", ["/dev/null", "/tmp", __file__])
def test_what_is_no_serial_port_is_said_to_be_none(place: str) -> None:
    with pytest.raises(MissingError, match=f"{place} is no serial port"):
        RoArmM3.connect(f"serial:{place}")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/dev/ttyUSB0", "/dev/ttyUSB0"),
        ("/dev/serial/by-id/usb-1a86_USB-if00", "/dev/serial/by-id/usb-1a86_USB-if00"),
        ("/tmp/roarm", "/tmp/roarm"),
        ("COM3", "COM3"),
        ("com12", "com12"),
        ("\\\\.\\COM10", "\\\\.\\COM10"),
        ("serial:/dev/ttyUSB0", "/dev/ttyUSB0"),
    ],
)
def test_the_name_of_a_port_is_an_address(text: str, place: str) -> None:
    assert Address.parse(text) == Address("serial", place)
    assert ArmAddress.parse(text).kind == "serial"


@pytest.mark.parametrize(
    "address",
    [
        *("", "serial:", "usb", "http:", "rfc2217:host", "ttyUSB0"),
        *("http:host:abc", "http:a b", "http:host:99999", "http:host/js", "rfc2217://host", "socket://host:abc"),
    ],
)
def test_what_is_no_address_is_shown_all_forms(address: str) -> None:
    with pytest.raises(BadInputError, match="serial:/dev/ttyUSB0"):
        RoArmM3.connect(address)

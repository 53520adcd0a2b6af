import errno
import platform
import sys
from pathlib import Path

import pytest

from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.hardware.link import PortError
from roarm_lab.hardware.port_discovery import Port, find_port, port_error, same_arm, usb_serial_of

ARM = Port("/dev/ttyUSB0", "CP2102", is_candidate=True)
OTHER = Port("/dev/ttyS0", "a modem", is_candidate=False)


def test_the_one_arm_is_found() -> None:
    assert find_port(lambda: [OTHER, ARM]) == "/dev/ttyUSB0"


def test_without_an_arm_the_other_ports_are_named() -> None:
    with pytest.raises(MissingError, match=r"10C4:EA60\)\. Ports here: /dev/ttyS0"):
        find_port(lambda: [OTHER])


def test_several_arms_have_to_be_told_apart() -> None:
    second = Port("/dev/ttyUSB1", "CP2102", is_candidate=True)
    with pytest.raises(BadInputError, match="Name one: serial:/dev/ttyUSB0"):
        find_port(lambda: [ARM, second])


def test_wsl_and_windows_get_their_own_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "release", lambda: "5.15.90.1-microsoft-standard-WSL2")
    with pytest.raises(MissingError, match="usbipd attach"):
        find_port(list)
    monkeypatch.setattr(platform, "release", lambda: "10")
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(MissingError, match="driver CP210x"):
        find_port(list)


@pytest.mark.parametrize(
    ("code", "fault", "told"),
    [
        (errno.ENOENT, "absent", "There is no port"),
        (errno.EBUSY, "busy", "another program has it"),
        (errno.EACCES, "forbidden", "usermod -aG dialout"),
        (errno.ENOTTY, "not-serial", "is no serial port"),
        (errno.EIO, "other", "does not open"),
    ],
)
def test_a_port_that_does_not_open_is_explained(
    monkeypatch: pytest.MonkeyPatch, code: int, fault: str, told: str
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    error = port_error("/dev/ttyNOTHERE", OSError(code, "as the system says it"))
    assert (error.fault, error.exit_code) == (fault, MissingError.exit_code)
    assert told in str(error)


def test_no_port_and_several_have_their_faults_and_exit_codes() -> None:
    with pytest.raises(PortError) as none:
        find_port(list)
    assert (none.value.fault, none.value.exit_code) == ("none", MissingError.exit_code)
    with pytest.raises(BadInputError) as several:
        find_port(lambda: [FIRST, SECOND])
    assert isinstance(several.value, PortError)
    assert (several.value.fault, several.value.exit_code) == ("several", BadInputError.exit_code)


FIRST = Port("/dev/ttyUSB0", "CP2102", is_candidate=True, serial_number="A1")
SECOND = Port("/dev/ttyUSB1", "CP2102", is_candidate=True, serial_number="B2")


def test_an_arm_is_known_again_by_its_usb_serial_number(tmp_path: Path) -> None:
    assert same_arm("serial", "B2", lambda: [FIRST, SECOND]) == "serial:/dev/ttyUSB1"
    assert same_arm("http:192.168.4.1", "B2", list) == "http:192.168.4.1"
    assert same_arm("serial:/dev/ttyUSB0", "", lambda: [FIRST]) == "serial:/dev/ttyUSB0"
    link = tmp_path / "arm"
    link.symlink_to("/dev/null")
    there = Port("/dev/null", "CP2102", is_candidate=True, serial_number="A1")
    assert usb_serial_of(str(link), lambda: [there]) == "A1"
    assert same_arm(f"serial:{link}", "A1", lambda: [there]) == f"serial:{link}"


def test_another_arm_than_the_stations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"'C3' is not plugged in; others are: /dev/ttyUSB0 \(A1\)"):
        same_arm("serial", "C3", lambda: [FIRST])
    port = tmp_path / "port"
    port.touch()
    other = Port(str(port), "CP2102", is_candidate=True, serial_number="A1")
    with pytest.raises(BadInputError, match=r"has USB serial number A1, and the station's has 'B2'\. That one is at s"):
        same_arm(f"serial:{port}", "B2", lambda: [other, SECOND])
    with pytest.raises(MissingError, match="No arm is plugged in"):
        same_arm("serial", "B2", lambda: [OTHER])

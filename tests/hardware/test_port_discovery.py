import errno
import platform
import sys

import pytest

from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.hardware.port_discovery import Port, explain_open, find_port

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
    ("code", "told"),
    [
        (errno.ENOENT, "There is no port"),
        (errno.EBUSY, "another program has it"),
        (errno.EACCES, "usermod -aG dialout"),
        (errno.EIO, "does not open"),
    ],
)
def test_a_port_that_does_not_open_is_explained(monkeypatch: pytest.MonkeyPatch, code: int, told: str) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert told in explain_open("/dev/ttyNOTHERE", OSError(code, "as the system says it"))

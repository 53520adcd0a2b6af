"""What is said of a device file that may not be opened, by its group, its rights and the user's groups."""

import sys
from pathlib import Path

import pytest

from roarm_lab.core.access import INPUT, RULES_FILE, SERIAL, VIDEO, Account, DeviceKind, advice, how_to_open

PORT = Path("/dev/ttyUSB0")
DEBIAN = Account({"root": 0, "tty": 5, "dialout": 20, "uucp": 10, "video": 44, "input": 105}, frozenset({1000}))
ARCH = Account({"root": 0, "uucp": 986, "video": 985}, frozenset({1000}))
OPEN_TO_GROUP, CLOSED = 0o20660, 0o20600


@pytest.mark.parametrize(
    ("account", "kind", "gid", "group"),
    [(DEBIAN, SERIAL, 20, "dialout"), (ARCH, SERIAL, 986, "uucp"), (DEBIAN, VIDEO, 44, "video")],
)
def test_the_files_own_group_is_to_be_joined(account: Account, kind: DeviceKind, gid: int, group: str) -> None:
    told = advice(PORT, kind, account, gid=gid, mode=OPEN_TO_GROUP)
    assert told == f"Type: sudo usermod -aG {group} $USER   and then log out and in again."


@pytest.mark.parametrize(
    ("account", "gid", "mode", "usual"),
    [
        (DEBIAN, 0, OPEN_TO_GROUP, "dialout"),
        (ARCH, 0, OPEN_TO_GROUP, "uucp"),
        (DEBIAN, 5, OPEN_TO_GROUP, "dialout"),
        (DEBIAN, 20, CLOSED, "dialout"),
    ],
    ids=["root on Debian", "root on Arch", "tty", "closed to its group"],
)
def test_no_group_that_does_not_help_is_named_to_join(account: Account, gid: int, mode: int, usual: str) -> None:
    told = advice(PORT, SERIAL, account, gid=gid, mode=mode)
    assert f"usermod -aG {usual} $USER" in told
    assert told.count("usermod") == 1
    assert "sudo chmod a+rw /dev/ttyUSB0" in told
    assert f'ATTRS{{idProduct}}=="ea60", GROUP="{usual}", MODE="0660" into {RULES_FILE}' in told


def test_a_member_whose_login_is_older_is_told_to_log_in_again() -> None:
    account = Account(DEBIAN.groups, DEBIAN.active, frozenset({"dialout"}))
    assert advice(PORT, SERIAL, account, gid=20, mode=OPEN_TO_GROUP).endswith("since this login: log out and in again.")


def test_a_member_is_not_told_to_join() -> None:
    told = advice(PORT, SERIAL, Account(DEBIAN.groups, frozenset({20})), gid=20, mode=OPEN_TO_GROUP)
    assert "usermod" not in told
    assert "docker run --device /dev/ttyUSB0" in told


def test_a_group_without_a_name_is_a_containers_or_none_to_join(tmp_path: Path) -> None:
    told = advice(PORT, SERIAL, DEBIAN, gid=986, mode=OPEN_TO_GROUP, root=tmp_path)
    assert "a group without a name (986), which is none to join" in told
    (tmp_path / ".dockerenv").touch()
    told = advice(PORT, SERIAL, DEBIAN, gid=986, mode=OPEN_TO_GROUP, root=tmp_path)
    assert told.endswith("`docker run --group-add 986` starts one that may")


def test_the_group_that_reads_every_key_is_not_to_be_joined_for_a_gamepad() -> None:
    told = advice(Path("/dev/input/js0"), INPUT, DEBIAN, gid=105, mode=OPEN_TO_GROUP)
    assert "usermod" not in told
    assert 'ENV{ID_INPUT_JOYSTICK}=="1", TAG+="uaccess" into' in told


def test_a_pseudo_terminal_gets_no_rule_of_udev() -> None:
    told = advice(Path("/dev/pts/7"), SERIAL, DEBIAN, gid=5, mode=0o20620)
    assert "start the program behind this pseudo-terminal as yourself" in told
    assert "udev" not in told


def test_where_there_is_no_usermod_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert how_to_open(Path("/dev/cu.usb serial"), SERIAL) == "Type: sudo chmod a+rw '/dev/cu.usb serial'"


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's own groups")
def test_a_real_file_of_root_never_leads_into_the_group_root(tmp_path: Path) -> None:
    assert "usermod -aG root" not in how_to_open(Path("/proc/kmsg"), SERIAL)
    assert "usermod -aG root" not in how_to_open(tmp_path / "gone", SERIAL)

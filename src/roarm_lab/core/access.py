"""What to type when a device file may not be opened: by whom it belongs to, never a group that nobody should join."""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CONTAINER = (".dockerenv", "run/.containerenv", "run/systemd/container")
"""Files that Docker, Podman and systemd put into a container."""
NOT_TO_JOIN = frozenset(
    "root wheel sudo admin adm disk kmem mem shadow tty docker input nogroup nobody".split()  # noqa: SIM905
)
"""Groups with other rights than a device's, or of nobody; who is in `input` reads every key of the keyboard."""
RULES_FILE = "/etc/udev/rules.d/70-roarm.rules"
"""Before 73, where udev hands out what `uaccess` asks for."""
GROUP_OPENS = 0o060


@dataclass(frozen=True)
class DeviceKind:
    """Devices that Linux gives to a group."""

    groups: tuple[str, ...]
    """Whom they belong to: on most systems the first that is there. Empty where only a rule is right."""
    match: str
    """How a rule of udev knows them."""


SERIAL = DeviceKind(("dialout", "uucp"), 'SUBSYSTEM=="tty", ATTRS{idVendor}=="10c4", ATTRS{idProduct}=="ea60"')
"""`uucp` on Arch."""
VIDEO = DeviceKind(("video",), 'SUBSYSTEM=="video4linux"')
INPUT = DeviceKind((), 'SUBSYSTEM=="input", ENV{ID_INPUT_JOYSTICK}=="1"')


@dataclass(frozen=True)
class Account:
    """The groups of this computer and of this user."""

    groups: Mapping[str, int]
    """Number by name."""
    active: frozenset[int]
    """Those that this login has."""
    joined: frozenset[str] = frozenset()
    """Those that the user is written into, perhaps after this login."""

    @staticmethod
    def here() -> "Account":
        """Return those of this process."""
        import grp  # noqa: PLC0415 (not on Windows)
        import pwd  # noqa: PLC0415 (not on Windows)

        every = grp.getgrall()
        try:
            user = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a user without a name, as in a container
            user = ""
        joined = frozenset(group.gr_name for group in every if user in group.gr_mem)
        return Account({group.gr_name: group.gr_gid for group in every}, frozenset(os.getgroups()), joined)

    def name(self, gid: int) -> str:
        """Return what a group is called; empty when it has no name here."""
        return next((name for name, number in self.groups.items() if number == gid), "")


def how_to_open(path: Path, kind: DeviceKind) -> str:
    """Return what to type so that this user may open a device file. Not for Windows."""
    if sys.platform != "linux":
        return f"Type: sudo chmod a+rw {shlex.quote(str(path))}"
    account = Account.here()
    try:
        found = path.stat()
    except OSError:  # gone meanwhile
        return _join(_usual(kind, account), account) if kind.groups else ""
    return advice(path, kind, account, gid=found.st_gid, mode=found.st_mode)


def advice(path: Path, kind: DeviceKind, account: Account, *, gid: int, mode: int, root: Path = Path("/")) -> str:
    """Return what to type for a device file of this group and these rights; `root` shows if this is a container."""
    name = account.name(gid)
    if not name and in_container(root):
        return f"Its group {gid} has no name in this container: `docker run --group-add {gid}` starts one that may"
    if not name or gid == 0 or name in NOT_TO_JOIN or mode & GROUP_OPENS != GROUP_OPENS:
        return _without_group(path, kind, account, f"the group {name}" if name else f"a group without a name ({gid})")
    if gid in account.active:
        return (
            f"You are in its group {name}, so something else forbids it; a container needs `docker run --device {path}`"
        )
    return _join(name, account)


def _join(name: str, account: Account) -> str:
    if name in account.joined:
        return f"You have joined its group {name} since this login: log out and in again."
    return f"Type: sudo usermod -aG {name} $USER   and then log out and in again."


def _without_group(path: Path, kind: DeviceKind, account: Account, owner: str) -> str:
    """Return what to type where joining a group is no way."""
    belongs = f"It belongs to {owner}, which is none to join."
    now = f"Type: sudo chmod a+rw {shlex.quote(str(path))}"
    if str(path.resolve()).startswith("/dev/pts/"):
        return f"{belongs} {now}   or start the program behind this pseudo-terminal as yourself."
    if not kind.groups:
        return f'{belongs} Write {kind.match}, TAG+="uaccess" into {RULES_FILE} and plug it in again.'
    usual = _usual(kind, account)
    rule = f'{kind.match}, GROUP="{usual}", MODE="0660"'
    good = f"For good, write {rule} into {RULES_FILE} and plug it in again."
    joined = "" if account.groups.get(usual) in account.active else f" {_join(usual, account)}"
    return f"{belongs} {now}   until it is unplugged. {good}{joined}"


def in_container(root: Path = Path("/")) -> bool:
    """Return whether this runs in a container; `root` is another computer's files in tests."""
    return any((root / name).exists() for name in CONTAINER)


def _usual(kind: DeviceKind, account: Account) -> str:
    return next((name for name in kind.groups if name in account.groups), kind.groups[0])

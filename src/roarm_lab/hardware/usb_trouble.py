"""Why a USB serial chip that is plugged in has no port: looked up where Linux tells it, instead of guessed.

Under another root the same files can be those of another computer: that is how tests show what they want to.
"""

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from roarm_lab.core.access import in_container

ROOT = Path("/")
CHIPS = {
    ("10c4", "ea60"): ("CP210x", "cp210x"),
    ("1a86", "7523"): ("CH340", "ch341"),
    ("1a86", "5523"): ("CH341", "ch341"),
    ("1a86", "55d3"): ("CH343", "cdc_acm"),
    ("1a86", "55d4"): ("CH9102", "cdc_acm"),
}
"""Name and kernel module, by vendor and product. The arm's is the first; boards like its computer have the others."""
RULES = ("etc/udev/rules.d", "run/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d")
NO_PORT = "is plugged in, but it has no serial port here"
BRLTTY = (
    "brltty, a program for Braille displays, {how}. Without such a display: sudo apt remove brltty (or the like), then "
    "plug the cable in again"
)


@dataclass(frozen=True)
class Chip:
    """A USB serial chip that is plugged in."""

    vendor: str
    product: str
    drivers: tuple[str, ...]
    """What drives its interfaces; `usbfs` is a program that does so itself."""
    ports: tuple[str, ...]
    """What the kernel calls its ports: ttyUSB0 or ttyACM0."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{CHIPS[self.vendor, self.product][0]}, {self.vendor}:{self.product}"

    @property
    def module(self) -> str:
        """The kernel module that makes a port of it."""
        return CHIPS[self.vendor, self.product][1]


def chips(root: Path = ROOT) -> list[Chip]:
    """Return the USB serial chips that Linux sees, the arm's kind first."""
    found: list[Chip] = []
    for device in sorted((root / "sys/bus/usb/devices").glob("*")):
        key = (_text(device / "idVendor"), _text(device / "idProduct"))
        if key in CHIPS:
            interfaces = sorted(device.glob(f"{device.name}:*"))
            drivers = tuple(each.joinpath("driver").resolve().name for each in interfaces if (each / "driver").exists())
            found.append(Chip(*key, drivers, tuple(name for each in interfaces for name in _ports(each))))
    return sorted(found, key=lambda chip: list(CHIPS).index((chip.vendor, chip.product)))


def why_no_port(root: Path = ROOT) -> str:
    """Return why a chip that is plugged in has no port, and what to do; empty when every chip has one."""
    for chip in chips(root):
        if why := _why(chip, root):
            return f"The USB chip ({chip.name}) {NO_PORT}: {why}."
    return ""


def _why(chip: Chip, root: Path) -> str:
    """Return what is wrong with this one; empty when it has a port that programs here can see."""
    hidden = [name for name in chip.ports if not (root / "dev" / name).exists()]
    if hidden:
        return f"the kernel has it as {hidden[0]}, and /dev/{hidden[0]} is not there. {_hand_over(hidden[0], root)}"
    return "" if chip.ports else _without_driver(chip, root)


def _without_driver(chip: Chip, root: Path) -> str:
    """Return why the kernel made no port of a chip."""
    if _runs("brltty", root):
        return BRLTTY.format(how="has taken it")
    if "usbfs" in chip.drivers:
        return "a program drives it itself (its driver is usbfs). Close that program, then plug the cable in again"
    if not _is_loaded(chip.module, root):
        return f"the kernel module {chip.module} is not loaded. {_load(chip.module, root)}"
    if rule := _brltty_rule(chip, root):
        return BRLTTY.format(how=f"takes such chips ({rule})")
    return "the kernel has its module and made no port of it. Plug the cable in again; `sudo dmesg | tail` says why"


def _hand_over(port: str, root: Path) -> str:
    if in_container(root):
        return f"This is a container: `docker run --device /dev/{port}` starts one that has it"
    return "Plug the cable in again; without udev: sudo udevadm trigger"


def _load(module: str, root: Path) -> str:
    """Return how the module gets into the kernel."""
    if in_container(root):
        return f"This is a container: on the computer it runs on, type sudo modprobe {module}"
    release = platform.release()
    folder = root / "lib/modules" / release
    if f"/{module}.ko" in _text(folder / "modules.dep"):
        return f"Type: sudo modprobe {module}"
    if "microsoft" in release.lower():
        return "This kernel of WSL has none. On Windows, type: wsl --update"
    if not folder.exists():
        return f"The kernel that runs ({release}) has no modules on the disk, as after an update: restart the computer"
    return f"This kernel has none; on Ubuntu and Debian type: sudo apt install linux-modules-extra-{release}"


def _is_loaded(module: str, root: Path) -> bool:
    loaded = any(line.split(" ")[0] == module for line in _text(root / "proc/modules").splitlines())
    built_in = _text(root / "lib/modules" / platform.release() / "modules.builtin")
    return loaded or f"/{module}.ko" in built_in or (root / "sys/bus/usb/drivers" / module).exists()


def _runs(program: str, root: Path) -> bool:
    return any(_text(comm) == program for comm in (root / "proc").glob("[0-9]*/comm"))


def _brltty_rule(chip: Chip, root: Path) -> str:
    """Return the file in which udev is told to give such a chip to brltty; empty when there is none."""
    for folder in RULES:
        for file in sorted((root / folder).glob("*brltty*.rules")):
            lines = (line for line in _text(file).lower().splitlines() if not line.lstrip().startswith("#"))
            if any(f"{chip.vendor}/{chip.product}/" in line for line in lines):
                return f"/{folder}/{file.name}"
    return ""


def _ports(interface: Path) -> Iterator[str]:
    """Yield the ports of an interface: those of USB serial drivers lie in it, those of cdc_acm in its folder `tty`."""
    for place in (interface, interface / "tty"):
        yield from (each.name for each in sorted(place.glob("tty?*")))


def _text(file: Path) -> str:
    """Return what a file says; empty when it is not there, or says nothing to this user."""
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""

"""Finds the USB port of an arm, and says what is wrong when there is none, several, or one that does not open."""

import errno
import platform
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from roarm_lab.core.access import SERIAL, how_to_open
from roarm_lab.core.errors import BadInputError, RoarmLabError
from roarm_lab.hardware.link import Address, PortError, SeveralPortsError
from roarm_lab.hardware.port_sharing import CLOSE_IT, in_words, others_at, shared
from roarm_lab.hardware.usb_trouble import ROOT, chips, why_no_port

USB_VID, USB_PID = 0x10C4, 0xEA60
"""The arm's USB chip, a CP2102. Many other boards have it too."""
SILENT = (
    "The port {port} opens, but nothing answers. The arm has two USB sockets: the cable belongs into the one of the "
    "ESP32, not into the one for a LIDAR. Is the 12 V supply plugged in and switched on? After switching on, the arm "
    "takes up to 20 s."
)
STRANGER = (
    "Something answers on {port}, but it is no RoArm-M3: {count} bytes came and no line of them was its feedback{seen}."
    " Several boards have the same USB chip; name another port with serial:PORT (`list_ports()` lists them)."
)


@dataclass(frozen=True)
class Port:
    """One serial port of this computer."""

    device: str
    description: str
    is_candidate: bool
    """Whether its USB chip is the arm's."""
    serial_number: str = ""
    """Of its USB chip; empty where it has none. Older chips of this kind all have 0001."""


def list_ports() -> list[Port]:
    """Return all serial ports of this computer, those that may be an arm first."""
    from serial.tools import list_ports as pyserial  # noqa: PLC0415 - asks the system, and costs time to import

    ports = [
        Port(
            port.device,
            port.description or "",
            (port.vid, port.pid) == (USB_VID, USB_PID),
            port.serial_number or "",
        )
        for port in pyserial.comports()
    ]
    return sorted(ports, key=lambda port: (not port.is_candidate, port.device))


def find_port(ports: Callable[[], Iterable[Port]] = list_ports, *, root: Path = ROOT) -> str:
    """Return the port of the one arm that is plugged in.

    Args:
        ports: Says which ports there are.
        root: Where Linux tells about its devices, when there is none.

    Raises:
        PortError: There is none; or its chip is plugged in and has no port, with the reason; or there are several.
    """
    found = list(ports())
    candidates = [port.device for port in found if port.is_candidate]
    if not candidates:
        others = ", ".join(port.device for port in found) or "none at all"
        if trouble := _trouble(root):
            raise PortError(f"There is no port of an arm. {trouble} Ports here: {others}.", "unclaimed")
        raise PortError(
            f"No arm is plugged in: no serial port has the arm's USB chip (10C4:EA60). Ports here: {others}. "
            f"{_advice(root)}",
            "none",
        )
    if len(candidates) > 1:
        raise SeveralPortsError(
            f"Several ports could be the arm: {', '.join(candidates)}. Name one: serial:{candidates[0]}. "
            f"Unplug the arm and look with `list_ports()` which one goes away."
        )
    return candidates[0]


def why_none(root: Path = ROOT) -> str:
    """Return why there is no port of an arm, as far as one look at this computer tells, and what to do."""
    return _trouble(root) or _advice(root)


def usb_serial_of(place: str, ports: Callable[[], Iterable[Port]] = list_ports) -> str:
    """Return the serial number of the USB chip behind a port; empty where there is none. Links are followed."""
    device = Path(place).resolve()
    return next((port.serial_number for port in ports() if Path(port.device).resolve() == device), "")


def same_arm(address: str, usb_serial: str, ports: Callable[[], Iterable[Port]] = list_ports) -> str:
    """Return the address at which the arm with this USB serial number is; `address` itself where it is not on USB.

    Args:
        address: Where the arm was: `serial` finds it by its number, at `serial:PORT` it must still be.
        usb_serial: The number it had; empty when nobody knows.
        ports: Says which ports there are.

    Raises:
        LinkError: It is not plugged in.
        BadInputError: Another arm is at that port, or several have that number.
    """
    parsed = Address.parse(address)
    if parsed.kind != "serial" or not usb_serial:
        return address
    found = list(ports())
    having = [port.device for port in found if port.serial_number == usb_serial]
    if not parsed.place:
        others = ", ".join(f"{port.device} ({port.serial_number or 'none'})" for port in found if port.is_candidate)
        if not having and others:
            raise BadInputError(
                f"The arm with USB serial number {usb_serial!r} is not plugged in; others are: {others}. This is "
                f"another arm: give its own station file (`station=`), or make one: `set_up_arm()`"
            )
        return f"serial:{having[0] if len(having) == 1 else find_port(lambda: found)}"
    there = usb_serial_of(parsed.place, lambda: found)
    if there != usb_serial and Path(parsed.place).exists():
        elsewhere = f" That one is at serial:{having[0]}." if having else ""
        raise BadInputError(
            f"The arm at {parsed.place} has USB serial number {there or 'none'}, and the station's has {usb_serial!r}."
            f"{elsewhere} Another arm needs a station file of its own (`station=`), made by `set_up_arm()`."
        )
    return address


def shared_at(address: str) -> str:
    """Return in words that another program reads the port at an address; empty when none is known."""
    try:
        parsed = Address.parse(address)
        return shared(parsed.place or find_port()) if parsed.kind == "serial" else ""
    except RoarmLabError:  # no address, or no port
        return ""


def port_error(port: str, error: Exception, *, root: Path = ROOT) -> PortError:
    """Return why a port did not open and what to do about it; `root` is where Linux tells about its devices.

    What the serial library raises has no code on every system: then its text is all there is.
    """
    code, text = getattr(error, "errno", None), str(error)
    if code == errno.ENOENT or "FileNotFoundError" in text or "No such file" in text:
        return PortError(f"There is no port {port}. `list_ports()` lists those there are. {why_none(root)}", "absent")
    if code in {errno.EBUSY, errno.EAGAIN} or "exclusively lock" in text:
        who = in_words(others_at(port))
        return PortError(f"The port {port} is busy: another program has it{who}. {CLOSE_IT}.", "busy")
    if code in {errno.EACCES, errno.EPERM} or "PermissionError" in text:
        return PortError(f"The port {port} may not be opened. {permission_advice(port)}", "forbidden")
    if code in {errno.ENOTTY, errno.EISDIR} or "Inappropriate ioctl" in text:
        return PortError(f"{port} is no serial port. `list_ports()` lists those there are.", "not-serial")
    return PortError(f"The port {port} does not open: {text}.", "other")


def permission_advice(port: str) -> str:
    """Return how this user gets to open a port."""
    if sys.platform == "win32":
        return "Another program has it open, as a rule: close serial monitors and other control programs."
    return how_to_open(Path(port), SERIAL)


def _trouble(root: Path) -> str:
    return why_no_port(root) if sys.platform == "linux" else ""


def _advice(root: Path) -> str:
    if sys.platform == "win32":
        return "Windows needs the driver CP210x from Silicon Labs; the Device Manager shows whether it is there."
    if sys.platform == "darwin":
        return "Is it a data cable? On older macOS the driver CP210x from Silicon Labs is needed."
    if seen := chips(root):
        return f"Its USB chip may be the one at {' or '.join(f'/dev/{port}' for chip in seen for port in chip.ports)}."
    if "microsoft" in platform.release().lower():
        return "In WSL the port must be handed over first, on Windows: usbipd list, usbipd attach --wsl --busid BUSID."
    if not (root / "sys/bus/usb/devices").exists():
        return "This system shows no USB at all, as in a container: `docker run --device PORT` starts one that does."
    return "Its chip is not on USB at all: is it a data cable, and plugged in at both ends?"

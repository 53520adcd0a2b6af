"""Which camera this is: found on the USB bus and recognised again, so that the wrong one is noticed.

The number of a camera (usb:0) is the order in which Linux met it. It changes with the next plug, and then the laptop's
own camera stands where the Kinect was. Maker, product, serial number and port do not. One USB device can hold several
cameras (one for colour, one for infrared): its interface tells them apart.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.hardware.video4linux import Mode, VideoNode
from roarm_lab.robots.station import CAMERA

LISTING, DEVICES = Path("/sys/class/video4linux"), Path("/dev")
"""Where Linux lists cameras, and where it has them."""
FORM = "VENDOR:PRODUCT[:SERIAL][@PORT][#INTERFACE], for instance 045e:097d or 045e:097d:000123@2-1#0"
PARTS = ("usb_id", "serial", "bus_path", "interface")
BRIGHTNESS = ("GREY", "Y04", "Y06", "Y8I", "Y10", "Y10B", "Y10P", "Y12", "Y12I", "Y12P", "Y14", "Y14P", "Y16", "Y16I")
DISTANCE = ("Z16", "INZI", "CNF4")
"""Formats without colour, as infrared and depth cameras give them (<linux/videodev2.h>)."""


@dataclass(frozen=True, kw_only=True)
class CameraFingerprint:
    """What identifies a camera. An empty part is not known, or, of a wanted one, not asked for."""

    name: str = ""
    """As it calls itself. Two of a kind have the same."""
    usb_id: str = ""
    """Maker and product, as in 045e:097d."""
    serial: str = ""
    """Many cheap cameras have none, or all the same."""
    bus_path: str = ""
    """The USB port it is plugged into: bus, then the port of each hub on the way."""
    interface: str = ""
    """Which camera of its USB device: the number of the USB interface, and after a point that of a further stream."""
    modes: tuple[str, ...] = ()
    """Formats and sizes as in `MJPG 1280x720`. On a slow port a camera offers fewer."""

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return what stands in a text like 045e:097d:000123@2-1, as `str` writes it.

        Raises:
            BadInputError: It does not have that form.
        """
        parts = CAMERA.fullmatch(f"usb:{text.strip()}")
        if parts is None:
            raise BadInputError(f"A camera's fingerprint is written {FORM}; got {text!r}.")
        usb_id, serial, bus_path, interface = (part or "" for part in parts.group(*PARTS))
        return cls(usb_id=usb_id.lower(), serial=serial, bus_path=bus_path, interface=interface)

    def to_plain(self) -> dict[str, Any]:
        """Return it as texts, for JSON or YAML; unknown parts are left out."""
        return {key: list(value) if key == "modes" else value for key, value in asdict(self).items() if value}

    def __str__(self) -> str:
        """Return it as `VENDOR:PRODUCT[:SERIAL][@PORT][#INTERFACE]`; nothing where it is not on USB."""
        parts = ((":", self.serial), ("@", self.bus_path), ("#", self.interface))
        return self.usb_id + "".join(f"{sign}{part}" for sign, part in parts if part)

    def differences(self, found: "CameraFingerprint") -> list[str]:
        """Return in words how a camera differs from this, the wanted one; nothing where it is the same."""
        titles = {
            "name": "name",
            "usb_id": "maker and product",
            "serial": "serial number",
            "bus_path": "USB port",
            "interface": "interface",
        }
        pairs = {key: (getattr(self, key), getattr(found, key)) for key in titles}
        words = [
            f"{titles[key]}: {actual or 'not known'}, not {wanted}"
            for key, (wanted, actual) in pairs.items()
            if wanted and wanted != actual
        ]
        missing = [mode for mode in self.modes if mode not in found.modes]
        if missing:
            words.append(f"it does not offer {', '.join(missing)} (on a slow USB port?)")
        return words


@dataclass(frozen=True, kw_only=True)
class FoundCamera:
    """A camera that is plugged in."""

    index: int
    """The number in usb:0 and /dev/video0."""
    path: Path
    fingerprint: CameraFingerprint
    modes: tuple[Mode, ...] = ()
    trouble: str = ""
    """Why its formats are not known."""

    @property
    def colourless(self) -> bool:
        """Whether it is known to give no colour: an infrared or depth camera."""
        return bool(self.modes) and all(mode.fourcc in BRIGHTNESS + DISTANCE for mode in self.modes)

    def __str__(self) -> str:
        """Return name and fingerprint, and that it is no colour camera."""
        return f"{self.fingerprint.name} {self.fingerprint}{' (infrared or depth)' if self.colourless else ''}"

    def differences(self, wanted: CameraFingerprint) -> list[str]:
        """Return in words why this is not the wanted camera; nothing where it is.

        A fingerprint without an interface means a colour camera: the infrared one beside it is named with its own.
        """
        words = wanted.differences(self.fingerprint)
        if not words and self.colourless and not wanted.interface:
            named = replace(wanted, interface=self.fingerprint.interface)
            words = [f"it gives no colour: infrared or depth, and named with its interface: {named}"]
        return words


def found_cameras(listing: Path = LISTING, devices: Path = DEVICES) -> list[FoundCamera]:
    """Return the cameras that Linux knows, by their number. Opening them for questions disturbs nobody.

    Args:
        listing: The folder in which the kernel lists them.
        devices: The folder in which their devices are.
    """
    nodes = sorted((int(node.name[5:]), node) for node in listing.glob("video*") if node.name[5:].isdecimal())
    cameras = (_camera(index, node, devices / node.name) for index, node in nodes)
    return [camera for camera in cameras if camera is not None]


def camera_at(path: Path, listing: Path = LISTING, devices: Path = DEVICES) -> FoundCamera:
    """Return the camera whose device a path is, links followed (as from /dev/v4l/by-id).

    Raises:
        MissingError: There is none.
    """
    cameras = found_cameras(listing, devices)
    for camera in cameras:
        if camera.path.resolve() == path.resolve():
            return camera
    here = ", ".join(str(camera.path) for camera in cameras) or "none at all"
    raise MissingError(f"There is no camera at {path}. Plugged in: {here}.")


def find_camera(wanted: CameraFingerprint, listing: Path = LISTING, devices: Path = DEVICES) -> FoundCamera:
    """Return the one camera that has a fingerprint.

    Raises:
        MissingError: None has.
        BadInputError: Several have.
    """
    cameras = found_cameras(listing, devices)
    fitting = [camera for camera in cameras if not camera.differences(wanted)]
    if len(fitting) > 1:
        raise several_fit(wanted, fitting)
    if not fitting:
        them = ", ".join(map(str, cameras)) or "none at all"
        raise MissingError(f"The camera {wanted} is not plugged in. Plugged in: {them}.")
    return fitting[0]


def several_fit(wanted: CameraFingerprint, fitting: Sequence[FoundCamera]) -> BadInputError:
    """Return the error that says by what the cameras that fit a fingerprint can be told apart."""
    parts = {"serial": "the serial number", "bus_path": "the port", "interface": "the interface"}
    telling = [
        words
        for part, words in parts.items()
        if len({getattr(one.fingerprint, part) for one in fitting}) == len(fitting)
    ]
    them = ", ".join(map(str, fitting))
    return BadInputError(f"{len(fitting)} cameras are {wanted}: {them}. Add {' or '.join(telling) or 'all of it'}.")


def _camera(index: int, node: Path, path: Path) -> FoundCamera | None:
    """Return one camera; None for a device that gives no pictures."""
    modes, trouble = tuple[Mode, ...](), ""
    try:
        with VideoNode(path) as device:
            if not device.takes_pictures():
                return None
            modes = device.modes()
    except MissingError as error:
        if _text(node / "index") not in ("", "0"):  # the first device of a camera is the one with pictures
            return None
        trouble = str(error)
    usb = _usb_device(node)
    fingerprint = CameraFingerprint(
        name=_text(node / "name"),
        usb_id=f"{_text(usb / 'idVendor')}:{_text(usb / 'idProduct')}".lower() if usb else "",
        serial=_text(usb / "serial") if usb else "",
        bus_path=usb.name if usb else "",
        interface=_interface(node) if usb else "",
        modes=tuple(dict.fromkeys(f"{mode.fourcc} {mode.width_px}x{mode.height_px}" for mode in modes)),
    )
    return FoundCamera(index=index, path=path, fingerprint=fingerprint, modes=modes, trouble=trouble)


def _usb_device(node: Path) -> Path | None:
    """Return the folder of the USB device that a video device belongs to; None for one that is not on USB."""
    device = (node / "device").resolve()
    return next((folder for folder in (device, *device.parents) if (folder / "idVendor").is_file()), None)


def _interface(node: Path) -> str:
    """Return the number of the USB interface, the last one in 1-4:1.2, and that of a stream which is not its first."""
    number, stream = (node / "device").resolve().name.rpartition(".")[2], _text(node / "index")
    return number if stream in ("", "0") else f"{number}.{stream}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # the camera was pulled meanwhile, or the file is not there
        return ""

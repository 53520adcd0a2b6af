"""What to do with which camera, as values."""

from dataclasses import dataclass
from pathlib import Path

LISTING = Path("/sys/class/video4linux")
"""Where Linux lists cameras."""


@dataclass(frozen=True, kw_only=True)
class CameraRequest:
    """Which camera, and what is asked of it; what is left out stays as the camera has it."""

    source: str
    """Which camera, for instance usb:0."""
    size: tuple[int, int] | None = None
    """Width and height, for instance 1280 720."""
    rate_hz: float | None = None
    """Pictures a second."""
    fourcc: str = ""
    """Format, for instance MJPG: without compression most cameras are slow at large sizes."""
    exposure_s: float | None = None
    """Fixed exposure, for instance 0.01; brightness then does not depend on what is in view."""
    white_balance_k: float | None = None
    """Fixed colour temperature, for instance 4600."""

    def validate(self) -> None:
        """Refuse nothing yet: what a camera can do is asked of the camera."""


@dataclass(frozen=True, kw_only=True)
class PreviewCameraRequest(CameraRequest):
    """Show what a camera sees in the browser."""

    port: int = 8080
    """Port of the page; 0 takes any free one."""
    host: str = "127.0.0.1"
    """Address of the page. By default only this computer can open it."""


@dataclass(frozen=True, kw_only=True)
class MeasureCameraRequest(CameraRequest):
    """Measure the true rate, how much it varies, how old pictures are, and how many are lost."""

    seconds: float = 5.0
    """How long."""


@dataclass(frozen=True, kw_only=True)
class CheckCameraRequest:
    """Check that a USB camera is the wanted one: another plug, another number."""

    source: str
    """Which camera, for instance usb:0."""
    fingerprint: str
    """VENDOR:PRODUCT[:SERIAL][@PORT][#INTERFACE] as a list of cameras has it; what is left out is not
    compared, but without an interface only a colour camera fits."""
    listing: Path = LISTING
    """Where Linux lists cameras; another folder for a container or a test."""

    def validate(self) -> None:
        """Refuse nothing yet: the fingerprint is read when the camera has been found."""

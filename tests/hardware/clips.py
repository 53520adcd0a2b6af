"""Video files and folders as Linux lists cameras, made for tests."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np

SIZE_PX = (64, 48)
WAIT_S = 120.0  # nothing here is slow, but the machine may be


def write_clip(path: Path, colors_rgb: Iterable[tuple[int, int, int]], rate_hz: float = 30.0) -> Path:
    """Write a video of pictures of one colour each."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate_hz, SIZE_PX)
    assert writer.isOpened()
    for color in colors_rgb:
        writer.write(np.full((SIZE_PX[1], SIZE_PX[0], 3), color[::-1], np.uint8))
    writer.release()
    return path


def greys(count: int) -> list[tuple[int, int, int]]:
    """Return pictures that can be told apart: number k has the brightness 10 k."""
    return [(10 * number,) * 3 for number in range(count)]


def wait_until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def list_camera(
    root: Path,
    index: int,
    name: str,
    *,
    usb: tuple[str, str, str] | None = None,
    port: str = "1-4",
    interface: int = 0,
    node: int = 0,
) -> Path:
    """Add a camera to a listing as below /sys and return the listing.

    Args:
        root: The folder that stands for /sys.
        index: The number of the video device.
        name: What the camera is called.
        usb: Vendor, product and serial number; None for a camera on no USB port.
        port: Its USB port.
        interface: Number of the USB interface.
        node: Which of the camera's devices this is: 0 gives pictures, 1 tells about them.
    """
    listing = root / "class" / "video4linux"
    listing.mkdir(parents=True, exist_ok=True)
    device = root / "devices" / "pci0" / "usb1" / port
    home = device / f"{port}:1.{interface}" / "video4linux" / f"video{index}"
    if usb is None:
        home = root / "devices" / "virtual" / "video4linux" / f"video{index}"
    home.mkdir(parents=True)
    (home / "name").write_text(f"{name}\n")
    (home / "index").write_text(f"{node}\n")
    if usb is not None:
        (home / "device").symlink_to(Path("../..") / ".." / f"{port}:1.{interface}")
        for file, text in zip(("idVendor", "idProduct", "serial"), usb, strict=True):
            if text:
                (device / file).write_text(f"{text}\n")
    (listing / f"video{index}").symlink_to(home)
    return listing

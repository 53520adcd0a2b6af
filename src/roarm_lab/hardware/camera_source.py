"""Cameras by name: `usb:0`, `usb:045e:097d`, `kinect:0`, `file:clip.mp4`, `rtsp://host/path`, `sim:front`."""

from dataclasses import dataclass
from pathlib import Path

from roarm_lab.core.errors import BadInputError
from roarm_lab.hardware.camera import ThreadedCamera
from roarm_lab.hardware.camera_fingerprint import CameraFingerprint
from roarm_lab.hardware.camera_settings import CameraSettings
from roarm_lab.hardware.kinect_camera import kinect_camera
from roarm_lab.hardware.opencv_camera import file_camera, stream_camera, usb_camera

KINDS = {
    "usb": "usb:0, usb:/dev/video2 or usb:045e:097d",
    "kinect": "kinect:0",
    "file": "file:clip.mp4",
    "sim": "sim:front",
    "rtsp": "rtsp://host/path",
    "http": "http://host/path",
    "https": "https://host/path",
}
STREAMS = ("rtsp", "http", "https")


@dataclass(frozen=True)
class Source:
    """Where pictures come from."""

    kind: str
    """One of `KINDS`."""
    where: str
    """What stands after the colon; the whole address of a stream."""

    @property
    def device(self) -> int | str:
        """The number of a camera, or what else stands after the colon."""
        return int(self.where) if self.where.isdecimal() else self.where


def parse_source(text: str) -> Source:
    """Return the camera that a text names.

    Raises:
        BadInputError: It names none; says how they are written.
    """
    kind, colon, where = text.partition(":")
    if kind not in KINDS or not colon or not where:
        raise BadInputError(f"{text!r} is no camera. Write one of: {', '.join(KINDS.values())}.")
    if kind == "kinect" and not where.isdecimal():
        raise BadInputError(f"A Kinect is named by a number counted from 0, as in kinect:0; got {text!r}.")
    if kind == "usb" and not (where.isdecimal() or where.startswith("/")):
        CameraFingerprint.from_text(where)  # refuses what is none
    return Source(kind, text if kind in STREAMS else where)


def open_camera(source: Source, settings: CameraSettings | None = None) -> ThreadedCamera:
    """Return an open camera; simulated ones are made elsewhere, by whoever has the simulation.

    Raises:
        MissingError: It is not there, or something is not installed.
        BadInputError: It does not do what the settings ask for, or has none.
    """
    if settings not in (None, CameraSettings()) and source.kind not in ("usb", "kinect"):
        raise BadInputError(
            f"Size, rate, format, exposure and white balance can be set on usb: and kinect: only, not {source.kind}:."
        )
    match source.kind:
        case "usb":
            return usb_camera(source.device, settings)
        case "kinect":
            return kinect_camera(int(source.where), settings)
        case "file":
            return file_camera(Path(source.where))
        case "sim":
            raise BadInputError("A simulated camera belongs to a simulated arm: RenderedCamera(arm, 'front').")
        case _:
            return stream_camera(source.where)

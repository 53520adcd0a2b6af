"""The steps of a setup that do not move the arm. Each takes the station as it is and returns it as it is then."""

import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from roarm_lab.core.errors import BadInputError, UnsafeCommandError
from roarm_lab.core.findings import State
from roarm_lab.hardware.camera_fingerprint import CameraFingerprint, FoundCamera, found_cameras, several_fit
from roarm_lab.hardware.diagnosis import findings
from roarm_lab.hardware.link import Address
from roarm_lab.hardware.port_discovery import find_port as port_of_the_arm
from roarm_lab.hardware.port_discovery import same_arm, usb_serial_of
from roarm_lab.hardware.probe import Evidence, listen
from roarm_lab.hardware.protocol import Firmware
from roarm_lab.hardware.roarm_m3 import RoArmM3
from roarm_lab.robots.estop import EstopFile
from roarm_lab.robots.gate_config import Workspace
from roarm_lab.robots.robot import Robot, Vec3
from roarm_lab.robots.station import CAMERA, CAMERA_FORM, Station
from roarm_lab.workflows.arm_session import connect_real
from roarm_lab.workflows.devices.setup_request import SetupRequest
from roarm_lab.workflows.frontend import Frontend, Notice, Question, ask_value, end_if_cancelled, permitted

T = TypeVar("T")

STOP_FILE = Path(tempfile.gettempdir()) / "roarm-stop"


class LeftOutError(Exception):
    """A step was not done; the text says why. The station stays as it was."""


@dataclass
class SetupContext:
    """What the steps work with."""

    request: SetupRequest
    frontend: Frontend
    robot: Robot
    _heard: list[Evidence] = field(default_factory=list[Evidence])

    def say(self, text: str) -> None:
        """Tell what is done or found."""
        self.frontend.tell(Notice(code="step", text=text))

    def may_move(self, text: str) -> bool:
        """Ask whether the arm may move."""
        return permitted(self.frontend, "arm-moves", text)

    def end_if_cancelled(self) -> None:
        """End here if the front end wants it.

        Raises:
            CancelledError: It does.
        """
        end_if_cancelled(self.frontend)

    def text(self, question: str, default: str) -> str:
        """Ask for a text; without an answer it is the default."""
        return self.frontend.ask(Question(code="value", text=question, default=default)) or default

    def value(self, question: str, default: str, read: Callable[[str], T]) -> T:
        """Ask until `read` makes a value of the answer."""
        return ask_value(self.frontend, question, default, read)

    def address(self, station: Station) -> str:
        """Return where the arm is.

        Raises:
            BadInputError: Another arm is there.
            LinkError: It is not plugged in.
        """
        return same_arm(self.request.arm or station.address, station.usb_serial)

    def heard(self, station: Station) -> Evidence:
        """Return what the arm says; it is listened to once."""
        if not self._heard:
            self.say("  listening (about 5 s; up to 30 s while it starts) ...")
            self._heard.append(listen(self.address(station)))
        return self._heard[0]

    @contextmanager
    def arm(self, station: Station) -> Generator[RoArmM3]:
        """Yield the arm as the station has it until now."""
        with connect_real(self.request.arm, self.robot, station) as arm:
            yield arm

    def check_fast_enough(self, station: Station, arm: RoArmM3) -> None:
        """Refuse a connection that tells the pose too seldom to drive the arm.

        Raises:
            LeftOutError: This one does.
        """
        if Address.parse(self.address(station)).kind == "http" and arm.firmware is Firmware.FW26:
            raise LeftOutError("over its Wi-Fi this firmware tells the pose once a second. Use the USB cable.")


def find_port(context: SetupContext, station: Station) -> Station:
    """Find the arm and its USB serial number."""
    wanted = context.request.arm or station.address
    address = context.address(station)
    parsed = Address.parse(address)
    serial = ""
    if parsed.kind == "serial":
        serial = usb_serial_of(parsed.place or port_of_the_arm())
    heard = context.heard(station)
    if not heard.understood:
        _refuse(heard, station, context)
    number = f", USB serial number {serial}" if serial else ", which has no USB serial number"
    context.say(f"  an arm answers at {address}{number}")
    name = context.text("  What do you call this place?", station.name)
    return replace(station, name=name, address=wanted, usb_serial=serial)


def see_firmware(context: SetupContext, station: Station) -> Station:
    """Detect the firmware."""
    heard = context.heard(station)
    if heard.firmware is None:
        _refuse(heard, station, context)
    context.say(f"  the firmware of {heard.firmware} answers")
    return replace(station, firmware=str(heard.firmware))


def check_servos(context: SetupContext, station: Station) -> Station:
    """Look whether the servos have power and are read."""
    heard = context.heard(station)
    if any(finding.state is State.BAD for finding in findings(heard, station)):
        _refuse(heard, station, context)
    for finding in findings(heard, station):
        context.say(f"  {finding.state}  {finding.says} ({finding.evidence})")
    return station


def set_limits(context: SetupContext, station: Station) -> Station:
    """Ask for joint ranges, table and workspace."""
    limits = dict(station.limits_rad)
    for joint in context.robot.joints:
        old = limits.get(joint.name, (joint.lower_rad, joint.upper_rad))
        question = f"  {joint.name:<9} lower and upper [rad], inside {joint.lower_rad:g} {joint.upper_rad:g}"
        pair = context.value(
            question, _words(old), lambda text, name=joint.name: _range(context.robot, station, name, text)
        )
        if pair != (joint.lower_rad, joint.upper_rad) or joint.name in limits:
            limits[joint.name] = pair
    box, height_m = station.workspace_m, station.table_height_m
    height = context.value(
        "  table height [m], or none",
        "none" if height_m is None else f"{height_m:g}",
        lambda text: _height_of(context.robot, text),
    )
    words = "none" if box is None else _words((*box.lower_w, *box.upper_w))
    workspace = context.value("  box for the hand, x y z to x y z [m], or none", words, _box_of)
    changed = replace(station, limits_rad=limits, table_height_m=height, workspace_m=workspace)
    changed.check(context.robot)
    return changed


def name_cameras(context: SetupContext, station: Station) -> Station:
    """Ask for a name for each camera that is plugged in.

    Raises:
        LeftOutError: There is none, and none was named before.
    """
    cameras, plugged_in = dict(station.cameras), found_cameras(context.request.listing)
    named = {name: CameraFingerprint.from_text(source.removeprefix("usb:")) for name, source in cameras.items()}
    for found in plugged_in:
        source = f"usb:{found.fingerprint}"
        if not CAMERA.fullmatch(source):
            continue
        known = next((name for name, wanted in named.items() if _only(wanted, plugged_in) == found), "")
        name = context.text(f"  {found}: its name", known)
        if name:
            cameras[name] = source if not known else cameras[known]
    if not cameras:
        raise LeftOutError(f"no camera. One can be added later, or by hand: cameras: name: {CAMERA_FORM}")
    for name, source in cameras.items():
        context.say(f"  {name}: {source}{_doubt(source, plugged_in)}")
    return replace(station, cameras=cameras)


def place_stop_file(context: SetupContext, station: Station) -> Station:
    """Ask for the stop file."""
    given = context.request.stop_file is not None
    default = station.stop_file if station.stop_file or given else str(STOP_FILE)
    path = context.value("  path of the stop file (a dash for none)", default, _stop_file_of)
    if path:
        context.say(f"  `touch {path}` in any terminal stops the arm; remove it before going on")
    return replace(station, stop_file=path)


def _only(wanted: CameraFingerprint, plugged_in: Sequence[FoundCamera]) -> FoundCamera | None:
    """Return the one camera that has a fingerprint; None where none has, or several."""
    fitting = [camera for camera in plugged_in if not camera.differences(wanted)]
    return fitting[0] if len(fitting) == 1 else None


def _doubt(source: str, plugged_in: Sequence[FoundCamera]) -> str:
    """Return why a camera would not be found by what the station says; nothing where it would."""
    wanted = CameraFingerprint.from_text(source.removeprefix("usb:"))
    fitting = [camera for camera in plugged_in if not camera.differences(wanted)]
    if len(fitting) > 1:
        return f" - careful: {several_fit(wanted, fitting)}"
    return "" if fitting else " - not plugged in now"


def _refuse(heard: Evidence, station: Station, context: SetupContext) -> None:
    """Say what is wrong, and end."""
    bad = [finding for finding in findings(heard, station) if finding.state is State.BAD]
    for finding in bad:
        context.say(f"  {finding.state}  {finding.says}\n       measured  {finding.evidence}")
    first = bad[0] if bad else None
    says, then = (
        (first.says, first.next) if first else ("the arm does not say which firmware it has", "`check_install()`")
    )
    raise UnsafeCommandError(f"{says}. Next: {then}. Then this step again; `diagnose()` looks at it alone.")


def _words(numbers: tuple[float, ...]) -> str:
    return " ".join(f"{number:g}" for number in numbers)


def _numbers_of(text: str, count: int) -> tuple[float, ...]:
    try:
        numbers = tuple(float(word) for word in text.replace(",", " ").split())
    except ValueError as error:
        raise BadInputError(f"{count} numbers are expected, got {text!r}.") from error
    if len(numbers) != count:
        raise BadInputError(f"{count} numbers are expected, got {text!r}.")
    return numbers


def _range(robot: Robot, station: Station, joint: str, text: str) -> tuple[float, float]:
    lower, upper = _numbers_of(text, 2)
    facts = robot.joint(joint)
    if text == _words((facts.lower_rad, facts.upper_rad)):  # rounded for people
        return facts.lower_rad, facts.upper_rad
    replace(station, limits_rad={joint: (lower, upper)}).check(robot)
    return lower, upper


def _height_of(robot: Robot, text: str) -> float | None:
    if text in {"none", "-"}:
        return None
    height_m = _numbers_of(text, 1)[0]
    Station(robot=robot.name, table_height_m=height_m).check(robot)
    return height_m


def _box_of(text: str) -> Workspace | None:
    if text in {"none", "-"}:
        return None
    x, y, z, to_x, to_y, to_z = _numbers_of(text, 6)
    lower: Vec3 = (x, y, z)
    return Workspace(lower_w=lower, upper_w=(to_x, to_y, to_z))


def _stop_file_of(text: str) -> str:
    return "" if text in {"", "-", "none"} else str(EstopFile(text).path)

"""One arm at one place: where it is, by how much its angles are off, what it may do there; kept in `station.yaml`."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any, cast

from roarm_lab.core.configs import dump_yaml, load_yaml
from roarm_lab.core.errors import BadInputError, UnknownKeyError
from roarm_lab.core.files import canonical_json, sha256_of
from roarm_lab.robots.estop import EstopFile
from roarm_lab.robots.gate_config import GateRules, Workspace, tightened
from roarm_lab.robots.robot import Robot, Vec3

FILE = Path("station.yaml")
"""Where it is looked for and written unless told otherwise: in the working folder."""
MAX_OFFSET_RAD = 0.3
"""A choice: a horn put on one tooth further (25 teeth) is 0.25 rad off. What is more is a mounting mistake."""
CAMERA = re.compile(
    r"usb:(?P<usb_id>[0-9a-fA-F]{4}:[0-9a-fA-F]{4})(:(?P<serial>.*?))?(@(?P<bus_path>[^@#]+))?(#(?P<interface>[0-9.]+))?"
)
CAMERA_FORM = "usb:VENDOR:PRODUCT[:SERIAL][@PORT][#INTERFACE], for instance usb:045e:097d"


@dataclass(frozen=True, kw_only=True)
class Station:
    """What a station file says. Joints that it leaves out have no offset and the hardware's range."""

    robot: str
    """Which robot: its name."""
    name: str = "station"
    """What people call this place; it goes into the summary of every run."""
    address: str = "serial"
    """Where the arm is, for instance `serial`."""
    usb_serial: str = ""
    """Serial number of the arm's USB chip, by which another arm is noticed; empty where it has none."""
    firmware: str = ""
    """Which firmware answered when the station was set up."""
    calibration_rad: Mapping[str, float] = field(default_factory=dict[str, float])
    """Measured minus true angle by joint name [rad]."""
    limits_rad: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    """(lower, upper) by joint name [rad], true angles; inside the hardware's range."""
    workspace_m: Workspace | None = None
    """The box that the hand stays in; None for anywhere above the table."""
    table_height_m: float | None = 0.0
    """Height of the table above the arm's foot [m]; None where there is none."""
    stop_file: str = ""
    """While this file exists nothing is sent; empty for none."""
    cameras: Mapping[str, str] = field(default_factory=dict[str, str])
    """Fingerprint by camera name, as a source: `usb:045e:097d:000123@2-1#0`."""

    @property
    def hash(self) -> str:
        """Names what the file says, as 64 hex digits; comments and the order of lines do not count."""
        return sha256_of(canonical_json(_plain(self)))

    def rules(self) -> GateRules:
        """Return what the gate enforces here."""
        return GateRules(station_limits=self.limits_rad, workspace=self.workspace_m, table_height_m=self.table_height_m)

    def offsets_rad(self, robot: Robot) -> tuple[float, ...]:
        """Return measured minus true angle of every joint, in the order of `robot.joint_names` [joint] rad."""
        return tuple(self.calibration_rad.get(name, 0.0) for name in robot.joint_names)

    def estop_file(self) -> EstopFile | None:
        """Return the stop file as a stop source; None where there is none.

        Raises:
            BadInputError: Its folder does not exist.
        """
        return EstopFile(self.stop_file) if self.stop_file else None

    def facts(self) -> dict[str, Any]:
        """Return what belongs beside a result: name, hash, robot, firmware and offsets, as plain JSON values."""
        return {
            "name": self.name,
            "hash": self.hash,
            "robot": self.robot,
            "firmware": self.firmware,
            "calibration_rad": dict(self.calibration_rad),
        }

    def check(self, robot: Robot) -> None:
        """Refuse a station that is another robot's, or whose numbers make no sense for this one.

        Raises:
            UnknownNameError: The robot has no such joint.
            BadInputError: Another robot; an offset, limit, height, camera or stop file that can not be used.
        """
        if self.robot != robot.name:
            raise BadInputError(f"This is the station of a {self.robot!r}, and the arm is a {robot.name!r}.")
        for joint, offset_rad in self.calibration_rad.items():
            robot.joint(joint)
            if not -MAX_OFFSET_RAD <= offset_rad <= MAX_OFFSET_RAD:
                raise BadInputError(
                    f"calibration_rad.{joint} must be -{MAX_OFFSET_RAD} to {MAX_OFFSET_RAD} rad, got {offset_rad}. An "
                    f"arm that is off by more is mounted wrongly."
                )
        tightened(robot, self.limits_rad)
        self.rules()
        for name, source in self.cameras.items():
            if not CAMERA.fullmatch(source):
                raise BadInputError(f"cameras.{name} must be written {CAMERA_FORM}; got {source!r}.")


def load_station(path: Path | str, robot: Robot) -> Station:
    """Return the station in a file, checked for this robot.

    Raises:
        BadInputError: The file is missing, does not fit the robot, has a key nobody knows, or a value that can not be;
            the text names file and key.
    """
    path = Path(path)
    plain = load_yaml(path)
    try:
        return station_of(plain, robot)
    except BadInputError as error:
        raise BadInputError(f"{path}: {error}") from error


def station_of(plain: Mapping[str, Any], robot: Robot) -> Station:
    """Return a station from plain data, as it stands in the file.

    Raises:
        BadInputError: See `load_station`.
    """
    known = [part.name for part in fields(Station)]
    for key in plain:
        if key not in known:
            raise UnknownKeyError("The station", key, known)
    if "robot" not in plain:
        raise BadInputError(f"The key robot is missing; it says whose station this is, for instance {robot.name}.")
    values: dict[str, Any] = {key: _READ[key](value, key) for key, value in plain.items()}
    station = Station(**values)
    station.check(robot)
    return station


def station_yaml(station: Station) -> str:
    """Return the text of the station file, with a line above each part that says what it is."""
    plain = _plain(station)
    parts = [f"# {comment}\n{_lines(key, plain[key])}" for key, comment in _COMMENTS.items()]
    return "# One arm at one place. Written by the setup; may be edited by hand.\n\n" + "\n".join(parts)


def _lines(key: str, value: object) -> str:
    flow = None if isinstance(value, Mapping) else False  # the innermost lists and tables on one line each
    return dump_yaml({key: value}, flow=flow)


def _plain(station: Station) -> dict[str, Any]:
    box, height_m = station.workspace_m, station.table_height_m
    return {
        **{part.name: getattr(station, part.name) for part in fields(Station)},
        "calibration_rad": {name: float(offset_rad) for name, offset_rad in station.calibration_rad.items()},
        "limits_rad": {name: [*map(float, limits)] for name, limits in station.limits_rad.items()},
        "workspace_m": box and {"lower": [*map(float, box.lower_w)], "upper": [*map(float, box.upper_w)]},
        "table_height_m": None if height_m is None else float(height_m),
        "cameras": dict(station.cameras),
    }


def _text(value: object, key: str) -> str:
    if isinstance(value, date):  # what YAML makes of 2026-07-01 without quotes
        value = value.isoformat()
    if not isinstance(value, str):
        raise BadInputError(f"{key} must be text, got {value!r}; put it in quotes.")
    return value


def _number(value: object, key: str) -> float:
    try:
        if not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    except OverflowError:  # a whole number of hundreds of digits
        raise BadInputError(f"{key} is too large a number.") from None
    raise BadInputError(f"{key} must be a finite number, got {value!r}.")


def _numbers(value: object, key: str, count: int) -> tuple[float, ...]:
    if not isinstance(value, list) or len(cast("list[object]", value)) != count:
        raise BadInputError(f"{key} must be a list of {count} numbers, got {value!r}.")
    return tuple(_number(item, f"{key}[{i}]") for i, item in enumerate(cast("list[object]", value)))


def _table(value: object, key: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise BadInputError(f"{key} must hold `name: value` lines, got {value!r}.")
    return {str(name): item for name, item in cast("Mapping[object, Any]", value).items()}


def _offsets(value: object, key: str) -> dict[str, float]:
    return {joint: _number(item, f"{key}.{joint}") for joint, item in _table(value, key).items()}


def _limits(value: object, key: str) -> dict[str, tuple[float, float]]:
    pairs = {joint: _numbers(item, f"{key}.{joint}", 2) for joint, item in _table(value, key).items()}
    return {joint: (lower, upper) for joint, (lower, upper) in pairs.items()}


def _workspace(value: object, key: str) -> Workspace | None:
    if value is None:
        return None
    box = _table(value, key)
    for end in box:
        if end not in {"lower", "upper"}:
            raise UnknownKeyError(key, end, ("lower", "upper"))
    if len(box) < 2:
        raise BadInputError(f"{key} must have lower and upper, three numbers each [m].")
    lower, upper = (cast("Vec3", _numbers(box[end], f"{key}.{end}", 3)) for end in ("lower", "upper"))
    return Workspace(lower_w=lower, upper_w=upper)


def _height(value: object, key: str) -> float | None:
    return None if value is None else _number(value, key)


def _cameras(value: object, key: str) -> dict[str, str]:
    return {name: _text(item, f"{key}.{name}") for name, item in _table(value, key).items()}


_READ = {
    "robot": _text,
    "name": _text,
    "address": _text,
    "usb_serial": _text,
    "firmware": _text,
    "calibration_rad": _offsets,
    "limits_rad": _limits,
    "workspace_m": _workspace,
    "table_height_m": _height,
    "stop_file": _text,
    "cameras": _cameras,
}
"""Key -> what makes its value out of what stands in the file."""
_COMMENTS = {
    "name": "What people call this place.",
    "robot": "Which robot: its name.",
    "address": "Where the arm is: serial, serial:PORT, http:HOST, rfc2217://HOST:PORT.",
    "usb_serial": "Serial number of its USB chip: another arm at this port is refused. Empty: not compared.",
    "firmware": "Which firmware answered when this was written.",
    "calibration_rad": "Measured minus true angle [rad].",
    "limits_rad": "Lower and upper angle [rad] where this place allows less than the arm can; never more.",
    "workspace_m": "The box that the hand stays in, lower and upper x, y, z [m]; null: anywhere above the table.",
    "table_height_m": "Height of the table above the arm's foot [m]; null: there is none.",
    "stop_file": "While this file exists nothing is sent. Empty: none.",
    "cameras": "Name: fingerprint, as a list of cameras has it.",
}

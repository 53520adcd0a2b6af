"""Set up an arm at its place: one step after the other; the station file is written after each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from roarm_lab.core.files import write_atomic
from roarm_lab.core.shown import shown
from roarm_lab.hardware.link import Address
from roarm_lab.robots.gate_config import Workspace
from roarm_lab.robots.robot import Robot
from roarm_lab.robots.station import Station, load_station, station_yaml
from roarm_lab.robots.table import get_robot
from roarm_lab.workflows.devices.setup_motion import check_motion, find_zero
from roarm_lab.workflows.devices.setup_request import STEPS, SetupRequest
from roarm_lab.workflows.devices.setup_steps import (
    LeftOutError,
    SetupContext,
    check_servos,
    find_port,
    name_cameras,
    place_stop_file,
    see_firmware,
    set_limits,
)
from roarm_lab.workflows.frontend import UNATTENDED, Frontend, require_permission

DO: dict[str, Callable[[SetupContext, Station], Station]] = {
    "port": find_port,
    "firmware": see_firmware,
    "servos": check_servos,
    "zero": find_zero,
    "motion": check_motion,
    "limits": set_limits,
    "cameras": name_cameras,
    "stop": place_stop_file,
}
"""Step -> takes the station as it is, returns it as it is then."""


@dataclass(frozen=True, kw_only=True)
class SetupResult:
    """What was set up."""

    path: Path
    """The station file."""
    station: Station
    """What it says."""
    done: tuple[str, ...]
    """Steps that were done."""
    left_out: tuple[str, ...]
    """Steps that were left out."""


def set_up_arm(request: SetupRequest, frontend: Frontend = UNATTENDED) -> SetupResult:
    """Do the steps that were asked for, and write the station file after each.

    Args:
        request: Which steps, and what is known already.
        frontend: Is asked; hears what is found. Before the arm moves it is asked each time.

    Raises:
        BadInputError: The file or an option can not be used; nothing was done then.
        KeyboardInterrupt: Ctrl-C; what was done is kept, and a moving arm is held.
        MissingError: No arm answers.
        NotPermittedError: An existing file may not be renewed.
        UnsafeCommandError: A step found something wrong; what was done before is kept.
    """
    request.validate()
    path, robot = request.station, get_robot(request.robot)
    found = load_station(path, robot) if path.exists() else None
    station = with_options(found or Station(robot=robot.name), request, robot)
    Address.parse(request.arm or station.address)
    if found:
        require_permission(frontend, "overwrite", f"{path} exists. Renew it? What it says is the default.")
    context, done, left_out = SetupContext(request=request, frontend=frontend, robot=robot), list[str](), list[str]()
    try:
        for name in [request.step] if request.step else STEPS:
            context.say(f"\n{name}: {STEPS[name]}")
            station, why_not = _tried(name, context, station)
            station.check(robot)
            write_atomic(path, station_yaml(station), overwrite=bool(found or done or left_out))
            (left_out if why_not else done).append(name)
    finally:
        if done or left_out:
            context.say(_ending(path, station, done, left_out))
    return SetupResult(path=path, station=station, done=tuple(done), left_out=tuple(left_out))


def _tried(name: str, context: SetupContext, station: Station) -> tuple[Station, str]:
    """Return the station after a step, and why the step was left out; nothing where it was done."""
    try:
        return DO[name](context, station), ""
    except LeftOutError as why:
        context.say(f"  left out: {why}")
        return station, str(why)


def _ending(path: Path, station: Station, done: list[str], left_out: list[str]) -> str:
    """Return what the file has now, and from which steps it has nothing."""
    named = f"station {station.name!r}, {station.hash[:12]}"
    missing = f"; left out: {', '.join(left_out)}" if left_out else ""
    return f"\n{path} ({named}) has what was found by: {', '.join(done) or 'no step'}{missing}"


def with_options(station: Station, request: SetupRequest, robot: Robot) -> Station:
    """Return the station with what the request says.

    Raises:
        BadInputError: That can not be.
    """
    box = request.workspace_m
    changes: dict[str, Any] = {
        "name": request.name,
        "table_height_m": request.table_height_m,
        "stop_file": request.stop_file,
        "workspace_m": None if box is None else Workspace(lower_w=box[:3], upper_w=box[3:]),
        "limits_rad": {**station.limits_rad, **{name: (lower, upper) for name, lower, upper in request.limits}},
        "cameras": {**station.cameras, **dict(request.camera)},
    }
    for joint, _ in request.zero_deg:
        robot.joint(joint)
    changed = replace(station, **{key: value for key, value in changes.items() if value is not None})
    changed.check(robot)
    stop = changed.estop_file()
    return replace(changed, stop_file=str(stop.path) if stop else "")


def station_text(path: Path, robot: str = "roarm_m3") -> str:
    """Return what a station file says, or that there is none.

    Raises:
        BadInputError: It can not be used.
    """
    if not path.exists():
        return f"There is no {shown(path)} yet.\n"
    station = load_station(path, get_robot(robot))
    return f"{shown(path)}, {station.hash[:12]}:\n\n{station_yaml(station)}"

"""Setting up as the command line does it: asks, does one step after the other, and writes the station after each."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from roarm_lab.cli.devices.setup import STEPS, SetupArguments
from roarm_lab.cli.setup_prompts import Person
from roarm_lab.core.files import write_atomic
from roarm_lab.core.shown import shown
from roarm_lab.hardware.link import Address
from roarm_lab.robots.gate_config import Workspace
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.robots.station import Station, load_station, station_yaml
from roarm_lab.workflows.devices.setup_motion import check_motion, find_zero
from roarm_lab.workflows.devices.setup_steps import (
    Bench,
    LeftOutError,
    check_servos,
    find_port,
    name_cameras,
    place_stop_file,
    see_firmware,
    set_limits,
)

DO: dict[str, Callable[[Bench, Station], Station]] = {
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
NOTHING_DONE = 1


def set_up(arguments: SetupArguments) -> int:
    """Do the steps that were asked for; return 0, or 1 where a person said no or all were left out.

    Raises:
        BadInputError: The file or a flag can not be used; nothing was done then.
        MissingError: No arm answers.
        UnsafeCommandError: A step found something wrong; what was done before is kept.
        KeyboardInterrupt: Ctrl-C; what was done is kept, and a moving arm is held.
    """
    path, person = arguments.station, Person(arguments.yes)
    found = load_station(path, ROARM_M3) if path.exists() else None
    station = with_flags(found or Station(robot=ROARM_M3.name), arguments)
    Address.parse(arguments.arm or station.address)
    if found and not person.may(f"{path} exists. Renew it? What it says is the default."):
        person.say("Nothing was done.")
        return NOTHING_DONE
    bench, done, left_out = Bench(arguments=arguments, person=person), list[str](), list[str]()
    try:
        for name in [arguments.step] if arguments.step else STEPS:
            person.say(f"\n{name}: {STEPS[name]}")
            station, why_not = _tried(name, bench, station)
            station.check(ROARM_M3)
            write_atomic(path, station_yaml(station), overwrite=bool(found or done or left_out))
            (left_out if why_not else done).append(name)
    finally:
        if done or left_out:
            person.say(_ending(path, station, done, left_out))
    return 0 if done else NOTHING_DONE


def _tried(name: str, bench: Bench, station: Station) -> tuple[Station, str]:
    """Return the station after a step, and why the step was left out; nothing where it was done."""
    try:
        return DO[name](bench, station), ""
    except LeftOutError as why:
        bench.person.say(f"  left out: {why}")
        return station, str(why)


def _ending(path: Path, station: Station, done: list[str], left_out: list[str]) -> str:
    """Return what the file has now, and from which steps it has nothing."""
    named = f"station {station.name!r}, {station.hash[:12]}"
    missing = f"; left out: {', '.join(left_out)}" if left_out else ""
    return f"\n{path} ({named}) has what was found by: {', '.join(done) or 'no step'}{missing}"


def with_flags(station: Station, arguments: SetupArguments) -> Station:
    """Return the station with what the flags say.

    Raises:
        BadInputError: That can not be.
    """
    box = arguments.workspace_m
    changes: dict[str, Any] = {
        "name": arguments.name,
        "table_height_m": arguments.table_height_m,
        "stop_file": arguments.stop_file,
        "workspace_m": None if box is None else Workspace(lower_w=box[:3], upper_w=box[3:]),
        "limits_rad": {**station.limits_rad, **{name: (lower, upper) for name, lower, upper in arguments.limits}},
        "cameras": {**station.cameras, **dict(arguments.camera)},
    }
    for joint, _ in arguments.zero_deg:
        ROARM_M3.joint(joint)
    changed = replace(station, **{key: value for key, value in changes.items() if value is not None})
    changed.check(ROARM_M3)
    stop = changed.estop_file()
    return replace(changed, stop_file=str(stop.path) if stop else "")


def told(path: Path) -> str:
    """Return what a station file says, or that there is none.

    Raises:
        BadInputError: It can not be used.
    """
    if not path.exists():
        return f"There is no {shown(path)} yet.\n"
    station = load_station(path, ROARM_M3)
    return f"{shown(path)}, {station.hash[:12]}:\n\n{station_yaml(station)}"

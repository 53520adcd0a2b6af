"""What `roarm arm` does with the arm it was given."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from roarm_lab.cli.prompts import agreed
from roarm_lab.cli.start.robots import grid
from roarm_lab.core.errors import BadInputError
from roarm_lab.gateway.loop import SLOW_RAD_S, move_slowly
from roarm_lab.hardware.port_discovery import list_ports, why_none
from roarm_lab.hardware.protocol import Feedback
from roarm_lab.hardware.roarm_m3 import RoArmM3
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.workflows.arm_session import connect_real, station_for

WATCH_S = 1.0
PERIOD_S = 0.05
NOTHING_DONE = 1


def info(address: str, station: Path | None, *, as_json: bool) -> int:
    """Print how the arm is."""
    with connected(address, station) as arm:
        found = _facts(arm)
    if as_json:
        print(json.dumps(found, indent=2, allow_nan=False))
        return 0
    console = Console(highlight=False)
    console.print(Text(f"{arm.robot.title}{f' at {address}' if address else ''}, firmware of {found['firmware']}"))
    rows = [[name, *cells] for name, *cells in zip(arm.robot.joint_names, *_columns(found), strict=True)]
    console.print(grid(("joint", "rad", "degrees", "effort", "torque"), rows))
    supply = "not told by this firmware" if found["supply_v"] is None else f"{found['supply_v']:.1f} V"
    console.print(Text(f"supply      {supply}"))
    console.print(
        Text(f"connection  {found['lines_per_s']:.0f} readings per second, up to {found['age_ms']:.0f} ms old")
    )
    if found["lines_per_s"] < 1.0 / PERIOD_S:
        console.print(
            Text(
                f"note        too few to drive the arm at {1.0 / PERIOD_S:g} Hz; over Wi-Fi the newer firmware tells "
                f"its pose once a second. Use the USB cable."
            )
        )
    return 0


def home(address: str, station: Path | None, *, yes: bool) -> int:
    """Move the arm home."""
    with connected(address, station) as arm:
        if not agreed(f"The arm moves to its home now, at up to {SLOW_RAD_S} rad/s. Is its way free?", yes=yes):
            return NOTHING_DONE
        _go_home(arm)
    print("The arm is at its home.")
    return 0


def torque(address: str, station: Path | None, *, on: bool, yes: bool) -> int:
    """Make the servos hold or let go."""
    with connected(address, station, torque_on=on) as arm:
        if on:
            print("The servos hold where they are.")
            return 0
        if not agreed(f"{arm.release_warning} Let go now?", yes=yes):
            return NOTHING_DONE
        arm.torque(on=False, warned=True)
    print("The arm lets go. `roarm arm torque on` makes it hold where it is then.")
    return 0


def led(address: str, station: Path | None, level: int) -> int:
    """Set the lamp."""
    if not 0 <= level <= 255:
        raise BadInputError(f"The lamp takes 0 (off) to 255, got {level}.")
    with connected(address, station) as arm:
        arm.led(level)
    return 0


def limits(address: str, station: Path | None) -> int:
    """Print what each joint may do, and where it is."""
    with connected(address, station) as arm:
        of, pose = arm.limits, arm.read().joint_pos
    rows = [
        [
            name,
            *(f"{value:.3f}" for value in (low, is_at, high, *others)),
            f"{min(is_at - low, high - is_at):.3f}",
        ]
        for name, low, is_at, high, *others in zip(
            arm.robot.joint_names, of.lower, pose, of.upper, of.max_speed, of.max_accel, of.max_lead, strict=True
        )
    ]
    titles = ("joint", "lower rad", "is at", "upper rad", "rad/s", "rad/s2", "lead rad", "room rad")
    Console(highlight=False).print(grid(titles, rows))
    return 0


def recover(address: str, station: Path | None, *, yes: bool) -> int:
    """Start the arm anew and bring it home."""
    warning = (
        "The arm starts anew. Its firmware moves it to its home at once, at its own speed and outside the gate; then "
        "it goes home slowly. Is its way free, and nothing in the gripper?"
    )
    if not agreed(warning, yes=yes):
        return NOTHING_DONE
    # Not on an arm that is connected already: one that needs this often does not connect.
    with connected(address, station, reset=True, torque_on=True) as arm:
        print(f"- started anew; the arm came back and stands still (firmware of {arm.firmware})")
        print("- the servos hold where they are")
        _go_home(arm)
    print("- moved home slowly, through the gate")
    return 0


def ports() -> int:
    """Print the serial ports; return 1 where none may be an arm."""
    found = list_ports()
    for port in found:
        print(port.device, "may be the arm" if port.is_candidate else "", port.description, sep="\t")
    if not any(port.is_candidate for port in found):
        print(f"No port here has the arm's USB chip (10C4:EA60). {why_none()}", file=sys.stderr)
        return 1
    return 0


def connected(address: str, station: Path | None, *, reset: bool = False, torque_on: bool = False) -> RoArmM3:
    """Return the arm at an address, as its station says; says what it waits for when somebody watches."""
    found = station_for(station, None, ROARM_M3)
    if sys.stderr.isatty():
        where = address or (found.address if found else "serial")
        sys.stderr.write(f"looking for the arm at {where} (one that is starting takes up to 20 s) ...\n")
    return connect_real(address, ROARM_M3, found, reset=reset, torque_on=torque_on)


def _go_home(arm: RoArmM3) -> None:
    move_slowly(arm, arm.robot.keyframe("home"), PERIOD_S)


def _facts(arm: RoArmM3) -> dict[str, Any]:
    """Return what `info` tells, after a look at the connection."""
    lines, began_s, ages_s = arm.counts.feedback, arm.clock.now_s(), list[float]()
    while (now_s := arm.clock.now_s()) < began_s + WATCH_S:
        ages_s.append(now_s - arm.read().measured_at_s)
        arm.clock.sleep_until_s(now_s + 0.01)
    sample, feedback = arm.read(), arm.feedback
    told = feedback if isinstance(feedback, Feedback) else None
    return {
        "firmware": str(arm.firmware),
        "joint_pos": sample.joint_pos.tolist(),
        "effort": None if told is None or told.effort is None else [_or_none(share) for share in told.effort],
        "torque_on": None if told is None else told.torque_on,
        "supply_v": None if told is None else told.supply_v,
        "lines_per_s": (arm.counts.feedback - lines) / WATCH_S,
        "age_ms": float(np.max(ages_s)) * 1e3,
        "counts": vars(arm.counts),
    }


def _or_none(share: float) -> float | None:
    return None if math.isnan(share) else share


def _columns(found: dict[str, Any]) -> list[list[str]]:
    joints = len(found["joint_pos"])
    efforts = found["effort"] or [None] * joints
    switches = found["torque_on"] or [None] * joints
    return [
        [f"{angle:.3f}" for angle in found["joint_pos"]],
        [f"{math.degrees(angle):.1f}" for angle in found["joint_pos"]],
        ["not told" if share is None else f"{share:+.0%}" for share in efforts],
        ["not told" if on is None else ("on" if on else "off") for on in switches],
    ]

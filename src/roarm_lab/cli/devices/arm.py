"""`roarm arm`: the real arm on the desk; find it, ask how it is, send it home, make it hold or let go."""

import json
import math
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console
from rich.text import Text

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.console import Terminal, grid, terminal
from roarm_lab.cli.references import as_typed
from roarm_lab.workflows.devices.arm_target import ArmTarget

if TYPE_CHECKING:
    from roarm_lab.workflows.devices.arm_actions import ArmInfo, ArmLimits

DESCRIPTION = """\
  Talk to a real arm, over its USB cable or its network. It is never moved
  unasked: what moves it says so first and asks, and every target passes the
  safety gate.

examples:
  roarm arm ports                              which serial ports there are, and which may be the arm
  roarm arm info                               is it there, which firmware, pose, load, supply
  roarm arm home                               a slow move home
  roarm arm info --arm http:192.168.4.1        over its own Wi-Fi
  roarm arm info --arm rfc2217://desk:4000     a port shared by another computer, or `roarm emulate --rfc2217`
  roarm arm recover                            when it does not answer sensibly any more

addresses (--arm):
  serial                                       the USB cable, found by itself
  serial:/dev/ttyUSB0, serial:COM3             this port
  http:HOST                                    the arm's own Wi-Fi
  rfc2217://HOST:PORT, socket://HOST:PORT      a port shared over the network

exit codes: 0 done, 1 refused, not arrived or no port found (ports), 2 bad input,
            3 no arm, or one that does not know its pose"""


@dataclass(frozen=True, kw_only=True)
class Info(ArmTarget):
    """Say which firmware answers, where the joints are, how hard the servos work, and how fast the connection is."""

    json: bool = False
    """Print JSON for programs."""


@dataclass(frozen=True, kw_only=True)
class Home(ArmTarget):
    """Move slowly to the pose `home`, through the gate. Ctrl-C holds the arm."""

    yes: bool = False
    """Do not ask before the arm moves."""


@dataclass(frozen=True, kw_only=True)
class Torque(ArmTarget):
    """Make the servos hold where they are (on), or let them go (off): what the firmware does then is said before."""

    to: Annotated[Literal["on", "off"], tyro.conf.Positional]
    """Hold or let go."""
    yes: bool = False
    """Do not ask before the arm lets go."""


@dataclass(frozen=True, kw_only=True)
class Led(ArmTarget):
    """Set the lamp."""

    level: Annotated[int, tyro.conf.Positional]
    """0 (off) to 255."""


@dataclass(frozen=True, kw_only=True)
class Limits(ArmTarget):
    """Show how far and how fast each joint may go, and how much room it has where it is now."""


@dataclass(frozen=True, kw_only=True)
class Recover(ArmTarget):
    """Start the firmware anew, make the servos hold, and go home slowly. The arm moves as soon as it starts."""

    yes: bool = False
    """Do not ask before the arm moves."""


@dataclass(frozen=True)
class Ports:
    """List the serial ports of this computer."""


Action = (
    Annotated[Info, tyro.conf.subcommand("info")]
    | Annotated[Home, tyro.conf.subcommand("home")]
    | Annotated[Torque, tyro.conf.subcommand("torque")]
    | Annotated[Led, tyro.conf.subcommand("led")]
    | Annotated[Limits, tyro.conf.subcommand("limits")]
    | Annotated[Recover, tyro.conf.subcommand("recover")]
    | Annotated[Ports, tyro.conf.subcommand("ports")]
)


@dataclass(frozen=True)
class ArmVerb:
    """What to do."""

    action: tyro.conf.OmitSubcommandPrefixes[tyro.conf.OmitArgPrefixes[Action]]


def run(argv: list[str]) -> int:
    """Do it; return 0, or 1 where no port may be an arm."""
    action = parse(ArmVerb, argv or ["--help"], prog="roarm arm", description=DESCRIPTION).action
    if isinstance(action, Ports):
        return _ports()
    with terminal(yes=getattr(action, "yes", False)) as frontend:
        sys.stdout.write(_done(action, frontend))
    return 0


def _done(action: ArmTarget, frontend: Terminal) -> str:
    """Do it, and return what to say."""
    from roarm_lab.workflows.devices import arm_actions

    said = ""
    match action:
        case Info():
            info = arm_actions.read_arm(action, frontend)
            plain = {name: value for name, value in asdict(info).items() if name not in ("title", "joint_names")}
            said = json.dumps(plain, indent=2, allow_nan=False) if action.json else _told(info, action.arm)
        case Home():
            arm_actions.move_home(action, frontend)
            said = "The arm is at its home."
        case Torque(to="on"):
            arm_actions.torque_on(action, frontend)
            said = "The servos hold where they are."
        case Torque():
            arm_actions.torque_off(action, frontend)
            said = as_typed("The arm lets go. `torque_on()` makes it hold where it is then.")
        case Led():
            arm_actions.set_lamp(action, action.level, frontend)
        case Limits():
            said = _limits(arm_actions.read_limits(action, frontend))
        case _:
            said = "\n".join(f"- {step}" for step in arm_actions.recover_arm(action, frontend))
    return f"{said.rstrip()}\n" if said else ""


def _ports() -> int:
    """Print the serial ports; return 1 where none may be an arm."""
    from roarm_lab.hardware.port_discovery import list_ports, why_none

    found = list_ports()
    for port in found:
        print(port.device, "may be the arm" if port.is_candidate else "", port.description, sep="\t")
    if not any(port.is_candidate for port in found):
        print(f"No port here has the arm's USB chip (10C4:EA60). {why_none()}", file=sys.stderr)
        return 1
    return 0


def _told(info: "ArmInfo", address: str) -> str:
    """Return how an arm is, in words and a table."""
    joints = len(info.joint_pos)
    efforts, switches = info.effort or (None,) * joints, info.torque_on or (None,) * joints
    rows = [
        [
            name,
            f"{angle:.3f}",
            f"{math.degrees(angle):.1f}",
            "not told" if share is None else f"{share:+.0%}",
            "not told" if on is None else ("on" if on else "off"),
        ]
        for name, angle, share, on in zip(info.joint_names, info.joint_pos, efforts, switches, strict=True)
    ]
    supply = "not told by this firmware" if info.supply_v is None else f"{info.supply_v:.1f} V"
    lines = [
        f"supply      {supply}",
        f"connection  {info.lines_per_s:.0f} readings per second, up to {info.age_ms:.0f} ms old",
    ]
    if not info.fast_enough:
        lines.append(
            "note        too few to drive the arm at 20 Hz; over Wi-Fi the newer firmware tells its pose once a "
            "second. Use the USB cable."
        )
    console = Console(highlight=False)
    with console.capture() as shown:
        console.print(Text(f"{info.title}{f' at {address}' if address else ''}, firmware of {info.firmware}"))
        console.print(grid(("joint", "rad", "degrees", "effort", "torque"), rows))
        for line in lines:
            console.print(Text(line))
    return shown.get()


def _limits(found: "ArmLimits") -> str:
    of, console = found.limits, Console(highlight=False)
    columns = (of.lower, found.joint_pos, of.upper, of.max_speed, of.max_accel, of.max_lead)
    rows = [
        [name, *(f"{value:.3f}" for value in values), f"{min(values[1] - values[0], values[2] - values[1]):.3f}"]
        for name, *values in zip(found.joint_names, *columns, strict=True)
    ]
    titles = ("joint", "lower rad", "is at", "upper rad", "rad/s", "rad/s2", "lead rad", "room rad")
    with console.capture() as shown:
        console.print(grid(titles, rows))
    return shown.get()

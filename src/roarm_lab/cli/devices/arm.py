"""`roarm arm`: the real arm on the desk; find it, ask how it is, send it home, make it hold or let go."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from roarm_lab.cli.arguments import parse

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
class OneArm:
    """Which arm is meant."""

    arm: str = ""
    """Where the arm is; by default what the station file says, otherwise the one on USB."""
    station: Path | None = None
    """Station file; by default station.yaml in the working folder, where there is one."""


@dataclass(frozen=True, kw_only=True)
class Info(OneArm):
    """Say which firmware answers, where the joints are, how hard the servos work, and how fast the connection is."""

    json: bool = False
    """Print JSON for programs."""


@dataclass(frozen=True, kw_only=True)
class Home(OneArm):
    """Move slowly to the pose `home`, through the gate. Ctrl-C holds the arm."""

    yes: bool = False
    """Do not ask before the arm moves."""


@dataclass(frozen=True, kw_only=True)
class Torque(OneArm):
    """Make the servos hold where they are (on), or let them go (off): what the firmware does then is said before."""

    to: Annotated[Literal["on", "off"], tyro.conf.Positional]
    """Hold or let go."""
    yes: bool = False
    """Do not ask before the arm lets go."""


@dataclass(frozen=True, kw_only=True)
class Led(OneArm):
    """Set the lamp."""

    level: Annotated[int, tyro.conf.Positional]
    """0 (off) to 255."""


@dataclass(frozen=True, kw_only=True)
class Limits(OneArm):
    """Show how far and how fast each joint may go, and how much room it has where it is now."""


@dataclass(frozen=True, kw_only=True)
class Recover(OneArm):
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
    """Do it; return 0, or 1 where a person said no."""
    action = parse(ArmVerb, argv or ["--help"], prog="roarm arm", description=DESCRIPTION).action
    from roarm_lab.workflows.devices import arm_actions as do

    match action:
        case Info():
            code = do.info(action.arm, action.station, as_json=action.json)
        case Home():
            code = do.home(action.arm, action.station, yes=action.yes)
        case Torque():
            code = do.torque(action.arm, action.station, on=action.to == "on", yes=action.yes)
        case Led():
            code = do.led(action.arm, action.station, action.level)
        case Limits():
            code = do.limits(action.arm, action.station)
        case Recover():
            code = do.recover(action.arm, action.station, yes=action.yes)
        case Ports():
            code = do.ports()
    return code

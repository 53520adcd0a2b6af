"""`roarm teleop`: move an arm by hand, with a keyboard, a gamepad, a 3D mouse or a second arm, through the gate."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.core.errors import BadInputError
from roarm_lab.teleop.key_map import DEVICES, KEYS

Device = Literal["keyboard", "gamepad", "mouse3d", "leader", "hand", "policy"]

DESCRIPTION = f"""\
  Move an arm yourself. Every target passes the safety gate; on any doubt the
  arm is held. Works in a plain terminal, also over SSH; no screen is needed.

keys, whatever steers:
{KEYS}

what steers (--with):
{DEVICES}

examples:
  roarm teleop                                     keyboard and the simulated arm
  roarm teleop --arm serial:/dev/ttyUSB0 --view    a real arm, shown live in the browser
  roarm teleop --with gamepad --mode ee --speed 0.5
  roarm teleop --with leader --leader serial:/dev/ttyUSB1 --arm serial:/dev/ttyUSB0
  roarm teleop --with policy --bundle runs/RUN

exit codes: 0 done, 1 the arm is held at the end, 2 bad input, 3 something is missing, 130 ended with Ctrl-C"""


@dataclass(frozen=True)
class TeleopArguments:
    """What steers, and which arm."""

    device: Annotated[Device, tyro.conf.arg(name="with")] = "keyboard"
    """What steers: keyboard, gamepad, mouse3d, leader, hand or policy."""
    arm: str = "sim"
    """Which arm: sim, emulator, serial[:PORT], http:HOST, rfc2217://HOST:PORT or socket://HOST:PORT."""
    station: Path | None = None
    """Station file of that arm; for a real one by default station.yaml in the working folder, where there is one."""
    mode: Literal["joint", "ee"] | None = None
    """What keys and sticks move: the joints, or the hand (ee: x, y, z, pitch, roll). joint unless mouse3d is used."""
    speed: float = 0.35
    """Share of full speed at the start, up to 1."""
    rate: float | None = None
    """Control cycles per second, 5 to 100. By default 20, and a policy's own for --with policy."""
    seconds: float | None = None
    """End after this many seconds; by default Ctrl-C ends."""
    leader: str | None = None
    """For --with leader: the arm that is moved by hand, written like --arm."""
    bundle: Path | None = None
    """For --with policy: a bundle folder, or a run folder that has one."""
    goal: tuple[float, float, float] | None = None
    """For --with policy: one goal in metres (x forward, y left, z up); by default random ones."""
    seed: int = 0
    """For --with policy: seed of random goals."""
    allow_drift: bool = False
    """For --with policy: run even if model or task differ from those of the training."""
    yes: bool = False
    """Do not ask before motors are switched off (--with hand, leader): the arm drops."""
    view: bool = False
    """Show the arm live in the browser, with joints, loads and ages."""
    port: int = 8080
    """Port of the live page; 0 takes any free one."""
    host: str = "127.0.0.1"
    """Address of the live page. By default only this computer can open it."""


def run(argv: list[str]) -> int:
    """Steer an arm; exit code 1 when it is held at the end."""
    arguments = parse(TeleopArguments, argv, prog="roarm teleop", description=DESCRIPTION)
    _refuse_misfits(arguments)
    from roarm_lab.workflows.deployment.teleoperate import steer

    return steer(arguments)


def _refuse_misfits(arguments: TeleopArguments) -> None:
    for flag, device in (("leader", "leader"), ("bundle", "policy")):
        given = getattr(arguments, flag) is not None
        if given != (arguments.device == device):
            word = "needs" if not given else "is not used without"
            first, second = (f"--with {device}", f"--{flag}") if not given else (f"--{flag}", f"--with {device}")
            raise BadInputError(f"{first} {word} {second}.")
    if arguments.leader is not None and arguments.leader == arguments.arm and arguments.arm.partition(":")[0] != "sim":
        raise BadInputError(f"Leader and arm are both {arguments.arm!r}; they must be two arms.")
    if not 0.0 < arguments.speed <= 1.0:
        raise BadInputError(f"--speed must be more than 0 and at most 1, got {arguments.speed:g}.")
    if arguments.seconds is not None and not 0.0 < arguments.seconds < float("inf"):
        raise BadInputError(f"--seconds must be more than 0, got {arguments.seconds:g}.")
    if arguments.seed < 0:
        raise BadInputError(f"--seed must be 0 or more, got {arguments.seed}.")
    if arguments.goal is not None and arguments.device != "policy":
        raise BadInputError("--goal is not used without --with policy.")
    if arguments.rate is not None:
        from roarm_lab.teleop.session import check_rate

        check_rate(arguments.rate)

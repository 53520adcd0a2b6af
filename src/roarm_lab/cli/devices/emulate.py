"""`roarm emulate`: an arm without the arm; its firmware, pretended, on a serial port, over TCP and as a web server."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roarm_lab.cli.arguments import parse
from roarm_lab.core.errors import BadInputError

DESCRIPTION = """\
  Pretend to be a RoArm-M3: the same bytes, delays and faults as its firmware,
  in real time. Programs for the real arm, the vendor's SDK too, open its serial
  port without a change, unless they set DTR or RTS: this port is a pseudo-
  terminal, which has no such lines, and setting one ends in an OSError
  (Inappropriate ioctl). Those programs need --rfc2217, and
  serial.serial_for_url("rfc2217://127.0.0.1:4000") instead of serial.Serial(...).
  Ctrl-C ends.

examples:
  roarm emulate                                        a serial port; its name is printed
  roarm emulate --link /tmp/roarm --firmware 250108    the older firmware, behind a name that stays
  roarm emulate --rfc2217 127.0.0.1:4000               over TCP, with DTR and RTS; opened as rfc2217://127.0.0.1:4000
  roarm emulate --http 127.0.0.1:8080                  its web server; the newer firmware has ws://127.0.0.1:8080/ws
  roarm emulate --fault bus-unpowered dead-servo=14    something is wrong from the start

While it runs it takes commands on stdin: unplug, replug, fault NAME [N], clear [NAME], help (names all faults).

exit codes: 0 ended by quit, 2 bad input or a port in use, 3 no pseudo-terminals here, 130 ended with Ctrl-C"""


@dataclass(frozen=True)
class EmulateArguments:
    """What to pretend and where."""

    firmware: Literal["250108", "20260701"] = "20260701"
    """Which of the two firmwares in the field. The older one streams feedback; docs/emulator.md has the differences."""
    pty: bool = False
    """Offer a serial port (a pseudo-terminal). Done unasked when no other way in is given."""
    link: Path | None = None
    """A name for the serial port that stays when the cable is pulled and put back; implies --pty."""
    rfc2217: str | None = None
    """HOST:PORT of a serial port over TCP; port 0 takes any free one."""
    http: str | None = None
    """HOST:PORT of the arm's web server; port 0 takes any free one."""
    fault: tuple[str, ...] = ()
    """What is wrong from the start, for instance dead-servo=14 garbled-lines=0.05. An unknown name lists all."""
    booted: bool = False
    """Begin with the boot over and the arm at home, instead of the 8 s of motion after power-on."""
    cube: tuple[float, float, float] | None = None
    """Put a cube there that can be gripped: its centre in metres (x forward, y left, z up, from the table)."""
    seed: int = 0
    """Which lines a fault hits."""
    allow_remote: bool = False
    """Listen on addresses that other computers reach, too. Nobody is asked for a password."""
    json: bool = False
    """Print the addresses, and the answer to each command, as one line of JSON."""
    end_with_stdin: bool = False
    """End when stdin is closed, so that a program that started this takes it along."""

    def __post_init__(self) -> None:
        """Refuse a negative seed."""
        if self.seed < 0:
            raise BadInputError(f"--seed must be 0 or more, got {self.seed}.")


def run(argv: list[str]) -> int:
    """Pretend until Ctrl-C, or until stdin says quit."""
    arguments = parse(EmulateArguments, argv, prog="roarm emulate", description=DESCRIPTION)
    from roarm_lab.workflows.devices.emulate import emulate

    emulate(arguments, sys.stdin, sys.stdout)
    return 0

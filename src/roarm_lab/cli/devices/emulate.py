"""`roarm emulate`: an arm without the arm; its firmware, pretended, on a serial port, over TCP and as a web server."""

import sys
from dataclasses import dataclass

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.console import terminal
from roarm_lab.cli.emulator_console import EmulatorConsole
from roarm_lab.workflows.devices.emulate_request import EmulateRequest

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


@dataclass(frozen=True, kw_only=True)
class EmulateArguments(EmulateRequest):
    """What to pretend and where."""

    json: bool = False
    """Print the addresses, and the answer to each command, as one line of JSON."""
    end_with_stdin: bool = False
    """End when stdin is closed, so that a program that started this takes it along."""


def run(argv: list[str]) -> int:
    """Pretend until Ctrl-C, or until stdin says quit."""
    request = parse(EmulateArguments, argv, prog="roarm emulate", description=DESCRIPTION)
    request.validate()
    from roarm_lab.workflows.devices.emulate import emulate

    console = EmulatorConsole(sys.stdin, sys.stdout, as_json=request.json, end_with_input=request.end_with_stdin)
    with terminal() as frontend:
        emulate(request, frontend, console=console)
    return 0

"""`roarm teleop`: move an arm by hand, with a keyboard, a gamepad, a 3D mouse or a second arm, through the gate."""

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.console import terminal
from roarm_lab.cli.references import as_typed
from roarm_lab.core.shown import shown
from roarm_lab.teleop.key_map import DEVICES, KEYS, keys_of
from roarm_lab.workflows.deployment.teleop_request import Device, TeleoperateRequest

if TYPE_CHECKING:
    from roarm_lab.teleop.keyboard import Keyboard
    from roarm_lab.teleop.session import Watch

HINT = "C clears it, after you have looked at the arm: press it alone; space ends a pause; ? shows the keys"
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


@dataclass(frozen=True, kw_only=True)
class TeleopArguments(TeleoperateRequest):
    """What steers, and which arm."""

    input_device: Annotated[Device, tyro.conf.arg(name="with")] = "keyboard"
    """What steers: keyboard, gamepad, mouse3d, leader, hand or policy."""
    yes: bool = False
    """Do not ask before motors are switched off (--with hand, leader): the arm drops."""


def run(argv: list[str]) -> int:
    """Steer an arm; exit code 1 when it is held at the end."""
    request = parse(TeleopArguments, argv, prog="roarm teleop", description=DESCRIPTION)
    request.validate()
    from roarm_lab.workflows.deployment.teleoperate import teleoperate

    with ExitStack() as stack, terminal(yes=request.yes) as frontend:
        log = teleoperate(request, frontend, console=TerminalConsole(stack))
    sys.stdout.write(
        f"turns       {log.turns}, in {log.sent} of them a target was sent; {log.missed} missed, latest by "
        f"{log.worst_late_s * 1e3:.1f} ms\n"
    )
    if log.held:
        sys.stdout.write(f"held        {shown(as_typed(log.held))}\n")
    return 1 if log.held else 0


class TerminalConsole:
    """Keys and status line of this terminal; given back with the stack."""

    def __init__(self, stack: ExitStack) -> None:
        from roarm_lab.teleop.status_line import StatusLine

        self._stack = stack
        self._line = StatusLine(sys.stdout, typed=as_typed)
        self._keyboard: Keyboard | None = None

    def keyboard(self, *, needed: bool) -> "Keyboard | None":
        """Return the keyboard; None where there is no terminal and none is needed.

        Raises:
            BadInputError: There is none, but it is needed.
        """
        from roarm_lab.teleop.keyboard import Keyboard
        from roarm_lab.teleop.terminal_keys import terminal_keys

        if needed or sys.stdin.isatty():
            self._keyboard = Keyboard(self._stack.enter_context(terminal_keys()))
        return self._keyboard

    def begin(self, device: str) -> "Watch":
        """Show the keys, and return the line."""
        if self._keyboard is not None:
            self._line.hint, self._line.keys = HINT, keys_of(device)
            self._keyboard.show_keys = self._line.show_keys
            self._line.show_keys()
        return self._line

    def end(self) -> None:
        """Leave the line."""
        self._line.end()

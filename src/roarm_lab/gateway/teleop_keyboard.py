"""The keyboard of a plain terminal as a device for jogging, also over SSH and without a screen.

A terminal tells which key was pressed, never that it was let go. That a key is held shows in its repeats: the first
press counts as a nudge, at a part of the speed, for about as long as a keyboard waits before it repeats; from the first
repeat on the motion has its full speed, and ends soon after the last one. A terminal repeats only the key that was
pressed last, so one key counts at a time, and any other key ends the motion.
"""

import re
from collections.abc import Sequence
from typing import Protocol

from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.gateway.teleop import Order
from roarm_lab.gateway.teleop_jog import AXES, DeviceState, Mode, Switch

MOTION_KEYS = ("qa", "ws", "ed", "rf", "tg", "yh")
"""Plus and minus of each axis."""
ASKED: dict[str, Order | Switch] = {
    "p": Order.STOP,
    "\x1b": Order.STOP,  # Esc
    "c": Order.CLEAR,
    " ": Order.PAUSE,
    "m": Switch.MODE,
    "-": Switch.SLOWER,
    "_": Switch.SLOWER,
    "=": Switch.FASTER,
    "+": Switch.FASTER,
}
CTRL_C, CTRL_D = "\x03", "\x04"
NUDGE_S, NUDGE_SHARE = 0.5, 0.25
"""How long a single press counts, and as how much of a deflection: keyboards wait 0.25 to 0.66 s before they repeat."""
REPEAT_S = 0.2
"""How long a repeat counts: keyboards repeat 10 to 30 times a second, and a network delays some."""
_SEQUENCE = re.compile("\x1b[\\[O][0-9;]*[ -/]*[@-~]")
"""What arrow and function keys send. An Esc that is not the beginning of one is the key Esc."""


class Characters(Protocol):
    """Where characters come from: a terminal."""

    def read(self) -> str | None:
        """Return what was typed since the last call without waiting; None when the terminal is gone."""
        ...


class Keyboard:
    """Turns characters into deflections, orders and switches."""

    name = "keyboard"

    def __init__(self, terminal: Characters) -> None:
        self._terminal = terminal
        self._key, self._share, self._until_s = "", 0.0, 0.0

    def orders(self, now_s: float) -> Sequence[Order]:
        """Return the orders alone, for a session in which something else moves the arm.

        Raises:
            UnsafeCommandError: The terminal is gone.
        """
        return [asked for asked in self.state(now_s, "joint").asked if isinstance(asked, Order)]

    def state(self, now_s: float, mode: Mode) -> DeviceState:
        """Return what is held and what was pressed.

        Raises:
            UnsafeCommandError: The terminal is gone.
            KeyboardInterrupt: Ctrl-C or Ctrl-D came as a character.
        """
        del mode  # the keys stand for the same axes in both
        text = self._terminal.read()
        if text is None:
            self._key = ""
            raise UnsafeCommandError("The terminal is gone, so nobody could stop the arm.")
        asked = [known for key in keys_in(text) if (known := self._press(key, now_s)) is not None]
        return DeviceState(self._axes(now_s), asked)

    def _press(self, key: str, now_s: float) -> Order | Switch | None:
        if key in {CTRL_C, CTRL_D}:
            raise KeyboardInterrupt
        if not any(key in pair for pair in MOTION_KEYS):
            self._key = ""
            return ASKED.get(key)
        repeated = key == self._key and now_s <= self._until_s
        self._share, self._until_s = (1.0, now_s + REPEAT_S) if repeated else (NUDGE_SHARE, now_s + NUDGE_S)
        self._key = key
        return None

    def _axes(self, now_s: float) -> tuple[float, ...]:
        axes = [0.0] * AXES
        if self._key and now_s <= self._until_s:
            for axis, (plus, minus) in enumerate(MOTION_KEYS):
                axes[axis] = self._share * ((self._key == plus) - (self._key == minus))
        return tuple(axes)


def keys_in(text: str) -> list[str]:
    """Return the keys in what a terminal sent; arrow and function keys are left out, capitals are small letters."""
    return list(_SEQUENCE.sub("", text).lower())

"""The keyboard of a plain terminal as a device for jogging, also over SSH and without a screen.

A terminal tells which key was pressed, never that it was let go. That a key is held shows in its repeats: the first
press counts as a nudge, at a part of the speed, for about as long as a keyboard waits before it repeats; from the first
repeat on the motion has its full speed, and ends soon after the last one. A terminal repeats only the key that was
pressed last, so one key counts at a time, and any other key ends the motion.

Not all that comes was typed: terminals answer questions of other programs, report the mouse and the focus, and paste.
Such bytes come in bursts, in pieces, and sometimes without the Esc they begin with. So what is no key stops the arm,
and for a moment nothing but another stop counts then; keys that come together count as stops only; and the key that
clears an emergency stop counts only when it comes alone.
"""

import unicodedata
from collections.abc import Callable, Sequence
from math import inf
from typing import Protocol

from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.teleop.jog import AXES, DeviceState, Mode, Switch
from roarm_lab.teleop.session import OperatorCommand

MOTION_KEYS = ("qa", "ws", "ed", "rf", "tg", "yh")
"""Plus and minus of each axis."""
ESC, CLEAR, HELP = "\x1b", "c", "?"
STOPS = frozenset({"p", ESC})
ASKED: dict[str, OperatorCommand | Switch] = {
    " ": OperatorCommand.PAUSE,
    "m": Switch.MODE,
    "-": Switch.SLOWER,
    "=": Switch.FASTER,
    "+": Switch.FASTER,
}
SPACE, HELD_S = " ", 0.7
"""A space that comes again within this time is a held one: who leans on it wants the arm to stand."""
CTRL_C, CTRL_D = "\x03", "\x04"
NUDGE_S, NUDGE_SHARE = 0.5, 0.25
"""How long a single press counts, and as how much of a deflection: keyboards wait 0.25 to 0.66 s before they repeat."""
REPEAT_S = 0.2
"""How long a repeat counts: keyboards repeat 10 to 30 times a second, and a network delays some."""
KNOWN = frozenset({*"".join(MOTION_KEYS), *ASKED, *STOPS, CLEAR, HELP})
QUIET_S = 1.0
"""A choice: how long after what is no key the rest of it may still come. Networks can hold a part back for longer, so
the first key that clears after it does not count."""
ALONE_S = 0.15
"""A choice: how long nothing may follow the key that clears. Shorter than a keyboard waits before it repeats."""


class Characters(Protocol):
    """Where characters come from: a terminal."""

    def read(self) -> str | None:
        """Return what was typed since the last call without waiting; None when the terminal is gone."""
        ...


class Keyboard:
    """Turns characters into deflections, orders and switches."""

    name = "keyboard"

    def __init__(self, terminal: Characters, show_keys: Callable[[], None] = lambda: None) -> None:
        """Use a terminal.

        Args:
            terminal: Where characters come from.
            show_keys: Called when a person asks what the keys are; must not wait.
        """
        self._terminal, self.show_keys = terminal, show_keys
        self._key, self._share, self._until_s = "", 0.0, 0.0
        self._other_s = self._noise_s = -inf
        self._clear_due_s = inf
        self._owed = False
        """Whether a terminal's answer may lack its last byte, which can be the key that clears."""
        self._space_s = -inf

    def orders(self, now_s: float) -> Sequence[OperatorCommand]:
        """Return the orders alone, for a session in which something else moves the arm.

        Raises:
            UnsafeCommandError: The terminal is gone.
        """
        return [asked for asked in self.state(now_s, "joint").asked if isinstance(asked, OperatorCommand)]

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
        asked = self._hear(text.lower(), now_s)
        return DeviceState(self._axes(now_s), asked)

    def _hear(self, keys: str, now_s: float) -> list[OperatorCommand | Switch]:
        """Return what is asked for by keys that came together."""
        if CTRL_C in keys or CTRL_D in keys:
            raise KeyboardInterrupt
        if set(keys) <= {CLEAR}:
            return self._clear(keys, now_s)
        self._clear_due_s, self._other_s = inf, now_s
        stop = stop_of(keys)
        self._owed = self._owed or stop is OperatorCommand.STOP_UNKNOWN
        if stop is not None or now_s - self._noise_s < QUIET_S:
            self._key, self._noise_s = "", now_s
            return [] if stop is None else [stop]
        if len(set(keys)) > 1:
            self._key = ""
            return [OperatorCommand.HOLD]
        return [known for key in keys if (known := self._press(key, now_s)) is not None]

    def _clear(self, keys: str, now_s: float) -> list[OperatorCommand | Switch]:
        """Return the order to clear once it is known that the key came alone."""
        if keys:
            quiet = now_s - self._other_s >= QUIET_S
            alone = len(keys) == 1 and self._clear_due_s == inf and quiet and not self._owed
            self._owed = self._owed and not quiet
            self._key, self._clear_due_s = "", now_s + ALONE_S if alone else inf
            if not alone:  # a part of something longer: what follows it is not alone either
                self._other_s = now_s
                self._noise_s = now_s if now_s - self._noise_s < QUIET_S else self._noise_s
        if now_s < self._clear_due_s:
            return []
        self._clear_due_s = inf
        return [OperatorCommand.CLEAR]

    def _press(self, key: str, now_s: float) -> OperatorCommand | Switch | None:
        if key == HELP:
            self.show_keys()
        if key == SPACE:
            held, self._space_s = now_s - self._space_s < HELD_S, now_s
            if held:
                self._key = ""
                return None
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


def stop_of(keys: str) -> OperatorCommand | None:
    """Return how keys that came together, as small letters, stop the arm; None when they do not."""
    if any(key.isalpha() and not unicodedata.name(key, "").startswith("LATIN") for key in keys):
        return OperatorCommand.STOP_LAYOUT
    if not KNOWN.issuperset(keys) or (ESC in keys and len(set(keys)) > 1):
        return OperatorCommand.STOP_UNKNOWN
    return OperatorCommand.STOP if STOPS & set(keys) else None

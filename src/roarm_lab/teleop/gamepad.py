"""A gamepad as a device for jogging. It is read through SDL (pygame-ce), which needs no screen and no window.

SDL knows most gamepads and gives them all the same names: those of an Xbox controller.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roarm_lab.core.access import INPUT, how_to_open
from roarm_lab.core.errors import MissingError, UnsafeCommandError
from roarm_lab.teleop.jog import STILL, DeviceState, Mode, Switch
from roarm_lab.teleop.session import OperatorCommand

DEAD_ZONE = 0.15
"""Sticks rarely come to rest at exactly 0: worn ones stay up to a tenth off."""
FULL_DEFLECTION = 32767.0
AXIS_NAMES = ("leftx", "lefty", "rightx", "righty", "triggerleft", "triggerright")
"""In the order of SDL's numbers. Right and down are positive; a trigger goes from 0 to 1."""
BUTTON_NAMES = (
    "a",
    "b",
    "x",
    "y",
    "back",
    "guide",
    "start",
    "leftstick",
    "rightstick",
    "leftshoulder",
    "rightshoulder",
    "dpup",
    "dpdown",
)
"""In the order of SDL's numbers; the ones behind these are not used."""
STEADY_S = 3.0
"""A choice: a gamepad tells what changes, so one whose radio was lost looks like one that is held still. What has not
changed for so long no longer counts."""
STEADY = (
    f"nothing has changed at the gamepad for {STEADY_S:g} s, so its deflection no longer counts: let go, and push again"
)
PRESSED: dict[str, OperatorCommand | Switch] = {
    "b": OperatorCommand.STOP,
    "start": OperatorCommand.CLEAR,
    "a": OperatorCommand.PAUSE,
    "back": Switch.MODE,
    "leftshoulder": Switch.SLOWER,
    "rightshoulder": Switch.FASTER,
}


@dataclass(frozen=True)
class PadState:
    """A gamepad at one moment."""

    axes: Mapping[str, float] = field(default_factory=dict[str, float])
    """-1 to 1, triggers 0 to 1, by the names of `AXIS_NAMES`; 0 where there is none."""
    buttons: frozenset[str] = frozenset()
    """Names of those that are down."""


class Gamepad:
    """Sticks, cross and triggers deflect; buttons give orders when they go down."""

    def __init__(self, read: Callable[[], PadState | None], name: str = "gamepad") -> None:
        """Use a gamepad.

        Args:
            read: Returns its state; None when it is not there.
            name: What it is.
        """
        self.name = name
        self._read = read
        self._down: frozenset[str] | None = None
        self._last, self._changed_s = PadState(), 0.0
        self._stale = False
        """Whether a deflection was given up; it counts again when everything was let go."""

    def state(self, now_s: float, mode: Mode) -> DeviceState:
        """Return deflections, and what was pressed since the last time.

        Raises:
            UnsafeCommandError: It was unplugged, or its batteries are empty.
        """
        pad = self._read()
        if pad is None:
            self._down = None
            raise UnsafeCommandError(f"The {self.name} is gone. Plug it in again, or charge it; then go on.")
        # What was down already when the gamepad came was not pressed for us.
        pressed = frozenset[str]() if self._down is None else pad.buttons - self._down
        self._down = pad.buttons
        asked = [asked for name, asked in PRESSED.items() if name in pressed]
        if pad != self._last:
            self._last, self._changed_s = pad, now_s
        axes = axes_of(pad, mode)
        if not any(axes):
            self._stale = False
        elif now_s - self._changed_s > STEADY_S:
            self._stale = True
        if self._stale:
            return DeviceState(STILL, asked, STEADY)
        return DeviceState(axes, asked)


def axes_of(pad: PadState, mode: Mode) -> tuple[float, ...]:
    """Return the deflections for the joints, or for the hand (x, y, z, pitch, roll, gripper), -1 to 1."""
    left_x, left_y, right_x, right_y, close, open_ = (without_dead_zone(pad.axes.get(name, 0.0)) for name in AXIS_NAMES)
    down = float("dpdown" in pad.buttons) - float("dpup" in pad.buttons)
    if mode == "ee":
        return (-left_y, -left_x, -right_y, down, right_x, open_ - close)
    return (-left_x, -left_y, right_y, down, right_x, open_ - close)


def without_dead_zone(deflection: float, dead_zone: float = DEAD_ZONE) -> float:
    """Return 0 near the middle and from there on a straight line to -1 and 1; 0 for what is not a number."""
    beyond = abs(deflection) - dead_zone
    if not beyond > 0.0:
        return 0.0
    share = min(beyond / (1.0 - dead_zone), 1.0)
    return share if deflection > 0.0 else -share


class SdlPad:
    """The first gamepad that is plugged in; looked for again when it was unplugged."""

    def __init__(self) -> None:
        """Find one.

        Raises:
            MissingError: The package pygame-ce is missing, or no gamepad is there.
        """
        self._pygame, self._controllers = _sdl()
        self._pad: Any = None
        if not self._find():
            seen = self._others()
            raise MissingError(
                f"No gamepad was found. Plug it in (or pair it). {seen or _unreadable() or 'The system shows none.'}"
            )
        self.name = f"gamepad {self._pad.name}"

    def read(self) -> PadState | None:
        """Return its state; None when it is not there."""
        self._pygame.event.pump()
        if self._pad is not None and not self._pad.attached():
            self._pad.quit()
            self._pad = None
        if self._pad is None and not self._find():
            return None
        pad: Any = self._pad
        axes = {name: pad.get_axis(index) / FULL_DEFLECTION for index, name in enumerate(AXIS_NAMES)}
        return PadState(axes, frozenset(name for index, name in enumerate(BUTTON_NAMES) if pad.get_button(index)))

    def close(self) -> None:
        """Let go of it."""
        self._controllers.quit()
        self._pygame.quit()

    def _find(self) -> bool:
        count = self._controllers.get_count()
        found = [index for index in range(count) if self._controllers.is_controller(index)]
        if found:
            self._pad = self._controllers.Controller(found[0])
        return bool(found)

    def _others(self) -> str:
        count: int = self._controllers.get_count()
        return f"{count} other input devices are there, but SDL knows none of them as a gamepad." if count else ""


def _unreadable(folder: Path = Path("/dev/input")) -> str:
    """Return how to get to read a gamepad that Linux keeps from this user; empty when there is none."""
    closed = next((file for file in sorted(folder.glob("js*")) if not os.access(file, os.R_OK)), None)
    return f"{closed} is one, but this user may not read it. {how_to_open(closed, INPUT)}" if closed else ""


def _sdl() -> tuple[Any, Any]:
    """Return pygame and its module of controllers, ready to be read without a window."""
    settings = {
        "SDL_VIDEODRIVER": "dummy",
        "SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS": "1",
        "PYGAME_HIDE_SUPPORT_PROMPT": "1",
    }
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    try:
        import pygame  # noqa: PLC0415 (an extra)
        from pygame._sdl2 import controller  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingError(
            "A gamepad needs the Python package pygame-ce, which is not installed. Type: "
            "pip install 'roarm-lab[teleop]'"
        ) from error
    pygame.display.init()  # with the driver `dummy` this opens no window; without it SDL hears nothing
    controller.init()
    return pygame, controller

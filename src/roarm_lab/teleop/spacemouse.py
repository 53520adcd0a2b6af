"""A 3D mouse (3Dconnexion SpaceMouse and relatives) as a device for jogging, read as a plain HID device.

It sends short reports, each with a number: 1 is how the cap is pushed (x, y, z, two bytes each, low byte first) and on
newer models also how it is turned, 2 is how it is turned on older models, 3 is which buttons are down. Seen from the
user, x is to the right, y towards the user, z down. These facts are the public ones of the vendor's HID devices; no
such mouse was at hand when this was written.
"""

from collections.abc import Callable
from typing import Any

from roarm_lab.core.errors import MissingError, UnsafeCommandError
from roarm_lab.teleop.gamepad import without_dead_zone
from roarm_lab.teleop.jog import DeviceState, Mode, Switch
from roarm_lab.teleop.session import OperatorCommand

VENDORS = (0x256F, 0x046D)
"""3Dconnexion, and Logitech, under whose number the older ones were sold."""
PRODUCT_WORDS = ("space", "3dconnexion")
"""In the product's name; Logitech's number is also on many other devices."""
FULL_PUSH = 350.0
"""What the mice report when pushed or turned all the way."""
DEAD_ZONE = 0.1
PUSHED, TURNED, BUTTONS = 1, 2, 3
MOST_BYTES, MOST_REPORTS = 32, 100
LEFT, RIGHT = 1, 2
SILENT_S = 0.25
"""A cap that is pushed reports about every 10 ms, and once more when it is let go: silence after a push is no push."""
BUTTON_S = 3.0
"""A choice: a button reports only when it changes, so one that is down counts this long; the gripper closes in less."""
SILENT = "the 3D mouse has not reported for {seconds:g} s, so its {what} no longer counts: let go, and {again} again"

REST = (0.0, 0.0, 0.0)

Reader = Callable[[], list[int]]
"""Returns the next report, with its number first; an empty list when there is none. OSError when the mouse is gone."""


class Mouse3d:
    """The cap deflects; the left button closes the gripper, the right one opens it, both together are a stop."""

    def __init__(self, read: Reader, name: str = "3D mouse") -> None:
        """Use a mouse.

        Args:
            read: Returns its next report.
            name: What it is.
        """
        self.name = name
        self._read = read
        self._push = self._turn = REST
        self._buttons = 0
        self._push_s = self._turn_s = self._button_s = 0.0
        self._stale = False
        """Whether a push was given up; the cap counts again when it has reported that it was let go."""
        self._trouble = ""

    def state(self, now_s: float, mode: Mode) -> DeviceState:
        """Return how the cap stands.

        Raises:
            UnsafeCommandError: It was unplugged.
        """
        before = self._buttons
        try:
            for _ in range(MOST_REPORTS):
                if not (report := self._read()):
                    break
                self._take(report, now_s)
        except (OSError, ValueError) as error:  # hidapi: OSError "read error", ValueError "not open"
            self._push = self._turn = REST
            raise UnsafeCommandError(f"The {self.name} is gone ({error}). Start again with it plugged in.") from error
        both = LEFT | RIGHT
        stop = self._buttons & both == both != before & both
        asked: list[OperatorCommand | Switch] = [OperatorCommand.STOP] if stop else []
        self._forget(now_s)
        return DeviceState(self._axes(mode), asked, self._trouble)

    def _forget(self, now_s: float) -> None:
        """Give up what was not reported again: silence is no "as before"."""
        ages_s = ((self._push, now_s - self._push_s), (self._turn, now_s - self._turn_s))
        if any(any(part) and age_s > SILENT_S for part, age_s in ages_s):
            self._stale, self._trouble = True, SILENT.format(seconds=SILENT_S, what="push", again="push")
        elif self._stale and not any((*self._push, *self._turn)):
            self._stale, self._trouble = False, ""
        if self._buttons and now_s - self._button_s > BUTTON_S:
            self._buttons = 0
            self._trouble = SILENT.format(seconds=BUTTON_S, what="button", again="press")

    def _take(self, report: list[int], now_s: float) -> None:
        kind, data = report[0], report[1:]
        if kind == PUSHED:
            self._push_s = now_s
            self._turn_s = now_s if len(data) >= 12 else self._turn_s
        elif kind == TURNED:
            self._turn_s = now_s
        elif kind == BUTTONS:
            self._button_s = now_s
            self._trouble = self._trouble if self._stale else ""
        if kind == PUSHED and len(data) >= 6:
            self._push = _three(data)
            if len(data) >= 12:
                self._turn = _three(data[6:])
        elif kind == TURNED and len(data) >= 6:
            self._turn = _three(data)
        elif kind == BUTTONS and data:
            self._buttons = data[0]

    def _axes(self, mode: Mode) -> tuple[float, ...]:
        right, near, down = REST if self._stale else self._push
        tilt_x, tilt_y, twist = REST if self._stale else self._turn
        gripper = float(bool(self._buttons & RIGHT)) - float(bool(self._buttons & LEFT))
        if self._buttons & (LEFT | RIGHT) == LEFT | RIGHT:
            gripper = 0.0
        if mode == "ee":
            return (-near, -right, -down, -tilt_x, -tilt_y, gripper)
        return (-twist, -near, down, -tilt_x, -tilt_y, gripper)


def _three(data: list[int]) -> tuple[float, float, float]:
    """Return three deflections, -1 to 1, from six bytes."""
    x, y, z = (int.from_bytes(bytes(data[i : i + 2]), "little", signed=True) / FULL_PUSH for i in (0, 2, 4))
    return without_dead_zone(x, DEAD_ZONE), without_dead_zone(y, DEAD_ZONE), without_dead_zone(z, DEAD_ZONE)


class HidMouse:
    """The first 3D mouse that is plugged in."""

    def __init__(self) -> None:
        """Find one.

        Raises:
            MissingError: The package hidapi is missing, no such mouse is there, or this user may not read it.
        """
        hid = _hid()
        found = next((each for each in hid.enumerate() if _is_mouse(each)), None)
        if found is None:
            raise MissingError("No 3D mouse was found. Plug it in; the vendor's own driver must not be running.")
        self.name = f"3D mouse {found.get('product_string') or ''}".strip()
        self._device: Any = hid.device()
        try:
            self._device.open_path(found["path"])
        except OSError as error:
            raise MissingError(
                f"The {self.name} was found but can not be opened: {error}. On Linux this user must be allowed to read "
                f'it: put KERNEL=="hidraw*", ATTRS{{idVendor}}=="{found["vendor_id"]:04x}", TAG+="uaccess" into '
                "/etc/udev/rules.d/70-mouse3d.rules and plug it in again."
            ) from error
        self._device.set_nonblocking(True)

    def read(self) -> list[int]:
        """Return the next report; an empty list when there is none."""
        return self._device.read(MOST_BYTES)

    def close(self) -> None:
        """Let go of it."""
        self._device.close()


def _is_mouse(found: dict[str, Any]) -> bool:
    name = f"{found.get('product_string') or ''} {found.get('manufacturer_string') or ''}".lower()
    return found.get("vendor_id") in VENDORS and any(word in name for word in PRODUCT_WORDS)


def _hid() -> Any:
    try:
        import hid  # noqa: PLC0415 (an extra)
    except ImportError as error:  # also where a library of the system is missing
        raise MissingError(
            "A 3D mouse needs the Python package hidapi, which is not installed (or does not load). Type: "
            "pip install 'roarm-lab[teleop]'"
        ) from error
    return hid

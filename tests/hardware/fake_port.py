"""A pseudo-terminal with somebody at its far end who speaks a few lines of the arm's language.

For the connection alone: lines in the arm's own words, kept by heart. What an arm does is the emulator's business.
"""

import json
import os
import pty
import select
import threading
import time
import tty
from typing import Any

from roarm_lab.robots.firmware_kinematics import forward

HOME = (0.0, 0.0, 1.5708, 0.0, 0.0, 3.14)
PERIOD_S = 0.03
TORQUE_KEYS = tuple(f"torswitch{joint}" for joint in "BSETRG")


def feedback_line(wire: tuple[float, ...] = HOME, *, newer: bool = True, **changes: Any) -> bytes:
    """Return a feedback line for wire angles, in which position and angles agree."""
    pose = forward(*wire[:4])
    fields: dict[str, Any] = {"T": 1051, "x": pose.x_m * 1e3, "y": pose.y_m * 1e3, "z": pose.z_m * 1e3}
    fields |= {"tit": pose.pitch_rad} | dict(zip("bsetrg", wire, strict=True))
    fields |= dict.fromkeys(("tB", "tS", "tE", "tT", "tR"), 0)
    if newer:
        fields |= {"tG": 0} | dict.fromkeys(TORQUE_KEYS, 1) | {"v": 1210}
    return json.dumps(fields | changes, separators=(",", ":")).encode() + b"\r\n"


class APort:
    """Streams feedback once it is told to, answers questions, goes at once where it is told, and can be unplugged."""

    def __init__(self, *, newer: bool = True) -> None:
        self._master, slave = pty.openpty()
        tty.setraw(self._master)
        tty.setraw(slave)
        self.place = os.ttyname(slave)
        self._slave: int | None = slave  # open, so that the master does not hang up before somebody comes
        self.newer = newer
        self.wire = HOME
        self.stiff = False
        self.silent = False
        self.streaming = not newer
        self.changes: dict[str, Any] = {}
        self.got: list[bytes] = []
        self.remarks = b""
        """Said before every line of the stream."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def say(self, data: bytes) -> None:
        os.write(self._master, data)

    def targets(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.got if b'"T":102' in line]

    def unplug(self) -> None:
        self._stop.set()
        self._thread.join()
        for fd in (self._master, self._slave):
            if fd is not None:
                os.close(fd)
        self._slave = None

    def __enter__(self) -> "APort":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._stop.is_set():
            self.unplug()

    def _run(self) -> None:
        rest, due_s = b"", time.monotonic()
        while not self._stop.is_set():
            if select.select([self._master], [], [], 0.005)[0]:
                *lines, rest = (rest + os.read(self._master, 4096)).split(b"\n")
                for line in lines:
                    self._obey(line.strip())
            if self.streaming and not self.silent and time.monotonic() >= due_s:
                due_s = time.monotonic() + PERIOD_S
                self.say(self.remarks + feedback_line(self.wire, newer=self.newer, **self.changes))

    def _obey(self, line: bytes) -> None:
        if not line:
            return
        self.got.append(line)
        message = json.loads(line)
        if message["T"] == 605:
            self.streaming = message["cmd"] == 2
        elif message["T"] == 105 and not self.silent:
            self.say(feedback_line(self.wire, newer=self.newer, **self.changes))
        elif message["T"] == 102 and not self.stiff:
            self.wire = tuple(message[key] for key in ("base", "shoulder", "elbow", "wrist", "roll", "hand"))

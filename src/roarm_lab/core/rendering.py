"""Whether there is a screen, and how to draw without one."""

import os
import re
import socket
import sys
from collections.abc import Mapping
from ctypes.util import find_library

DISPLAY = re.compile(r"(?:unix/?)?(?P<host>[^:/]*):(?P<number>\d+)(?:\.\d+)?")
X_FOLDER, X_PORT = "/tmp/.X11-unix", 6000  # noqa: S108 (X's own place)
"""Where an X server listens: a socket in this folder, or a port counted from this one."""
ANSWER_TIMEOUT_S = 0.5


def choose_renderer() -> None:
    """Let MuJoCo draw through EGL on a Linux machine without a screen, unless MUJOCO_GL says otherwise.

    Where there is no EGL either it is told not to draw: it would look for EGL when it is imported, and fail.
    Only the command line calls this, before `mujoco` is imported: a library must not change the environment.
    """
    if sys.platform == "linux" and "MUJOCO_GL" not in os.environ and not has_screen(os.environ):
        os.environ["MUJOCO_GL"] = "egl" if has_egl() else "disable"


def has_egl() -> bool:
    """Return whether EGL is found in the way in which MuJoCo's bindings look for it."""
    return find_library("EGL") is not None


def has_screen(environ: Mapping[str, str]) -> bool:
    """Return whether somebody listens where DISPLAY points; it often outlives its screen in tmux and over SSH."""
    named = DISPLAY.fullmatch(environ.get("DISPLAY", ""))
    if named is None or int(named["number"]) > 65535 - X_PORT:
        return False
    host, number = named["host"], int(named["number"])
    if host:
        return _listens((host, X_PORT + number))
    path = f"{X_FOLDER}/X{number}"
    return _listens(path) or _listens(f"\0{path}")


def _listens(address: str | tuple[str, int]) -> bool:
    """Return whether a connection is taken: a path or an abstract name of this machine, or host and port."""
    try:
        if isinstance(address, tuple):
            with socket.create_connection(address, ANSWER_TIMEOUT_S):
                return True
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(ANSWER_TIMEOUT_S)
            line.connect(address)
            return True
    except (OSError, UnicodeError):
        return False

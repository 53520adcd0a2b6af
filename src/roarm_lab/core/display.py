"""Whether there is a screen, and how to draw without one."""

import os
import sys


def choose_renderer() -> None:
    """Let MuJoCo draw through EGL on a Linux machine without a screen, unless MUJOCO_GL says otherwise.

    Only the command line calls this, before `mujoco` is imported: a library must not change the environment.
    """
    if sys.platform == "linux" and not os.environ.get("DISPLAY") and "MUJOCO_GL" not in os.environ:
        os.environ["MUJOCO_GL"] = "egl"

"""Before anything imports MuJoCo: draw without a screen where there is none and nobody has chosen a way."""

import os
import sys
from ctypes.util import find_library

HAS_SCREEN = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))

# Without libEGL this would break the import of MuJoCo itself; tests that draw are then skipped and say why.
if sys.platform == "linux" and not HAS_SCREEN and "MUJOCO_GL" not in os.environ and find_library("EGL"):
    os.environ["MUJOCO_GL"] = "egl"

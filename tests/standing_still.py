"""Waiting for an emulated arm to come to rest, on its own clock."""

import time

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.emulator.process import EmulatorProcess

PATIENCE_S = 120.0  # only a test that fails waits this long
STILL_S = 0.5
"""An arm that is about to move would have begun: it is sent to every 0.05 s, and targets are repeated for 0.3 s."""


def standing_still(emulator: EmulatorProcess) -> Float64:
    """Return where the arm stands [joint] rad when no servo has moved for a while of the emulator's own time."""
    end_s = time.monotonic() + PATIENCE_S
    since = state = emulator.command("state")
    while state["time_s"] < since["time_s"] + STILL_S:
        assert time.monotonic() < end_s, "it does not come to rest"
        time.sleep(0.02)
        state = emulator.command("state")
        if np.max(np.abs(np.subtract(state["joint_pos"], since["joint_pos"]))) > 0.005:
            since = state
    return np.array(state["joint_pos"])

"""Patience with a busy machine, for tests in real time that are not about it.

The product holds an arm whose newest reading is 0.15 s old. On a machine that does much besides, that happens, and is
right; a test of something else would then see a held arm. That old readings hold is tested in simulated time.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from roarm_lab.gateway import freshness
from roarm_lab.hardware import io_thread
from roarm_lab.robots import arm

PATIENCE_S = 1.0
"""Longer, the arm's line counts as silent."""


def be_patient(put: Callable[[object, str, object], None] = setattr) -> None:
    """Act on readings, and send targets, that are older than an arm is driven with."""
    put(freshness, "_refuse_old", lambda *_: None)
    put(arm, "MAX_SAMPLE_AGE_S", PATIENCE_S)
    put(io_thread, "TARGET_S", 60.0 * PATIENCE_S)


FIRST_LINES = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from tests.patience import be_patient
be_patient()
"""
"""What a program begins with that shall be as patient."""
PATIENT_ROARM = (
    *(sys.executable, "-P", "-c"),
    f"{FIRST_LINES}from roarm_lab.cli.main import main\nsys.exit(main())",
)
"""Words that start a patient `roarm`."""

"""A folder that one process uses at a time."""

import subprocess
import sys
from pathlib import Path

import pytest

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.folder_lock import locked

pytest.importorskip("fcntl", reason="folders can be locked on Unix only")

HOLDING = """
import sys, time
from pathlib import Path
from roarm_lab.core.folder_lock import locked
with locked(Path(sys.argv[1]), "is being trained"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_second_one_is_told(tmp_path: Path) -> None:
    message = r"is being trained by another process\. Wait for it, or stop that one first\."
    with (
        locked(tmp_path, "is being trained"),
        pytest.raises(BadInputError, match=message),
        locked(tmp_path, "is being trained"),
    ):
        pytest.fail("two at once")
    with locked(tmp_path, "is being trained"):  # it is free again
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_leaves_nothing_behind(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", HOLDING, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(BadInputError, match="another process"), locked(tmp_path, "is being trained"):
        pytest.fail("two at once")
    other.kill()
    other.communicate()
    with locked(tmp_path, "is being trained"):
        pass


def test_what_goes_wrong_inside_passes(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space"), locked(tmp_path, "is being trained"):
        raise OSError("No space left on device")

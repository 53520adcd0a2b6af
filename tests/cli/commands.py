"""Running `roarm` as a person does, and without packages that a small installation does not have."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

BLOCKED = """
import os, sys
blocked = sys.argv.pop(1).split(",")
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            print(name, *(f"{key}={os.environ.get(key)}" for key in ("OMP_WAIT_POLICY", "MUJOCO_GL")), file=sys.stderr)
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
from roarm_lab.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
ROARM = (sys.executable, "-m", "roarm_lab")
QUIET = ("OMP_WAIT_POLICY", "MUJOCO_GL", "DISPLAY", "ROARM_DEBUG")
"""What the commands choose themselves."""


def plain_environment() -> dict[str, str]:
    """Return the environment of a person without a screen who has set nothing."""
    return {key: value for key, value in os.environ.items() if key not in QUIET}


def roarm_without(packages: str, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `roarm` where some packages (separated by commas) are not installed."""
    return subprocess.run(
        [sys.executable, "-c", BLOCKED, packages, *words],
        cwd=folder,
        env=plain_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


class Started(subprocess.Popen[str]):
    """A process that a failing test does not wait for: it would, for ever, for one that nobody has told to end."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for its end; after an error kill it first."""
        if kind is not None:
            self.kill()
        super().__exit__(kind, error, trace)


def start_roarm(
    *words: str, folder: Path, start_new_session: bool = False, program: Sequence[str] = ROARM
) -> subprocess.Popen[str]:
    """Start `roarm` and return the process, which may lead a group of its own."""
    return Started(
        [*program, *words],
        cwd=folder,
        env=plain_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=start_new_session,
    )

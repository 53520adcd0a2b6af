"""Python environments with other people's packages, and none of ours: what reads our exports there is a stranger."""

import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(os.environ.get("ROARM_TEST_ENVIRONMENTS", Path(tempfile.gettempdir()) / f"roarm-readers-{os.getuid()}"))
"""Environments are kept here, because some take minutes to fill."""
READERS = Path(__file__).parent


@functools.cache
def python_with(*requirements: str) -> Path:
    """Return the Python of an environment that holds these packages alone; skip where they can not be installed."""
    version = f"py{sys.version_info.major}{sys.version_info.minor}"
    home = ROOT / "-".join([*requirements, version]).replace("=", "").replace("<", "")
    if not home.exists():
        ROOT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=ROOT) as folder:
            made = Path(folder) / "env"
            _run([sys.executable, "-m", "venv", str(made)], requirements)
            pip = [str(made / "bin" / "python"), "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
            _run([*pip, *requirements], requirements)
            if not home.exists():  # another test may have been faster
                made.rename(home)
    return home / "bin" / "python"


def _environment() -> dict[str, str]:
    """Return the variables of this process without what would bring this process's packages along."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def read_by(python: Path, reader: str, *arguments: Path | str) -> Any:
    """Run a program of this folder with a Python and return what it prints last, as plain data."""
    command = [str(python), str(READERS / reader), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False, cwd=READERS.parent, env=_environment()
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return next(json.loads(line) for line in reversed(done.stdout.splitlines()) if line.startswith("{"))


def _run(command: list[str], requirements: tuple[str, ...]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, env=_environment())
    except (OSError, subprocess.TimeoutExpired) as problem:
        pytest.skip(f"no environment with {' '.join(requirements)} here: {problem}")
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        pytest.skip(f"no environment with {' '.join(requirements)} here: {said[-1]}")

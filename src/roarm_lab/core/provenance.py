"""Where a result came from: versions, machine, revision and time, to be stored beside the result."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from roarm_lab import __version__

PACKAGES = (
    "array-api-compat",
    "gymnasium",
    "mujoco",
    "numpy",
    "onnx",
    "onnxruntime",
    "stable-baselines3",
    "torch",
    "tyro",
)
"""Packages whose version can change a result."""

GIT_TIMEOUT_S = 5.0  # a checkout on a slow network disk must not hold up a training run


def provenance() -> dict[str, Any]:
    """Return versions, machine, git revision and UTC time as plain JSON values. No package is imported for it."""
    return {
        "roarm_lab": __version__,
        "python": platform.python_version(),
        "packages": package_versions(),
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "cpu_cores": os.cpu_count(),
        "cpu_cores_usable": usable_cores(),
        "git": git_state(),
        "time_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def package_versions(names: tuple[str, ...] = PACKAGES) -> dict[str, str | None]:
    """Return the installed version of each package, None where it is not installed."""
    return {name: package_version(name) for name in names}


def package_version(name: str) -> str | None:
    """Return the installed version of a package from its metadata; None when it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def usable_cores() -> int:
    """Return how many CPU cores this process may use; in a container or under `taskset` fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows do not tell
        return os.cpu_count() or 1


@cache
def cpu_name() -> str:
    """Return the processor's name as Linux tells it, elsewhere what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def git_state(folder: Path | None = None) -> dict[str, Any] | None:
    """Return `{"revision": ..., "dirty": ...}` of the checkout that holds `folder`; None outside of one.

    Args:
        folder: By default the folder of this package: a copy in site-packages has no revision.
    """
    folder = folder or Path(__file__).resolve().parent
    # Asking for a tracked file keeps a virtual environment inside somebody's own checkout from borrowing its revision.
    if not _git(folder, "ls-files", "--", "."):
        return None
    revision = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return None if revision is None or changes is None else {"revision": revision, "dirty": bool(changes)}


def _git(folder: Path, *words: str) -> str | None:
    """Return what git says, None when there is no git or it objects."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None

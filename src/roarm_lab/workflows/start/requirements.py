"""Which versions are needed, which were tested: the package's own requirements and the constraint files."""

import re
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

PACKAGE_FOLDER = Path(__file__).resolve().parents[2]


def requirements(chosen: str = "train") -> dict[str, tuple[str, str]]:
    """Return package -> (oldest version, extra or nothing) for what the default install and a chosen extra bring."""
    try:
        lines = requires("roarm-lab") or []
    except PackageNotFoundError:
        return {}
    found: dict[str, tuple[str, str]] = {}
    for line in lines:
        name = re.match(r"[\w.-]+", line)
        minimum = re.search(r">=([\d.]+)", line)
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        if name and (extra is None or extra[1] == chosen):
            found[name[0].lower()] = (minimum[1] if minimum else "0", extra[1] if extra else "")
    return found


def constraint_file(version: tuple[int, int] = sys.version_info[:2]) -> Path | None:
    """Return the file of tested versions for this Python, from the wheel or the checkout; None when there is none."""
    name = f"py{version[0]}{version[1]}.txt"
    folders = (PACKAGE_FOLDER / "constraints", PACKAGE_FOLDER.parents[1] / "constraints")
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def pinned_versions(file: Path | None) -> dict[str, str]:
    """Return package -> version of a constraint file; empty without one."""
    lines = file.read_text(encoding="utf-8").splitlines() if file else []
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {name.strip(): version.strip() for name, version in pairs}


def without_build(version: str) -> str:
    """Return a version without what was built for: 2.13.0+cpu is 2.13.0."""
    return version.partition("+")[0]


def numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, for comparison: 2.13.0rc1 is (2, 13, 0)."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, match[0].split("."))) if match else ()

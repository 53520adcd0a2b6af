"""Vectors of the vendor's firmware and URDF, computed outside this project; see tests/data."""

import json
from pathlib import Path
from typing import Any

_FILE = json.loads((Path(__file__).parent / "data" / "roarm_m3_vectors.json").read_text(encoding="utf-8"))

FORWARD: list[dict[str, Any]] = _FILE["forward"]
INVERSE: list[dict[str, Any]] = _FILE["inverse"]
URDF_BAR_MM = 0.01
"""The vectors are rounded to 0.001 mm and made with the URDF's 1.5708 for a quarter turn, worth 0.002 mm."""
URDF_AXIS_BAR = 2e-5
"""The axes are rounded to 1e-5, and 1.5708 is 4e-6 off."""


def with_gripper(joints: list[float]) -> list[float]:
    """Return five joint angles and a closed gripper."""
    return [*joints, 0.0]

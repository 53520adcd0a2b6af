"""Which real arm is meant, as a value."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ArmTarget:
    """Which real arm is meant."""

    arm: str = ""
    """Where the arm is; by default what the station file says, otherwise the one on USB."""
    station: Path | None = None
    """Station file; by default station.yaml in the working folder, where there is one."""
    robot: str = "roarm_m3"
    """What kind of arm it is."""

"""What arm to pretend and where, as a value."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roarm_lab.workflows.requests import at_least


@dataclass(frozen=True, kw_only=True)
class EmulateRequest:
    """What to pretend and where."""

    firmware: Literal["250108", "20260701"] = "20260701"
    """Which of the two firmwares in the field. The older one streams feedback; docs/emulator.md has the differences."""
    pty: bool = False
    """Offer a serial port (a pseudo-terminal). Done unasked when no other way in is given."""
    link: Path | None = None
    """A name for the serial port that stays when the cable is pulled and put back; implies a serial port."""
    rfc2217: str | None = None
    """HOST:PORT of a serial port over TCP; port 0 takes any free one."""
    http: str | None = None
    """HOST:PORT of the arm's web server; port 0 takes any free one."""
    fault: tuple[str, ...] = ()
    """What is wrong from the start, for instance dead-servo=14 garbled-lines=0.05. An unknown name lists all."""
    booted: bool = False
    """Begin with the boot over and the arm at home, instead of the 8 s of motion after power-on."""
    cube: tuple[float, float, float] | None = None
    """Put a cube there that can be gripped: its centre in metres (x forward, y left, z up, from the table)."""
    seed: int = 0
    """Which lines a fault hits."""
    allow_remote: bool = False
    """Listen on addresses that other computers reach, too. Nobody is asked for a password."""

    def validate(self) -> None:
        """Refuse a negative seed.

        Raises:
            InvalidValueError: It is one.
        """
        at_least(self, 0, "seed")

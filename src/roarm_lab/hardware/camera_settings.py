"""What a program may ask of a camera, whatever the camera is."""

from dataclasses import dataclass

from roarm_lab.core.errors import BadInputError


@dataclass(frozen=True, kw_only=True)
class CameraSettings:
    """What to ask of a camera; what is left out stays as the camera has it. What is refused is an error."""

    size_px: tuple[int, int] | None = None
    """Width and height."""
    rate_hz: float | None = None
    """Pictures a second."""
    fourcc: str = ""
    """Four letters of the format, for instance MJPG: many cameras are slow without compression."""
    exposure_s: float | None = None
    """Fixed exposure: brightness then does not depend on what is in view. Linux only."""
    white_balance_k: float | None = None
    """Fixed colour temperature, about 2800 (warm lamp) to 6500 (daylight). Linux only."""

    def __post_init__(self) -> None:
        """Refuse what is not positive, and formats that are not four letters."""
        numbers = {"rate_hz": self.rate_hz, "exposure_s": self.exposure_s, "white_balance_k": self.white_balance_k}
        for name, value in numbers.items():
            if value is not None and not 0.0 < value < float("inf"):
                raise BadInputError(f"CameraSettings.{name} must be positive and finite, got {value}.")
        if self.size_px is not None and not (len(self.size_px) == 2 and min(self.size_px) > 0):
            raise BadInputError(f"CameraSettings.size_px must be width and height, got {self.size_px}.")
        if self.fourcc and len(self.fourcc) != 4:
            raise BadInputError(f"CameraSettings.fourcc must be four letters as in MJPG, got {self.fourcc!r}.")

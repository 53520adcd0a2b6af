"""A camera as programs see it, real, recorded or simulated: ask it for its newest picture.

It stands here and not in `hardware`, because simulated cameras (`sim`) keep the same promise and neither room may
import the other.
"""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from roarm_lab.core.arrays import Float32
from roarm_lab.core.clock import Clock
from roarm_lab.core.errors import BadInputError, MissingError

POLL_S = 0.005
"""How often a wait looks for a new picture."""


@dataclass(frozen=True, eq=False, repr=False)
class Frame:
    """What a camera saw at one moment, or why it could not. Made by `of` and `failed`.

    A failed reading is never a picture: it has no pixels that could be mistaken for one.
    """

    captured_at_s: float
    """When it was taken, on the camera's clock; of a failure, when it was noticed."""
    number: int
    """How many pictures the camera has given, this one included. Of a failure: before it."""
    dropped: int
    """How many pictures were lost on the way to this program, as far as that can be told."""
    reason: str
    """Why there is no picture; empty when there is one."""
    _rgb: NDArray[np.uint8] | None
    _depth_m: Float32 | None

    @classmethod
    def of(
        cls, captured_at_s: float, rgb: ArrayLike, depth_m: ArrayLike | None = None, *, number: int, dropped: int = 0
    ) -> Self:
        """Return a good frame.

        Args:
            captured_at_s: When it was taken, on the camera's clock.
            rgb: The picture [height, width, 3] uint8. It is not copied: do not change it any more.
            depth_m: How far in front of the camera [height, width] m, along the direction it looks, seen from where
                the colours are seen; 0 or not a number where nothing was measured.
            number: How many pictures there were, this one included.
            dropped: How many were lost.

        Raises:
            BadInputError: Type, shape or sizes do not fit.
        """
        picture = np.asarray(rgb).view()
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
            raise BadInputError(
                f"A picture must be uint8 [height, width, 3], got {picture.dtype} {list(picture.shape)}."
            )
        picture.setflags(write=False)
        depth = None if depth_m is None else np.asarray(depth_m, dtype=np.float32).view()
        if depth is not None:
            if depth.shape != picture.shape[:2]:
                raise BadInputError(
                    f"Depth must have the picture's size {list(picture.shape[:2])}, got {list(depth.shape)}."
                )
            depth.setflags(write=False)
        return cls(captured_at_s, number, dropped, "", picture, depth)

    @classmethod
    def failed(cls, captured_at_s: float, reason: str, *, number: int = 0, dropped: int = 0) -> Self:
        """Return a reading that did not work, and why."""
        return cls(captured_at_s, number, dropped, reason, None, None)

    @property
    def valid(self) -> bool:
        """Whether there is a picture."""
        return self._rgb is not None

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """The picture [height, width, 3] uint8, red first; read-only.

        Raises:
            MissingError: The reading failed.
        """
        return self._refuse_failed()

    @property
    def depth_m(self) -> Float32 | None:
        """How far in front of the camera [height, width] m; None from a camera without depth. Read-only.

        Raises:
            MissingError: The reading failed.
        """
        self._refuse_failed()
        return self._depth_m

    def age_s(self, now_s: float) -> float:
        """Return how old it is [s] at a time of the camera's clock."""
        return now_s - self.captured_at_s

    def _refuse_failed(self) -> NDArray[np.uint8]:
        if self._rgb is None:
            raise MissingError(f"There is no picture: {self.reason}.")
        return self._rgb

    def __repr__(self) -> str:
        """Return size and number, or why there is no picture."""
        what = f"failed: {self.reason}" if self._rgb is None else f"{self._rgb.shape[1]}x{self._rgb.shape[0]}"
        return f"Frame({self.captured_at_s:.3f} s, number {self.number}, {what})"


class Camera(Protocol):
    """What every camera offers."""

    @property
    def name(self) -> str:
        """Where its pictures come from, as on the command line: usb:0, sim:front."""
        ...

    @property
    def clock(self) -> Clock:
        """The time in which it says when a picture was taken."""
        ...

    def read(self) -> Frame:
        """Return the newest picture. Never waits for a new one and never raises: a failure is a frame too."""
        ...

    def close(self) -> None:
        """Let go of the camera. May be called more than once; afterwards every reading fails."""
        ...


def wait_for_frame(camera: Camera, timeout_s: float = 5.0) -> Frame:
    """Return the first picture that a camera gives.

    Raises:
        MissingError: There was none in time; says what the camera said last.
    """
    end_s = camera.clock.now_s() + timeout_s
    while not (frame := camera.read()).valid:
        if not camera.clock.now_s() < end_s:
            raise MissingError(f"Camera {camera.name} gave no picture within {timeout_s:g} s: {frame.reason}.")
        camera.clock.sleep_until_s(camera.clock.now_s() + POLL_S)
    return frame

"""Cameras of the simulator, behind the same words as real ones."""

import math

from roarm_lab.core.clock import Clock
from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.robots.camera import Frame
from roarm_lab.sim.arm import SimArm

SIZE_PX = (640, 480)
RATE_HZ = 30.0


class RenderedCamera:
    """Sees a simulated arm. A picture is drawn when it is asked for, no sooner than a real one would be there.

    Several cameras may see one arm; all of them, and nobody else, must be read on one thread: that is how drawing
    without a screen works.
    """

    def __init__(
        self,
        arm: SimArm,
        camera: str = "front",
        *,
        size_px: tuple[int, int] = SIZE_PX,
        rate_hz: float = RATE_HZ,
        depth: bool = False,
    ) -> None:
        """Draw the first picture.

        Args:
            arm: Whose world is seen.
            camera: front, side or wrist.
            size_px: Width and height.
            rate_hz: Most pictures a second, of the arm's clock.
            depth: Give depth too, without error or noise: better than any real camera's.

        Raises:
            UnknownNameError: There is no such camera.
            BadInputError: Size or rate make no sense.
            MissingError: Pictures can not be drawn here.
        """
        if not 0.0 < rate_hz < math.inf or not min(size_px) > 0:
            raise BadInputError(f"A camera needs a positive size and rate, got {size_px} at {rate_hz} Hz.")
        self.name = f"sim:{camera}"
        self._arm, self._camera, self._size_px, self._rate_hz = arm, camera, size_px, rate_hz
        self._depth = depth
        self._start_s, self._tick = arm.clock.now_s(), 0
        self._frame = self._draw(number=1)

    @property
    def clock(self) -> Clock:
        """The arm's clock."""
        return self._arm.clock

    def read(self) -> Frame:
        """Return the newest picture; drawing one takes some milliseconds."""
        tick = math.floor((self.clock.now_s() - self._start_s) * self._rate_hz)
        if tick > self._tick and self._camera:
            self._tick = tick
            try:
                self._frame = self._draw(number=self._frame.number + 1)
            except MissingError as error:
                self._fail(str(error).rstrip("."))
        return self._frame

    def close(self) -> None:
        """See nothing any more; the arm stays."""
        self._camera = ""
        self._fail("the camera was closed")

    def _draw(self, *, number: int) -> Frame:
        rgb = self._arm.render(self._camera, self._size_px)
        depth_m = self._arm.render_depth(self._camera, self._size_px) if self._depth else None
        return Frame.of(self.clock.now_s(), rgb, depth_m, number=number)

    def _fail(self, reason: str) -> None:
        self._frame = Frame.failed(self.clock.now_s(), reason, number=self._frame.number)

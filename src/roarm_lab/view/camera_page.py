"""What a camera sees, live in the browser, with the numbers that tell whether it keeps up."""

import time
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from roarm_lab.core.arrays import Float32
from roarm_lab.robots.camera import Camera, Frame
from roarm_lab.view.serving import Server

PAUSE_S = 1.0 / 15.0
"""Between two pictures: enough to aim a camera, and little to send."""
WORDS_EVERY_S = 0.5
"""Numbers that change faster can not be read."""
RATE_OVER_S = 3.0
MARGIN = 40
"""Grey of what is beside the picture."""
NEAR_M, FAR_M = 0.1, 1.5
"""Depth from white to black: the reach of a small arm, seen from beside it."""


class CameraPage:
    """One page that shows a camera; all browsers see the same. The camera is read on the thread that calls `run`."""

    def __init__(self, server: Server, camera: Camera) -> None:
        """Fill the page."""
        self._server, self._camera, self._stopped = server, camera, False
        self._times: deque[tuple[float, int]] = deque()
        self._shown, self._words_due_s = (-1, 0, False), 0.0
        server.gui.add_markdown(f"**{camera.name}**")
        self._status = server.gui.add_markdown("Waiting for a picture.")
        hint = "Near is white, not measured is black."
        self._depth = server.gui.add_checkbox("depth", initial_value=False, hint=hint, visible=False)

    @property
    def words(self) -> str:
        """What the page says now, as Markdown."""
        return self._status.content

    def stop(self) -> None:
        """Let `run` end soon."""
        self._stopped = True

    def run(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Show pictures until `stop`, or until `cancelled` says so."""
        while not (self._stopped or cancelled()):
            self.show(self._camera.read())
            time.sleep(PAUSE_S)

    def show(self, frame: Frame) -> None:
        """Show a frame: its picture, or why there is none. An old picture does not stay."""
        self._say(frame)
        if frame.valid and frame.depth_m is not None and not self._depth.visible:
            self._depth.visible = True
        clients = self._server.get_clients()
        shown = (frame.number if frame.valid else -1, len(clients), self._depth.value)
        if shown == self._shown:
            return
        self._shown = shown
        for client in clients.values():
            picture = self._picture(frame)
            wide = None if picture is None else letterboxed(picture, client.camera.aspect)
            client.scene.set_background_image(wide, format="jpeg")

    def _picture(self, frame: Frame) -> NDArray[np.uint8] | None:
        if not frame.valid:
            return None
        return grey_of(frame.depth_m) if self._depth.value and frame.depth_m is not None else frame.rgb

    def _say(self, frame: Frame) -> None:
        now_s = self._camera.clock.now_s()
        if frame.valid:
            self._times.append((now_s, frame.number))
        while self._times and self._times[0][0] < now_s - RATE_OVER_S:
            self._times.popleft()
        if time.monotonic() < self._words_due_s and frame.valid:
            return
        self._words_due_s = time.monotonic() + WORDS_EVERY_S
        if not frame.valid:
            words = f"**No picture:** {frame.reason}."
        else:
            height_px, width_px, _ = frame.rgb.shape
            rows = (
                ("size", f"{width_px} x {height_px}{'' if frame.depth_m is None else ', with depth'}"),
                ("rate", f"{self._rate_hz():.1f} Hz"),
                ("age", f"{frame.age_s(now_s) * 1e3:.0f} ms"),
                ("pictures", f"{frame.number}, {frame.dropped} lost"),
            )
            words = "| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in rows)
        if words != self._status.content:
            self._status.content = words

    def _rate_hz(self) -> float:
        (first_s, first), (last_s, last) = self._times[0], self._times[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0


def letterboxed(picture: NDArray[np.uint8], aspect: float) -> NDArray[np.uint8]:
    """Return a picture [height, width, 3] with margins that make it `aspect` times as wide as high.

    The page stretches a picture over the whole window; with margins, squares stay square.
    """
    height, width = picture.shape[:2]
    if not 0.1 <= aspect <= 10.0:  # a window that is only a strip, or not open yet
        return picture
    if width < aspect * height:
        before = (round(aspect * height) - width) // 2
        return _margins(picture, ((0, 0), (before, round(aspect * height) - width - before)))
    before = (round(width / aspect) - height) // 2
    return _margins(picture, ((before, round(width / aspect) - height - before), (0, 0)))


def grey_of(depth_m: Float32) -> NDArray[np.uint8]:
    """Return depth [height, width] m as a grey picture [height, width, 3]: near is white, not measured is black."""
    known = np.isfinite(depth_m) & (depth_m > 0.0)
    share = np.clip((FAR_M - np.where(known, depth_m, FAR_M)) / (FAR_M - NEAR_M), 0.0, 1.0)
    return np.repeat((255.0 * share).astype(np.uint8)[..., None], 3, axis=2)


def _margins(picture: NDArray[np.uint8], around: tuple[tuple[int, int], tuple[int, int]]) -> NDArray[np.uint8]:
    return np.pad(picture, (*around, (0, 0)), constant_values=MARGIN)

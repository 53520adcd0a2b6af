"""The boxes on an emulated arm's table: put down, looked at and judged, in this process or through its commands."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from roarm_lab.core.clock import Clock
from roarm_lab.core.errors import BadInputError, RoarmLabError
from roarm_lab.emulator.world import ServoWorld
from roarm_lab.robots.perception import BoxTruth, Sight

LOOK_PERIOD_S = 1.0 / 30.0
"""An ordinary camera's."""
PLACE_WORDS = 8

Ask = Callable[[str], dict[str, Any]]
"""Gives a running emulator one command and returns its answer, for instance `EmulatorProcess.command`."""


def boxes_now(world: ServoWorld) -> dict[str, Any]:
    """Return pose and touching jaws of every box in words that JSON knows: the command `boxes`."""
    touching = world.touching()
    poses = {name: world.box_pose(name) for name in world.boxes}
    return {
        "boxes": {
            name: {"pos_w": pose[0].tolist(), "quat_w": pose[1].tolist(), "touching": touching[row].tolist()}
            for row, (name, pose) in enumerate(poses.items())
        }
    }


def place(world: ServoWorld, words: Sequence[str]) -> dict[str, Any]:
    """Put a box, at rest, where seven numbers say: the command `place NAME x y z w i j k` (m, quaternion wxyz).

    Raises:
        BadInputError: The words are others, or no such box is there.
    """
    if len(words) != PLACE_WORDS:
        raise BadInputError(
            f"place takes a name and seven numbers (x y z in m, quaternion wxyz), got {' '.join(words)!r}."
        )
    try:
        numbers = [float(word) for word in words[1:]]
    except ValueError as error:
        raise BadInputError(f"place takes seven numbers after the name, got {' '.join(words[1:])!r}.") from error
    world.place_box(words[0], numbers[:3], numbers[3:])
    return {}


def asked_here(world: ServoWorld) -> Ask:
    """Return what answers `boxes` and `place` for a world in this thread."""

    def ask(line: str) -> dict[str, Any]:
        name, *words = line.split()
        return boxes_now(world) if name == "boxes" else place(world, words)

    return ask


class EmulatedTable:
    """Sees the boxes of an emulated arm, exactly, as a perfect camera would.

    Looking takes time when the emulator is another process. With `watching` a thread looks 30 times a second and `look`
    gives its newest answer, as with a camera; without it every `look` asks.
    """

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._truth: BoxTruth | None = None
        self._failed = "nobody has looked yet"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.refresh()

    def look(self) -> Sight:
        """Return where the boxes are; a failed look when the emulator does not answer."""
        if self._thread is None:
            self.refresh()
        return Sight.failed(self._clock.now_s(), self._failed) if self._truth is None else self._truth.sight

    def truth(self) -> BoxTruth:
        """Return the newest look and which jaws touch, which no camera sees: for judging.

        Raises:
            RoarmLabError: The emulator does not answer.
        """
        if self._thread is None:
            self.refresh()
        if self._truth is None:
            raise RoarmLabError(f"Nobody can judge: {self._failed}.")
        return self._truth

    def place_box(self, name: str, pos_w: ArrayLike, quat_w: ArrayLike = (1.0, 0.0, 0.0, 0.0)) -> None:
        """Put a box, at rest, at a position [3] m in the world frame, turned as a quaternion wxyz says; then look.

        Raises:
            BadInputError: No box has that name, or the pose makes no sense.
        """
        numbers = [*np.asarray(pos_w, dtype=np.float64).tolist(), *np.asarray(quat_w, dtype=np.float64).tolist()]
        self._ask(f"place {name} " + " ".join(f"{number:.9g}" for number in numbers))
        self.refresh()

    def refresh(self) -> None:
        """Look now. One after another: an answer that took longer must not replace a newer one."""
        with self._lock:
            self._refresh()

    def _refresh(self) -> None:
        seen_at_s = self._clock.now_s()  # before asking: a look is never older than it says
        try:
            boxes = self._ask("boxes")["boxes"]
        except RoarmLabError as error:
            self._truth, self._failed = None, str(error).rstrip(".")
            return
        sight = Sight.of(
            seen_at_s,
            tuple(boxes),
            np.array([box["pos_w"] for box in boxes.values()]).reshape(-1, 3),
            np.array([box["quat_w"] for box in boxes.values()]).reshape(-1, 4),
        )
        self._truth = BoxTruth(sight, np.array([box["touching"] for box in boxes.values()], dtype=np.bool_))

    def watching(self) -> Self:
        """Look in a thread from now on until `close`; return this."""
        self._thread = threading.Thread(target=self._watch, name="emulated-eye", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """End the thread. May be called more than once."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_PERIOD_S):
            self.refresh()

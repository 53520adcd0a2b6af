"""What an arm sees of the boxes on the table, and what only a simulator knows about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from roarm_lab.core.arrays import Bool, Float64
from roarm_lab.core.errors import BadInputError, MissingError, UnknownNameError

UNIT_SLACK = 1e-3
"""How far the length of a quaternion may be from 1: rounding to float32 is far below, a mistake far above."""


@dataclass(frozen=True, eq=False, repr=False)
class Sight:
    """Where the boxes were seen at one moment, or why they could not be. Made by `of` and `failed`.

    A failed look is never a number: it has no pose that could be mistaken for one.
    """

    seen_at_s: float
    """When it was seen, on the arm's clock."""
    boxes: tuple[str, ...]
    """Names of the boxes, in the order of the poses; none when the look failed."""
    reason: str
    """Why there are no poses; empty when there are."""
    _poses: Float64 | None

    @classmethod
    def of(cls, seen_at_s: float, boxes: Sequence[str], box_pos_w: ArrayLike, box_quat_w: ArrayLike) -> Self:
        """Return a good look.

        Args:
            seen_at_s: When, on the arm's clock.
            boxes: Names of the boxes.
            box_pos_w: Their positions [box, 3] m in the world frame.
            box_quat_w: Their orientations [box, 4] wxyz.

        Raises:
            BadInputError: The shapes do not fit, a number is not finite, or a quaternion is not of length 1.
        """
        pos_w, quat_w = np.asarray(box_pos_w, dtype=np.float64), np.asarray(box_quat_w, dtype=np.float64)
        if pos_w.shape != (len(boxes), 3) or quat_w.shape != (len(boxes), 4):
            raise BadInputError(
                f"The poses of the boxes {list(boxes)} need the shapes ({len(boxes)}, 3) and ({len(boxes)}, 4), got "
                f"{pos_w.shape} and {quat_w.shape}."
            )
        for name, pose in zip(boxes, np.concatenate([pos_w, quat_w], axis=1), strict=True):
            check_pose(name, pose)
        poses = np.concatenate([pos_w, quat_w], axis=1)
        poses.setflags(write=False)
        return cls(seen_at_s, tuple(boxes), "", poses)

    @classmethod
    def failed(cls, seen_at_s: float, reason: str) -> Self:
        """Return a look that did not work, and why."""
        return cls(seen_at_s, (), reason, None)

    @property
    def valid(self) -> bool:
        """Whether there are poses."""
        return self._poses is not None

    @property
    def box_pos_w(self) -> Float64:
        """Positions [box, 3] m in the world frame; read-only.

        Raises:
            MissingError: The look failed. So does `box_quat_w`.
        """
        return self._known()[:, :3]

    @property
    def box_quat_w(self) -> Float64:
        """Orientations [box, 4] wxyz; read-only."""
        return self._known()[:, 3:]

    def rows(self, boxes: Sequence[str]) -> list[int]:
        """Return the rows of boxes by name, in the order asked for.

        Raises:
            MissingError: The look failed.
            UnknownNameError: A box is not among those that were seen.
        """
        self._known()
        for name in boxes:
            if name not in self.boxes:
                raise UnknownNameError("box", name, self.boxes)
        return [self.boxes.index(name) for name in boxes]

    def _known(self) -> Float64:
        if self._poses is None:
            raise MissingError(f"No box can be seen: {self.reason}.")
        return self._poses

    def __repr__(self) -> str:
        """Return the poses, or why there are none."""
        if self._poses is None:
            return f"Sight({self.seen_at_s:.3f} s, failed: {self.reason})"
        poses = ", ".join(f"{name}={pose.tolist()}" for name, pose in zip(self.boxes, self._poses, strict=True))
        return f"Sight({self.seen_at_s:.3f} s, {poses})"


class Eye(Protocol):
    """What looks at the boxes for an arm that has no simulator: a camera, or what stands for one."""

    def look(self) -> Sight:
        """Return the newest look, without waiting for a new one; a failure is a look too."""
        ...


@dataclass(frozen=True, eq=False)
class BoxTruth:
    """What a simulator knows about its boxes and no real arm can: for judging, never for a policy."""

    sight: Sight
    """Where the boxes really are."""
    touching: Bool
    """Whether a jaw touches a box [box, jaw], in the order of `sight.boxes`."""


def check_pose(name: str, pose: Float64) -> None:
    """Refuse a pose [7] (position m, quaternion wxyz) that is not finite, or whose quaternion is not of length 1.

    Raises:
        BadInputError: Names the box.
    """
    if not np.isfinite(pose).all():
        raise BadInputError(f"The pose of box {name!r} must be finite numbers, got {pose.tolist()}.")
    length = float(np.linalg.norm(pose[3:]))
    if not abs(length - 1.0) <= UNIT_SLACK:
        raise BadInputError(
            f"The orientation of box {name!r} must be a quaternion wxyz of length 1, got one of length {length:g}."
        )

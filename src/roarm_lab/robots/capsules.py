"""An arm as a few capsules: how near its links come to each other and how low they reach, on NumPy and on torch.

The capsules enclose the robot's collision shapes, so an arm whose capsules do not overlap does not touch itself. A
capsule is all points within a radius of a straight line, which makes two of them quick to compare.
"""

from dataclasses import dataclass
from itertools import combinations
from math import hypot

import numpy as np

from roarm_lab.core.arrays import Array, Float64, Int, array_namespace, asarray_like
from roarm_lab.robots.kinematics import rotation_from_rpy
from roarm_lab.robots.robot import Robot, Shape

PARALLEL = 1e-9
"""Two axes whose cross product, squared, is below this [m^4] count as parallel: then any point will do to start with.
The axes are 1 to 20 cm long."""
CAP_SHARE = 0.5
"""How much of the radius a box's capsules are shorter than the box, at each end. Being shorter, they must be 12 % wider
to hold the corners, but their round ends stand out by 62 % of the radius instead of all of it."""


@dataclass(frozen=True, kw_only=True)
class Capsule:
    """All points within a radius of a line on a link."""

    name: str
    """The collision shape it encloses."""
    link: str
    ends_m: tuple[Float64, Float64]
    """Both ends of the line [3] m in the link's frame."""
    radius_m: float
    pad: bool
    """Whether the shape is a gripping face."""


class ArmCapsules:
    """The capsules of a robot and where they are.

    Joint angles are [..., joint] rad in the order of `robot.joint_names`; lengths come back in the library, floating
    type and device of the angles. Nothing here judges or branches on data.
    """

    def __init__(self, robot: Robot) -> None:
        """Enclose the robot's collision shapes and list the pairs that could meet."""
        self.robot = robot
        self.capsules: tuple[Capsule, ...] = tuple(made for shape in robot.collisions for made in enclosing(shape))
        self._links = (robot.base_link, *(joint.child for joint in robot.joints))
        self._parents = [self._links.index(joint.parent) for joint in robot.joints]
        self._turning = np.stack([_turning(joint.origin_xyz_m, joint.origin_rpy_rad) for joint in robot.joints])
        self.pairs: Int = np.array(_pairs(robot, self.capsules), dtype=np.int64).reshape(-1, 2)
        """The pairs [pair, 2] of capsules that are compared: of links that are neither one nor joined by one joint."""
        self._slots, self._points = self._slotted()
        self._radius = np.array([capsule.radius_m for capsule in self.capsules])
        self._reach = self._radius[self.pairs].sum(axis=-1)
        self._made: dict[tuple[object, ...], dict[str, Array]] = {}

    def ends_b(self, joint_pos: Array) -> tuple[Array, Array]:
        """Return both ends of every capsule's line [3, capsule, ...] m, in the base frame."""
        xp, own = array_namespace(joint_pos), self._like(joint_pos)
        batch = tuple(joint_pos.shape[:-1])
        angles = xp.reshape(joint_pos, (-1, len(self._parents)))
        turning = own["turning"]  # [3 kinds, joint, 4, 4]
        cosine, sine = xp.cos(angles)[:, :, None, None], xp.sin(angles)[:, :, None, None]
        local = turning[0] + cosine * turning[1] + sine * turning[2]  # [batch, joint, 4, 4]
        frames = [xp.broadcast_to(own["eye"], (local.shape[0], 4, 4))]
        for joint, parent in enumerate(self._parents):
            frames.append(frames[parent] @ local[:, joint] if parent else local[:, joint])
        points = xp.stack(frames, axis=1)[:, :, :3, :] @ own["points"]  # [batch, link, 3, slot]
        flat = xp.permute_dims(points, (2, 1, 3, 0))  # [3, link, slot, batch]
        flat = xp.reshape(flat, (3, points.shape[1] * points.shape[3], points.shape[0]))
        shape = (3, len(self.capsules), *batch)
        return tuple(xp.reshape(xp.take(flat, own[name], axis=1), shape) for name in ("first", "second"))  # pyright: ignore[reportReturnType]

    def clearance_m(self, joint_pos: Array) -> Array:
        """Return how far the capsules of each pair are apart [pair, ...] m; below 0 they overlap."""
        return self.clearance_of(*self.ends_b(joint_pos))

    def clearance_of(self, first: Array, second: Array) -> Array:
        """Return the same from what `ends_b` returned."""
        xp, own = array_namespace(first), self._like(first)
        along = second - first
        one, other = (xp.take(first, own[name], axis=1) for name in ("one", "other"))
        along_one, along_other = (xp.take(along, own[name], axis=1) for name in ("one", "other"))
        gap = _between_lines(one - other, along_one, along_other, xp)
        return gap - xp.reshape(own["reach"], (-1, *[1] * (gap.ndim - 1)))

    def lowest_b(self, first: Array, second: Array) -> Array:
        """Return the height of every capsule's lowest point above the base link's origin [capsule, ...] m."""
        xp, own = array_namespace(first), self._like(first)
        low = xp.minimum(first[2], second[2])
        return low - xp.reshape(own["radius"], (-1, *[1] * (low.ndim - 1)))

    def _slotted(self) -> tuple[Int, Float64]:
        """Return where each end is kept [2, capsule], and the ends by link, padded [link, 4, slot]."""
        counts, slots = [0] * len(self._links), np.zeros((2, len(self.capsules)), dtype=np.int64)
        most = 2 * max(sum(c.link == link for c in self.capsules) for link in self._links)
        points = np.zeros((len(self._links), 4, most))
        for index, capsule in enumerate(self.capsules):
            link = self._links.index(capsule.link)
            for end in range(2):
                points[link, :, counts[link]] = (*capsule.ends_m[end], 1.0)
                slots[end, index] = link * most + counts[link]
                counts[link] += 1
        return slots, points

    def _like(self, array: Array) -> dict[str, Array]:
        """Return the constants in the library, type and device of `array`; made once for each."""
        key = (type(array), array.dtype, getattr(array, "device", None))
        if key not in self._made:
            xp = array_namespace(array)
            floats = {
                "turning": self._turning.transpose(1, 0, 2, 3),
                "eye": np.eye(4),
                "points": self._points,
                "radius": self._radius,
                "reach": self._reach,
            }
            whole = {
                "first": self._slots[0],
                "second": self._slots[1],
                "one": self.pairs[:, 0],
                "other": self.pairs[:, 1],
            }
            self._made[key] = {name: asarray_like(values, array) for name, values in floats.items()} | {
                name: xp.asarray(values, device=getattr(array, "device", None)) for name, values in whole.items()
            }
        return self._made[key]


def enclosing(shape: Shape) -> tuple[Capsule, ...]:
    """Return the capsules that enclose a shape: two side by side for a box, otherwise one."""
    if shape.kind == "box":
        return _around_box(shape)
    radius_m, half_m, _ = shape.size_m
    return (_capsule(shape, np.array(shape.pos_m), half_m * np.eye(3)["xyz".index(shape.axis)], radius_m),)


def _around_box(shape: Shape) -> tuple[Capsule, ...]:
    """Return two capsules along the box's longest side, each around one half of its second longest."""
    thin, wide, long = np.argsort(shape.size_m)
    quarter_m = shape.size_m[wide] / 2
    corner_m = hypot(quarter_m, shape.size_m[thin])
    shorter_m = min(CAP_SHARE * corner_m, shape.size_m[long])
    half = (shape.size_m[long] - shorter_m) * np.eye(3)[long]
    aside = quarter_m * np.eye(3)[wide]
    middle = np.array(shape.pos_m)
    return tuple(_capsule(shape, middle + sign * aside, half, hypot(corner_m, shorter_m)) for sign in (-1.0, 1.0))


def _capsule(shape: Shape, middle: Float64, half: Float64, radius_m: float) -> Capsule:
    ends = (middle - half, middle + half)
    return Capsule(name=shape.name, link=shape.link, ends_m=ends, radius_m=radius_m, pad=shape.material == "pad")


def _pairs(robot: Robot, capsules: tuple[Capsule, ...]) -> list[tuple[int, int]]:
    """Return the pairs on links that no single joint connects: neighbours always overlap where they meet."""
    joined = {frozenset((joint.parent, joint.child)) for joint in robot.joints}
    return [
        (one, other)
        for one, other in combinations(range(len(capsules)), 2)
        if len(links := frozenset((capsules[one].link, capsules[other].link))) == 2 and links not in joined
    ]


def _turning(xyz_m: tuple[float, float, float], rpy_rad: tuple[float, float, float]) -> Float64:
    """Return three matrices [3, 4, 4]; the child's frame is the first, plus cosine the second, plus sine the third."""
    rot, still, cosine, sine = rotation_from_rpy(rpy_rad), np.zeros((4, 4)), np.zeros((4, 4)), np.zeros((4, 4))
    still[:3, 2], still[:3, 3], still[3, 3] = rot[:, 2], xyz_m, 1.0
    cosine[:3, 0], cosine[:3, 1] = rot[:, 0], rot[:, 1]
    sine[:3, 0], sine[:3, 1] = rot[:, 1], -rot[:, 0]
    return np.stack([still, cosine, sine])


def _between_lines(apart: Array, along_one: Array, along_other: Array, xp: Array) -> Array:
    """Return the distance [...] m between two lines of finite length, each a first end and a way along it [3, ...].

    The nearest points of the endless lines are moved onto the finite ones, one after the other, and the first once more
    (Ericson, Real-Time Collision Detection, section 5.1.9). `apart` goes from the other's first end to the one's.
    """
    one2, other2 = xp.sum(along_one * along_one, axis=0), xp.sum(along_other * along_other, axis=0)
    across = xp.sum(along_one * along_other, axis=0)
    one_apart, other_apart = xp.sum(along_one * apart, axis=0), xp.sum(along_other * apart, axis=0)
    square = xp.maximum(one2 * other2 - across * across, xp.zeros_like(across) + PARALLEL)
    at_one = _share((across * other_apart - one_apart * other2) / square, xp)
    at_other = _share((across * at_one + other_apart) / other2, xp)
    at_one = _share((across * at_other - one_apart) / one2, xp)
    gap = apart + at_one * along_one - at_other * along_other
    return xp.sqrt(xp.sum(gap * gap, axis=0))


def _share(values: Array, xp: Array) -> Array:
    return xp.minimum(xp.maximum(values, xp.zeros_like(values)), xp.ones_like(values))

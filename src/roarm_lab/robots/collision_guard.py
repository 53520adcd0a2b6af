"""Where an arm may be: above the table, inside its workspace, off itself. Plain NumPy, a fraction of a millisecond."""

from math import ceil

import numpy as np

from roarm_lab.core.arrays import Bool, Float64, Int
from roarm_lab.robots.capsules import ArmCapsules
from roarm_lab.robots.gate_config import GateRules
from roarm_lab.robots.robot import Robot

SPACING_RAD = 0.02
"""Between two poses looked at along a way. The hand moves up to 2 cm meanwhile, if all joints move it the same way;
passing the column, 5 cm thick, it could come 2 mm nearer than at either, less than the margin."""
REFINEMENT = 8
"""A way that ends too early is cut to an eighth of the spacing."""
NUDGE_RAD = 1e-4
"""By how much each joint is moved to see how the room changes: 0.05 mm at the hand."""
SLIDING_M = 5e-4
"""Room that is left where the arm moves along something, because the ways it moves on are not quite straight."""
PROJECTIONS = 6
"""How often a way is turned aside; each time along what is then most in the way."""
LEAST_SLOPE_M = 0.01
"""A way is turned aside as if a radian brought at least this much room, so that it never leads far off."""
SLACK_M = 1e-9
"""Rounding, for an arm that was found outside and moves along what it must not get nearer to."""


class Guard:
    """How much room an arm has, as one length for each thing to keep off; 0 or more is good.

    To look at a pose takes a tenth of a millisecond, so only those things are looked at that are near enough to matter:
    `swing_m` bounds how fast the room can shrink.
    """

    def __init__(self, robot: Robot, rules: GateRules) -> None:
        """Choose what is looked at."""
        self._capsules = ArmCapsules(robot)
        self._rules = rules
        capsules = self._capsules.capsules
        self._moving = np.arange(self._capsules.fixed, len(capsules))
        depth_m = np.array([rules.finger_depth_m if c.pad else 0.0 for c in capsules])
        self._table_room = (robot.base_height_m - (rules.table_height_m or 0.0) + depth_m[self._moving])[:, None]
        hand = _hand(robot)
        self._hand = np.array([i for i, c in enumerate(capsules) if c.link in hand], dtype=np.int64)
        self._hand_radius = np.array([capsules[i].radius_m for i in self._hand])[:, None]
        self._base_w = np.array([0.0, 0.0, robot.base_height_m])
        self._on = (rules.self_margin_m is not None, rules.table_height_m is not None, rules.workspace is not None)
        sizes = (len(self._capsules.pairs), len(self._moving), 2 * 3 if len(self._hand) else 0)
        self._ends = np.cumsum([size * on for size, on in zip(sizes, self._on, strict=True)])
        """Where the rooms between links, above the table and inside the workspace end."""
        self.names = self._names()
        """What each room is kept from, in the order of `room_m`."""
        self.swing_m = self._swing()
        """By how much a radian of each joint can change each room at most [thing, joint] m."""

    def room_m(self, joint_pos: Float64, things: Int | None = None) -> Float64:
        """Return how much room there is at each pose [pose, joint] rad: [thing, pose] m, of all things or of these.

        Things are numbers in rising order.
        """
        things = np.arange(self._ends[-1]) if things is None else things
        if not len(things):
            return np.zeros((0, len(joint_pos)))
        first, second = self._capsules.ends_b(joint_pos)
        links, surface = things.searchsorted(self._ends[:2])
        pairs, table, box = things[:links], things[links:surface], things[surface:]
        rooms: list[Float64] = []
        if len(pairs):
            rooms.append(self._capsules.clearance_of(first, second, pairs) - (self._rules.self_margin_m or 0.0))
        if len(table):
            low = self._capsules.lowest_b(first, second)[self._moving] + self._table_room
            rooms.append(low[table - self._ends[0]])
        if len(box):
            rooms.append(self._workspace_room(first, second)[box - self._ends[1]])
        return np.concatenate(rooms) if len(rooms) > 1 else rooms[0]

    def floor_m(self, joint_pos: Float64) -> Float64:
        """Return what room [thing] m must be left after this pose [joint] rad: none, or not less where it lacks."""
        return np.minimum(self.room_m(joint_pos[None])[:, 0], 0.0)

    def furthest(
        self, start: Float64, way: Float64, floor_m: Float64, things: Int | None = None
    ) -> tuple[Float64, Float64, str | None]:
        """Go along a way as far as there is room at every pose looked at.

        Args:
            start: A pose that is all right [joint] rad.
            way: Where it goes from there [pose, joint] rad, as `steps` makes it.
            floor_m: Room that must be left [all things] m.
            things: What to look at; all unless given.

        Returns:
            The last pose that is all right [joint] rad, the least that the room is there [looked at] m, and what is in
            the way, None if nothing is.
        """
        floor_m = floor_m if things is None else floor_m[things]
        room = self.room_m(way, things)
        stop = _first_bad(room, floor_m)
        if stop is None:
            return way[-1], room[:, -1], None
        lacking = int(np.argmin(room[:, stop] - floor_m))
        blocked = self.names[lacking if things is None else things[lacking]]
        last, last_room = (way[stop - 1], room[:, stop - 1]) if stop else (start, floor_m)
        finer = last + np.arange(1, REFINEMENT)[:, None] / REFINEMENT * (way[stop] - last)
        room = self.room_m(finer, things)
        stop = _first_bad(room, floor_m)
        count = len(finer) if stop is None else stop
        return (finer[count - 1], room[:, count - 1], blocked) if count else (last, last_room, blocked)

    def alongside(
        self, start: Float64, goal: Float64, floor_m: Float64, things: Int, free: Bool | None = None
    ) -> Float64:
        """Return how far the arm can go [joint] rad towards a goal, moving along what is in the way.

        The way is turned aside, as little as possible, until it brings the arm nearer to nothing that has no room left.

        Args:
            start: A pose that is all right [joint] rad.
            goal: Where it should go [joint] rad, not far away.
            floor_m: Room that must be left [all things] m.
            things: What to look at.
            free: Which joints may be turned aside [joint]; all unless given.
        """
        nudged = np.concatenate([start[None], start + NUDGE_RAD * np.eye(len(start))])
        room = self.room_m(nudged, things)
        here, slope = room[:, 0] - floor_m[things] - SLIDING_M, (room[:, 1:] - room[:, :1]) / NUDGE_RAD
        turn = slope if free is None else slope * free
        way = goal - start
        for _ in range(PROJECTIONS):
            lacking = -(here + slope @ way)
            thing = int(np.argmax(lacking))
            if not lacking[thing] > 0.0:
                break
            way = way + turn[thing] * (lacking[thing] / max(turn[thing] @ turn[thing], LEAST_SLOPE_M**2))
        return self.furthest(start, steps(start, start + way), floor_m, things)[0]

    def _swing(self) -> Float64:
        swing, pairs, parts = self._capsules.swing_m(), self._capsules.pairs, []
        # A joint that carries both links of a pair moves neither against the other.
        one, other = swing[pairs[:, 0]], swing[pairs[:, 1]]
        between = np.where((one > 0.0) & (other > 0.0), 0.0, np.maximum(one, other))
        hand = swing[self._hand].max(axis=0, initial=0.0)
        parts = (between, swing[self._moving], np.tile(hand, (6 if len(self._hand) else 0, 1)))
        return np.concatenate([part for part, on in zip(parts, self._on, strict=True) if on] or [swing[:0]])

    def _workspace_room(self, first: Float64, second: Float64) -> Float64:
        box = self._rules.workspace
        assert box is not None
        base, first, second = self._base_w[:, None], first[:, self._hand], second[:, self._hand]
        low = (np.minimum(first, second) - self._hand_radius).min(axis=1) + base
        high = (np.maximum(first, second) + self._hand_radius).max(axis=1) + base
        return np.concatenate([low - np.array(box.lower_w)[:, None], np.array(box.upper_w)[:, None] - high])

    def _names(self) -> tuple[str, ...]:
        capsules, rules = self._capsules.capsules, self._rules
        names: list[str] = []
        if rules.self_margin_m is not None:
            names += [f"{capsules[i].name} would meet {capsules[j].name}" for i, j in self._capsules.pairs]
        if rules.table_height_m is not None:
            names += [f"{capsules[i].name} would meet the table" for i in self._moving]
        if rules.workspace is not None:
            names += [
                f"the hand would leave the workspace {way} in {axis}" for way in ("below", "above") for axis in "xyz"
            ]
        return tuple(names)


def steps(start: Float64, *ends: Float64) -> Float64:
    """Return poses [pose, joint] rad along straight ways in joint space, through all of `ends`; `start` is left out."""
    rows: list[Float64] = []
    for end in ends:
        gap = end - start
        count = max(ceil(float(np.abs(gap).max()) / SPACING_RAD), 1)
        way = start + np.arange(1, count + 1)[:, None] / count * gap
        way[-1] = end
        rows.append(way)
        start = end
    return np.concatenate(rows)


def _first_bad(room_m: Float64, floor_m: Float64) -> int | None:
    # Written so that NaN counts as bad.
    bad = ~(room_m >= floor_m[:, None] - SLACK_M).all(axis=0)
    return int(np.argmax(bad)) if bad.any() else None


def _hand(robot: Robot) -> set[str]:
    """Return the gripper's link and the one that carries it."""
    gripper = robot.joint(robot.gripper_joint)
    return {gripper.parent, gripper.child}

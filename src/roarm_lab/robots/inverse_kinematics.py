"""Joint angles that bring a site of the hand to a point, at a wanted pitch and roll: closed form, many at once.

For arms built like the RoArm-M3: a turning base, three parallel joints that move the arm in one vertical plane, then a
roll about the approach direction. Five joints, so of an orientation only pitch and roll can be chosen; the heading
follows from the point. All lengths come from the robot's facts, that is, from the URDF geometry.
"""

from dataclasses import dataclass
from math import hypot, pi

import numpy as np
from numpy.typing import ArrayLike

from roarm_lab.core.arrays import Array, Bool, Float64, Int
from roarm_lab.core.digits import beside
from roarm_lab.core.errors import BadInputError
from roarm_lab.robots.kinematics import Kinematics
from roarm_lab.robots.robot import Robot

OK, NOT_FINITE, TOO_FAR, TOO_NEAR, JOINT_LIMIT = range(5)
"""Why a target has no solution; `OK` where it has one."""
ARM_JOINTS = 5
LIMIT_SLACK_RAD = 1e-6
"""An angle this far outside its range is rounding and becomes the limit: half a micrometre at full stretch."""
REACH_SLACK_M = 1e-9
"""A stretched or folded arm may miss by this much."""


@dataclass(frozen=True)
class Solutions:
    """What inverse kinematics found; the leading dimensions are those of the targets."""

    joint_pos: Float64
    """[..., 5] rad, the joints before the gripper; NaN where there is no solution."""
    status: Int
    """[...]: `OK`, or why not."""
    limit_joint: Int
    """[...]: index of the joint that would leave its range where the status is `JOINT_LIMIT`, elsewhere -1."""
    limit_angle: Float64
    """[...] rad: where that joint would have to be; elsewhere NaN."""

    @property
    def found(self) -> Bool:
        """Whether there is a solution [...]."""
        return self.status == OK


@dataclass(frozen=True)
class _Candidates:
    """All ways to reach the targets: facing the point or leaning back, elbow either way. [4, ...]."""

    joint_pos: Float64
    status: Int
    outside: Float64
    """[4, ..., 5] rad: how far each joint is outside its range, 0 inside."""


class InverseKinematics:
    """Inverse kinematics of one site of the hand.

    A target is a point [..., 3] m in the base frame, a pitch and a roll, in radians. The pitch is how far the approach
    direction points below the horizontal, looking outwards from the base: 0 away from the base, pi/2 straight down,
    more than pi/2 back towards the base. The roll is the roll joint's angle while the arm faces the point. Leaning over
    backwards, with the base turned by half a turn, an arm reaches the very same pose; that is tried as well.
    """

    def __init__(self, robot: Robot, site: str = "hand_tcp") -> None:
        """Read the lengths from the facts.

        Raises:
            UnknownNameError: The robot has no such site.
            BadInputError: The arm is built differently, or the site is not fixed to the rolling link.
        """
        place = robot.site(site)
        if len(robot.joints) < ARM_JOINTS or place.link != robot.joints[ARM_JOINTS - 1].child:
            raise BadInputError(
                f"Inverse kinematics needs a site on the link that the fifth joint rolls; {site!r} of {robot.name!r} "
                f"is on {place.link!r}."
            )
        self.robot, self.site = robot, site
        self._kinematics = Kinematics(robot)
        arm = robot.joints[:ARM_JOINTS]
        self._lower, self._upper = (np.array([getattr(j, f"{end}_rad") for j in arm]) for end in ("lower", "upper"))
        self._shoulder_z_m = arm[0].origin_xyz_m[2] + arm[1].origin_xyz_m[2]
        along_m, aside_m, _ = arm[2].origin_xyz_m
        self._upper_arm_m, self._upper_arm_rad = hypot(along_m, aside_m), float(np.arctan2(aside_m, along_m))
        self._forearm_m = hypot(*arm[3].origin_xyz_m)
        # From the wrist joint to the site: along the approach direction, and square to it (this turns with the roll).
        self._along_m = place.xyz_m[2] - arm[4].origin_xyz_m[1]
        self._below_m = arm[4].origin_xyz_m[0]
        self._site_x_m, self._site_y_m, _ = place.xyz_m
        self._refuse_other_arms()

    def solve(
        self, pos_b: ArrayLike, pitch_rad: ArrayLike, roll_rad: ArrayLike, seed: ArrayLike | None = None
    ) -> Solutions:
        """Return joint angles inside the robot's limits for every target.

        Of several solutions the one nearest to the seed is taken; without a seed the arm rather faces the point than
        leans back, and rather bends the elbow upwards.

        Args:
            pos_b: Points [..., 3] m in the base frame.
            pitch_rad: Pitches [...].
            roll_rad: Rolls [...].
            seed: Joint angles [..., 5 or more] rad to stay close to.

        Raises:
            BadInputError: The seed has fewer than five angles or one that is not a number.
        """
        near = None if seed is None else _checked_seed(seed)
        pos = np.asarray(pos_b, dtype=np.float64)
        pitch, roll = (np.asarray(angle, dtype=np.float64) for angle in (pitch_rad, roll_rad))
        shape = np.broadcast_shapes(pos.shape[:-1], pitch.shape, roll.shape)
        pos, pitch, roll = (
            np.broadcast_to(pos, (*shape, 3)),
            np.broadcast_to(pitch, shape),
            np.broadcast_to(roll, shape),
        )
        finite = np.isfinite(pos).all(axis=-1) & np.isfinite(pitch) & np.isfinite(roll)
        # Rows that are not numbers are worked out as harmless zeros and refused at the end.
        pos, pitch, roll = (
            np.where(finite[..., None], pos, 0.0),
            np.where(finite, pitch, 0.0),
            np.where(finite, roll, 0.0),
        )
        ways = self._candidates(pos, pitch, roll)
        return self._chosen(ways, finite, near)

    def solve_one(
        self, pos_b: ArrayLike, pitch_rad: float, roll_rad: float = 0.0, seed: ArrayLike | None = None
    ) -> Float64:
        """Return the joint angles [5] rad for one target.

        Raises:
            BadInputError: There is no solution; says why.
        """
        pos = np.asarray(pos_b, dtype=np.float64)
        if pos.shape != (3,):
            raise BadInputError(f"One point has 3 numbers (x, y, z in metres), got shape {pos.shape}.")
        solutions = self.solve(pos, pitch_rad, roll_rad, seed)
        if not solutions.found:
            point = ", ".join(f"{value:.4g}" for value in pos)
            raise BadInputError(
                f"{self.robot.name!r} can not bring {self.site!r} to ({point}) m with pitch {pitch_rad:.4g} and roll "
                f"{roll_rad:.4g} rad: {self.reason(solutions)}"
            )
        return solutions.joint_pos

    def reason(self, solutions: Solutions, row: tuple[int, ...] = ()) -> str:
        """Return in words why a target has no solution."""
        match int(solutions.status[row]):
            case 0:
                return "it can."
            case 1:
                return "not all of it are numbers."
            case 2:
                reach_m = self._upper_arm_m + self._forearm_m
                return f"it is too far: the wrist can be at most {reach_m:.3f} m from the shoulder."
            case 3:
                return "it is too near: the wrist would be behind the base's axis or inside the folded arm."
            case _:
                joint = self.robot.joints[int(solutions.limit_joint[row])]
                angle = float(solutions.limit_angle[row])
                return (
                    f"joint {joint.name!r} would be at {beside(angle, joint.lower_rad, joint.upper_rad)} rad, its "
                    f"range is {beside(joint.lower_rad, angle)} to {beside(joint.upper_rad, angle)}. "
                    "Try another pitch or roll."
                )

    def target_of(self, joint_pos: ArrayLike) -> tuple[Float64, Float64, Float64]:
        """Return the target that joint angles [..., 5 or more] reach: point [..., 3] m, pitch [...], roll [...] rad."""
        angles = np.asarray(joint_pos, dtype=np.float64)
        pos_b = self._kinematics.site_pos_b(self._padded(angles), (self.site,))[..., 0, :]
        base, roll = angles[..., 0], angles[..., 4]
        pitch = angles[..., 1:4].sum(axis=-1) - pi / 2
        ahead = np.cos(base) * pos_b[..., 0] + np.sin(base) * pos_b[..., 1] >= 0.0
        return pos_b, _wrapped(np.where(ahead, pitch, pi - pitch)), _wrapped(np.where(ahead, roll, roll + pi))

    def _candidates(self, pos: Float64, pitch: Float64, roll: Float64) -> _Candidates:
        """Return the four ways to reach every target: facing or leaning back, elbow up or down."""
        facing, bend = (np.reshape(signs, (4, *[1] * pitch.ndim)) for signs in ((1, 1, -1, -1), (1, -1, 1, -1)))
        lean = np.where(facing > 0, pitch, pi - pitch) + pi / 2  # of the approach direction, from straight up
        roll = np.where(facing > 0, roll, roll + pi)
        # The site's offset from the roll axis: `right` of the arm's plane, and `below` the approach direction in it.
        right = self._site_x_m * np.cos(roll) - self._site_y_m * np.sin(roll)
        below = self._below_m + self._site_x_m * np.sin(roll) + self._site_y_m * np.cos(roll)
        ahead2 = pos[..., 0] ** 2 + pos[..., 1] ** 2 - right**2
        ahead = facing * np.sqrt(np.maximum(ahead2, 0.0))
        base = np.arctan2(pos[..., 1], pos[..., 0]) + np.arctan2(right, ahead)
        wrist_x = ahead - self._along_m * np.sin(lean) - below * np.cos(lean)
        wrist_z = pos[..., 2] - self._shoulder_z_m - self._along_m * np.cos(lean) + below * np.sin(lean)
        shoulder, elbow, status = self._two_links(wrist_x, wrist_z, bend)
        status = np.where(ahead2 < 0.0, TOO_NEAR, status)
        wrist = lean - shoulder - elbow
        joint_pos = _wrapped(np.stack(np.broadcast_arrays(base, shoulder, elbow, wrist, roll), axis=-1))
        outside = np.maximum(np.maximum(self._lower - joint_pos, joint_pos - self._upper), 0.0)
        past_a_limit = (status == OK) & (outside.max(axis=-1) > LIMIT_SLACK_RAD)
        return _Candidates(joint_pos, np.where(past_a_limit, JOINT_LIMIT, status), outside)

    def _two_links(self, wrist_x: Float64, wrist_z: Float64, bend: Int) -> tuple[Array, Array, Array]:
        """Return shoulder and elbow angle that put the wrist there, seen from the shoulder in the arm's plane."""
        upper, fore, wrist_m = self._upper_arm_m, self._forearm_m, np.hypot(wrist_x, wrist_z)
        cosine = (wrist_m**2 - upper**2 - fore**2) / (2.0 * upper * fore)
        fold = bend * np.arccos(np.clip(cosine, -1.0, 1.0))
        leaned = np.arctan2(wrist_x, wrist_z) - np.arctan2(fore * np.sin(fold), upper + fore * np.cos(fold))
        status = np.where(wrist_m > upper + fore + REACH_SLACK_M, TOO_FAR, OK)
        status = np.where(wrist_m < abs(upper - fore) - REACH_SLACK_M, TOO_NEAR, status)
        return leaned - self._upper_arm_rad, fold + self._upper_arm_rad, status

    def _chosen(self, ways: _Candidates, finite: Bool, seed: Float64 | None) -> Solutions:
        """Pick the best way for every target, or the one that comes closest to being allowed."""
        worst = ways.outside.max(axis=-1)
        far = np.zeros_like(worst) if seed is None else ((ways.joint_pos - seed) ** 2).sum(axis=-1)
        # Allowed ways rank before those past a limit, and these before those out of reach.
        rank = np.where(ways.status == OK, far, np.where(ways.status == JOINT_LIMIT, 1e6 + worst, 1e9))
        best = rank.argmin(axis=0)
        joint_pos, outside = (_picked(values, best) for values in (ways.joint_pos, ways.outside))
        status = np.where(finite, np.take_along_axis(ways.status, best[None], axis=0)[0], NOT_FINITE)
        joint = outside.argmax(axis=-1)
        angle = np.take_along_axis(joint_pos, joint[..., None], axis=-1)[..., 0]
        limited = status == JOINT_LIMIT
        return Solutions(
            joint_pos=np.where((status == OK)[..., None], np.clip(joint_pos, self._lower, self._upper), np.nan),
            status=status,
            limit_joint=np.where(limited, joint, -1),
            limit_angle=np.where(limited, angle, np.nan),
        )

    def _padded(self, angles: Float64) -> Float64:
        """Return angles of all joints of the robot; those behind the roll are left at 0."""
        rest = np.zeros((*angles.shape[:-1], len(self.robot.joints) - ARM_JOINTS))
        return np.concatenate([angles[..., :ARM_JOINTS], rest], axis=-1)

    def _refuse_other_arms(self) -> None:
        """Check on two poses that the closed form says the same as forward kinematics of the facts."""
        for share in (0.45, 0.6):
            wanted = self._lower + share * (self._upper - self._lower)
            target = self.target_of(wanted)
            got = self.solve(*target, seed=wanted).joint_pos
            if not np.allclose(got, wanted, atol=1e-6):
                raise BadInputError(
                    f"{self.robot.name!r} is not built like the RoArm-M3 (base, three parallel joints, roll), so its "
                    "inverse kinematics has no closed form here."
                )


def _wrapped(angle: Float64) -> Float64:
    """Return angles in [-pi, pi); one that was there already keeps all its digits."""
    return np.where(np.abs(angle) < pi, angle, (angle + pi) % (2.0 * pi) - pi)


def _checked_seed(seed: ArrayLike) -> Float64:
    angles = np.asarray(seed, dtype=np.float64)
    if not (angles.ndim and angles.shape[-1] >= ARM_JOINTS and np.isfinite(angles).all()):
        raise BadInputError(f"A seed has {ARM_JOINTS} or more finite joint angles, got {np.array2string(angles)}.")
    return angles[..., :ARM_JOINTS]


def _picked(ways: Float64, best: Int) -> Float64:
    return np.take_along_axis(ways, best[None, ..., None], axis=0)[0]

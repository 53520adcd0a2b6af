"""Where the links and sites of any robot are, for many joint vectors at once, on NumPy and on torch.

The vendor's URDF geometry is the truth here; the firmware's own, slightly different numbers live in
`robots/firmware_kinematics.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, prod, sin

import numpy as np

from roarm_lab.core.arrays import Array, Float64, array_namespace, asarray_like
from roarm_lab.core.errors import BadInputError, UnknownNameError
from roarm_lab.robots.robot import Robot, Vec3

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class _Frame:
    """A frame in the base frame, for a flat batch: `axes` [axis, component, batch], `pos` [component, batch] m."""

    axes: Array
    pos: Array


class Kinematics:
    """Forward kinematics and Jacobians of a robot, in its base frame.

    Joint angles are [..., joint] rad in the order of `robot.joint_names`; any angle is allowed, forward kinematics does
    not judge. What comes back has the library, floating type and device of the angles.

    Inside, the batch is the last dimension. A fixed offset is then one product of a constant [4, 3] matrix with the
    parent's axes [3, 3 * batch], and turning about z mixes the first two axes: long, even loops and few of them.
    """

    def __init__(self, robot: Robot) -> None:
        """Work out the constant offsets.

        Raises:
            BadInputError: A joint hangs on a link that no earlier joint carries, or two joints carry one link.
        """
        self.robot = robot
        self.link_names: tuple[str, ...] = (robot.base_link, *(joint.child for joint in robot.joints))
        """Names of the links in the order of `link_poses`."""
        _refuse_disorder(robot, self.link_names)
        self._parents = [self.link_names.index(joint.parent) for joint in robot.joints]
        self._offsets = np.stack([_offset(joint.origin_xyz_m, joint.origin_rpy_rad) for joint in robot.joints])
        self._site_links = {site.name: self.link_names.index(site.link) for site in robot.sites}
        self._site_offsets = {site.name: _offset(site.xyz_m, site.rpy_rad) for site in robot.sites}
        self._constants: dict[tuple[object, ...], tuple[Array, dict[str, Array]]] = {}

    def link_poses(self, joint_pos: Array) -> tuple[Array, Array]:
        """Return position [..., link, 3] m and rotation [..., link, 3, 3] of all links, base link first."""
        links = range(len(self.link_names))
        frames = self._frames(joint_pos, links)
        xp, batch = array_namespace(joint_pos), tuple(joint_pos.shape[:-1])
        pos = xp.stack([frames[i].pos for i in links])  # [link, component, batch]
        axes = xp.stack([frames[i].axes for i in links])  # [link, axis, component, batch]
        pos_b = xp.reshape(xp.permute_dims(pos, (2, 0, 1)), (*batch, len(links), 3))
        rot_b = xp.reshape(xp.permute_dims(axes, (3, 0, 2, 1)), (*batch, len(links), 3, 3))
        return pos_b, rot_b

    def site_pose(self, joint_pos: Array, site: str) -> tuple[Array, Array]:
        """Return position [..., 3] m and rotation [..., 3, 3] of a site.

        Raises:
            UnknownNameError: The robot has no such site.
        """
        frame = self._site_frames(joint_pos, (site,))[0]
        xp, batch = array_namespace(joint_pos), tuple(joint_pos.shape[:-1])
        pos_b = xp.reshape(xp.permute_dims(frame.pos, (1, 0)), (*batch, 3))
        return pos_b, xp.reshape(xp.permute_dims(frame.axes, (2, 1, 0)), (*batch, 3, 3))

    def site_pos_b(self, joint_pos: Array, sites: Sequence[str]) -> Array:
        """Return the positions [..., site, 3] m of sites.

        Raises:
            UnknownNameError: The robot has no such site.
        """
        return self.site_poses(joint_pos, sites)[0]

    def site_poses(self, joint_pos: Array, sites: Sequence[str]) -> tuple[Array, Array]:
        """Return positions [..., site, 3] m and orientations [..., site, 3, 3] of sites; columns are a site's axes.

        Raises:
            UnknownNameError: The robot has no such site.
        """
        frames = self._site_frames(joint_pos, sites)
        xp, batch = array_namespace(joint_pos), tuple(joint_pos.shape[:-1])
        pos = xp.stack([frame.pos for frame in frames])  # [site, component, batch]
        axes = xp.stack([frame.axes for frame in frames])  # [site, axis, component, batch]
        pos_b = xp.reshape(xp.permute_dims(pos, (2, 0, 1)), (*batch, len(frames), 3))
        return pos_b, xp.reshape(xp.permute_dims(axes, (3, 0, 2, 1)), (*batch, len(frames), 3, 3))

    def jacobian(self, joint_pos: Array, site: str) -> Array:
        """Return the Jacobian [..., 6, joint] of a site: rows linear velocity, then angular velocity, per rad/s.

        Raises:
            UnknownNameError: The robot has no such site.
        """
        self._refuse_unknown((site,))
        xp, batch = array_namespace(joint_pos), tuple(joint_pos.shape[:-1])
        frames = self._frames(joint_pos, [self._site_links[site]])
        tip = self._placed(joint_pos, frames, site).pos
        columns: list[Array] = []
        for child in range(1, len(self.link_names)):
            if child not in frames:  # the joint does not carry the site
                columns.append(xp.concat([xp.zeros_like(tip), xp.zeros_like(tip)]))
                continue
            axis, lever = frames[child].axes[2], tip - frames[child].pos
            columns.append(xp.concat([_cross(axis, lever, xp), axis]))
        stacked = xp.stack(columns)  # [joint, 6, batch]
        return xp.reshape(xp.permute_dims(stacked, (2, 1, 0)), (*batch, 6, len(columns)))

    def _site_frames(self, joint_pos: Array, sites: Sequence[str]) -> list[_Frame]:
        self._refuse_unknown(sites)
        frames = self._frames(joint_pos, [self._site_links[site] for site in sites])
        return [self._placed(joint_pos, frames, site) for site in sites]

    def _placed(self, joint_pos: Array, frames: dict[int, _Frame], site: str) -> _Frame:
        return _shifted(frames[self._site_links[site]], self._like(joint_pos)[1][site], array_namespace(joint_pos))

    def _frames(self, joint_pos: Array, links: Iterable[int]) -> dict[int, _Frame]:
        """Return the frames of `links` and of everything between them and the base."""
        if joint_pos.shape[-1] != len(self._parents):
            raise BadInputError(
                f"{self.robot.name!r} has {len(self._parents)} joints, got angles of shape {tuple(joint_pos.shape)}. "
                "The last dimension is the joint."
            )
        xp, count = array_namespace(joint_pos), prod(joint_pos.shape[:-1])
        angles = xp.permute_dims(xp.reshape(joint_pos, (count, len(self._parents))), (1, 0))
        cosines, sines = xp.cos(angles), xp.sin(angles)
        offsets = self._like(joint_pos)[0]
        needed = self._with_ancestors(links)
        frames = {0: _base_frame(joint_pos, count, xp)}
        for joint, parent in enumerate(self._parents):
            if joint + 1 in needed:
                still = _shifted(frames[parent], offsets[joint], xp)
                frames[joint + 1] = _turned(still, cosines[joint], sines[joint], xp)
        return frames

    def _with_ancestors(self, links: Iterable[int]) -> set[int]:
        found = set(links)
        for joint in reversed(range(len(self._parents))):
            if joint + 1 in found:
                found.add(self._parents[joint])
        return found

    def _like(self, array: Array) -> tuple[Array, dict[str, Array]]:
        """Return the offsets of joints and sites in the library, type and device of `array`; made once for each."""
        key = (type(array), array.dtype, getattr(array, "device", None))
        if key not in self._constants:
            sites = {name: asarray_like(offset, array) for name, offset in self._site_offsets.items()}
            self._constants[key] = asarray_like(self._offsets, array), sites
        return self._constants[key]

    def _refuse_unknown(self, sites: Sequence[str]) -> None:
        for site in sites:
            if site not in self._site_links:
                raise UnknownNameError("site", site, self._site_links)


def rotation_from_rpy(rpy_rad: Vec3) -> Float64:
    """Return the rotation matrix [3, 3] of roll, pitch, yaw [rad] about fixed axes, as URDF writes them."""
    (cr, cp, cy), (sr, sp, sy) = ([f(angle) for angle in rpy_rad] for f in (cos, sin))
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def _offset(xyz_m: Vec3, rpy_rad: Vec3) -> Float64:
    """Return a fixed offset as a matrix [4, 3]: the child's three axes in the parent, then its origin."""
    return np.concatenate([rotation_from_rpy(rpy_rad).T, [xyz_m]])


def _base_frame(like: Array, count: int, xp: Array) -> _Frame:
    axes = xp.broadcast_to(xp.reshape(asarray_like(IDENTITY, like), (3, 3, 1)), (3, 3, count))
    return _Frame(axes, axes[0] * 0.0)


def _shifted(parent: _Frame, offset: Array, xp: Array) -> _Frame:
    """Return the frame that is fixed in `parent` at `offset`."""
    count = parent.pos.shape[-1]
    moved = xp.reshape(offset @ xp.reshape(parent.axes, (3, 3 * count)), (4, 3, count))
    return _Frame(moved[:3], parent.pos + moved[3])


def _turned(frame: _Frame, cosine: Array, sine: Array, xp: Array) -> _Frame:
    """Return the frame turned about its own z."""
    x, y, z = frame.axes[0], frame.axes[1], frame.axes[2]
    return _Frame(xp.stack([cosine * x + sine * y, cosine * y - sine * x, z]), frame.pos)


def _cross(a: Array, b: Array, xp: Array) -> Array:
    """Return the cross product along the first dimension."""
    return xp.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _refuse_disorder(robot: Robot, link_names: Sequence[str]) -> None:
    if len(set(link_names)) != len(link_names):
        raise BadInputError(f"Two joints of {robot.name!r} carry the same link: {', '.join(link_names)}.")
    for index, joint in enumerate(robot.joints):
        if joint.parent not in link_names[: index + 1]:
            raise BadInputError(
                f"Joint {joint.name!r} of {robot.name!r} hangs on {joint.parent!r}, which no earlier joint carries. "
                "List the joints from the base outwards."
            )
    for site in robot.sites:
        if site.link not in link_names:
            raise UnknownNameError("link", site.link, link_names)

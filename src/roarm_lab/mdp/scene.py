"""What a term is bound to: names that become indices, and the robot's facts."""

from collections.abc import Sequence
from dataclasses import dataclass

from roarm_lab.core.errors import UnknownNameError
from roarm_lab.robots.robot import Robot


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A robot and the things around it, by name."""

    robot: Robot
    control_dt_s: float
    boxes: tuple[str, ...] = ()
    """Boxes on the table, in the order of `State.box_pos_w`."""
    command_sizes: tuple[tuple[str, int], ...] = ()
    action_size: int = 0

    @property
    def site_names(self) -> tuple[str, ...]:
        """The robot's sites, in the order of `State.site_pos_w`."""
        return tuple(site.name for site in self.robot.sites)

    def site(self, name: str) -> int:
        """Return the index of a site of the robot."""
        return _index("site", name, self.site_names)

    def box(self, name: str) -> int:
        """Return the index of a box."""
        return _index("box", name, self.boxes)

    @property
    def jaws(self) -> int:
        """How many jaws the gripper has: links with gripping faces."""
        return len(self.gripping_faces)

    @property
    def gripping_faces(self) -> dict[str, list[str]]:
        """The names of the gripping faces, by the link that is the jaw."""
        pads = [shape for shape in self.robot.collisions if shape.material == "pad"]
        return {link: [pad.name for pad in pads if pad.link == link] for link in dict.fromkeys(p.link for p in pads)}

    def joints(self, names: Sequence[str]) -> list[int]:
        """Return the indices of joints; no names means all of them."""
        return [_index("joint", name, self.robot.joint_names) for name in names or self.robot.joint_names]

    def command_size(self, name: str) -> int:
        """Return how many numbers a command has."""
        return self.command_sizes[_index("command", name, [known for known, _ in self.command_sizes])][1]


def _index(kind: str, name: str, known: Sequence[str]) -> int:
    if name not in known:
        raise UnknownNameError(kind, name, known)
    return list(known).index(name)

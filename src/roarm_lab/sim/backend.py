"""What every simulator offers: many worlds of one robot, stepped together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, SupportsIndex

from roarm_lab.core.arrays import Array
from roarm_lab.core.errors import BadInputError

BOX_POSE = "box_pose."
"""Prefix of the pose of one box [env, 7]: position in the world m, quaternion wxyz."""
BOX_SPEED = "box_speed."
"""Prefix of the speed of one box [env, 6]: of its centre in the world m/s, then of its turning rad/s."""

JOINT_FORCE = "joint_force"
"""Torque on top of what the servos give [env, joint] N m, until it is set anew or the world is reset."""


def world_count(num_envs: object) -> int:
    """Return how many worlds are meant.

    Raises:
        BadInputError: It is no whole number of 1 or more.
    """
    if isinstance(num_envs, bool) or not isinstance(num_envs, SupportsIndex) or num_envs.__index__() < 1:
        raise BadInputError(f"The number of environments must be 1 or more, a whole number, got {num_envs!r}.")
    return num_envs.__index__()


@dataclass(frozen=True, kw_only=True)
class Box:
    """A box that lies loose on the table."""

    name: str
    size_m: float = 0.03
    """Edge of the cube."""
    mass_kg: float = 0.03
    friction: float = 0.8
    """Sliding friction, on the table and on other boxes. Where a jaw touches, the jaw's decides."""

    def __post_init__(self) -> None:
        """Refuse sizes, masses and friction that are not positive."""
        for name in ("size_m", "mass_kg", "friction"):
            if not 0.0 < getattr(self, name) < float("inf"):
                raise BadInputError(
                    f"Box {self.name!r}: {name} must be positive and finite, got {getattr(self, name)}."
                )


@dataclass(frozen=True, kw_only=True)
class SimConfig:
    """How to simulate."""

    backend: str = "mujoco_cpu"
    """Which simulator: mujoco_cpu, or mujoco_warp on an NVIDIA GPU (extra `gpu`)."""
    device: str = "cuda"
    """Where mujoco_warp runs: cuda, cuda:1, ... or, to try things out, cpu."""
    physics_dt_s: float = 0.005
    """Time step of the physics."""
    threads: int = 0
    """CPU threads; 0 takes all that this process may use."""
    dry_friction: bool = True
    """Simulate the gears' dry friction and the servos' deadband."""
    boxes: tuple[Box, ...] = ()
    """Things on the table."""
    contact: Literal["train", "hold"] = "train"
    """train: fast, a gripped cube creeps by 0.1 mm/s. hold: a gripped cube stays; for long runs and recordings."""

    def __post_init__(self) -> None:
        """Refuse steps and thread counts that make no sense."""
        if not 0.0 < self.physics_dt_s <= 0.02:
            raise BadInputError(f"SimConfig.physics_dt_s must be above 0 and at most 0.02 s, got {self.physics_dt_s}.")
        if self.threads < 0:
            raise BadInputError(f"SimConfig.threads must be 0 (all) or more, got {self.threads}.")


@dataclass(frozen=True)
class Divergence:
    """A world whose numbers blew up; the simulator has put it back to rest."""

    world: int
    step: int
    """Control step since the backend was made."""
    field: str
    """First bad field and its joint, for instance `qacc of joint 'elbow'`."""

    def __str__(self) -> str:
        """Say it in words."""
        return f"world {self.world} diverged at step {self.step}: {self.field} was not finite or too large"


class Backend(Protocol):
    """Many worlds of one robot.

    Arrays are float32 [env, ...] of the backend's own library, in the order of the robot's joints; what `get` returns
    is a copy and stays as it is when the worlds move on.

    Worlds are chosen by their numbers, with one row of values for each. A backend whose library is torch also takes a
    bool tensor [env] on its device, with one row for *every* world: numbers would have to be counted, and counting
    waits for the GPU.
    """

    @property
    def num_envs(self) -> int:
        """How many worlds there are."""
        ...

    @property
    def physics_dt_s(self) -> float:
        """Time step of the physics."""
        ...

    def reset(self, ids: Array | Sequence[int] | None, joint_pos: Array) -> None:
        """Put worlds at rest at joint angles [len(ids), joint] rad, their targets at the same angles.

        Args:
            ids: Worlds, or None for all.
            joint_pos: Joint angles of those worlds.
        """
        ...

    def step(self, joint_target: Array, substeps: int) -> None:
        """Hold joint targets for a number of physics steps.

        Args:
            joint_target: Targets [env, joint] rad, or several after one another [part, env, joint], which share the
                steps as evenly as they can.
            substeps: Physics steps altogether.
        """
        ...

    def get(self, field: str) -> Array:
        """Return a field of all worlds, for instance `joint_pos` [env, joint] rad.

        Raises:
            UnknownNameError: There is no such field.
        """
        ...

    def set(self, field: str, values: Array, ids: Array | Sequence[int] | None = None) -> None:
        """Write a field (`joint_pos`, `joint_vel`, `joint_force`) of worlds."""
        ...

    def model_field(self, field: str, names: tuple[str, ...] = ()) -> Array:
        """Return a field of the physical model [env, element, ...], as each world has it now.

        Args:
            field: Name of the field.
            names: Only these bodies, joints, actuators, geoms or boxes, in this order; none means all elements.

        Raises:
            UnknownNameError: There is no such field or element.
        """
        ...

    def scale_model(
        self, field: str, factor: Array, ids: Array | Sequence[int] | None = None, names: tuple[str, ...] = ()
    ) -> None:
        """Set a model field of worlds to the nominal value times a factor [len(ids), 1].

        Only elements `names` get it, all of them without names; the others stay as they are.
        """
        ...

    def diverged(self) -> Array:
        """Return which worlds [env] bool diverged since `divergences` was last asked, and put them to rest.

        Asking does not wait for a GPU; `divergences` does.
        """
        ...

    def divergences(self) -> list[Divergence]:
        """Return the worlds that diverged since this was last asked."""
        ...

    def overflows(self) -> dict[str, int]:
        """Return in how many worlds the engine ran out of room or of iterations so far, by its own names.

        It leaves contacts out then, and says nothing. Waits for a GPU.
        """
        ...

    def render(
        self, world: int, *, camera: str = "front", size: tuple[int, int] = (640, 480), markers: Mapping[str, Array]
    ) -> Array:
        """Return a picture [height, width, 3] uint8 of one world, with markers at positions [3] m in the world frame.

        Raises:
            MissingError: No way to render here; says what to install.
        """
        ...

    def render_depth(self, world: int, *, camera: str = "front", size: tuple[int, int] = (640, 480)) -> Array:
        """Return how far in front of the camera things are [height, width] float32 m; 0 where there is nothing.

        Raises:
            MissingError: No way to render here; says what to install.
        """
        ...

    def close(self) -> None:
        """Free what the backend holds. May be called more than once."""
        ...

"""What MuJoCo Warp needs: its packages, a device that runs it, and enough of its memory."""

import importlib
import math
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any

import mujoco

from roarm_lab.core.digits import beside
from roarm_lab.core.errors import BadInputError, MissingError
from roarm_lab.sim.cuda_graphs import GraphRecorder

PACKAGES = ("torch", "warp", "mujoco_warp")
MIN_DRIVER = (12, 4)
"""The CUDA version a driver must offer: the solver's loops are conditional nodes of CUDA graphs."""
CONTACTS_PER_BOX, ROWS_PER_BOX = 24, 96
"""Room for contacts and constraint rows per world, for each box (and for none, as for one)."""
WORKSPACE = 2.0
"""Memory of a world in use, over that of its arrays: with an environment's own tensors and recordings it was 1.9 on an
H200, besides 0.7 GiB that did not grow with the worlds (4,096 and 16,384 of lift-cube)."""


class WarpDevice:
    """Warp, MuJoCo Warp and torch on one device, and the CUDA graphs captured there."""

    def __init__(self, name: str) -> None:
        """Find packages and device.

        Args:
            name: cuda, cuda:1, ... or cpu.

        Raises:
            BadInputError: The name is none of these.
            MissingError: A package or the device is missing, or the driver is too old; says what to do.
        """
        self.torch, self.wp, self.mjw = _packages()
        if name != "cpu" and name.partition(":")[0] != "cuda":
            raise BadInputError(f"SimConfig.device must be cuda, cuda:1, ... or cpu, got {name!r}.")
        self.wp.config.log_level = self.wp.LOG_WARNING
        self.is_cuda = name != "cpu"
        if self.is_cuda:
            _check_cuda(self.torch, self.wp, name)
            name = name if ":" in name else f"cuda:{self.torch.cuda.current_device()}"
        self.name = name
        self._graphs: dict[Hashable, Any] = {}
        self._streams: dict[int, Any] = {}
        self._tape: GraphRecorder | None = None
        self.version = 0
        """Counts up when arrays have been replaced: what was recorded before writes to memory that nobody reads."""

    def scope(self) -> Any:
        """Return the context in which Warp allocates and launches here."""
        return self.wp.ScopedDevice(self.name)

    def run(self, key: Hashable, work: Callable[[], None]) -> None:
        """Do work that launches Warp kernels, in order with torch's own; on CUDA it is captured once per key."""
        if not self.is_cuda:
            with self.scope():
                work()
            return
        if self._tape is not None:
            self._tape.cut(partial(self._launch, self._captured(key, work)))
        else:
            self._launch(self._captured(key, work))

    def record(self, work: Callable[[], None], generators: Sequence[Any]) -> Callable[[], None]:
        """Return what repeats `work` of torch and Warp, which is recorded and not done now. Does not wait.

        Args:
            work: Everything in it must have been done once before, so that nothing is brought to the device any more.
                Without CUDA it is called again and again.
            generators: What it draws random numbers from.
        """
        if not self.is_cuda:
            return work
        self._tape = GraphRecorder(self.torch, self.name, generators)
        try:
            self._tape.record(work)
            return self._tape.play
        finally:
            self._tape = None

    def forget(self) -> None:
        """Drop the captured graphs: arrays they were captured with have been replaced."""
        if self._graphs:
            self.torch.cuda.synchronize(self.name)
        self._graphs.clear()
        self.version += 1

    def _captured(self, key: Hashable, work: Callable[[], None]) -> Any:
        if key not in self._graphs:
            if self._tape is not None:
                raise RuntimeError(f"{key!r} must be captured before it can be part of a recording.")
            with self.scope(), self.wp.ScopedCapture() as capture:
                work()
            self._graphs[key] = capture.graph
        return self._graphs[key]

    def _launch(self, graph: Any) -> None:
        self.wp.capture_launch(graph, stream=self._stream())

    def _stream(self) -> Any:
        stream = self.torch.cuda.current_stream(self.name)
        if stream.cuda_stream not in self._streams:
            self._streams[stream.cuda_stream] = self.wp.stream_from_torch(stream)
        return self._streams[stream.cuda_stream]

    def data(self, model: mujoco.MjModel, num_envs: int, boxes: int) -> Any:
        """Return MuJoCo Warp's data of so many worlds, with room for the contacts of so many boxes."""
        room = {"nconmax": CONTACTS_PER_BOX * max(boxes, 1), "njmax": ROWS_PER_BOX * max(boxes, 1)}
        return self.mjw.make_data(model, nworld=num_envs, **room)

    def check_memory(self, model: mujoco.MjModel, num_envs: int, boxes: int) -> None:
        """Refuse more worlds than fit, before any of their memory is taken.

        Raises:
            MissingError: Says how much is needed, how much is free, and how many worlds fit.
        """
        if not self.is_cuda:
            return
        free, _ = self.torch.cuda.mem_get_info(self.name)
        each = WORKSPACE * self.bytes_per_world(model, boxes)
        if each * num_envs > free:
            raise MissingError(too_little_memory(num_envs, each, free, self.name))

    def bytes_per_world(self, model: mujoco.MjModel, boxes: int) -> float:
        """Return the memory of one world's arrays, found from two small sets of worlds on the CPU."""
        few, many = 2, 10
        with self.wp.ScopedDevice("cpu"):
            sizes = [_bytes(self.data(model, num_envs, boxes), self.wp) for num_envs in (few, many)]
        return (sizes[1] - sizes[0]) / (many - few)


def too_little_memory(num_envs: int, each: float, free: float, device: str) -> str:
    """Return the words for `num_envs` worlds of `each` bytes that do not fit into `free` bytes."""
    needed_gib, free_gib = each * num_envs / 2.0**30, free / 2.0**30
    return (
        f"{num_envs} worlds need about {beside(needed_gib, free_gib, digits=1)} GiB on {device}, and "
        f"{beside(free_gib, needed_gib, digits=1)} GiB are free. "
        f"About {math.floor(free / each)} worlds fit; take fewer, or end what else uses the GPU."
    )


def _packages() -> list[Any]:
    """Return torch, Warp and MuJoCo Warp. Imported by name: they have no types, and most computers lack them."""
    found: list[Any] = []
    for name in PACKAGES:
        try:
            found.append(importlib.import_module(name))
        except ImportError as error:
            raise MissingError(
                f"The simulator mujoco_warp needs the Python package {error.name or name!r}: "
                "pip install 'roarm-lab[gpu]' (and an NVIDIA GPU). On the CPU, mujoco_cpu does the same."
            ) from error
    return found


def _check_cuda(torch: Any, wp: Any, name: str) -> None:
    instead = "Or simulate on the CPU: backend mujoco_cpu."
    if not torch.cuda.is_available() or not wp.is_cuda_available():
        lacking = "PyTorch" if not torch.cuda.is_available() else "Warp"
        raise MissingError(
            f"{lacking} finds no CUDA device for the simulator mujoco_warp. `nvidia-smi` should list a GPU, and "
            f"PyTorch must be a build with CUDA (this one: {torch.__version__}, CUDA {torch.version.cuda}). {instead}"
        )
    index, count = int(name.partition(":")[2] or 0), torch.cuda.device_count()
    if not index < count:
        raise MissingError(f"There is no device {name!r}: {count} CUDA devices were found, counted from 0. {instead}")
    driver = tuple(wp.get_cuda_driver_version())
    if driver < MIN_DRIVER:
        raise MissingError(
            f"The NVIDIA driver offers CUDA {'.'.join(map(str, driver))}; mujoco_warp needs "
            f"{'.'.join(map(str, MIN_DRIVER))} or newer. Update the driver. {instead}"
        )


def _bytes(data: Any, wp: Any) -> int:
    """Return the size of all arrays of a Warp structure, those of its parts counted in."""
    total = 0
    for value in vars(data).values():
        if isinstance(value, wp.array):
            total += value.capacity or 0
        elif hasattr(value, "__dataclass_fields__") or type(value).__name__ in ("Contact", "Constraint"):
            total += _bytes(value, wp)
    return total

"""What a GPU is asked to do in a step, recorded once and then repeated: the CPU only says "again".

torch's kernels become CUDA graphs. Warp's physics has a graph of its own with loops inside, which torch can not record;
so the tape is cut there, and played piece by piece.
"""

from collections.abc import Callable, Sequence
from typing import Any


class GraphRecorder:
    """Work on one device that can be repeated. All memory that it works in stays where it is."""

    def __init__(self, torch: Any, device: str, generators: Sequence[Any]) -> None:
        """Begin empty.

        Args:
            torch: The library.
            device: A CUDA device.
            generators: torch's random number generators that the work draws from; they go on from play to play.
        """
        self._torch, self._generators = torch, generators
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()
        self._pieces: list[Callable[[], None]] = []
        self._open: Any = None

    def record(self, work: Callable[[], None]) -> None:
        """Record work without doing it. It must not wait for the device, nor bring anything to it."""
        self._begin()
        try:
            work()
        finally:
            self._end()

    def cut(self, launch: Callable[[], None]) -> None:
        """Put something between what was recorded so far and what follows that is launched by itself."""
        self._end()
        self._pieces.append(launch)
        self._begin()

    def play(self) -> None:
        """Let the device do it again."""
        for piece in self._pieces:
            piece()

    def _begin(self) -> None:
        graph = self._torch.cuda.CUDAGraph()
        for generator in self._generators:
            graph.register_generator_state(generator)
        self._open = self._torch.cuda.graph(
            graph,
            pool=self._pool,
            stream=self._stream,
            # NCCL has a thread that looks now and then at what several GPUs exchange; that must not end a recording.
            capture_error_mode="thread_local",
        )
        self._open.__enter__()
        self._pieces.append(graph.replay)

    def _end(self) -> None:
        self._open.__exit__(None, None, None)
        self._open = None

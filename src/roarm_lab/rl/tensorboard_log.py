"""What training logs, as a file that TensorBoard reads.

Written at once and by the thread that trains. The writer that PyTorch brings has a thread of its own, which on a full
disk prints a traceback and leaves training waiting.
"""

import io
import os
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.logger import KVWriter, Logger
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue] (generated)
from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]
from tensorboard.summary.writer.record_writer import RecordWriter

from roarm_lab.core.files import write_atomic

VERSION = "brain.Event:2"
"""The first record of a file says its format."""

Hear = Callable[[dict[str, float], int], None]
"""Called with what is logged, by name, and the steps."""

_hearing: dict[Path, Hear] = {}


@contextmanager
def heard(folder: Path, hear: Hear) -> Generator[None]:
    """Let `hear` be called with all that is logged below `folder` by loggers that are made in this block."""
    _hearing[folder] = hear
    try:
        yield
    finally:
        del _hearing[folder]


def cut_tensorboard(folder: Path, steps: int) -> None:
    """Drop what was logged below `folder` after `steps`: training goes on from a checkpoint that is older.

    A last record that a killed process left unfinished is dropped as well.
    """
    for path in sorted(folder.glob("events.out.tfevents.*")):
        records = list(RawEventFileLoader(str(path)).Load())
        kept = [record for record in records if Event.FromString(record).step <= steps]
        written = io.BytesIO()
        for record in kept:
            RecordWriter(written).write(record)
        if written.getvalue() != path.read_bytes():
            write_atomic(path, written.getvalue(), overwrite=True)


def tensorboard_logger(folder: Path) -> Logger:
    """Return a logger that writes a new file below `folder`, which is made if needed.

    Raises:
        OSError: It can not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return Logger(str(folder), [TensorBoardLog(folder)])


class TensorBoardLog(KVWriter):
    """Scalars by name, one group per rollout."""

    def __init__(self, folder: Path) -> None:
        now_s, self._hear = time.time(), _hearing.get(folder)
        self._path = folder / f"events.out.tfevents.{now_s:.6f}.{socket.gethostname()}.{os.getpid()}"
        self._append(Event(wall_time=now_s, file_version=VERSION))

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Add what is a number and meant for TensorBoard.

        Raises:
            OSError: It can not be written.
        """
        numbers = {
            key: float(value)
            for key, value in sorted(key_values.items())
            if isinstance(value, int | float | np.number) and "tensorboard" not in (key_excluded.get(key) or ())
        }
        if not numbers:
            return
        values = [Summary.Value(tag=key, simple_value=value) for key, value in numbers.items()]
        self._append(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))
        if self._hear is not None:
            self._hear(numbers, step)

    def close(self) -> None:
        """Nothing is open between two rollouts."""

    def _append(self, event: Any) -> None:
        record = io.BytesIO()
        RecordWriter(record).write(event.SerializeToString())
        with self._path.open("ab") as file:
            file.write(record.getvalue())

"""What processes that train one policy together say to each other, through `torch.distributed`.

RSL-RL averages gradients and normaliser itself once a group exists. What is added here is how a group begins and ends,
and that all of them stop between the same two rollouts when one is asked to: whoever stopped alone would leave the
others waiting for its gradients.
"""

import os
import signal
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from roarm_lab.core.arrays import Array
from roarm_lab.core.errors import MissingError
from roarm_lab.envs.env import StepResult
from roarm_lab.rl.process_group import ALONE, ProcessGroup
from roarm_lab.rl.trainer import Log, Update

HERE = "127.0.0.1"
PATIENCE = timedelta(minutes=30)
"""How long a process waits for the others: longer than the first one ever evaluates, records or compiles on the way."""


class StoppedTogether(KeyboardInterrupt):
    """One process was asked to stop, and all have agreed to, between two rollouts."""


def check_gpus(device: str, processes: int) -> None:
    """Refuse more processes on this computer than GPUs, if that is where they work.

    Raises:
        MissingError: There are fewer.
    """
    found = torch.cuda.device_count()
    if device.startswith("cuda") and found < processes:
        raise MissingError(
            f"`gpus={processes}`: PyTorch sees {found} CUDA device{'' if found == 1 else 's'} here, and each process "
            f"needs one. `nvidia-smi` lists them; CUDA_VISIBLE_DEVICES may hide some. Take `gpus={max(found, 1)}`."
        )


def meeting_point() -> Any:
    """Return a store at which processes of this computer meet, with its free `port`; it lasts as long as it is kept."""
    store: Any = dist.TCPStore  # pyright: ignore[reportPrivateImportUsage] (documented there)
    return store(HERE, 0, None, is_master=True, wait_for_workers=False)


def join(team: ProcessGroup, device: str) -> None:
    """Meet the other processes of a team; nothing to do alone.

    Args:
        team: Who this process is.
        device: Where its networks learn. NCCL carries what is on a GPU, Gloo what is not.

    Raises:
        MissingError: This PyTorch can not do it.
    """
    if not team.several:
        return
    cuda = device.startswith("cuda")
    if not dist.is_available() or (cuda and not dist.is_nccl_available()):
        raise MissingError(
            f"This PyTorch ({torch.__version__}) was built without {'NCCL' if cuda else 'torch.distributed'}, by which "
            "several processes learn together. On Linux the usual builds have it; elsewhere leave `gpus=` out."
        )
    if cuda:
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=PATIENCE)


def present() -> ProcessGroup:
    """Return who this process is among those it has met; alone before `join` and after `leave`."""
    if not (dist.is_available() and dist.is_initialized()):
        return ALONE
    rank = dist.get_rank()
    return ProcessGroup(rank, dist.get_world_size(), int(os.environ.get("LOCAL_RANK", rank)))


def multi_gpu(team: ProcessGroup) -> dict[str, int] | None:
    """Return what RSL-RL wants to know about a team."""
    if not team.several:
        return None
    return {"global_rank": team.rank, "local_rank": team.local_rank, "world_size": team.size}


def anybody(flag: bool) -> bool:
    """Return whether any process of the team says yes; all must ask at the same place, and wait there for each other.

    On the CPU, so that nothing waits for a GPU.
    """
    if not present().several:
        return flag
    answer = torch.tensor([int(flag)])
    dist.all_reduce(answer, op=dist.ReduceOp.MAX)
    return bool(answer.item())


def leave() -> None:
    """End the group; all processes must come here, unless one has failed: then nobody does."""
    if present().several:
        dist.destroy_process_group()


@dataclass
class Stop:
    """Whether this process was asked to stop."""

    asked: bool = False


@contextmanager
def stop_when_asked() -> Generator[Stop]:
    """Yield what remembers Ctrl-C and SIGTERM; a second Ctrl-C interrupts at once. For the main thread, else deaf."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def remember(number: int, frame: object) -> None:
        del frame
        if stop.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.asked = True

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class TogetherLog:
    """A log that stops all processes before the same rollout; what it is told goes on to another one, if there is one.

    All but the first process have none: they write nothing.
    """

    def __init__(self, stop: Stop, log: Log | None = None) -> None:
        self._stop, self._log = stop, log

    def begin(self, steps: int) -> None:
        """Learning begins, or goes on."""
        if self._log is not None:
            self._log.begin(steps)

    def before_rollout(self, steps: int) -> None:
        """Ask whether anybody is to stop.

        Raises:
            StoppedTogether: Yes.
        """
        if anybody(self._stop.asked):
            raise StoppedTogether
        if self._log is not None:
            self._log.before_rollout(steps)

    def after_step(self, result: StepResult | None) -> None:
        """All worlds of this process have done a step."""
        if self._log is not None:
            self._log.after_step(result)

    def after_rollout(self, steps: int, update: Update, actions: Array) -> Mapping[str, float]:
        """Return the curve's row."""
        return {} if self._log is None else self._log.after_rollout(steps, update, actions)

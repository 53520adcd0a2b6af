"""Calls on Ray, each in a process of its own, on this computer or on a cluster. Nobody else imports Ray."""

import logging
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import ray
import ray.exceptions

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.provenance import usable_cores
from roarm_lab.core.python_process import OWN_PYTHON

ItemT = TypeVar("ItemT")

BEAT_S = 0.5
"""How often a pool that waits looks around."""
STORE_BYTES = 80 * 2**20
"""Ray's memory for objects: next to nothing is sent through it, and this is the least that it takes."""
REACH_S = 5.0
"""A computer that does not answer within this time is not there."""
JOIN_S = 60.0
"""A head of Ray that has not let us in by then will not: Ray itself tries for minutes, and can not be interrupted."""
PROBE = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False, configure_logging=False)"


@dataclass(frozen=True)
class Machine:
    """What a computer of the pool has."""

    cpus: int
    gpus: int


class RayPool:
    """A Ray that calls can be given to."""

    def machines(self) -> tuple[Machine, ...]:
        """Return the computers that are there."""
        found = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return tuple(Machine(cpus=int(has.get("CPU", 0)), gpus=int(has.get("GPU", 0))) for has in found)

    def run(
        self,
        call: Callable[[ItemT], str | None],
        items: Sequence[ItemT],
        *,
        cpus: int,
        gpus: float,
        ended: Callable[[int, str | None], None],
        beat: Callable[[], None],
    ) -> None:
        """Call `call` with every item, as many at once as there is room for, and return when all have ended.

        Args:
            call: Returns why it failed, or None. Its process ends with it. It is given a KeyboardInterrupt to stop.
            items: One per call.
            cpus: Cores that a call takes.
            gpus: GPUs that a call takes; a part of one is allowed.
            ended: Called with the index of an item and why it failed: what `call` said, or how its process died.
            beat: Called twice a second.

        Raises:
            KeyboardInterrupt: Ctrl-C. Every call has been interrupted and has ended.
        """
        remote: Any = ray.remote(num_cpus=cpus, num_gpus=gpus, max_calls=1, max_retries=0)(call)
        waiting: dict[Any, int] = {}
        try:
            waiting.update((remote.remote(item), index) for index, item in enumerate(items))
            while waiting:
                done, _ = ray.wait(list(waiting), num_returns=1, timeout=BEAT_S)
                for ref in done:
                    ended(waiting.pop(ref), _failure(ref))
                beat()
        except KeyboardInterrupt:
            _interrupt(list(waiting))
            raise


@contextmanager
def started() -> Generator[RayPool]:
    """Yield a Ray of our own on this computer: no dashboard, no statistics sent.

    Its ports ask for a key that is made for it alone. It ends with the block, and so does its folder.
    """
    _be_quiet()
    # Ray would otherwise keep a key in the home folder.
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    # The paths of its sockets must be short.
    folder = Path(tempfile.mkdtemp(prefix="roarm-ray-", dir="/tmp" if sys.platform != "win32" else None))  # noqa: S108
    options: dict[str, Any] = {"_temp_dir": str(folder), "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(
            address="local",
            num_cpus=usable_cores(),
            object_store_memory=STORE_BYTES,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            **options,
        )
        with redirect_stdout(sys.stderr):  # where Ray says it when a process dies
            yield RayPool()
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def joined(address: str) -> Generator[RayPool]:
    """Yield the cluster at `address`, which goes on after the block.

    Raises:
        BadInputError: There is none, or it does not let us in.
    """
    _be_quiet()
    _refuse_strangers(address)
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise BadInputError(f"`ray={address!r}`: {_first_line(error)}") from error
    try:
        with redirect_stdout(sys.stderr):
            yield RayPool()
    finally:
        ray.shutdown()


def check_address(address: str) -> None:
    """Refuse what is no address of a cluster, or one where nothing answers.

    Raises:
        BadInputError: It is neither `auto` nor `HOST:PORT`, or nothing listens there.
    """
    if address == "auto":
        return
    host, colon, port = address.rpartition(":")
    if "/" in address or not (host and colon and port.isdigit() and 0 < int(port) < 65536):
        raise BadInputError(
            f"`ray=` takes HOST:PORT of the head of a Ray cluster, for instance 192.168.1.5:6379, or auto for the one "
            f"that runs on this computer; got {address!r}."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_S).close()
    except OSError as error:
        raise BadInputError(
            f"`ray={address!r}`: nothing answers there ({error.strerror or error}). Is the cluster up? On its head, "
            "`ray status` says so."
        ) from error


def _refuse_strangers(address: str) -> None:
    """Try the address in a process of its own, which can be ended when Ray does not come back."""
    if address == "auto":
        return
    try:
        done = subprocess.run(  # noqa: S603
            [*OWN_PYTHON, "-c", PROBE, address], capture_output=True, text=True, timeout=JOIN_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise BadInputError(
            f"`ray={address!r}`: something answers, but does not let us in within {JOIN_S:.0f} s. Is this the port of "
            f"Ray's head (6379 by default), with Ray {ray.__version__} as here?"
        ) from None
    if done.returncode != 0:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        raise BadInputError(f"`ray={address!r}`: {' '.join(last) or 'Ray ended without a word'}")


def _be_quiet() -> None:
    """Let Ray send no statistics, and print errors alone."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    logging.getLogger("ray").setLevel(logging.ERROR)


def _failure(ref: Any) -> str | None:
    """Return why a call failed, None if it did not."""
    try:
        return ray.get(ref)
    except ray.exceptions.WorkerCrashedError:
        return "its process died"
    except ray.exceptions.OutOfMemoryError:
        return "its process was ended because the computer ran out of memory"
    except ray.exceptions.RayTaskError as error:
        return str(error).strip().splitlines()[-1]
    except ray.exceptions.RayError as error:
        return _first_line(error)


def _interrupt(refs: list[Any]) -> None:
    """Interrupt calls and wait until all have ended; one that has ended is not disturbed."""
    for ref in refs:
        ray.cancel(ref)
    if refs:
        ray.wait(refs, num_returns=len(refs))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

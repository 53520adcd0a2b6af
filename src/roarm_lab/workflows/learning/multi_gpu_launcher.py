"""Starts one process per GPU for one training, passes Ctrl-C on, and ends them all when one of them fails.

`torchrun` can do the starting as well. This says an error in one line, leaves with its exit code, and gives the first
process the time that a checkpoint needs.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import IO

from roarm_lab.core.provenance import usable_cores
from roarm_lab.core.python_process import OWN_PYTHON, children_hear_ctrl_c
from roarm_lab.workflows.frontend import Frontend, Notice
from roarm_lab.workflows.learning.multi_gpu import threads_wait_passively
from roarm_lab.workflows.learning.train_job import prepare_job
from roarm_lab.workflows.learning.train_request import TrainRequest

LEADER = "ROARM_TRAIN_LEADER"
"""Set where the process that started this one holds its standard input: when that ends, so does this one."""
LEADERS_PIPE = 0
STOPPED = (128 + signal.SIGINT, -signal.SIGINT)
"""Exit codes after Ctrl-C; the second one of a process that had hardly begun."""
GRACE_S = 30.0
"""How long the others may take once the first process has ended, or any was stopped: one can be left waiting."""
LOOK_EVERY_S, LATE_S = 0.05, 2.0


def start_group(request: TrainRequest, frontend: Frontend, words: Sequence[str]) -> int:
    """Train in `request.gpus` processes of this computer, and return the exit code of the first.

    Args:
        request: What to train.
        frontend: Hears of a process that failed.
        words: What this Python is to run in each of them, for instance `-m package train ...`.

    Raises:
        BadInputError, ImportError, MissingError: As `train`; nothing has been started then.
    """
    threads_wait_passively()
    prepare_job(request, (), request.gpus)
    from roarm_lab.rl.distributed import HERE, meeting_point

    store = meeting_point()
    common = {
        "WORLD_SIZE": str(request.gpus),
        "LOCAL_WORLD_SIZE": str(request.gpus),
        "MASTER_ADDR": HERE,
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",  # the meeting point is here, not in the first process
        LEADER: "1",
    }
    unless_set = {"OMP_NUM_THREADS": str(max(usable_cores() // request.gpus, 1))}
    if sys.platform == "linux":
        unless_set["GLOO_SOCKET_IFNAME"] = "lo"  # else it wants a network in which this computer's name is known
    with ExitStack() as stack:
        kept = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(request.gpus)]
        with children_hear_ctrl_c():
            group = [
                _start(
                    words,
                    unless_set | os.environ | common | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
                    rank,
                    kept[rank],
                )
                for rank in range(request.gpus)
            ]
        try:
            with _passing_on(group):
                return _ended(group, kept, frontend)
        finally:
            _kill(group)


def follow_leader() -> None:
    """Do what `start_group` expects of a process; nothing where it did not start this one.

    When the leader is gone this process stops like after `kill`. And it complains late: what only lost its peers is
    ended before it says so, by the leader, which has then seen who failed first.
    """
    if os.environ.get(LEADER) is None:
        return
    complain = sys.excepthook

    def late(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        time.sleep(LATE_S)
        complain(kind, error, trace)

    def wait() -> None:
        while os.read(LEADERS_PIPE, 1):  # not through sys.stdin, whose lock Python wants when it ends
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    sys.excepthook = late
    threading.Thread(target=wait, daemon=True).start()


def _start(words: Sequence[str], environment: dict[str, str], rank: int, kept: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a process; all but the first print nothing, and what they complain of is kept."""
    return subprocess.Popen(  # noqa: S603 (this very Python)
        [*OWN_PYTHON, *words],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL if rank else None,
        stderr=kept if rank else None,
        start_new_session=True,  # Ctrl-C reaches this process alone, which passes it on once
    )


@contextmanager
def _passing_on(group: Sequence[subprocess.Popen[bytes]]) -> Generator[None]:
    """Pass signals that end a program on to all processes as Ctrl-C; the second one kills them."""
    asked = False

    def pass_on(number: int, frame: object) -> None:
        nonlocal asked
        del number, frame
        if asked:
            _kill(group)
        asked = True
        for process in group:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}
    before = {number: signal.signal(number, pass_on) for number in sorted(numbers)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ended(group: Sequence[subprocess.Popen[bytes]], kept: Sequence[IO[bytes]], frontend: Frontend) -> int:
    """Wait for all processes and return the exit code of the first; or end them all when one fails, and say why."""
    deadline_s = float("inf")
    while True:
        codes = [process.poll() for process in group]
        failed = [rank for rank, code in enumerate(codes) if code not in (None, 0, *STOPPED)]
        if failed:
            _kill(group)
            return _failed(failed[0], codes[failed[0]] or 1, len(group), kept[failed[0]], frontend)
        stopped = any(code in STOPPED for code in codes)
        if codes[0] is not None or stopped:
            deadline_s = min(deadline_s, time.monotonic() + GRACE_S)
            if None not in codes or time.monotonic() > deadline_s:
                return STOPPED[0] if stopped else 0
        time.sleep(LOOK_EVERY_S)


def _failed(rank: int, code: int, size: int, kept: IO[bytes], frontend: Frontend) -> int:
    """Say why a process ended, and return the exit code: its own, or 1 after a signal."""
    if rank == 0 and code > 0:
        return code  # it has said so itself
    kept.seek(0)
    if said := kept.read().decode(errors="replace").strip():
        frontend.tell(Notice(code="process-said", text=said, level="warning"))
    how = f"with exit code {code}" if code > 0 else f"by {signal.Signals(-code).name}"
    text = f"process {rank} of {size} ended {how}, and so did training; what was saved is kept."
    frontend.tell(Notice(code="process-ended", text=text, level="warning"))
    return code if code > 0 else 1


def _kill(group: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in group:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()

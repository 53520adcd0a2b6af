"""`roarm train --gpus N`: starts one process per GPU, passes Ctrl-C on, and ends them all when one of them fails.

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

from roarm_lab.cli.learning.train import TrainArguments
from roarm_lab.core.provenance import usable_cores
from roarm_lab.core.python_process import OWN_PYTHON, children_hear_ctrl_c
from roarm_lab.workflows.learning.train import asked_job, threads_wait_passively

LEADER = "ROARM_TRAIN_LEADER"
"""Set where the process that started this one holds its standard input: when that ends, so does this one."""
LEADERS_PIPE = 0
INTERRUPTED = 130
STOPPED = (INTERRUPTED, -signal.SIGINT)
"""Exit codes after Ctrl-C; the second one of a process that had hardly begun."""
GRACE_S = 30.0
"""How long the others may take once the first process has ended, or any was stopped: one can be left waiting."""
LOOK_EVERY_S, LATE_S = 0.05, 2.0


def start_team(arguments: TrainArguments, argv: Sequence[str]) -> int:
    """Train in `--gpus` processes of this computer, and return the exit code.

    Raises:
        BadInputError, ImportError, MissingError: As `run_training`; nothing has been started then.
    """
    threads_wait_passively()
    asked_job(arguments, (), arguments.gpus)
    from roarm_lab.rl.distributed import HERE, meeting_point

    store = meeting_point()
    common = {
        "WORLD_SIZE": str(arguments.gpus),
        "LOCAL_WORLD_SIZE": str(arguments.gpus),
        "MASTER_ADDR": HERE,
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",  # the meeting point is here, not in the first process
        LEADER: "1",
    }
    unless_set = {"OMP_NUM_THREADS": str(max(usable_cores() // arguments.gpus, 1))}
    if sys.platform == "linux":
        unless_set["GLOO_SOCKET_IFNAME"] = "lo"  # else it wants a network in which this computer's name is known
    with ExitStack() as stack:
        words = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(arguments.gpus)]
        with children_hear_ctrl_c():
            team = [
                _start(
                    argv,
                    unless_set | os.environ | common | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
                    rank,
                    words[rank],
                )
                for rank in range(arguments.gpus)
            ]
        try:
            with _passing_on(team):
                return _ended(team, words)
        finally:
            _kill(team)


def follow_leader() -> None:
    """Do what `start_team` expects of a process; nothing where it did not start this one.

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


def _start(argv: Sequence[str], environment: dict[str, str], rank: int, words: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a process; all but the first print nothing, and what they complain of is kept."""
    return subprocess.Popen(  # noqa: S603 (this very Python)
        [*OWN_PYTHON, "-m", "roarm_lab", "train", *argv],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL if rank else None,
        stderr=words if rank else None,
        start_new_session=True,  # Ctrl-C reaches this process alone, which passes it on once
    )


@contextmanager
def _passing_on(team: Sequence[subprocess.Popen[bytes]]) -> Generator[None]:
    """Pass signals that end a program on to all processes as Ctrl-C; the second one kills them."""
    asked = False

    def pass_on(number: int, frame: object) -> None:
        nonlocal asked
        del number, frame
        if asked:
            _kill(team)
        asked = True
        for process in team:
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


def _ended(team: Sequence[subprocess.Popen[bytes]], words: Sequence[IO[bytes]]) -> int:
    """Wait for all processes and return the exit code of the first; or end them all when one fails, and say why."""
    deadline_s = float("inf")
    while True:
        codes = [process.poll() for process in team]
        failed = [rank for rank, code in enumerate(codes) if code not in (None, 0, *STOPPED)]
        if failed:
            _kill(team)
            return _failed(failed[0], codes[failed[0]] or 1, len(team), words[failed[0]])
        stopped = any(code in STOPPED for code in codes)
        if codes[0] is not None or stopped:
            deadline_s = min(deadline_s, time.monotonic() + GRACE_S)
            if None not in codes or time.monotonic() > deadline_s:
                return INTERRUPTED if stopped else 0
        time.sleep(LOOK_EVERY_S)


def _failed(rank: int, code: int, size: int, words: IO[bytes]) -> int:
    """Say why a process ended, and return the exit code: its own, or 1 after a signal."""
    if rank == 0 and code > 0:
        return code  # it has said so itself
    words.seek(0)
    said = words.read().decode(errors="replace").strip()
    how = f"with exit code {code}" if code > 0 else f"by {signal.Signals(-code).name}"
    what = f"roarm: process {rank} of {size} ended {how}, and so did training; what was saved is kept."
    sys.stderr.write(f"{said}\n{what}\n" if said else f"{what}\n")
    return code if code > 0 else 1


def _kill(team: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in team:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()

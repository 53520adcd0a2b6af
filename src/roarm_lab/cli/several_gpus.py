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
from typing import IO

from roarm_lab.cli.train import TrainArguments
from roarm_lab.cli.training import asked_job, threads_wait_passively
from roarm_lab.core.provenance import usable_cores

LEADER = "ROARM_TRAIN_LEADER"
"""Set where the process that started this one holds its standard input: when that ends, so does this one."""
LEADERS_PIPE = 0
INTERRUPTED = 130
GRACE_S = 10.0
"""How long the others may take to end after the first process has."""
LOOK_EVERY_S = 0.05


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
    threads = {"OMP_NUM_THREADS": str(max(usable_cores() // arguments.gpus, 1))}
    with ExitStack() as stack:
        words = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(arguments.gpus)]
        team = [
            _start(
                argv, threads | os.environ | common | {"RANK": str(rank), "LOCAL_RANK": str(rank)}, rank, words[rank]
            )
            for rank in range(arguments.gpus)
        ]
        try:
            with _passing_on(team):
                return _ended(team, words)
        finally:
            _kill(team)


def ends_with_its_leader() -> None:
    """Stop this process like `kill` does when the one that started it is gone; nothing to do where nobody did."""
    if os.environ.get(LEADER) is None:
        return

    def wait() -> None:
        while os.read(LEADERS_PIPE, 1):  # not through sys.stdin, whose lock Python wants when it ends
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def _start(argv: Sequence[str], environment: dict[str, str], rank: int, words: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a process; all but the first print nothing, and what they complain of is kept."""
    return subprocess.Popen(
        [sys.executable, "-m", "roarm_lab", "train", *argv],
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
        failed = [rank for rank, code in enumerate(codes) if code not in (None, 0, INTERRUPTED)]
        if failed:
            _kill(team)
            return _failed(failed[0], codes[failed[0]] or 1, len(team), words[failed[0]])
        if codes[0] is not None:
            deadline_s = min(deadline_s, time.monotonic() + GRACE_S)
            if None not in codes or time.monotonic() > deadline_s:
                return codes[0]
        time.sleep(LOOK_EVERY_S)


def _failed(rank: int, code: int, size: int, words: IO[bytes]) -> int:
    """Say why a process ended, and return the exit code: its own, or 1 after a signal."""
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

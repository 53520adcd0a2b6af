"""Other libraries to measure beside us: what they are, which Python has them, a process that measures when asked."""

import json
import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from roarm_lab.core.errors import BadInputError, MissingError, RoarmLabError, UnknownNameError

START_LIMIT_S = 1800.0
"""Until a peer's worlds stand; mjlab compiles its kernels once, for minutes on a slow CPU."""
GRACE_S = 600.0
"""What a measurement may take longer than it was told: a round of a training loop on a CPU is long."""
ASK_LIMIT_S = 60.0
LAST_WORDS = 300
"""Characters of a peer's own complaint that are passed on."""
VERSION_OF = """
import importlib.metadata as metadata, json, sys
try:
    found = metadata.version(sys.argv[1])
except metadata.PackageNotFoundError:
    found = None
print(json.dumps({"version": found, "python": sys.version_info[:2]}))
"""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another library, by the name of its package."""

    name: str
    install: str
    """What pip installs: the version that the program in `peer_process.py` was written for."""
    measures: tuple[str, ...]
    """What of it can be measured."""
    worlds: int
    """How many, unless the user says."""
    most_worlds: int | None = None
    """Where each world takes a process, more would stop the machine."""

    def commands(self) -> str:
        """Return the commands that make an environment with this library, and what names it."""
        return (
            f"`python3 -m venv {self.name}-env`, `{self.name}-env/bin/pip install {self.install}`, "
            f"then add `peer_python={self.name + '=' + self.name + '-env/bin/python'!r}`"
        )


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        # Its 1.4.2 stops at an assertion with MuJoCo 3.12 and later.
        Peer(
            name="gymnasium-robotics",
            install='gymnasium-robotics==1.4.2 "mujoco<3.12"',
            measures=("sim",),
            worlds=64,
            most_worlds=256,
        ),
        Peer(name="mjlab", install="mjlab==1.6.0", measures=("sim", "train"), worlds=4096),
    )
}


def peers_named(words: Iterable[str], what: str) -> tuple[Peer, ...]:
    """Return the named peers, separated by commas or spaces, each once.

    Raises:
        UnknownNameError: There is no such peer.
        BadInputError: It has nothing like what is to be measured.
    """
    names = dict.fromkeys(name for word in words for name in word.split(",") if name)
    if not names:
        raise BadInputError(f"`against=` names nobody. Known: {', '.join(sorted(PEERS))}.")
    for name in names:
        if name not in PEERS:
            raise UnknownNameError("peer", name, PEERS)
        if what not in PEERS[name].measures:
            fitting = " and ".join(f"`bench({each!r})`" for each in PEERS[name].measures)
            raise BadInputError(f"{name} can be measured by {fitting} alone: it has nothing to set against {what!r}.")
    return tuple(PEERS[name] for name in names)


def pythons_given(words: Iterable[str], peers: Iterable[Peer]) -> dict[str, str]:
    """Return peer -> interpreter as `NAME=PATH` says it, one for each peer.

    Raises:
        BadInputError: That is not how it is written, or it names somebody who is not measured.
        MissingError: A peer has no interpreter; the text says how to make one.
    """
    asked, given = {peer.name: peer for peer in peers}, dict[str, str]()
    for word in words:
        name, sign, path = word.partition("=")
        if not (name and sign and path):
            raise BadInputError(
                f"`peer_python=` must be NAME=PATH, for instance mjlab=mjlab-env/bin/python; got {word!r}."
            )
        if name not in asked:
            raise BadInputError(f"`peer_python=` names {name!r}, but `against=` names {', '.join(asked) or 'nobody'}.")
        if given.setdefault(name, path) != path:
            raise BadInputError(f"`peer_python=` names two interpreters for {name}: {given[name]} and {path}.")
    for name, peer in asked.items():
        if name not in given:
            raise MissingError(
                f"{name} runs in an environment of its own, which does not exist by itself: {peer.commands()}."
            )
    return given


def check_python(peer: Peer, python: str) -> str:
    """Return the version of a peer's library that an interpreter has.

    Raises:
        BadInputError: There is no such interpreter, or it is none.
        MissingError: It does not have the library.
    """
    where = f"`peer_python={peer.name + '=' + python!r}`"
    try:
        done = subprocess.run(  # noqa: S603 (the user names the program)
            [python, "-c", VERSION_OF, peer.name], capture_output=True, text=True, check=False, timeout=ASK_LIMIT_S
        )
        found: str | None = json.loads(done.stdout)["version"]
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadInputError(f"{where}: there is no Python that runs at this path ({error}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{where}: this program does not answer as a Python interpreter does.") from error
    if found is None:
        raise MissingError(
            f"{where}: this Python does not have {peer.name}. Try `{python} -m pip install {peer.install}`."
        )
    return found


class PeerProcess:
    """A peer's worlds in a process of its own, which measures when asked and waits otherwise.

    Raises:
        RoarmLabError: The peer could not start; its own last words are passed on.
    """

    def __init__(self, peer: Peer, python: str, what: str, worlds: int, device: str) -> None:
        self._peer = peer
        self._folder = tempfile.TemporaryDirectory(prefix="roarm-peer-", ignore_cleanup_errors=True)
        self._complaints = Path(self._folder.name, "complaints.txt")
        program_file = files("roarm_lab.workflows.evaluation") / "peer_process.py"
        with as_file(program_file) as program, self._complaints.open("wb") as complaints:
            self._process = subprocess.Popen(  # noqa: S603 (the user names the program)
                [_from_anywhere(python), str(program.absolute()), peer.name, what, str(worlds), device],
                cwd=self._folder.name,  # libraries leave files where they run: MUJOCO_LOG.TXT, records of training
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                env={**os.environ, "MUJOCO_GL": "disable", "WANDB_MODE": "disabled", "GIT_PYTHON_REFRESH": "quiet"},
            )
            self._lines: queue.Queue[str] = queue.Queue()
            threading.Thread(target=self._listen, daemon=True).start()
            try:
                self.facts = self._answer(START_LIMIT_S)
            except BaseException:
                self.close()
                raise

    def measure(self, seconds: float) -> float:
        """Return steps of one world per second, measured for so long.

        Raises:
            RoarmLabError: The peer has died or does not answer.
        """
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # if it is dead, the answer is its last words
            self._process.stdin.write(f"{seconds}\n")
            self._process.stdin.flush()
        return float(self._answer(seconds + GRACE_S)["env_steps_per_s"])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            self._process.wait(timeout=10.0)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def _answer(self, limit_s: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=limit_s)
        except queue.Empty:
            raise RoarmLabError(f"{self._peer.name} gave no answer for {limit_s:.0f} s.") from None
        if not line:
            raise RoarmLabError(f"{self._peer.name} ended with code {self._process.wait()}: {self._last_words()}")
        return json.loads(line)

    def _last_words(self) -> str:
        said = self._complaints.read_text(encoding="utf-8", errors="replace")
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return (lines[-1] if lines else "it said nothing")[-LAST_WORDS:]


def _from_anywhere(python: str) -> str:
    """Return a path that holds in another folder too. Links stay: an environment's Python is one."""
    return str(Path(python).absolute()) if os.sep in python else python

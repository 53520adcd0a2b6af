"""The vendor's SDK, fresh from the package index in an environment of its own, and arms for it to talk to."""

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from math import pi
from pathlib import Path
from typing import Any

from roarm_lab.emulator.process import EmulatorProcess, emulator_process
from tests.firmware_goals import goal_steps

SDK = "roarm-sdk==0.1.1"
STEP_RAD = 2 * pi / 4096
ENOUGH_S = 120.0
"""Longer than any call takes on any machine; the SDK itself gives up after 30 s at the latest."""


def install_sdk(folder: Path) -> Path:
    """Return the Python of a new environment that has the vendor's SDK; fails when it can not be installed."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is not None:
        steps = [
            [uv, "venv", "-q", "--python", sys.executable, folder],
            [uv, "pip", "install", "-q", "--python", python],
        ]
    else:
        steps = [[sys.executable, "-m", "venv", folder], [python, "-m", "pip", "install", "-q"]]
    steps[1].append(SDK)
    for words in steps:
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, f"{SDK} can not be installed:\n{done.stderr}"
    return python


@dataclass(frozen=True)
class Returned:
    """What a call gave back."""

    type: str
    value: Any
    printed: str


class SdkError(Exception):
    """The SDK raised an exception, whose name and text these are."""

    def __init__(self, name: str, text: str, printed: str) -> None:
        super().__init__(f"{name}: {text}")
        self.printed = printed


class Sdk:
    """The SDK in its own process. A call takes as long as it takes; no answer at all is None."""

    def __init__(self, python: Path, folder: Path) -> None:
        host = Path(__file__).with_name("sdk_host.py")
        self._process = subprocess.Popen(
            [python, host],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def call(self, method: str, *args: Any, arm: str = "serial", **kwargs: Any) -> Returned:
        """Call a method and wait for what it returns."""
        self.start(method, *args, arm=arm, **kwargs)
        return self.answer()

    def start(self, method: str, *args: Any, arm: str = "serial", **kwargs: Any) -> None:
        """Let a call begin."""
        self.type_in(json.dumps({"arm": arm, "method": method, "args": args, "kwargs": kwargs}))

    def type_in(self, line: str) -> None:
        """Type a line at the SDK's keyboard."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def answer(self, within_s: float = ENOUGH_S) -> Returned:
        """Return what the call that was started returned."""
        said = json.loads(self._answers.get(timeout=within_s))
        if "raised" in said:
            raise SdkError(said["raised"], said["text"], said["printed"])
        return Returned(**said)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)


@contextmanager
def running_sdk(python: Path, folder: Path) -> Generator[Sdk]:
    sdk = Sdk(python, folder)
    try:
        yield sdk
    finally:
        sdk.stop()


class Arm:
    """An emulated arm that the SDK has opened, and what is true of it inside."""

    def __init__(self, firmware: str, emulator: EmulatorProcess, sdk: Sdk) -> None:
        self.firmware, self.emulator, self.sdk = firmware, emulator, sdk
        sdk.call("open", port=emulator.addresses.serial)
        self.call("echo_set", 0)

    @property
    def older(self) -> bool:
        return self.firmware == "250108"

    @property
    def host(self) -> str:
        return (self.emulator.addresses.http or "").removeprefix("http://")

    def state(self) -> dict[str, Any]:
        """What the board, its memory and its servos are like now."""
        return self.emulator.command("state")

    def call(self, method: str, *args: Any, **kwargs: Any) -> Returned:
        return self.sdk.call(method, *args, **kwargs)

    def ask(self, question: str) -> Returned:
        """Ask until there is an answer: on a busy machine one may come later than the SDK waits, which is 1 s."""
        answers: list[Returned] = []

        def answered(_: dict[str, Any]) -> bool:
            answers.append(self.call(question))
            return answers[-1].value != -1

        self.wait_for(answered)
        return answers[-1]

    def send(self, method: str, *args: Any, **kwargs: Any) -> Returned:
        """Call a method that only sends, and wait until the arm has acted on it: it answers questions in order."""
        returned = self.sdk.call(method, *args, **kwargs)
        self.ask("feedback_get")
        return returned

    def servos(self, field: str) -> list[Any]:
        """One register of servos 11 to 17."""
        servos = self.state()["servos"]
        return [servos[str(servo)][field] for servo in range(11, 18)]

    def wait_for(self, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until something is true of the state, and return the state."""
        end_s = time.monotonic() + ENOUGH_S
        while not reached(state := self.state()):
            assert time.monotonic() < end_s, state
            time.sleep(0.02)
        return state

    def wait_until_still(self) -> None:
        """Wait until every servo has let its profile arrive and the arm has come to rest."""
        before: list[int] = []

        def still(state: dict[str, Any]) -> bool:
            nonlocal before
            now = [servo["reading"] for servo in state["servos"].values()]
            moving = any(servo["moving"] for servo in state["servos"].values())
            same = before and max(abs(a - b) for a, b in zip(now, before, strict=True)) <= 1
            before = now
            if not moving:
                time.sleep(0.1)
            return bool(same and not moving)

        self.wait_for(still)


@contextmanager
def arm_of(firmware: str, python: Path, folder: Path, *flags: str) -> Generator[Arm]:
    words = ("--booted", "--pty", "--http", "127.0.0.1:0", *flags)
    with emulator_process(firmware, *words) as emulator, running_sdk(python, folder) as sdk:
        yield Arm(firmware, emulator, sdk)


def steps_of(wish: list[float]) -> list[int]:
    """Goals of servos 11 to 17 for angles in the SDK's convention."""
    base, shoulder, elbow, wrist, roll, gripper = wish
    return list(goal_steps((base, shoulder, elbow, wrist, roll), gripper))


def angles_of(arm: Arm) -> list[float]:
    """The joints in the SDK's convention, from the encoders."""
    base, shoulder, _, elbow, wrist, roll, gripper = (STEP_RAD * step for step in arm.servos("reading"))
    return [pi - base, shoulder - pi, elbow - pi / 2, wrist - pi, pi - roll, pi - gripper]

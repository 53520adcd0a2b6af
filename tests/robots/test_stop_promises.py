"""Whatever becomes of a stop file and its folder, nothing is sent while it is there or can not be looked for."""

import math
from pathlib import Path

import numpy as np
import pytest

from roarm_lab.core.arrays import Float64
from roarm_lab.core.clock import SimulatedClock
from roarm_lab.core.errors import UnsafeCommandError
from roarm_lab.robots.arm import ArmSample, GatedArm
from roarm_lab.robots.estop import EstopFile
from roarm_lab.robots.gate import Gate
from roarm_lab.robots.gate_config import GateRules
from roarm_lab.robots.roarm_m3 import ROARM_M3
from tests.robots.test_gate_promises import RULES, Sent, assert_kept, wild_inputs

START = ROARM_M3.keyframe("task_start")
SHORTEST_S, LONGEST_S = 1e-3, 0.5
"""What the gate takes for a time step [s]."""
EVENT_EVERY, CLEAR_EVERY = 12, 5
"""On average so many commands apart."""


class Place:
    """A stop file's folder that people tidy, and what has become of it."""

    def __init__(self, root: Path, rng: np.random.Generator) -> None:
        self._rng, self._root = rng, root
        self.folder, self._away, self._count = root / "folder", root / "away", 0
        self.folder.mkdir()
        self._at = "original"
        """What has the folder's name: that one, a link to it, another folder, a file, a link to nowhere, or nothing."""
        self._in_original = False
        """Whether the stop file is in the folder that was there at the start."""

    @property
    def wants_stop(self) -> bool:
        """Whether nothing may be sent: the one case in which something may is spelt out."""
        return not (self._at in {"original", "link to it"} and not self._in_original)

    def happens(self) -> None:
        """Let something happen to it."""
        if self._at == "nothing":
            self._fill()
        elif self._at in {"original", "link to it"} and self._rng.random() < 0.6:
            self._touch_or_remove()
        else:
            self._empty()

    def _touch_or_remove(self) -> None:
        stop = self.folder / "stop"
        if self._in_original:
            stop.unlink()
        elif self._rng.random() < 0.5:
            stop.touch()
        else:
            stop.symlink_to("nowhere")
        self._in_original = not self._in_original

    def _empty(self) -> None:
        self._count += 1
        self.folder.rename(self._away if self._at == "original" else self._root / f"junk-{self._count}")
        self._at = "nothing"

    def _fill(self) -> None:
        self._at = str(
            self._rng.choice(["original", "link to it", "another", "file", "link to nowhere"], p=[0.6] + [0.1] * 4)
        )
        match self._at:
            case "original":
                self._away.rename(self.folder)
            case "another":
                self.folder.mkdir()
            case "file":
                self.folder.touch()
            case _:
                self.folder.symlink_to(self._away if self._at == "link to it" else self._root / "nowhere")


class WildArm(GatedArm):
    """Tells what it is told to tell, and keeps what was transmitted."""

    def __init__(self, rules: GateRules) -> None:
        self.measured, self.transmitted = np.array(START), list[Float64]()
        super().__init__(ROARM_M3, SimulatedClock(), ArmSample.of(0.0, START), rules)

    @property
    def gate(self) -> Gate:
        """What the wild inputs are made for."""
        return self._gate

    def _read(self) -> ArmSample:
        now_s = self.clock.now_s()
        if not np.isfinite(self.measured).all():
            return ArmSample.failed(now_s, "what it told was no number")
        return ArmSample.of(now_s, self.measured)

    def _transmit(self, target: Float64) -> None:
        self.transmitted.append(target)


def wild_session(arm: WildArm, place: Place, count: int, rng: np.random.Generator) -> tuple[Sent, int]:
    """Send wild commands while the stop file and its folder come and go, and a person clears now and then.

    Return what passed, and how many commands met a stop.
    """
    sent, follows, stopped, requested, sent_at_s = Sent(commands=count), False, 0, arm.sent, -math.inf
    for number in range(count):
        if rng.integers(EVENT_EVERY) == 0:
            place.happens()
        if rng.integers(CLEAR_EVERY) == 0:
            arm.clear()
        if number % 8 == 0:
            requested = rng.uniform(arm.gate.limits.lower - 1.0, arm.gate.limits.upper + 1.0)
        asked, arm.measured, dt_s = wild_inputs(arm.gate, requested, rng)
        before, latched, heard = arm.sent, arm.latched, len(arm.transmitted)
        arm.clock.sleep_until_s(arm.clock.now_s() + (dt_s if SHORTEST_S <= dt_s <= LONGEST_S else 0.05))
        try:
            target = arm.send(asked, dt_s)  # pyright: ignore[reportArgumentType]
        except UnsafeCommandError:
            assert all(np.array_equal(target, before) for target in [arm.sent, *arm.transmitted[heard:]])
            follows = False
        else:
            assert not place.wants_stop
            assert latched is None  # nobody was asked to clear it, and nobody did
            counts_s = min(dt_s, arm.clock.now_s() - sent_at_s)
            sent.add(before, target, arm.measured, counts_s, arm.blocked is not None, follows)
            follows, sent_at_s = True, arm.clock.now_s()
        if place.wants_stop:
            stopped += 1
            assert arm.latched is not None
            with pytest.raises(UnsafeCommandError):
                arm.release()
    return sent, stopped


@pytest.mark.parametrize("seed", range(2))
def test_of_4_000_wild_commands_none_passes_a_stop_file_or_a_lost_folder(seed: int, tmp_path: Path) -> None:
    none_passes(2_000, seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_of_100_000_more_none_passes(seed: int, tmp_path: Path) -> None:
    none_passes(10_000, seed, tmp_path)


def none_passes(count: int, seed: int, folder: Path) -> None:
    rng = np.random.default_rng(seed)
    arm, place = WildArm(RULES[seed % 2]), Place(folder, rng)
    arm.stop_on(EstopFile(place.folder / "stop"))
    sent, stopped = wild_session(arm, place, count, rng)
    assert_kept(arm.gate, sent)
    assert stopped > 0.3 * count
    assert len(sent.target) > 0.1 * count

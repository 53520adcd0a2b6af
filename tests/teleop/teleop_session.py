"""A teleoperated session on simulated time: a terminal at which a script types, and what became of it."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from roarm_lab.core.arrays import Float64
from roarm_lab.core.messages import ActionChunk, Observation
from roarm_lab.robots.arm import Arm
from roarm_lab.robots.roarm_m3 import ROARM_M3
from roarm_lab.teleop.jog import Jog, Mode
from roarm_lab.teleop.keyboard import Keyboard
from roarm_lab.teleop.session import JOINT_TARGET, OperatorCommand, TeleopLog, TeleopTurn, answer, teleoperate

PERIOD_S = 0.05
START = np.array(ROARM_M3.keyframe("task_start"))


class Typist:
    """Types one text per turn; then nothing. None is a terminal that went away."""

    def __init__(self, texts: Sequence[str | None]) -> None:
        self._texts = list(texts)

    def read(self) -> str | None:
        return self._texts.pop(0) if self._texts else ""


class Steady:
    """A teleoperator that wants the same motion in every turn, and counts how often it began anew."""

    name, note, trouble = "steady", "", ""

    def __init__(self, step_rad: float = 0.0, orders: Mapping[int, Sequence[OperatorCommand]] | None = None) -> None:
        self.step_rad, self._script = step_rad, dict(orders or {})
        self.resets = self.asked = self.turns = 0

    def orders(self, now_s: float) -> Sequence[OperatorCommand]:
        self.turns += 1
        return self._script.get(self.turns - 1, ())

    def reset(self) -> None:
        self.resets += 1

    def infer(self, observation: Observation) -> ActionChunk:
        self.asked += 1
        return answer(observation, observation.terms[JOINT_TARGET] + self.step_rad, PERIOD_S)


def type_at(
    arm: Arm, texts: Sequence[str | None], *, mode: Mode = "joint", speed: float = 0.5, turns: int | None = None
) -> tuple[TeleopLog, list[TeleopTurn]]:
    """Steer an arm with keys, one text per turn, and return the log and all turns."""
    seen: list[TeleopTurn] = []
    jog = Jog(arm.robot, Keyboard(Typist(texts)), PERIOD_S, mode=mode, speed=speed)
    seconds = PERIOD_S * (len(texts) if turns is None else turns)
    log = teleoperate(arm, jog, watch=[seen.append], seconds=seconds)
    return log, seen


def hold_key(key: str, seconds: float) -> list[str]:
    """Return what a terminal sends while a key is held: once, again after half a second, then in every turn."""
    count = round(seconds / PERIOD_S)
    return [key if turn == 0 or turn >= 10 else "" for turn in range(count)]


def moved(turns: Sequence[TeleopTurn], get: Callable[[TeleopTurn], Float64] = lambda turn: turn.sent) -> Float64:
    """Return how far the target went from the first turn to the last [joint] rad."""
    return get(turns[-1]) - get(turns[0])

"""Hand guiding: one limp arm, moved by a person; it is read and shown, and no target is sent to it."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from roarm_lab.core.clock import Ticker
from roarm_lab.core.errors import MissingError
from roarm_lab.robots.arm import Arm
from roarm_lab.teleop.session import RATE_HZ, TeleopLog, TeleopTurn, Watch, check_rate

NAME, NOTE = "hand", "limp"


@runtime_checkable
class TorqueSwitch(Protocol):
    """An arm whose motors can be switched off."""

    @property
    def release_warning(self) -> str:
        """What will happen when they are."""
        ...

    def torque(self, *, on: bool, warned: bool = False) -> None:
        """Let the motors hold where they are, or switch them off; `warned`: the people around were told before."""
        ...


def torque_switch_of(arm: Arm) -> TorqueSwitch:
    """Return the arm as one whose motors can be switched off.

    Raises:
        MissingError: They can not.
    """
    if not isinstance(arm, TorqueSwitch):
        raise MissingError(
            f"The motors of this arm ({type(arm).__name__}) can not be switched off, so it can not be guided by hand. "
            f"That needs a real or emulated arm: `arm='serial'`, `arm='http:HOST'` or `arm='emulator'`."
        )
    return arm


def watch_by_hand(
    arm: Arm, *, rate_hz: float = RATE_HZ, watch: Sequence[Watch] = (), seconds: float | None = None
) -> TeleopLog:
    """Read and show a limp arm until time is up. It is not held on any doubt: a target could switch its motors on.

    Raises:
        BadInputError: The rate makes no sense.
    """
    period_s = 1.0 / check_rate(rate_hz)
    ticker, number = Ticker(arm.clock, period_s), 0
    turns = None if seconds is None else max(round(seconds * rate_hz), 1)
    while turns is None or number < turns:
        late_s = ticker.wait()
        turn = _turn(arm, number, late_s)
        for each in watch:
            each(turn)
        number += 1
    return TeleopLog(turns=number, sent=0, missed=ticker.missed, worst_late_s=ticker.worst_late_s, held=None)


def _turn(arm: Arm, number: int, late_s: float) -> TeleopTurn:
    began_s = arm.clock.now_s()
    sample, now_s = arm.read(), arm.clock.now_s()
    return TeleopTurn(
        number=number,
        time_s=now_s,
        late_s=late_s,
        compute_s=now_s - began_s,
        age_s=now_s - sample.measured_at_s,
        sample=sample,
        requested=None,
        sent=arm.sent,
        latched=arm.latched,
        name=NAME,
        note=NOTE,
    )

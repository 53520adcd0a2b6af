"""What steers which arm, as a value."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roarm_lab.core.errors import BadInputError, InvalidValueError
from roarm_lab.workflows.requests import at_least

Device = Literal["keyboard", "gamepad", "mouse3d", "leader", "hand", "policy"]


@dataclass(frozen=True, kw_only=True)
class TeleoperateRequest:
    """What steers, and which arm."""

    input_device: Device = "keyboard"
    """What steers: keyboard, gamepad, mouse3d, leader, hand or policy."""
    arm: str = "sim"
    """Which arm: sim, emulator, serial[:PORT], http:HOST, rfc2217://HOST:PORT or socket://HOST:PORT."""
    robot: str = "roarm_m3"
    """What kind of arm it is."""
    station: Path | None = None
    """Station file of that arm; for a real one by default station.yaml in the working folder, where there is one."""
    mode: Literal["joint", "ee"] | None = None
    """What keys and sticks move: the joints, or the hand (ee: x, y, z, pitch, roll). joint unless mouse3d is used."""
    speed: float = 0.35
    """Share of full speed at the start, up to 1."""
    rate: float | None = None
    """Control cycles per second, 5 to 100. By default 20, and a policy's own where a policy steers."""
    seconds: float | None = None
    """End after this many seconds; by default Ctrl-C ends."""
    leader: str | None = None
    """For a leader: the arm that is moved by hand, written like the arm."""
    bundle: Path | None = None
    """For a policy: a bundle folder, or a run folder that has one."""
    goal: tuple[float, float, float] | None = None
    """For a policy: one goal in metres (x forward, y left, z up); by default random ones."""
    seed: int = 0
    """For a policy: seed of random goals."""
    allow_drift: bool = False
    """For a policy: run even if model or task differ from those of the training."""
    view: bool = False
    """Show the arm live in the browser, with joints, loads and ages."""
    port: int = 8080
    """Port of the live page; 0 takes any free one."""
    host: str = "127.0.0.1"
    """Address of the live page. By default only this computer can open it."""

    def validate(self) -> None:
        """Refuse numbers and combinations that make no sense.

        Raises:
            BadInputError: Says which.
        """
        for name, device in (("leader", "leader"), ("bundle", "policy")):
            given, steers = f"`{name}=`", f"`input_device={device!r}`"
            if (getattr(self, name) is None) and self.input_device == device:
                raise BadInputError(f"{steers} needs {given}.")
            if getattr(self, name) is not None and self.input_device != device:
                raise BadInputError(f"{given} is not used without {steers}.")
        if self.leader is not None and self.leader == self.arm and self.arm.partition(":")[0] != "sim":
            raise BadInputError(f"Leader and arm are both {self.arm!r}; they must be two arms.")
        if not 0.0 < self.speed <= 1.0:
            raise InvalidValueError("speed", f"{self.speed:g}", "must be more than 0 and at most 1")
        if self.seconds is not None and not 0.0 < self.seconds < float("inf"):
            raise InvalidValueError("seconds", f"{self.seconds:g}", "must be more than 0")
        at_least(self, 0, "seed")
        if self.goal is not None and self.input_device != "policy":
            raise BadInputError("`goal=` is not used without `input_device='policy'`.")
        if self.rate is not None:
            from roarm_lab.teleop.session import check_rate

            check_rate(self.rate)

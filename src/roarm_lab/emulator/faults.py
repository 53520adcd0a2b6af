"""What may be wrong with an arm: faults that are switched on before the start or while it runs."""

from dataclasses import dataclass, fields

from roarm_lab.core.errors import BadInputError

SERVO_IDS = (11, 12, 13, 14, 15, 16, 17)


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Everything works unless said otherwise. Give the board another value (`board.faults = replace(...)`) to switch.

    A share is the probability per line, 0 to 1, drawn from `seed`: the same seed breaks the same lines.
    """

    bus_unpowered: bool = False
    """No 12 V at the servos: none answers, all are limp, and the supply reads 0 V."""
    dead_servos: tuple[int, ...] = ()
    """Ids of servos that neither answer nor pull."""
    frozen_feedback: bool = False
    """Reads succeed and say what the last one before said, while the arm moves."""
    supply_v: float = 12.1
    """Supply voltage."""
    garbled_share: float = 0.0
    """Lines sent with one byte replaced."""
    half_line_share: float = 0.0
    """Lines that break off in the middle, without line end."""
    stray_line_share: float = 0.0
    """Lines before which a line of noise is sent."""
    dropped_share: float = 0.0
    """Lines that are not sent."""
    garbled_command_share: float = 0.0
    """Lines received with one byte replaced."""
    stall_every_s: float = 0.0
    """The firmware pauses for `stall_s` this often; 0 never."""
    stall_s: float = 0.2
    """Length of such a pause."""
    brown_out_in_motion: bool = False
    """The next motion resets the computer, once."""
    seed: int = 0
    """Which lines are hit."""

    def __post_init__(self) -> None:
        """Refuse shares outside 0..1, times that are not finite and servos that do not exist."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith("_share") and not 0.0 <= value <= 1.0:
                raise BadInputError(f"Faults.{field.name} must be 0 to 1, got {value}.")
            if field.name.endswith(("_s", "_v")) and not 0.0 <= value < float("inf"):
                raise BadInputError(f"Faults.{field.name} must be 0 or more and finite, got {value}.")
        if strange := sorted(set(self.dead_servos) - set(SERVO_IDS)):
            raise BadInputError(f"Faults.dead_servos knows the ids {SERVO_IDS[0]} to {SERVO_IDS[-1]}, got {strange}.")

"""What to run on which arm, and how it went, as values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from roarm_lab.core.errors import BadInputError, InvalidValueError
from roarm_lab.workflows.requests import at_least

if TYPE_CHECKING:
    from roarm_lab.gateway.loop import EpisodeLog


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What to run and where."""

    bundle: Path | None = None
    """A bundle folder, or a run folder that has one; None for the policy that comes with the package."""
    arm: str = "sim"
    """Which arm. On the table of sim and emulator lie the boxes of the task, drawn anew for every episode."""
    firmware: Literal["250108", "20260701"] = "20260701"
    """Which firmware an emulated arm has."""
    station: Path | None = None
    """Station file: limits, calibration and stop file of this place. For a real arm station.yaml here, if there."""
    dry_run: bool = False
    """Read the arm and ask the policy, say what would be sent in every cycle, and send nothing: the arm stays."""
    stop_file: Path | None = None
    """Stop as soon as this file exists: `touch` it from any terminal."""
    goal: tuple[float, float, float] | None = None
    """One goal in metres (x forward, y left, z up, from the table under the base); by default random ones."""
    episodes: int = 5
    """How many episodes. Without a goal each has one of its own."""
    seed: int = 0
    """Seed of random goals."""
    fast: bool = False
    """Run the simulated or emulated arm as fast as it goes instead of in real time; the same run every time."""
    log: Path = Path("arm_runs")
    """Folder in which a folder with one line per cycle and a summary is made."""
    allow_drift: bool = False
    """Run even if model or task differ from those of the training."""
    gateway: str | None = None
    """Ask a policy server, HOST:PORT, instead of a bundle: it computes there, and this computer moves the arm."""
    token_file: Path | None = None
    """A file, readable for nobody else, with what the server wants to hear."""
    tls_ca: Path | None = None
    """The server's certificate, or that of who signed it: the connection is encrypted then."""
    deadline_ms: float | None = None
    """How long the server's answer may take; by default 0.8 control periods. A later one is dropped."""
    watchdog_s: float = 0.5
    """Hold the arm after so long without an answer."""

    def validate(self) -> None:
        """Refuse numbers that make no sense.

        Raises:
            InvalidValueError: Says which.
        """
        at_least(self, 1, "episodes")
        at_least(self, 0, "seed")
        for name in ("deadline_ms", "watchdog_s"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < float("inf"):
                raise InvalidValueError(name, value, "must be more than 0")
        if self.gateway is not None and self.bundle is not None:
            raise BadInputError("`gateway=` brings its policy along: give either a bundle or a gateway.")
        if self.gateway is None and (self.token_file or self.tls_ca or self.deadline_ms):
            raise BadInputError("`token_file=`, `tls_ca=` and `deadline_ms=` go with `gateway='HOST:PORT'`.")


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """How a run on an arm went; it is also written beside the log, as `summary.json`."""

    arm: str
    """Which arm, as it was asked for."""
    dry_run: bool
    """Whether nothing was sent."""
    robot: str
    """What kind of arm it is."""
    bundle: str
    """The policy's folder."""
    real_time: bool
    """Whether it ran in real time."""
    goals: int
    """Episodes that began."""
    successes: int
    """Episodes that succeeded."""
    success_rate: float | None
    """None where nothing ran, or nobody could judge all episodes."""
    interval: tuple[float, float] | None
    """Wilson's, with 95 % confidence."""
    rate_hz: float
    """Control cycles per second."""
    cycles: int
    """Cycles of all episodes."""
    cycle_late_ms: Mapping[str, float] | None
    """p50, p99 and max of how late cycles began."""
    cycle_compute_ms: Mapping[str, float] | None
    """The same of the time from the tick to the sent target."""
    sample_age_ms: Mapping[str, float] | None
    """The same of how old readings were when the target was sent."""
    missed: int
    """Periods that went by without a turn."""
    held: tuple[str, ...]
    """Why the arm was held, once per episode in which it was."""
    drift: tuple[str, ...]
    """What differs between the training and this version."""
    episodes: "tuple[EpisodeLog, ...]"
    """One per episode."""
    ended_by: str | None
    """What ended the run before its last episode was over; None if nothing did."""
    station: Mapping[str, Any] | None
    """What held at the arm's place."""
    log: Path
    """Folder with one line per cycle."""
    gateway: str | None = None
    """The policy server that was asked; None where the policy was here."""
    unanswered: int = 0
    """Cycles in which it gave no action in time, and the arm kept its target."""
    notes: tuple[str, ...] = ()
    """Why fewer episodes may have succeeded than in the evaluation, where the run itself shows it."""
    about: Mapping[str, Any]
    """More of the arm: its firmware, its connection."""

    def to_plain(self) -> dict[str, Any]:
        """Return the result as data for JSON; what the arm tells of itself stands beside the rest."""
        plain: dict[str, Any] = {
            name: value for name, value in vars(self).items() if name not in ("about", "log", "notes", "episodes")
        }
        plain |= {
            "held": list(self.held),
            "drift": list(self.drift),
            "episodes": [asdict(one) for one in self.episodes],
        }
        return plain | {**self.about, "log": str(self.log), "notes": list(self.notes)}

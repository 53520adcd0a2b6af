"""How episodes ended, in words: the reasons of failures, which results and pictures share."""

from dataclasses import dataclass

from roarm_lab.core.arrays import Bool
from roarm_lab.envs.config import EnvConfig
from roarm_lab.envs.episodes import Episodes


@dataclass(frozen=True)
class Outcome:
    """How an episode ended."""

    success: bool
    words: str


def failures_by_reason(ended: Episodes, config: EnvConfig) -> dict[str, Bool]:
    """Return which episodes failed [episode], by every reason there is; each failure has exactly one."""
    failed, holding = ~ended.success, ended.held_steps > 0
    early = ended.terminated & ~ended.diverged
    rest = failed & ~ended.diverged & ~early
    return {
        "simulation diverged": failed & ended.diverged,
        "ended early": failed & early,
        "never got there": rest & ~ended.reached,
        "got there and left again": rest & ended.reached & ~holding,
        f"got there too late to hold {config.success.hold_s:g} s": rest & holding,
    }


def outcome_of(ended: Episodes, config: EnvConfig) -> Outcome:
    """Return how the first of some ended episodes went."""
    if ended.success[0]:
        return Outcome(True, f"done, and held for {ended.held_steps[0] * config.control_dt_s:.2f} s")
    return Outcome(False, next(reason for reason, rows in failures_by_reason(ended, config).items() if rows[0]))

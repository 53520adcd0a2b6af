"""`roarm run`: let a policy drive an arm through the gate, at the rate it was trained for."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.core.errors import BadInputError

DESCRIPTION = (
    "Drive an arm with a policy bundle: a slow move to the start pose, then episodes at the policy's rate. Every "
    "target passes the safety gate; on any doubt the arm is held. Ctrl-C holds the arm and ends."
)


@dataclass(frozen=True)
class RunArguments:
    """What to run and where."""

    bundle: Annotated[Path, tyro.conf.Positional]
    """A bundle folder, or a run folder that has one."""
    arm: Literal["sim"] = "sim"
    """Which arm: sim is the simulated one."""
    goal: tuple[float, float, float] | None = None
    """One goal in metres (x forward, y left, z up, from the table under the base); random ones by default."""
    episodes: int = 5
    """How many episodes, each with its own goal."""
    seed: int = 0
    """Seed of random goals."""
    fast: bool = False
    """Run the simulated arm as fast as it goes instead of in real time."""
    log: Path = Path("arm_runs")
    """Folder in which a folder with one line per cycle and a summary is made."""
    json: bool = False
    """Print the summary as JSON."""
    min_success: float | None = None
    """Leave with exit code 1 when the success rate is below this share (0 to 1)."""
    allow_drift: bool = False
    """Run even if model, task or randomisation differ from those of the training."""


def run(argv: list[str]) -> int:
    """Run episodes and say how they went; exit code 1 when the arm had to be held."""
    arguments = parse(RunArguments, argv, prog="roarm run", description=DESCRIPTION)
    if arguments.episodes < 1 or arguments.seed < 0:
        raise BadInputError("--episodes must be 1 or more, --seed 0 or more.")
    if arguments.min_success is not None and not 0.0 <= arguments.min_success <= 1.0:
        raise BadInputError(f"--min-success must be between 0 and 1, got {arguments.min_success}.")
    from roarm_lab.cli.driving import drive, say

    summary = drive(arguments)
    if arguments.json:
        sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    else:
        say(summary)
    below = arguments.min_success is not None and summary["success_rate"] < arguments.min_success
    return 1 if summary["held"] or below else 0

"""`roarm run`: let a policy drive an arm through the gate, at the rate it was trained for."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from roarm_lab.cli.arguments import check_one_policy, parse
from roarm_lab.core.digits import beside
from roarm_lab.core.errors import BadInputError

DESCRIPTION = """\
  Drive an arm with a policy bundle: a slow move to the start pose, then
  episodes at the policy's rate. Every target passes the safety gate; on any
  doubt the arm is held. A real arm stays held, and the run ends. On sim and
  emulator, where nobody can be hurt, the episode counts as failed, the arm is
  released and the next episode begins. Ctrl-C holds the arm and ends, and so
  does the stop file (--stop-file) as soon as it exists.

  A lift policy must be told where the cube is. The simulator and the emulator
  tell it; on a real arm nothing does until a camera can, so such a policy is
  refused there. A reach policy runs on a real arm.

examples:
  roarm run --demo                                   the policy of the package lifts cubes on the simulated arm
  roarm run runs/RUN                                 five random goals on the simulated arm, in real time
  roarm run runs/RUN --goal 0.3 0.1 0.2              one goal, five times
  roarm run runs/RUN --episodes 200 --fast --json    as fast as it goes, for programs
  roarm run runs/RUN --arm emulator                  the driver and the vendor's firmware, pretended
  roarm run runs/REACH --arm serial --dry-run        a real arm: what would be sent, and nothing is
  roarm run runs/REACH --arm serial --stop-file /tmp/roarm-stop
                                                     a real arm: asks first, and moves

arms (--arm): sim, emulator, serial (found by itself), serial:PORT, http:HOST, rfc2217://HOST:PORT, socket://HOST:PORT

exit codes: 0 done, 1 a hold ended the run or --min-success was missed, 2 bad input, 3 no arm, 130 ended with Ctrl-C
            (holds of a simulated arm that was released lower the success rate; they alone are no reason for 1)"""


@dataclass(frozen=True)
class RunArguments:
    """What to run and where."""

    bundle: Annotated[Path | None, tyro.conf.Positional] = None
    """A bundle folder, or a run folder that has one."""
    demo: bool = False
    """Run the policy that comes with the package instead of one of yours."""
    arm: str = "sim"
    """Which arm. On the table of sim and emulator lie the boxes of the task, drawn anew for every episode."""
    firmware: Literal["250108", "20260701"] = "20260701"
    """Which firmware --arm emulator pretends."""
    station: Path | None = None
    """Station file: limits, calibration and stop file of this place. For a real arm station.yaml here, if there."""
    dry_run: bool = False
    """Read the arm and ask the policy, say what would be sent in every cycle, and send nothing: the arm stays."""
    stop_file: Path | None = None
    """Stop as soon as this file exists: `touch` it from any terminal."""
    yes: bool = False
    """Do not ask before a real arm moves."""
    goal: tuple[float, float, float] | None = None
    """One goal in metres (x forward, y left, z up, from the table under the base); by default random ones."""
    episodes: int = 5
    """How many episodes. Without --goal each has a goal of its own."""
    seed: int = 0
    """Seed of random goals."""
    fast: bool = False
    """Run the simulated or emulated arm as fast as it goes instead of in real time; the same run every time."""
    log: Path = Path("arm_runs")
    """Folder in which a folder with one line per cycle and a summary is made."""
    json: bool = False
    """Print the summary as JSON."""
    min_success: float | None = None
    """Leave with exit code 1 when the success rate is below this share (0 to 1)."""
    allow_drift: bool = False
    """Run even if model or task differ from those of the training."""


def run(argv: list[str]) -> int:
    """Run episodes and say how they went; exit code 1 when that ended because the arm had to be held."""
    arguments = parse(RunArguments, argv, prog="roarm run", description=DESCRIPTION)
    check_one_policy(arguments.bundle, arguments.demo, "run")
    if arguments.episodes < 1:
        raise BadInputError(f"--episodes must be 1 or more, got {arguments.episodes}.")
    if arguments.seed < 0:
        raise BadInputError(f"--seed must be 0 or more, got {arguments.seed}.")
    if arguments.min_success is not None and not 0.0 <= arguments.min_success <= 1.0:
        raise BadInputError(f"--min-success must be between 0 and 1, got {arguments.min_success}.")
    if arguments.dry_run and arguments.min_success is not None:
        raise BadInputError("--min-success does not go with --dry-run: nothing moves, so nothing succeeds.")
    from roarm_lab.cli.prompts import agreed
    from roarm_lab.workflows.arm_session import HERE, check_arm
    from roarm_lab.workflows.deployment.run_policy import drive, prepared, say

    ready = prepared(arguments)  # refuses first: a person is asked only about what can be done
    moves = check_arm(arguments.arm) not in HERE and not arguments.dry_run
    if moves and not agreed(f"The policy moves the arm at {arguments.arm} now. Is its way free?", yes=arguments.yes):
        return 1
    summary = drive(arguments, ready)
    if arguments.json:
        sys.stdout.write(json.dumps(summary, indent=2, allow_nan=False) + "\n")
    else:
        say(summary)
    rate = summary["success_rate"]
    if arguments.min_success is not None and (rate is None or rate < arguments.min_success):
        told = "is unknown, which is not" if rate is None else f"{beside(rate, arguments.min_success)} is below"
        sys.stderr.write(f"roarm: the success rate {told} --min-success {arguments.min_success}.\n")
        return 1
    return 0 if summary["ended_by"] is None else 1

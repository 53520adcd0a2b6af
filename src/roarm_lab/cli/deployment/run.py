"""`roarm run`: let a policy drive an arm through the gate, at the rate it was trained for."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from roarm_lab.cli.arguments import check_one_policy, check_share, parse
from roarm_lab.cli.console import fell_short, run_lines, terminal
from roarm_lab.cli.references import as_typed
from roarm_lab.core.errors import BadInputError
from roarm_lab.workflows.deployment.run_request import RunRequest

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
  roarm run --gateway 192.168.1.7:8700 --token-file token --tls-ca cert.pem --arm serial
                                                     the policy computes on another computer: see roarm serve

arms (--arm): sim, emulator, serial (found by itself), serial:PORT, http:HOST, rfc2217://HOST:PORT, socket://HOST:PORT

exit codes: 0 done, 1 a hold ended the run or --min-success was missed, 2 bad input, 3 no arm, 130 ended with Ctrl-C
            (holds of a simulated arm that was released lower the success rate; they alone are no reason for 1)"""


@dataclass(frozen=True, kw_only=True)
class RunArguments(RunRequest):
    """What to run and where."""

    bundle: Annotated[Path | None, tyro.conf.Positional] = None
    """A bundle folder, or a run folder that has one."""
    demo: bool = False
    """Run the policy that comes with the package instead of one of yours."""
    yes: bool = False
    """Do not ask before a real arm moves."""
    json: bool = False
    """Print the summary as JSON."""
    min_success: float | None = None
    """Leave with exit code 1 when the success rate is below this share (0 to 1)."""


def run(argv: list[str]) -> int:
    """Run episodes and say how they went; exit code 1 when that ended because the arm had to be held."""
    request = parse(RunArguments, argv, prog="roarm run", description=DESCRIPTION)
    if request.gateway is None:
        check_one_policy(request.bundle, request.demo, "run")
    request.validate()
    check_share(request.min_success)
    if request.dry_run and request.min_success is not None:
        raise BadInputError("--min-success does not go with --dry-run: nothing moves, so nothing succeeds.")
    from roarm_lab.workflows.deployment.run_policy import run_policy

    with terminal(yes=request.yes, quiet=request.json or (request.fast and not request.dry_run)) as frontend:
        result = run_policy(request, frontend)
    plain = result.to_plain() | {"notes": [*map(as_typed, result.notes)]}
    sys.stdout.write(json.dumps(plain, indent=2, allow_nan=False) + "\n" if request.json else run_lines(result))
    if request.min_success is not None and result.success_rate is None:
        told = f"is unknown, which is not --min-success {request.min_success}"
        sys.stderr.write(f"roarm: the success rate {told}.\n")
        return 1
    short = fell_short("success rate", result.success_rate, request.min_success)
    return 1 if short or result.ended_by is not None else 0

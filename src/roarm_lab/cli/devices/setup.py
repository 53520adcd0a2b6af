"""`roarm setup`: one arm at one place, checked step by step; what is found goes into `station.yaml`."""

import sys
from dataclasses import dataclass, replace

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.console import terminal
from roarm_lab.cli.references import as_typed
from roarm_lab.workflows.devices.setup_request import STEPS, SetupRequest

DESCRIPTION = """\
  Set up an arm at its place, step by step, and write station.yaml, which the
  verbs that use a real arm read. Every step can be repeated alone; what was
  set before is the default then. The file is written after each step, so
  Ctrl-C keeps what was done. Before the arm moves you are asked.

steps:
{steps}

examples:
  roarm setup                                     all steps, with the arm on USB
  roarm setup --arm http:192.168.4.1              over its own Wi-Fi
  roarm setup --step limits                       one step again
  roarm setup --list                              what the steps are, and what the file says now
  roarm setup --yes --limits base -1 1            ask nothing: defaults, and what the flags say
  roarm setup --station other.yaml --name bench   a second arm, or a second place

exit codes: 0 done, 1 said no, all left out, or a step found something wrong, 2 bad input, 3 no arm, 130 Ctrl-C"""


@dataclass(frozen=True, kw_only=True)
class SetupArguments(SetupRequest):
    """What to set up and how."""

    attended: tyro.conf.Suppress[bool] = True
    list: bool = False
    """Say what the steps are and what the file says now, and do nothing."""
    yes: bool = False
    """Ask nothing: take the defaults, overwrite the file, move the arm. For programs."""


def run(argv: list[str]) -> int:
    """Do the steps; return 0, or 1 where all were left out."""
    steps = "\n".join(f"  {name:<10}{as_typed(text)}" for name, text in STEPS.items())
    request = parse(SetupArguments, argv, prog="roarm setup", description=DESCRIPTION.format(steps=steps))
    from roarm_lab.workflows.devices.setup import set_up_arm, station_text

    if request.list:
        sys.stdout.write(f"{steps}\n\n{station_text(request.station, request.robot)}")
        return 0
    with terminal(yes=request.yes) as frontend:
        result = set_up_arm(replace(request, attended=not request.yes), frontend)
    return 0 if result.done else 1

"""`roarm view`: turn an arm by hand in the browser, alone or in the scene of a task."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.cli.console import terminal
from roarm_lab.workflows.start.view_request import ViewRequest

DESCRIPTION = """\
  Show an arm (or the scene of a task) in the browser: a slider for every
  joint, limits, keyframes, collision shapes, frames, and where the hand is.
  Needs no screen.

examples:
  roarm view roarm_m3
  roarm view reach --port 8090

exit codes: 0 done, 2 bad input, 130 ended with Ctrl-C"""


@dataclass(frozen=True, kw_only=True)
class ViewArguments(ViewRequest):
    """What to show and where."""

    name: Annotated[str, tyro.conf.Positional]
    """An arm, as `roarm robots list` prints it, or a task; of your own too: my_tasks.py:stack_two."""


def run(argv: list[str]) -> int:
    """Show a model until Ctrl-C."""
    request = parse(ViewArguments, argv, prog="roarm view", description=DESCRIPTION)
    from roarm_lab.workflows.start.view_model import view_model

    with terminal() as frontend:
        view_model(request, frontend)
    return 0

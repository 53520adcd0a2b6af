"""`roarm play`: watch a policy at work, live in the browser, as a film, or as a page to send to somebody."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from roarm_lab.cli.arguments import check_one_policy, parse
from roarm_lab.cli.console import terminal
from roarm_lab.core.shown import shown
from roarm_lab.workflows.evaluation.play_request import PlayRequest

DESCRIPTION = """\
  Watch a policy bundle play episodes in simulation. Without --video and
  --export it is shown live in the browser (3D, with pause, next and speed);
  the address is printed. Needs no screen and no PyTorch.

examples:
  roarm play --demo                            a policy that comes with the package: lift a cube
  roarm play runs/RUN                          live; Ctrl-C ends
  roarm play runs/RUN --export replay.html     one file that opens anywhere, without network
  roarm play runs/RUN --video episodes.mp4     a film
  roarm play runs/RUN --rollouts               what was recorded while it learned

exit codes: 0 done, 2 bad input, 3 something is not installed, 130 ended with Ctrl-C"""


@dataclass(frozen=True, kw_only=True)
class PlayArguments(PlayRequest):
    """What to watch, and how."""

    bundle: Annotated[Path | None, tyro.conf.Positional] = None
    """A bundle folder, or a run folder that has one. With --rollouts a folder of recordings will do."""
    demo: bool = False
    """Watch the policy that comes with the package instead of one of yours."""


def run(argv: list[str]) -> int:
    """Show a policy; return 0."""
    request = parse(PlayArguments, argv, prog="roarm play", description=DESCRIPTION)
    check_one_policy(request.bundle, request.demo, "play")
    request.validate()
    from roarm_lab.workflows.evaluation.play import play

    with terminal() as frontend:
        result = play(request, frontend)
    sys.stdout.writelines(f"{shown(path)}\n" for path in (result.export, result.video) if path is not None)
    return 0

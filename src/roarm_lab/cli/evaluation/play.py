"""`roarm play`: watch a policy at work, live in the browser, as a film, or as a page to send to somebody."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from roarm_lab.cli.arguments import check_html, parse
from roarm_lab.core.errors import BadInputError
from roarm_lab.policies.pretrained import check_one_policy

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

LIVE_EPISODES, EXPORTED_EPISODES, FILMED_EPISODES = 20, 20, 5


@dataclass(frozen=True)
class PlayArguments:
    """What to watch, and how."""

    bundle: Annotated[Path | None, tyro.conf.Positional] = None
    """A bundle folder, or a run folder that has one. With --rollouts a folder of recordings will do."""
    demo: bool = False
    """Watch the policy that comes with the package instead of one of yours."""
    episodes: int | None = None
    """How many episodes. By default 20; 5 for --video. Live, they begin again from the first."""
    seed: int = 0
    """Seed of starts and goals; the same seed shows the same episodes, live, filmed or exported."""
    export: Path | None = None
    """Write a 3D replay as one HTML file instead."""
    video: Path | None = None
    """Write a film (.mp4) instead."""
    overwrite: bool = False
    """Replace the files of --export and --video if they exist."""
    port: int = 8080
    """Port of the live page; 0 takes any free one."""
    host: str = "127.0.0.1"
    """Address of the live page. By default only this computer can open it."""
    once: bool = False
    """Live: end after the episodes. They begin at once, whether a browser is watching or not."""
    allow_drift: bool = False
    """Play even if model or task differ from those of the training."""
    rollouts: bool = False
    """Show the episodes that were recorded below the run folder (or in the folder given) instead of new ones."""
    episode: int | None = None
    """With --rollouts: only this one, counted from 1 in the order in which the policy learned."""
    domain_randomization: Path | None = None
    """YAML with what differs from episode to episode, or default; without it as in the training of the run."""


def run(argv: list[str]) -> int:
    """Show a policy; return 0."""
    arguments = parse(PlayArguments, argv, prog="roarm play", description=DESCRIPTION)
    if arguments.episodes is not None and arguments.episodes < 1:
        raise BadInputError(f"--episodes must be 1 or more, got {arguments.episodes}.")
    if arguments.episode is not None and not arguments.rollouts:
        raise BadInputError("--episode chooses among recorded episodes: add --rollouts.")
    if arguments.rollouts and arguments.domain_randomization is not None:
        raise BadInputError("--rollouts shows what was recorded: leave out --domain-randomization.")
    if arguments.seed < 0:
        raise BadInputError(f"--seed must be 0 or more, got {arguments.seed}.")
    check_one_policy(arguments.bundle, arguments.demo, "play")
    if arguments.export is not None:
        check_html("export", arguments.export)
    if arguments.demo and arguments.rollouts:
        raise BadInputError("--demo has no recorded episodes: leave --rollouts out.")
    from roarm_lab.workflows.evaluation.play import play

    play(arguments)
    return 0

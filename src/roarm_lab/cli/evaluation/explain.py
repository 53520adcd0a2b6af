"""`roarm explain`: what is wrong with a training run, in words."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from roarm_lab.cli.arguments import parse
from roarm_lab.core.errors import BadInputError
from roarm_lab.core.shown import shown_text

MAX_EPISODES = 1000

DESCRIPTION = """\
  Say in words what is wrong with a training run, with what was measured and
  what to change. Reads the curve and runs the policy for some episodes; a run
  without a policy is explained from its curve alone. Needs no PyTorch.

examples:
  roarm explain runs/RUN           in words
  roarm explain runs/RUN --json    for programs

exit codes: 0 nothing wrong was found, 1 something was, 2 bad input"""


@dataclass(frozen=True)
class ExplainArguments:
    """What to explain."""

    run: Annotated[Path, tyro.conf.Positional]
    """A run folder, as `roarm train` makes them."""
    episodes: int = 64
    """How many episodes of the policy to look at (1 to 1000)."""
    seed: int = 0
    """Seed of starts and goals."""
    json: bool = False
    """Print the result as JSON."""
    threads: int = 0
    """CPU threads of the simulation; 0 takes all."""


def run(argv: list[str]) -> int:
    """Explain; exit code 1 when something wrong was found."""
    arguments = parse(ExplainArguments, argv, prog="roarm explain", description=DESCRIPTION)
    if not 1 <= arguments.episodes <= MAX_EPISODES:
        raise BadInputError(f"--episodes must be between 1 and {MAX_EPISODES}, got {arguments.episodes}.")
    if arguments.seed < 0 or arguments.threads < 0:
        raise BadInputError("--seed and --threads must be 0 or more.")
    from roarm_lab.workflows.evaluation.explain import explain_run, in_words

    found = explain_run(arguments)
    plain = json.dumps(found.to_plain(), indent=2, allow_nan=False) + "\n" if arguments.json else in_words(found)
    sys.stdout.write(shown_text(plain))
    return 1 if found.findings else 0
